"""Whether a body in three dimensions bends the way bodies do, and what that says of its sides.

Toes and knees point to where the chest does, elbows behind it. The direction of the chest follows
from which shoulder and hip is called left, so a body with its sides exchanged has its feet on
backwards. The detector places points in space better than it names them: where it swaps sides at
full confidence, feet and knees mostly stay where they are, and tell. That needs a view of the
front or of the back; from the side, left and right lie on each other in the picture, and feet on
backwards would speak about depth.

The same body seen in a mirror is another picture for the detector, which it may name rightly when
it misnames the first. Both are asked, and each has a say.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from mocap.keypoints.detector import Detection
from mocap.people.labelings import ORDERS, PRODUCT
from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Person

#: What each part says at most: a foot, a knee, an elbow, and shoulders over hips.
_FOOT, _KNEE, _ELBOW, _TWIST = 0.35, 0.15, 0.15, 0.3
#: A limb's bend, as a share of its length, that counts as fully bent.
_BENT = 0.25
#: Openness from which sides can be seen, and the soundness, as a share of it, of most bodies.
_OPEN, _SOUND = 0.25, 0.35
#: Distance, in person sizes, at which what is seen in the mirror is not the same pose.
_OTHER_POSE = 0.12
#: Worth of a name that the detector gives in the mirror, in bodies.
_NAMED = 1.0
#: Worth of a look into the mirror, at most, where it is taken in a few frames.
_LOOK = 3.0


def _point(xyz: np.ndarray, name: str) -> np.ndarray:
    return xyz[..., MEDIAPIPE_33.index(name), :]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def _along(vectors: np.ndarray, axis: np.ndarray) -> np.ndarray:
    return np.asarray((vectors * axis).sum(-1))


def _bend(xyz: np.ndarray, joints: tuple[str, str, str], front: np.ndarray) -> np.ndarray:
    """How far the middle joint stands out to the front, in [-1, 1]."""
    above, middle, below = (_point(xyz, name) for name in joints)
    length = np.linalg.norm(middle - above, axis=-1) + np.linalg.norm(below - middle, axis=-1)
    out = _along(middle - (above + below) / 2, front)
    return np.clip(out / np.maximum(_BENT * length, 1e-6), -1.0, 1.0)


def fronts(xyz: Float[np.ndarray, "*batch 33 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where chest and pelvis face, and which way the trunk goes up: unit vectors (…, 3) each."""
    shoulders = _point(xyz, "left_shoulder"), _point(xyz, "right_shoulder")
    hips = _point(xyz, "left_hip"), _point(xyz, "right_hip")
    up = _unit(shoulders[0] + shoulders[1] - hips[0] - hips[1])
    # Left to the right of the picture, up against its y: the front is towards the camera.
    chest, pelvis = (_unit(np.cross(left - right, up)) for left, right in (shoulders, hips))
    return chest, pelvis, up


def openness(xyz: Float[np.ndarray, "*batch 33 3"]) -> Float[np.ndarray, "*batch"]:
    """How well sides are told apart in the picture: 1 from the front or behind, 0 from aside."""
    chest, pelvis, _ = fronts(xyz)
    return np.asarray(np.abs(chest[..., 2] * pelvis[..., 2]))


def soundness(xyz: Float[np.ndarray, "*batch 33 3"]) -> Float[np.ndarray, "*batch"]:
    """How much a body is one that can exist, about -1 to 1; 0 where it cannot be told.

    Args:
        xyz: metric points, axes of the camera.
    """
    chest, pelvis, _ = fronts(xyz)
    open_chest, open_pelvis = chest[..., 2] ** 2, pelvis[..., 2] ** 2
    legs, arms, twist = _senses(xyz)
    return np.asarray(
        open_pelvis * legs + open_chest * arms + np.sqrt(open_chest * open_pelvis) * twist
    )


def bodily_sense(xyz: Float[np.ndarray, "*batch 33 3"]) -> Float[np.ndarray, "*batch"]:
    """Soundness with every view given the same weight, for whoever knows the names to be right."""
    return np.asarray(sum(_senses(xyz)))


