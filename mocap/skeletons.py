"""Named point sets, and the maps between them.

Every array of points in this package follows one of the skeletons named here. A point has one
meaning wherever its name appears, so a map between two skeletons is worked out from the names:
a point of the target is the source's point of the same name, or a mean of source points where
:data:`MEANS` says so, or undefined.

Sources of the orders: MediaPipe Pose and Hands landmark lists; COCO keypoints 2017; CMU Panoptic
(19 joints); OpenPose BODY_25; SMPL (Loper et al. 2015); SMPL-X (Pavlakos et al. 2019).
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Bool, Float

from mocap.errors import MocapError


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named points.

    Attributes:
        name: the key under which files and options refer to it.
        names: the points, in the order of an array's second-to-last axis.
        edges: pairs of indices to draw as bones.
        parents: the parent of each point, -1 at a root; empty where the set is no hierarchy.
    """

    name: str
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    parents: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def index(self, name: str) -> int:
        """The position of a point; raises :class:`MocapError` naming the near misses."""
        try:
            return self._positions[name]
        except KeyError:
            near = [n for n in self.names if name in n or n in name]
            near = near or get_close_matches(name, self.names)
            hint = f"did you mean {', '.join(near)}?" if near else f"it has {', '.join(self.names)}"
            raise MocapError(f"skeleton {self.name} has no point named {name!r}; {hint}") from None

    def indices(self, *names: str) -> list[int]:
        """The positions of several points."""
        return [self.index(name) for name in names]

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each point the position of its left/right counterpart (itself on the midline)."""
        return tuple(self._positions[_other_side(name)] for name in self.names)


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def _edges(names: tuple[str, ...], pairs: str) -> tuple[tuple[int, int], ...]:
    """Read ``"a-b c-d …"``; a pair with ``*`` stands for its left and its right form."""
    found = []
    for pair in pairs.split():
        sides = ("left", "right") if "*" in pair else ("",)
        for side in sides:
            a, b = pair.replace("*", side).split("-")
            found.append((names.index(a), names.index(b)))
    return tuple(found)


_LIMBS = (
    "left_shoulder-right_shoulder left_hip-right_hip *_shoulder-*_hip *_shoulder-*_elbow "
    "*_elbow-*_wrist *_hip-*_knee *_knee-*_ankle "
)

_MEDIAPIPE = (
    "nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer "
    "left_ear right_ear mouth_left mouth_right left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index "
    "left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle "
    "left_heel right_heel left_foot_index right_foot_index"
).split()

#: MediaPipe Pose's 33 landmarks. Its hand points are knuckles, its foot index the big toe.
MEDIAPIPE_33 = Skeleton(
    "mediapipe33",
    tuple(_MEDIAPIPE),
    _edges(
        tuple(_MEDIAPIPE),
        _LIMBS + "*_ankle-*_heel *_heel-*_foot_index *_ankle-*_foot_index *_wrist-*_pinky "
        "*_wrist-*_index *_wrist-*_thumb *_pinky-*_index mouth_left-mouth_right "
        "nose-*_eye_inner *_eye_inner-*_eye *_eye-*_eye_outer *_eye_outer-*_ear",
    ),
)

_COCO = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
).split()

#: COCO's 17 keypoints, also AIST++'s.
COCO_17 = Skeleton(
    "coco17",
    tuple(_COCO),
    _edges(tuple(_COCO), _LIMBS + "nose-*_eye *_eye-*_ear *_ear-*_shoulder"),
)

#: COCO's points among MediaPipe's, which has them all.
COCO_OF_MEDIAPIPE = MEDIAPIPE_33.indices(*COCO_17.names)

_PANOPTIC = (
    "neck nose body_center left_shoulder left_elbow left_wrist left_hip left_knee left_ankle "
    "right_shoulder right_elbow right_wrist right_hip right_knee right_ankle left_eye left_ear "
    "right_eye right_ear"
).split()

#: CMU Panoptic's 19 joints ("COCO-19").
PANOPTIC_19 = Skeleton(
    "panoptic19",
    tuple(_PANOPTIC),
    _edges(
        tuple(_PANOPTIC),
        "neck-nose neck-body_center neck-*_shoulder *_shoulder-*_elbow *_elbow-*_wrist "
        "body_center-*_hip *_hip-*_knee *_knee-*_ankle nose-*_eye *_eye-*_ear",
    ),
)

_BODY25 = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist "
    "mid_hip right_hip right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye "
    "right_ear left_ear left_big_toe left_small_toe left_heel right_big_toe right_small_toe "
    "right_heel"
).split()

#: OpenPose BODY_25.
BODY_25 = Skeleton(
    "body25",
    tuple(_BODY25),
    _edges(
        tuple(_BODY25),
        "neck-nose neck-mid_hip neck-*_shoulder *_shoulder-*_elbow *_elbow-*_wrist mid_hip-*_hip "
        "*_hip-*_knee *_knee-*_ankle nose-*_eye *_eye-*_ear *_ankle-*_big_toe "
        "*_big_toe-*_small_toe *_ankle-*_heel",
    ),
)

_SMPL_22 = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 "
    "left_foot right_foot neck left_collar right_collar head left_shoulder right_shoulder "
    "left_elbow right_elbow left_wrist right_wrist"
).split()
_SMPL_22_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)


def _tree(name: str, names: list[str], parents: tuple[int, ...]) -> Skeleton:
    edges = tuple((parent, i) for i, parent in enumerate(parents) if parent >= 0)
    return Skeleton(name, tuple(names), edges, parents)


#: SMPL's 24 joints.
SMPL_24 = _tree("smpl24", [*_SMPL_22, "left_hand", "right_hand"], (*_SMPL_22_PARENTS, 20, 21))

_H36M = (
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax neck_nose "
    "head_center left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist"
).split()

#: Human3.6M's 17 joints, of the 32 that it comes with those that move. The head's is in the middle
#: of the skull, not at the crown.
H36M_17 = _tree("h36m17", _H36M, (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15))

#: The fingers in SMPL-X's order.
FINGERS = ("index", "middle", "pinky", "ring", "thumb")


def _smplx() -> Skeleton:
    names = [*_SMPL_22, "jaw", "left_eye_smplhf", "right_eye_smplhf"]
    parents = [*_SMPL_22_PARENTS, 15, 15, 15]
    for side in ("left", "right"):
        wrist = names.index(f"{side}_wrist")
        for finger in FINGERS:
            parents += [wrist, len(names), len(names) + 1]
            names += [f"{side}_{finger}{i}" for i in (1, 2, 3)]
    return _tree("smplx55", names, tuple(parents))


#: SMPL-X's 55 joints: the order of ``/people/<id>/body/joints`` in a take.
SMPLX_55 = _smplx()

_HAND = ["wrist"]
for _finger, _joints in (
    ("thumb", ("cmc", "mcp", "ip", "tip")),
    *((finger, ("mcp", "pip", "dip", "tip")) for finger in ("index", "middle", "ring", "pinky")),
):
    _HAND += [f"{_finger}_{joint}" for joint in _joints]

#: MediaPipe Hands' 21 landmarks of one hand.
HAND_21 = _tree(
    "hand21",
    _HAND,
    (-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19),
)

#: Every skeleton by name.
SKELETONS: dict[str, Skeleton] = {
    s.name: s
    for s in (
        *(MEDIAPIPE_33, COCO_17, PANOPTIC_19, BODY_25, H36M_17, SMPL_24, SMPLX_55),
        HAND_21,
    )
}

#: Points that are means of others, and points that go by several names.
MEANS: dict[str, tuple[str, ...]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "pelvis": ("left_hip", "right_hip"),
    "mid_hip": ("left_hip", "right_hip"),
    "body_center": ("left_hip", "right_hip"),
    "left_big_toe": ("left_foot_index",),
    "right_big_toe": ("right_foot_index",),
    "left_foot_index": ("left_big_toe",),
    "right_foot_index": ("right_big_toe",),
    "left_eye": ("left_eye_smplhf",),
    "right_eye": ("right_eye_smplhf",),
}


@dataclass(frozen=True)
class PointMap:
    """A linear map from one skeleton's points to another's.

    Attributes:
        weights: (target, source) means; rows of undefined points are zero.
        defined: (target,) whether the source determines the point.
    """

    weights: Float[np.ndarray, "target source"]
    defined: Bool[np.ndarray, " target"]

    def __call__(self, points: Float[np.ndarray, "*batch source d"]) -> np.ndarray:
        """Map points; what the source cannot tell is NaN.

        Args:
            points: (…, source, d) in any unit and frame.

        Returns:
            (…, target, d) in the same unit and frame.
        """
        # A product with a zero weight would spread one missing point over every target.
        mapped = np.full((*points.shape[:-2], *self.defined.shape, points.shape[-1]), np.nan)
        for row in np.flatnonzero(self.defined):
            used = np.flatnonzero(self.weights[row])
            mapped[..., row, :] = np.einsum(
                "s,...sd->...d", self.weights[row, used], points[..., used, :]
            )
        return mapped


@lru_cache(maxsize=64)
def point_map(source: Skeleton, target: Skeleton) -> PointMap:
    """The map from one skeleton to another, worked out from the names of their points."""
    known = set(source.names)
    weights = np.zeros((len(target), len(source)))
    for row, name in enumerate(target.names):
        parts = (name,) if name in known else MEANS.get(name, ())
        if parts and known.issuperset(parts):
            weights[row, source.indices(*parts)] = 1.0 / len(parts)
    return PointMap(weights, np.any(weights > 0, axis=1))
