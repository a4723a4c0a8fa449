"""From MakeHuman's 163 bones in an A-pose to SMPL-X's 55 joints in a T-pose.

Every joint turns by a rotation that is the same for all bodies, and the skinning is inverted: the
T-posed surface is the one that linear blend skinning takes back exactly to the A-pose. Both
steps are linear in the bodies' vertices, so the model stays linear in shape.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body.builder_source import FINGERS, Source
from mocap.skeletons import SMPLX_55

#: Distance between the hip joints' centres as a share of MakeHuman's, whose hip joints sit at
#: the width of the trochanters: 0.79 brings a body of 1.71 m to 172 mm, within what is measured
#: on people (170 to 180 mm).
_HIP_WIDTH = 0.79

#: Where the pelvis joint lies between the hips' middle and the first joint of the spine.
_PELVIS_SHARE = 0.5

_TRUNK = {
    "root": "pelvis",
    "pelvis": "pelvis",
    "spine05": "pelvis",
    "spine04": "pelvis",
    "spine03": "spine1",
    "spine02": "spine2",
    "spine01": "spine3",
    "breast": "spine3",
    "neck01": "neck",
    "neck02": "neck",
    "neck03": "neck",
    "head": "head",
    "jaw": "jaw",
}
_LIMBS = {
    "upperleg01": "hip",
    "upperleg02": "hip",
    "lowerleg01": "knee",
    "lowerleg02": "knee",
    "foot": "ankle",
    "clavicle": "collar",
    "shoulder01": "collar",
    "upperarm01": "shoulder",
    "upperarm02": "shoulder",
    "lowerarm01": "elbow",
    "lowerarm02": "elbow",
    "wrist": "wrist",
    "eye": "eye_smplhf",
}

#: The bones whose proximal end is a joint; the other bones only give it their skin.
_ORIGINS = {
    "spine1": "spine03",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
    "jaw": "jaw",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
    "collar": "clavicle",
    "shoulder": "upperarm01",
    "elbow": "lowerarm01",
    "wrist": "wrist",
    "eye_smplhf": "eye",
}

#: Directions of the left limbs in the T-pose; the right ones mirror them. The thighs part by 3°
#: so that heavy bodies' do not meet, and the shank leans back as a standing person's does.
_THIGH = np.array([np.tan(np.deg2rad(3.0)), -1.0, 0.0])
_SHANK = np.array([0.0, -1.0, -0.05])
_THUMB = np.array([[0.55, -0.35, 0.75], [0.70, -0.25, 0.67], [0.75, -0.22, 0.62]])


def joint_of_bone(source: Source, bone: str) -> str:
    """The SMPL-X joint that takes over a MakeHuman bone's skin; small bones follow their parent."""
    stem, _, side = bone.partition(".")
    prefix = {"L": "left_", "R": "right_", "": ""}[side]
    if stem in _LIMBS:
        return prefix + _LIMBS[stem]
    if stem in _TRUNK:
        return _TRUNK[stem]
    if stem.startswith("toe"):
        return f"{prefix}foot"
    if stem.startswith("finger"):
        return f"{prefix}{FINGERS[int(stem[6]) - 1]}{stem[-1]}"
    parent = source.bone_parents[source.bones.index(bone)]
    return joint_of_bone(source, source.bones[parent])


def merge_weights(source: Source) -> Float[np.ndarray, "vertices 55"]:
    """Skin weights of the 55 joints: those of their bones, added up."""
    merged = np.zeros((len(source.weights), len(SMPLX_55)))
    for column, bone in enumerate(source.bones):
        merged[:, SMPLX_55.index(joint_of_bone(source, bone))] += source.weights[:, column]
    return merged / merged.sum(axis=1, keepdims=True)


def joint_positions(source: Source) -> Float[np.ndarray, "samples 55 3"]:
    """The 55 joints in the A-pose, metres; hips and pelvis corrected towards anatomy."""

    def head(bone: str) -> np.ndarray:
        return source.heads[:, source.bones.index(bone)]

    joints = np.empty((len(source.heads), len(SMPLX_55), 3))
    for i, name in enumerate(SMPLX_55.names):
        side, _, part = name.partition("_")
        if side not in ("left", "right"):
            side, part = "", name
        suffix = {"left": ".L", "right": ".R", "": ""}[side]
        if part == "pelvis":
            continue
        if part == "foot":
            joints[:, i] = np.mean([head(f"toe{k}-1{suffix}") for k in range(1, 6)], axis=0)
        elif part[:-1] in FINGERS:
            bone = f"finger{FINGERS.index(part[:-1]) + 1}-{part[-1]}{suffix}"
            joints[:, i] = head(bone)
        else:
            joints[:, i] = head(_ORIGINS[part] + suffix)
    hips = SMPLX_55.indices("left_hip", "right_hip")
    joints[:, hips, 0] *= _HIP_WIDTH
    spine = joints[:, SMPLX_55.index("spine1")]
    middle = joints[:, hips].mean(axis=1)
    joints[:, 0] = middle + _PELVIS_SHARE * (spine - middle)
    return joints


