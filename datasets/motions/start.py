"""A first guess at the body's pose, in closed form, from where a clip's joints are.

Torso and head get the clip's rotations or frames spanned by its joints; a limb gets the rotation
that lays its first bone along the clip's and its plane of bending in the clip's.
"""

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.targets import chest_frame, pelvis_frame
from mocap.fitting.freedom import compression, limits
from mocap.fitting.kinematics import Pose
from mocap.fitting.rig import JOINTS, NAMES
from mocap.geometry import frame_along, rotation_between, unit_vectors

#: Chains of two bones, and where the second goes when the first is held still.
_LIMBS = (
    ("hip", "knee", "ankle", (0.0, 0.0, -1.0)),
    ("shoulder", "elbow", "wrist", (0.0, 0.0, 1.0)),
)
#: Sine of the bend from which the plane of bending is trusted.
_BENT = 0.4


def first_pose(clip: MotionClip, rest: np.ndarray) -> Pose:
    """A pose near a clip's, for a body whose rest joints (22, 3) are given, metres."""
    root, chest, head = clip.turn("pelvis"), clip.turn("spine3"), clip.turn("head")
    root = pelvis_frame(clip) if root is None else root
    chest = chest_frame(clip) if chest is None else chest
    vectors = np.zeros((len(clip), JOINTS, 3))
    _share(vectors, ("spine1", "spine2", "spine3"), root, chest)
    if head is not None:
        _share(vectors, ("neck", "head"), chest, head)
    for side in ("left", "right"):
        for (upper, middle, end, bend), parent in zip(_LIMBS, (root, chest), strict=True):
            names = (f"{side}_{upper}", f"{side}_{middle}", f"{side}_{end}")
            _two_bones(clip, rest, parent, names, np.array(bend), vectors)
    coordinates = np.clip(vectors.reshape(len(clip), -1) @ compression().T, *limits())
    hips = [NAMES.index("left_hip"), NAMES.index("right_hip")]
    places = [clip.place("left_hip"), clip.place("right_hip")]
    middle = np.mean([place for place in places if place is not None], axis=0)
    pelvis = middle + root @ (rest[0] - rest[hips].mean(0))
    return Pose(pelvis - rest[0], root, coordinates)


def _share(
    vectors: np.ndarray, joints: tuple[str, ...], parent: np.ndarray, child: np.ndarray
) -> None:
    turn = Rotation.from_matrix(np.swapaxes(parent, -1, -2) @ child).as_rotvec() / len(joints)
    for joint in joints:
        vectors[:, NAMES.index(joint)] = turn


def _two_bones(
    clip: MotionClip,
    rest: np.ndarray,
    parent: np.ndarray,
    names: tuple[str, str, str],
    bend: np.ndarray,
    vectors: np.ndarray,
) -> None:
    places = [clip.place(name) for name in names]
    if any(place is None for place in places):
        return
    a, b, c = (np.nan_to_num(place) for place in places if place is not None)
    rows = [NAMES.index(name) for name in names]
    first, second = unit_vectors(b - a), unit_vectors(c - b)
    first0, second0 = (
        unit_vectors(rest[rows[1]] - rest[rows[0]]),
        unit_vectors(rest[rows[2]] - rest[rows[1]]),
    )
    plain = rotation_between(parent @ first0, first) @ parent
    across = second - np.sum(second * first, -1, keepdims=True) * first
    trust = np.clip(np.linalg.norm(across, axis=-1, keepdims=True) / _BENT, 0, 1) ** 2
    towards = trust * unit_vectors(across) + (1 - trust) * (plain @ bend)
    whole = frame_along(first, towards) @ frame_along(first0, bend).T
    vectors[:, rows[0]] = Rotation.from_matrix(np.swapaxes(parent, -1, -2) @ whole).as_rotvec()
    lower = rotation_between(whole @ second0, second) @ whole
    vectors[:, rows[1]] = Rotation.from_matrix(np.swapaxes(whole, -1, -2) @ lower).as_rotvec()
