"""Finger poses in closed form from a hand's 21 metric points.

The palm is a frame of wrist and knuckles; a finger's first joint turns its bone in that frame, the
others bend in turn. Angles are kept within what fingers do, smoothed, and held where the hand is
out of sight, easing back to a relaxed hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.spatial.transform import Rotation

from mocap.fitting.observations import Observations
from mocap.geometry import rotation_between
from mocap.skeletons import HAND_21, SMPLX_55
from mocap.take import Person

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_POINTS = {
    **{
        finger: HAND_21.indices(*(f"{finger}_{joint}" for joint in ("mcp", "pip", "dip", "tip")))
        for finger in ("index", "middle", "pinky", "ring")
    },
    "thumb": HAND_21.indices("thumb_cmc", "thumb_mcp", "thumb_ip", "thumb_tip"),
}
#: Seconds over which an unseen hand relaxes.
_RELAX = 0.5
#: Slight curl of a hand that does nothing, radians about the finger's hinge.
_RELAXED = 0.25


def finger_poses(
    person: Person, body: Body, rotations: np.ndarray, seen: Observations
) -> tuple[np.ndarray, np.ndarray]:
    """Both hands' SMPL-X poses.

    Args:
        person: with metric hand points, or without: then the hands rest.
        body: gives the bones of the rest hand.
        rotations: (F, 22, 3, 3) world rotations of the fitted body's joints.
        seen: the person's observations (camera axes, frame rate).

    Returns:
        Left and right ``hand_pose``, (F, 45) axis-angle, radians.
    """
    return (
        _one_hand(person, body, "left", len(rotations), seen),
        _one_hand(person, body, "right", len(rotations), seen),
    )


def _one_hand(
    person: Person, body: Body, side: str, frames: int, seen: Observations
) -> Float[np.ndarray, "frames 45"]:
    rest = body.joint_template.double().numpy()
    relaxed = _relaxed_pose(rest, side)
    points = None
    if person.hands3d is not None:
        points = getattr(person.hands3d, side).xyz.astype(float)
    known = np.zeros(frames, bool) if points is None else np.isfinite(points).all((1, 2))
    if points is None or known.sum() < 3:
        return np.tile(relaxed, (frames, 1))
    pose = np.tile(relaxed, (frames, 1))
    pose[known] = _solve(points[known], rest, side)
    return _smoothed(pose, known, relaxed, seen.fps)


def _bones(rest: np.ndarray, side: str, finger: str) -> Float[np.ndarray, "3 3"]:
    """Rest directions of a finger's three bones; the last bone goes on like the one before."""
    joints = [SMPLX_55.index(f"{side}_{finger}{i}") for i in (1, 2, 3)]
    first, second = rest[joints[1]] - rest[joints[0]], rest[joints[2]] - rest[joints[1]]
    return np.stack([b / np.linalg.norm(b) for b in (first, second, second)])


def _palm(wrist: np.ndarray, index: np.ndarray, pinky: np.ndarray) -> np.ndarray:
    """Rotations (…, 3, 3): along the palm, across it, and out of its back or front."""
    along = (index + pinky) / 2 - wrist
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    normal = np.cross(along, index - pinky)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    return np.stack([along, np.cross(normal, along), normal], -1)


def _solve(points: np.ndarray, rest: np.ndarray, side: str) -> Float[np.ndarray, "frames 45"]:
    names = ("wrist", "index1", "pinky1")
    rest_palm = _palm(*(rest[SMPLX_55.index(f"{side}_{name}")] for name in names))
    wrist, index, pinky = (
        points[:, HAND_21.index(name)] for name in ("wrist", "index_mcp", "pinky_mcp")
    )
    # Points in the axes of the rest hand: the wrist's own rotation is the body's affair.
    turn = _palm(wrist, index, pinky) @ rest_palm.T
    local = np.einsum("fji,fpj->fpi", turn, points - wrist[:, None])
    pose = np.zeros((len(points), 5, 3, 3))
    for row, finger in enumerate(_FINGERS):
        chain = local[:, _POINTS[finger]]
        bones = np.diff(chain, axis=1)
        bones /= np.maximum(np.linalg.norm(bones, axis=-1, keepdims=True), 1e-9)
        above = np.broadcast_to(np.eye(3), (len(points), 3, 3))
        for joint, bone in enumerate(_bones(rest, side, finger)):
            swing = rotation_between(above @ bone, bones[:, joint])
            whole = swing @ above
            vector = Rotation.from_matrix(np.swapaxes(above, -1, -2) @ whole).as_rotvec()
            pose[:, row, joint] = _within_reach(vector)
            above = above @ Rotation.from_rotvec(pose[:, row, joint]).as_matrix()
    return pose.reshape(len(points), 45)


def _within_reach(vectors: np.ndarray) -> np.ndarray:
    angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1.0, np.deg2rad(100.0) / np.maximum(angle, 1e-9))


def _relaxed_pose(rest: np.ndarray, side: str) -> Float[np.ndarray, "45"]:
    palm = _palm(
        *(rest[SMPLX_55.index(f"{side}_{name}")] for name in ("wrist", "index1", "pinky1"))
    )
    # The palm's normal points down on one hand and up on the other; fingers bend down in a T-pose.
    down = palm[:, 2] * (1.0 if palm[1, 2] < 0 else -1.0)
    pose = np.zeros((5, 3, 3))
    for row, finger in enumerate(_FINGERS):
        bones = _bones(rest, side, finger)
        share = 0.4 if finger == "thumb" else 1.0
        for joint in range(3):
            hinge = np.cross(bones[joint], down)
            pose[row, joint] = share * _RELAXED * hinge / np.linalg.norm(hinge)
    return pose.ravel()


def _smoothed(pose: np.ndarray, known: np.ndarray, relaxed: np.ndarray, fps: float) -> np.ndarray:
    frames = np.arange(len(pose))
    seen = np.flatnonzero(known)
    held = np.stack([np.interp(frames, seen, column) for column in pose[seen].T], -1)
    away = np.min(
        np.abs(
            frames[:, None]
            - seen[
                np.searchsorted(seen, frames).clip(1, len(seen) - 1)[:, None] + np.array([-1, 0])
            ]
        ),
        axis=1,
    )
    fade = np.exp(-((away / (_RELAX * fps)) ** 2))[:, None]
    eased = fade * held + (1 - fade) * relaxed
    steady = median_filter(eased, size=(_odd(0.1 * fps), 1), mode="nearest")
    return gaussian_filter1d(steady, 0.05 * fps, axis=0, mode="nearest")


def _odd(frames: float) -> int:
    return 2 * int(frames / 2) + 1
