"""A clip made from the body itself, whose coordinates are therefore known."""

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.datasets.motions import MotionClip
from mocap.fitting.freedom import COORDINATES, means
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.rig import NAMES, Rig

TURNED = ("pelvis", "spine3", "head", "left_ankle", "right_ankle", "left_wrist", "right_wrist")


def known_clip(body: Body, betas: np.ndarray, frames: int = 40) -> tuple[MotionClip, Pose]:
    """A clip of swinging limbs and the pose it shows."""
    rig = Rig.of(body, len(betas))
    rng = np.random.default_rng(0)
    swing = 0.25 * np.sin(
        2 * np.pi * np.arange(frames)[:, None] / 30 + rng.uniform(0, 6, len(COORDINATES))
    )
    still = [c.joints[0].endswith(("collar", "wrist")) for c in COORDINATES]
    middle = means() + [
        -0.5 if c.joints[0].endswith("elbow") and c.axis == 1 and c.mean < 0 else 0.0
        for c in COORDINATES
    ]
    angles = middle + np.where(still, 0.0, swing)
    # Knees bend one way only.
    angles = np.where([c.joints[0].endswith("knee") for c in COORDINATES], 0.6 + swing, angles)
    root = Rotation.from_rotvec(np.linspace([0, 0, 0], [0, 1.5, 0], frames)).as_matrix()
    pose = Pose(np.linspace([0, 0.9, 0], [1, 0.9, 0.5], frames), root, angles)
    posed = pose_rig(rig, betas, pose)
    turns = np.full((frames, len(NAMES), 3, 3), np.nan)
    rows = [NAMES.index(name) for name in TURNED]
    turns[:, rows] = posed.rotations[:, rows]
    rest, _ = rig.shaped(betas)
    return MotionClip("known", "me", 30.0, NAMES, posed.joints, turns, rest), pose