def _senses(xyz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How much legs, arms, and the trunk between them are as they can be."""
    chest, pelvis, up = fronts(xyz)
    legs, arms = np.zeros(xyz.shape[:-2]), np.zeros(xyz.shape[:-2])
    for side in ("left", "right"):
        foot = _unit(_point(xyz, f"{side}_foot_index") - _point(xyz, f"{side}_heel"))
        knee = _bend(xyz, (f"{side}_hip", f"{side}_knee", f"{side}_ankle"), pelvis)
        elbow = _bend(xyz, (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"), chest)
        # Of an arm that is held up the elbow may point anywhere.
        upper = _unit(_point(xyz, f"{side}_elbow") - _point(xyz, f"{side}_shoulder"))
        hanging = np.clip(-_along(upper, up), 0.0, 1.0)
        legs = legs + _FOOT * _along(foot, pelvis) + _KNEE * knee
        arms = arms - _ELBOW * hanging * elbow
    return legs, arms, _TWIST * _along(chest, pelvis)


def is_doubtful(xyz: Float[np.ndarray, "33 3"]) -> bool:
    """Whether sides should be seen in a body, and are not borne out by how it bends."""
    seen = float(openness(xyz))
    return bool(seen > _OPEN and soundness(xyz) < _SOUND * seen)


def of_labelings(xyz: Float[np.ndarray, "*batch 33 3"]) -> Float[np.ndarray, "*batch 4"]:
    """What a body's soundness says for each labeling: its power of 3/2, with its sign.

    Where names are wrong, the body is bent neither way more often than it is bent backwards: what
    says a little says less than that.
    """
    sound = np.stack([soundness(xyz[..., order, :]) for order in ORDERS], -1)
    return np.asarray(sound * np.sqrt(np.abs(sound)))


def evidence_for_labels(
    person: Person, rows: np.ndarray, mirrored: Mapping[int, Detection]
) -> Float[np.ndarray, "rows 4"]:
    """What speaks for each labeling in some rows of a person's frames.

    Args:
        person: as detected, in two and three dimensions.
        rows: which of the frames.
        mirrored: by video frame what is seen in the mirror, with the mirroring undone.
    """
    body2d, body3d = person.keypoints2d, person.keypoints3d
    assert body2d is not None
    assert body3d is not None
    evidence = of_labelings(body3d.xyz[rows].astype(float))
    seen = {
        place: look
        for place, row in enumerate(rows)
        if (look := mirrored.get(int(person.frames[row]))) is not None
    }
    if seen:
        # A look stands for the frames up to the next one.
        worth = min(_LOOK, len(rows) / len(seen))
        places = list(seen)
        told = _seen_in_the_mirror(body2d.xy[rows[places]], list(seen.values()))
        evidence[places] += worth * told
    return evidence


def _seen_in_the_mirror(
    xy: Float[np.ndarray, "looks 33 2"], reflections: Sequence[Detection]
) -> Float[np.ndarray, "looks 4"]:
    """What mirror images say of each labeling of the points seen directly."""
    named = same_pose(xy, reflections)
    body = np.stack([reflection.xyz for reflection in reflections]).astype(float)
    told = of_labelings(body)
    told[:, 0] += _NAMED * openness(body)
    # A labeling of the direct points is another one of the mirror's: what lies between them.
    told = np.take_along_axis(told, PRODUCT[named], axis=1)
    return np.where((named >= 0)[:, None], told, 0.0)


def same_pose(
    xy: Float[np.ndarray, "looks 33 2"], reflections: Sequence[Detection]
) -> Int[np.ndarray, " looks"]:
    """The labelings that make of mirror images' points those seen directly; -1 of another pose.

    Args:
        xy: points of the pictures themselves, pixels.
        reflections: what was seen in the mirror of each, with the mirroring undone.
    """
    size = np.maximum(np.ptp(xy, axis=1).max(-1), 1.0)
    other = np.stack([reflection.xy for reflection in reflections])
    trust = np.stack([reflection.confidence for reflection in reflections]) + 1e-6
    apart = [np.linalg.norm(xy[:, order] - other, axis=-1) for order in ORDERS]
    gaps = np.stack([(gap * trust).sum(-1) for gap in apart], -1) / trust.sum(-1)[:, None]
    named = gaps.argmin(-1)
    near = np.take_along_axis(gaps, named[:, None], axis=1)[:, 0] <= _OTHER_POSE * size
    return np.where(near, named, -1)