def t_pose_rotations(joints: Float[np.ndarray, "55 3"]) -> Float[np.ndarray, "55 3 3"]:
    """World rotations that take the joints of the mean A-pose to the T-pose.

    Arms lie along ±X with the elbows' hinges vertical, so that they bend forwards; palms face
    down, fingers are straight; feet keep the floor.
    """

    def at(name: str) -> np.ndarray:
        return joints[SMPLX_55.index(f"left_{name}")]

    turn = dict.fromkeys(SMPLX_55.names, np.eye(3))
    upper, fore = at("elbow") - at("shoulder"), at("wrist") - at("elbow")
    straight = _frame(np.array([1.0, 0, 0]), np.array([0, -1.0, 0]))
    hinge = np.cross(upper, fore)
    turn["left_shoulder"] = straight @ _frame(upper, hinge).T
    turn["left_elbow"] = straight @ _frame(fore, hinge).T
    palm = 0.5 * (at("middle1") + at("ring1")) - at("wrist")
    down = np.cross(palm, at("index1") - at("pinky1"))
    hand = straight @ _frame(palm, down).T
    turn["left_wrist"] = hand
    for finger in FINGERS[1:]:
        points = [hand @ (at(f"{finger}{k}") - at("wrist")) for k in (1, 2, 3)]
        spread = (points[2] - points[0]) * [1.0, 0.0, 1.0]
        for k in (1, 2, 3):
            segment = points[min(k, 2)] - points[min(k, 2) - 1]
            turn[f"left_{finger}{k}"] = _shortest(segment, spread) @ hand
    points = [hand @ at(f"thumb{k}") for k in (1, 2, 3)]
    for k in (1, 2, 3):
        segment = points[min(k, 2)] - points[min(k, 2) - 1]
        turn[f"left_thumb{k}"] = _shortest(segment, _THUMB[k - 1]) @ hand
    turn["left_hip"] = _shortest(at("knee") - at("hip"), _THIGH)
    turn["left_knee"] = _shortest(at("ankle") - at("knee"), _SHANK)
    across = np.diag([-1.0, 1.0, 1.0])
    for name in SMPLX_55.names:
        if name.startswith("left_"):
            turn[name.replace("left_", "right_")] = across @ turn[name] @ across
    return np.stack([turn[name] for name in SMPLX_55.names])


def bake_t_pose(
    vertices: Float[np.ndarray, "samples vertices 3"],
    joints: Float[np.ndarray, "samples 55 3"],
    weights: Float[np.ndarray, "vertices 55"],
    rotations: Float[np.ndarray, "55 3 3"],
) -> tuple[Float[np.ndarray, "samples vertices 3"], Float[np.ndarray, "samples 55 3"]]:
    """Bodies and joints in the T-pose, the pelvis joint at the origin."""
    posed = np.zeros_like(joints)
    for i, parent in enumerate(SMPLX_55.parents):
        if parent >= 0:
            posed[:, i] = (
                posed[:, parent] + (joints[:, i] - joints[:, parent]) @ rotations[parent].T
            )
    # Joint j takes the T-pose to the A-pose by x -> R.T (x - posed) + joint.
    offsets = joints - np.einsum("jba,njb->nja", rotations, posed)
    blended = np.einsum("vj,jba->vab", weights, rotations)
    moved = vertices - np.einsum("vj,nja->nva", weights, offsets)
    return np.einsum("vab,nvb->nva", np.linalg.inv(blended), moved, optimize=True), posed


def _frame(along: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """An orthonormal frame (columns) with its first axis along, its second towards the hinge."""
    x = along / np.linalg.norm(along)
    y = hinge - (hinge @ x) * x
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns one direction into another."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis)
    if sine < 1e-12:
        return np.eye(3)
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, a @ b)).as_matrix()
