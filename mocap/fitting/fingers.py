"""Finger poses in closed form from a hand's 21 metric points.

The palm is a frame of wrist and knuckles; a finger's first joint turns its bone in that frame, the
others bend in turn. Angles are kept within what fingers do, smoothed, and held where the hand is
out of sight, easing back to a relaxed hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.spatial.transform import Rotation

from mocap.fitting.observations import Observations
from mocap.geometry import rotation_between, unit_vectors
from mocap.skeletons import FINGERS, HAND_21, SMPLX_55
from mocap.take import Person

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

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
#: How far a knuckle, then the joints beyond it, bend towards the palm (least, greatest) and sway
#: sideways; and how far a joint of the thumb turns any way. Degrees.
_BEND = np.deg2rad([[-30.0, 100.0], [-10.0, 115.0], [-10.0, 90.0]])
_SWAY = np.deg2rad([25.0, 8.0, 8.0])
_THUMB = np.deg2rad(70.0)


def finger_poses(person: Person, body: Body, seen: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Both hands' SMPL-X poses.

    Args:
        person: with metric hand points, or without: then the hands rest.
        body: gives the bones of the rest hand.
        seen: the person's observations (camera axes, frame rate).

    Returns:
        Left and right ``hand_pose``, (F, 45) axis-angle, radians.
    """
    return (
        _one_hand(person, body, "left", len(seen), seen),
        _one_hand(person, body, "right", len(seen), seen),
    )


@dataclass(frozen=True)
class _RestHand:
    """A body's hand at rest, in the body's axes.

    Attributes:
        palm: see :func:`_palm`.
        palmward: (3,) unit vector out of the palm.
        bones: (5, 3, 3) unit directions of every finger's three bones, from knuckle to tip.
    """

    palm: Float[np.ndarray, "3 3"]
    palmward: Float[np.ndarray, "3"]
    bones: Float[np.ndarray, "fingers bones 3"]

    @classmethod
    def of(cls, body: Body, side: str) -> _RestHand:
        rest, marks = body.joint_template.double().cpu().numpy(), body.landmark_attachments()
        palm = _palm(
            *(rest[SMPLX_55.index(f"{side}_{name}")] for name in ("wrist", "index1", "pinky1"))
        )
        bones = np.empty((5, 3, 3))
        for row, finger in enumerate(FINGERS):
            joints = rest[SMPLX_55.indices(*(f"{side}_{finger}{i}" for i in (1, 2, 3)))]
            bones[row, :2] = np.diff(joints, axis=0)
            bones[row, 2] = bones[row, 1]
            if f"{side}_{finger}_tip" in marks.names:
                tip = marks.names.index(f"{side}_{finger}_tip")
                bones[row, 2] = rest[marks.joints[tip]] + marks.template[tip] - joints[2]
        bones /= np.linalg.norm(bones, axis=-1, keepdims=True)
        # The palm's normal points down on one hand and up on the other; palms face down at rest.
        return cls(palm, palm[:, 2] * (1.0 if palm[1, 2] < 0 else -1.0), bones)

    def relaxed(self) -> Float[np.ndarray, "45"]:
        """The pose of a hand that does nothing."""
        pose = np.zeros((5, 3, 3))
        for row, finger in enumerate(FINGERS):
            share = 0.4 if finger == "thumb" else 1.0
            for joint, bone in enumerate(self.bones[row]):
                pose[row, joint] = share * _RELAXED * _hinge(bone, self.palmward)
        return pose.ravel()


def _one_hand(
    person: Person, body: Body, side: str, frames: int, seen: Observations
) -> Float[np.ndarray, "frames 45"]:
    hand = _RestHand.of(body, side)
    relaxed = hand.relaxed()
    points = None
    if person.hands3d is not None:
        points = getattr(person.hands3d, side).xyz.astype(float)
    known = np.zeros(frames, bool) if points is None else np.isfinite(points).all((1, 2))
    if points is None or known.sum() < 3:
        return np.tile(relaxed, (frames, 1))
    pose = np.tile(relaxed, (frames, 1))
    pose[known] = _solve(points[known], hand)
    return _smoothed(pose, known, relaxed, seen.fps)


def _palm(wrist: np.ndarray, index: np.ndarray, pinky: np.ndarray) -> np.ndarray:
    """Rotations (…, 3, 3): along the palm, across it, and out of its back or front."""
    along = unit_vectors((index + pinky) / 2 - wrist)
    normal = unit_vectors(np.cross(along, index - pinky))
    return np.stack([along, np.cross(normal, along), normal], -1)


def _solve(
    points: Float[np.ndarray, "frames 21 3"], hand: _RestHand
) -> Float[np.ndarray, "frames 45"]:
    wrist, index, pinky = (
        points[:, HAND_21.index(name)] for name in ("wrist", "index_mcp", "pinky_mcp")
    )
    # Points in the axes of the rest hand: the wrist's own rotation is the body's affair.
    turn = _palm(wrist, index, pinky) @ hand.palm.T
    local = np.einsum("fji,fpj->fpi", turn, points - wrist[:, None])
    pose = np.zeros((len(points), 5, 3, 3))
    for row, finger in enumerate(FINGERS):
        bones = unit_vectors(np.diff(local[:, _POINTS[finger]], axis=1))
        above = np.broadcast_to(np.eye(3), (len(points), 3, 3))
        for joint, bone in enumerate(hand.bones[row]):
            swing = rotation_between(above @ bone, bones[:, joint])
            turned = np.swapaxes(above, -1, -2) @ swing @ above
            vector = Rotation.from_matrix(turned).as_rotvec()
            reach = None if finger == "thumb" else joint
            pose[:, row, joint] = _within_reach(vector, bone, hand.palmward, reach)
            above = above @ Rotation.from_rotvec(pose[:, row, joint]).as_matrix()
    return pose.reshape(len(points), 45)


def _within_reach(
    vectors: Float[np.ndarray, "frames 3"],
    bone: Float[np.ndarray, "3"],
    palmward: Float[np.ndarray, "3"],
    joint: int | None,
) -> Float[np.ndarray, "frames 3"]:
    """The nearest turns that a joint of a finger, or of the thumb if None, can make."""
    if joint is None:
        angle = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return vectors * np.minimum(1.0, _THUMB / np.maximum(angle, 1e-9))
    hinge = _hinge(bone, palmward)
    across = np.cross(hinge, bone)
    bend = np.clip(vectors @ hinge, *_BEND[joint])
    sway = np.clip(vectors @ across, -_SWAY[joint], _SWAY[joint])
    return bend[:, None] * hinge + sway[:, None] * across


def _hinge(bone: np.ndarray, palmward: np.ndarray) -> Float[np.ndarray, "3"]:
    """The unit axis about which a bone turns towards the palm."""
    return unit_vectors(np.cross(bone, palmward))


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
