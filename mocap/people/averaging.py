"""The mean of what a detector says of a picture and of its mirror image.

Both show the same body, and what the detector gets wrong in the two is partly different: the mean
is nearer to the truth than either. (Pose detectors have long been scored so, by a "flip test".)
Sides must have been put right before, or left would be averaged with right. Where one look sees a
limb come forward and the other sees it go back, their mean would be a limb too short for anybody:
there the direct look has its way.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

import numpy as np
from jaxtyping import Float

from mocap.keypoints.detector import Detection
from mocap.people.chirality import same_pose
from mocap.people.labelings import ORDERS
from mocap.people.runs import sighting_runs
from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Person

#: Two depths of a bone's end from its start that are more apart, with different signs, are two
#: poses: metres.
_APART = 0.1
_LIMBS = [
    MEDIAPIPE_33.indices(*(f"{side}_{joint}" for joint in joints))
    for side in ("left", "right")
    for joints in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
]
#: What ends a limb goes with it.
_ENDS = {
    MEDIAPIPE_33.index(f"{side}_{joint}"): MEDIAPIPE_33.indices(*(f"{side}_{end}" for end in ends))
    for side in ("left", "right")
    for joint, ends in (("wrist", ("pinky", "index", "thumb")), ("ankle", ("heel", "foot_index")))
}


def averaged(person: Person, mirrored: Mapping[int, Detection]) -> tuple[Person, int]:
    """A person's body points, averaged with those of the mirror image; and in how many frames.

    Where the mirror shows another pose, or nobody, points stay as they are.

    Args:
        person: with sides put right.
        mirrored: what was seen in the mirror, by video frame, with the mirroring undone.
    """
    body2d, body3d = person.keypoints2d, person.keypoints3d
    if body2d is None or body3d is None:
        return person, 0
    looks = {
        row: mirrored[int(person.frames[row])]
        for row in chain.from_iterable(sighting_runs(person))
        if int(person.frames[row]) in mirrored
    }
    if not looks:
        return person, 0
    xy, confidence, xyz = body2d.xy.copy(), body2d.confidence.copy(), body3d.xyz.copy()
    named = same_pose(xy[list(looks)], list(looks.values()))
    for (row, reflection), labeling in zip(looks.items(), named.tolist(), strict=True):
        if labeling < 0:
            continue
        order = ORDERS[labeling]
        xy[row] = _mean(xy[row], reflection.xy[order])
        xyz[row] = _in_space(xyz[row], reflection.xyz[order])
        confidence[row] = _mean(confidence[row], reflection.confidence[order])
    changed = replace(
        person,
        keypoints2d=replace(body2d, xy=xy, confidence=confidence),
        keypoints3d=replace(body3d, xyz=xyz),
    )
    return changed, int((named >= 0).sum())


def _in_space(
    direct: Float[np.ndarray, "33 3"], mirrored: Float[np.ndarray, "33 3"]
) -> Float[np.ndarray, "33 3"]:
    """The mean of two bodies; depths along limbs of which they tell two stories are the first's."""
    both = _mean(direct, mirrored)
    for limb in _LIMBS:
        along, other = np.diff(direct[limb, 2]), np.diff(mirrored[limb, 2])
        if np.any((along * other < 0) & (abs(along - other) > _APART)):
            root, *rest = limb
            rest = [*rest, *_ENDS[rest[-1]]]
            both[rest, 2] = both[root, 2] + direct[rest, 2] - direct[root, 2]
    return both


def _mean(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (one + other), one.dtype)
