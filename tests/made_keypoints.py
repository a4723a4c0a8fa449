"""Somebody who stands, as SMPL's keypoints with labels of foot contact."""

from pathlib import Path

import numpy as np

#: SMPL's joints of somebody who stands upright and faces +X, the left hand towards +Y; metres, +Z
#: up. In SMPL's order.
STANDING = np.array(
    [
        [0.0, 0.0, 0.95],  # pelvis
        [0.0, 0.07, 0.87],  # left hip
        [0.0, -0.07, 0.87],
        [-0.02, 0.0, 1.05],  # spine
        [0.0, 0.1, 0.48],  # left knee
        [0.0, -0.1, 0.48],
        [-0.01, 0.0, 1.18],
        [-0.03, 0.1, 0.08],  # left ankle
        [-0.03, -0.1, 0.08],
        [0.0, 0.0, 1.23],
        [0.1, 0.11, 0.02],  # left ball
        [0.1, -0.11, 0.02],
        [-0.03, 0.0, 1.44],  # neck
        [-0.02, 0.08, 1.35],
        [-0.02, -0.08, 1.35],
        [0.02, 0.0, 1.52],  # head
        [-0.02, 0.18, 1.38],  # left shoulder
        [-0.02, -0.18, 1.38],
        [-0.02, 0.2, 1.12],  # left elbow
        [-0.02, -0.2, 1.12],
        [0.03, 0.22, 0.88],  # left wrist
        [0.03, -0.22, 0.88],
        [0.05, 0.22, 0.80],  # left hand
        [0.05, -0.22, 0.80],
    ]
)


def standing(frames: int = 24) -> np.ndarray:
    """(F, 45, 3) somebody who stands; of the surface there is nothing."""
    points = np.full((frames, 45, 3), np.nan)
    points[:, :24] = STANDING
    return points


def written(folder: Path, **others: np.ndarray) -> Path:
    """The folder of somebody who stands on the left foot and, in the latter half, on both."""
    frames = len(others.get("smpl_keypoints", standing()))
    content = {
        "smpl_keypoints": standing(),
        "left_foot_contact": np.ones(frames, bool),
        "right_foot_contact": np.arange(frames) >= frames // 2,
        "heightmap": np.zeros((5, 7), np.float32),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (content | others).items():
        np.save(folder / f"{name}.npy", array)
    return folder
