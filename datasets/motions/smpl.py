"""SMPL motion: AIST++'s pickles of 24 joints' axis-angles, and AMASS's archives.

SMPL's rest pose is our body's, a T-pose facing +Z, so its rotations mean the same on our body; its
shape is nobody's, for AIST++ has no betas. Layout: ``smpl_poses`` (N, 72), ``smpl_trans`` (N, 3),
to be divided by ``smpl_scaling`` (1,); 60 frames a second (Li et al., ICCV 2021).
"""

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch

from mocap.body import Body, BodyPose
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError, numpy_fault
from mocap.geometry import Z_UP_TO_Y_UP
from mocap.skeletons import SMPLX_55

_FPS = 60.0
_JOINTS = 22


def aistpp_performer(path: str | Path) -> str:
    """The dancer a file of AIST++ names (``gBR_sBM_cAll_d04_mBR0_ch01``); else the file's name."""
    words = Path(path).stem.split("_")
    return words[3] if len(words) > 3 else Path(path).stem


def read_aistpp_clip(path: str | Path, body: Body) -> MotionClip:
    """Read one AIST++ motion, as our body of average shape performs it.

    Raises:
        MocapError: the file is missing, holds more than arrays, or is no such motion.
    """
    path = Path(path)
    content = read_arrays(path)
    try:
        poses = np.asarray(content["smpl_poses"], dtype=float)
        scale = float(content["smpl_scaling"][0])
        place = np.asarray(content["smpl_trans"], dtype=float)
        if poses.shape[1] != 72 or place.shape != (len(poses), 3) or not scale > 0:
            raise ValueError(f"poses are {poses.shape}, places {place.shape}, its scale is {scale}")
        place = place / scale
        _require_numbers(poses, place)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MocapError(f"{path}: is no AIST++ motion: {error}") from error
    # The two hands at the end are rigid in SMPL.
    rotations = poses.reshape(len(poses), -1, 3)[:, :_JOINTS]
    return _clip(path.stem, aistpp_performer(path), _FPS, rotations, place, body)


def read_amass_clip(path: str | Path, body: Body) -> MotionClip:
    """Read one motion of AMASS, as our body of average shape performs it.

    Layout (Mahmood et al., ICCV 2019): ``poses`` (N, 156 or 165) axis-angles, pelvis and body
    joints first, ``trans`` (N, 3) metres, +Z up, ``mocap_framerate`` or ``mocap_frame_rate``.
    Shapes are of SMPL's bodies and not ours. The folder names the performer.

    Raises:
        MocapError: the file is missing, holds more than arrays, or is no such motion.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            poses = np.asarray(file["poses"], dtype=float)
            place = np.asarray(file["trans"], dtype=float)
            rate = next(name for name in ("mocap_framerate", "mocap_frame_rate") if name in file)
            fps = float(file[rate])
        rotations = poses[:, : 3 * _JOINTS].reshape(len(poses), _JOINTS, 3)
        if place.shape != (len(poses), 3) or not 0 < fps < np.inf:
            raise ValueError(f"poses are {poses.shape}, places {place.shape}, rate {fps}")
        _require_numbers(poses, place)
    except StopIteration:
        raise MocapError(f"{path}: is no AMASS motion: it tells no frame rate") from None
    except (
        *(OSError, EOFError, KeyError, IndexError, TypeError, ValueError, BadZipFile, zlib.error),
        # Archives may be encrypted, packed in ways unknown here, or promise more than there is.
        *(RuntimeError, MemoryError, OverflowError),
    ) as error:
        raise MocapError(f"{path}: is no AMASS motion: {numpy_fault(error)}") from error
    clip = _clip(path.stem, path.parent.name, fps, rotations, place, body)
    return clip.turned(Z_UP_TO_Y_UP)


def _require_numbers(poses: np.ndarray, place: np.ndarray) -> None:
    if not len(poses):
        raise ValueError("it has no frames")
    if not (np.isfinite(poses).all() and np.isfinite(place).all()):
        raise ValueError("some of its numbers are not finite")


def _clip(
    name: str, performer: str, fps: float, rotations: np.ndarray, place: np.ndarray, body: Body
) -> MotionClip:
    """A clip of axis-angles (N, 22, 3) and translations (N, 3), metres, in the file's world."""
    pose = BodyPose(
        global_orient=torch.as_tensor(rotations[:, 0]),
        body_pose=torch.as_tensor(rotations[:, 1:].reshape(len(rotations), -1)),
        transl=torch.as_tensor(place),
    )
    with torch.no_grad():
        posed = body.to(dtype=torch.float64).forward(pose)
    rest = body.joint_template.double().numpy()[:_JOINTS]
    turns = posed.rotations.numpy()[:, :_JOINTS].copy()
    # Hands are fitted to nothing in these corpora: forearms twist as they like.
    turns[:, SMPLX_55.indices("left_wrist", "right_wrist")] = np.nan
    names = SMPLX_55.names[:_JOINTS]
    joints = posed.joints.numpy()[:, :_JOINTS]
    return MotionClip(name, performer, fps, names, joints, turns, rest)
