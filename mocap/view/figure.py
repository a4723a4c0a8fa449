"""What there is to draw of a person in one video frame, in pixels."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.skeletons import SKELETONS, SMPLX_55
from mocap.take import Keypoints2D, Person, Take

#: Keypoints of less confidence are guesses of the detector, not sightings.
_LEAST_CONFIDENCE = 0.3
_FIRST_FINGER = SMPLX_55.index("left_index1")
_HEAD = SMPLX_55.index("head")
_EYES = SMPLX_55.indices("left_eye_smplhf", "right_eye_smplhf")
#: Replaced by one line from the head's joint, which sits at the top of the neck, to the eyes.
_FACE = {SMPLX_55.index("jaw"), *_EYES}
#: Metres; only line widths depend on it.
_ADULT = 1.7
_NOWHERE = np.zeros((0, 2))


@dataclass(frozen=True)
class Bones:
    """Which points to join.

    Attributes:
        pairs: (B, 2) positions in the skeleton.
        sides: (B,) 1 on the person's left, -1 on the right, 0 in the middle.
        fine: (B,) whether it is a finger's.
    """

    pairs: Int[np.ndarray, "bones 2"]
    sides: Int[np.ndarray, " bones"]
    fine: Bool[np.ndarray, " bones"]


@dataclass(frozen=True)
class Figure:
    """A person in one frame; missing points are NaN.

    Attributes:
        ends: (B, 2, 2) both ends of every bone, pixels.
        sides: (B,) as in :class:`Bones`.
        fine: (B,) as in :class:`Bones`.
        keypoints: (K, 2) body points the detector was sure of, where a body is drawn as well.
        hand_keypoints: (H, 2) hand points the detector was sure of.
        depth: metres from the camera; infinite if unknown.
        size: pixels that a standing adult covers at that depth; NaN if unknown.
        observed: whether the person was seen in this frame.
    """

    ends: Float[np.ndarray, "bones 2 2"]
    sides: Int[np.ndarray, " bones"]
    fine: Bool[np.ndarray, " bones"]
    keypoints: Float[np.ndarray, "points 2"]
    hand_keypoints: Float[np.ndarray, "points 2"]
    depth: float
    size: float
    observed: bool

    def corners(self) -> Float[np.ndarray, "2 2"] | None:
        """Upper left and lower right of all that is drawn; None if there is nothing."""
        points = np.concatenate([self.ends.reshape(-1, 2), self.keypoints, self.hand_keypoints])
        known = points[np.isfinite(points).all(1)]
        return np.stack([known.min(0), known.max(0)]) if len(known) else None


_NOBODY = Figure(
    ends=np.zeros((0, 2, 2)),
    sides=np.zeros(0, int),
    fine=np.zeros(0, bool),
    keypoints=_NOWHERE,
    hand_keypoints=_NOWHERE,
    depth=np.inf,
    size=np.nan,
    observed=False,
)


def figure(take: Take, person: Person, row: int) -> Figure:
    """The fitted body as the take's camera sees it, or else the keypoints' own skeleton.

    Args:
        take: with the camera.
        person: one of the take's people.
        row: which of the person's frames.
    """
    observed = bool(person.observed[row])
    hands = [] if person.hands2d is None else [person.hands2d.left, person.hands2d.right]
    hand_points = np.concatenate([_NOWHERE, *(_sure(hand, row) for hand in hands)])
    points = None if person.keypoints2d is None else _sure(person.keypoints2d, row)
    if person.body is not None:
        bones = bones_of(SMPLX_55.name)
        ends, depth, size = _projected(take, person, person.body.joints[row], row)
        dots = _NOWHERE if points is None else points
        return Figure(ends, bones.sides, bones.fine, dots, hand_points, depth, size, observed)
    if person.keypoints2d is None or points is None:
        return replace(_NOBODY, hand_keypoints=hand_points, observed=observed)
    bones = bones_of(person.keypoints2d.skeleton)
    ends = points[bones.pairs]
    size = float(person.box[row, 3] - person.box[row, 1])
    return Figure(ends, bones.sides, bones.fine, _NOWHERE, hand_points, np.inf, size, observed)


@lru_cache
def bones_of(skeleton_name: str) -> Bones:
    """The bones of a skeleton; SMPL-X's end with the line from the head to the eyes."""
    skeleton = SKELETONS[skeleton_name]
    is_body = skeleton is SMPLX_55
    pairs = [edge for edge in skeleton.edges if not (is_body and _FACE & set(edge))]
    sides = []
    for pair in pairs:
        names = " ".join(skeleton.names[i] for i in pair)
        sides.append(("left" in names) - ("right" in names))
    fine = [is_body and end >= _FIRST_FINGER for _, end in pairs]
    if is_body:
        # The second end is only a place holder: the eyes' middle is no joint.
        pairs, sides, fine = [*pairs, (_HEAD, _EYES[0])], [*sides, 0], [*fine, False]
    return Bones(np.array(pairs), np.array(sides), np.array(fine))


def _projected(
    take: Take, person: Person, joints: Float[np.ndarray, "55 3"], row: int
) -> tuple[Float[np.ndarray, "bones 2 2"], float, float]:
    """Both ends of the bones in pixels, the pelvis's depth, and the size of an adult there."""
    frames = person.frames[row : row + 1]
    points = take.camera.project(joints[None], frames)[0]
    ends = points[bones_of(SMPLX_55.name).pairs]
    ends[-1, 1] = points[_EYES].mean(0)
    K, R, t = take.camera.at(frames)
    depth = float(R[0, 2] @ joints[0] + t[0, 2])
    return ends, depth, float(K[0, 1, 1]) * _ADULT / max(depth, 0.1)


def _sure(keypoints: Keypoints2D, row: int) -> Float[np.ndarray, "points 2"]:
    """Image points, NaN where the detector was not sure."""
    sure = keypoints.confidence[row] >= _LEAST_CONFIDENCE
    return np.where(sure[:, None], keypoints.xy[row], np.nan).astype(float)
