"""Made-up hands: known finger poses of the real body, and the 21 points a detector would report."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.skeletons import HAND_21, SMPLX_55
from mocap.take import Hands3D, Keypoints3D

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
#: Where MediaPipe's points are on the body: joints, then the tip.
_PARTS = {
    "thumb": ("cmc", "mcp", "ip"),
    **{f: ("mcp", "pip", "dip") for f in FINGERS if f != "thumb"},
}


def curled(
    rest: np.ndarray, side: str, degrees: float | tuple[float, float, float], thumb: float = 0.0
) -> np.ndarray:
    """A hand pose (45,) whose finger joints bend by an angle, towards the palm if positive.

    Each finger bends in the vertical plane of its own first bone: palms face down at rest.
    """
    down = np.array([0.0, -1.0, 0.0])
    pose = np.zeros((5, 3, 3))
    for row, finger in enumerate(FINGERS):
        first, second = (SMPLX_55.index(f"{side}_{finger}{number}") for number in (1, 2))
        hinge = np.cross(rest[second] - rest[first], down)
        angles = np.deg2rad(np.broadcast_to(thumb if finger == "thumb" else degrees, 3))
        pose[row] = angles[:, None] * hinge / np.linalg.norm(hinge)
    return pose.ravel()


def hand_points(body: Body, pose: BodyPose, side: str) -> np.ndarray:
    """The 21 points (F, 21, 3) of a hand of the posed body, world metres."""
    with torch.no_grad():
        posed = body.forward(pose, return_landmarks=True)
    joints, marks = posed.joints.numpy(), posed.landmarks.numpy()
    points = np.empty((len(joints), 21, 3))
    points[:, 0] = joints[:, SMPLX_55.index(f"{side}_wrist")]
    for finger, parts in _PARTS.items():
        for number, part in enumerate(parts, start=1):
            joint = SMPLX_55.index(f"{side}_{finger}{number}")
            points[:, HAND_21.index(f"{finger}_{part}")] = joints[:, joint]
        tip = body.landmark_names.index(f"{side}_{finger}_tip")
        points[:, HAND_21.index(f"{finger}_tip")] = marks[:, tip]
    return points


def in_palm(points: np.ndarray, wrist: np.ndarray) -> np.ndarray:
    """World points (F, P, 3), the wrist first, in the axes of the wrist joint (F, 3, 3)."""
    return np.einsum("fji,fpj->fpi", wrist, points - points[:, :1])


def told(points: dict[str, np.ndarray], R: np.ndarray, known: np.ndarray | None = None) -> Hands3D:
    """Both hands as a detector reports them: camera axes, from the hand's middle, NaN if unseen."""
    sides = {}
    for side, world in points.items():
        camera = (world - world.mean(1, keepdims=True)) @ R.T
        if known is not None:
            camera[~known] = np.nan
        sides[side] = Keypoints3D(camera.astype(np.float32), "hand21", "synthetic")
    return Hands3D(sides["left"], sides["right"])


def random_turns(frames: int, seed: int = 0) -> np.ndarray:
    """One rotation (3,) for all frames, as vectors (F, 3)."""
    return np.tile(Rotation.random(rng=np.random.default_rng(seed)).as_rotvec(), (frames, 1))
