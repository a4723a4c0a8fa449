"""Motion that is told by joint positions alone: the climbing takes, (F, 53, 3) arrays."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mocap.datasets.motions.clip import MotionClip
from mocap.errors import MocapError, numpy_fault
from mocap.geometry import Z_UP_TO_Y_UP

#: SMPL-X's joints among the climbing takes' 53; fingers and chest markers are left out.
_CLIMBING: dict[str, int] = {
    "pelvis": 0,
    "spine3": 2,
    "neck": 3,
    "head": 4,
    "left_collar": 5,
    "left_shoulder": 6,
    "left_elbow": 7,
    "left_wrist": 8,
    "left_middle1": 15,
    "right_collar": 24,
    "right_shoulder": 25,
    "right_elbow": 26,
    "right_wrist": 27,
    "right_middle1": 34,
    "left_hip": 43,
    "left_knee": 44,
    "left_ankle": 45,
    "left_foot": 46,
    "right_hip": 47,
    "right_knee": 48,
    "right_ankle": 49,
    "right_foot": 50,
}
_JOINTS = 53


def is_climbing(path: Path) -> bool:
    """Whether an .npy is meant as a climbing take, by its shape."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).shape[1:] == (_JOINTS, 3)
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile):
        return False


def read_climbing_clip(path: str | Path, *, fps: float = 60.0) -> MotionClip:
    """Read one climbing take; metres, the file's +Z is up.

    Args:
        path: the array.
        fps: frames a second, which the file does not tell.

    Raises:
        MocapError: the file is missing or is not such an array.
    """
    path = Path(path)
    try:
        joints = np.load(path, allow_pickle=False)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error})") from error
    except ValueError as error:
        raise MocapError(f"{path}: is no array of joints: {numpy_fault(error)}") from error
    if joints.ndim != 3 or joints.shape[1:] != (_JOINTS, 3):
        raise MocapError(f"{path}: has shape {joints.shape}, not (frames, {_JOINTS}, 3)")
    chosen = joints[:, list(_CLIMBING.values())].astype(float)
    clip = MotionClip(path.stem, "climber", fps, tuple(_CLIMBING), chosen, fps_told=False)
    return clip.turned(Z_UP_TO_Y_UP)
