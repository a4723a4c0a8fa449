"""Keypoints of SMPL's layout and labels of foot contact, as PyRoki's humanoid examples have them.

A folder (PyRoki, Kim et al. 2025, ``examples/retarget_helpers/humanoid``) holds
``smpl_keypoints.npy`` (F, 45, 3): metres, +Z up, SMPL's 24 joints, then 21 points of its surface;
``left_foot_contact.npy`` and ``right_foot_contact.npy`` (F,): whether anything of the foot rests;
and ``heightmap.npy``, the ground's, which is not read. Nothing tells the frame rate.
"""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float

from mocap.datasets.motions.clip import MotionClip
from mocap.errors import MocapError, numpy_fault
from mocap.geometry import Z_UP_TO_Y_UP
from mocap.skeletons import SMPL_24

#: The usual name of the file of keypoints.
KEYPOINTS = "smpl_keypoints.npy"
#: SMPL's joints, and points of the surface.
_POINTS = 45
#: Where SMPL puts a hand's joint we speak of the middle finger's first.
_NAMES = tuple(f"{one[:-5]}_middle1" if one.endswith("_hand") else one for one in SMPL_24.names)
#: What no body could be put in place without.
_NEEDED = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)


def read_keypoints_clip(path: str | Path, *, fps: float = 30.0) -> MotionClip:
    """Read keypoints, and the labels of contact that lie beside them.

    Joints that are NaN in all frames are left out.

    Args:
        path: the array of keypoints.
        fps: frames a second, which the file does not tell.

    Raises:
        MocapError: the file is missing or is no such array, or the labels do not fit it.
    """
    path = Path(path)
    points = _array(path)
    if points.shape[1:] != (_POINTS, 3) or not len(points):
        raise MocapError(f"{path}: has shape {points.shape}, not (frames, {_POINTS}, 3)")
    joints = points[:, : len(_NAMES)]
    told = ~np.isnan(joints).all((0, 2))
    names = tuple(name for name, one in zip(_NAMES, told, strict=True) if one)
    if missing := [name for name in _NEEDED if name not in names]:
        raise MocapError(f"{path}: tells nothing of {', '.join(missing)}")
    joints = joints[:, told]
    if not np.isfinite(joints).all():
        frame, joint, _ = np.argwhere(~np.isfinite(joints))[0]
        raise MocapError(f"{path}: {names[joint]} is not a number in frame {frame}")
    performer = path.resolve().parent.name
    contacts = _contacts(path.parent, len(points))
    clip = MotionClip(path.stem, performer, fps, names, joints, contacts=contacts, fps_told=False)
    return clip.turned(Z_UP_TO_Y_UP)


def is_keypoints(path: Path) -> bool:
    """Whether an .npy is meant as keypoints, by its name or by what is in it."""
    if path.name == KEYPOINTS:
        return True
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).shape[1:] == (_POINTS, 3)
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile):
        return False


def _contacts(folder: Path, frames: int) -> Float[np.ndarray, "frames 4"] | None:
    """What is labelled of heels and balls: each what its foot is. None without any labels."""
    found = np.full((frames, 4), np.nan)
    for row, side in enumerate(("left", "right")):
        path = folder / f"{side}_foot_contact.npy"
        if path.exists():
            labels = _array(path)
            if labels.shape != (frames,):
                raise MocapError(
                    f"{path}: has shape {labels.shape}, not a label for each of {frames} frames"
                )
            if not ((labels >= 0) & (labels <= 1)).all():
                raise MocapError(f"{path}: some of its labels are not between 0 and 1")
            found[:, 2 * row : 2 * row + 2] = labels[:, None]
    return None if np.isnan(found).all() else found


def _array(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False).astype(float)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error})") from error
    except (ValueError, TypeError, EOFError, AttributeError, BadZipFile, MemoryError) as error:
        raise MocapError(f"{path}: is no array of numbers: {numpy_fault(error)}") from error
