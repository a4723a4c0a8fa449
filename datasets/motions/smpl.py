"""SMPL motion: AIST++'s pickles of 24 joints' axis-angles.

SMPL's rest pose is our body's, a T-pose facing +Z, so its rotations mean the same on our body; its
shape is nobody's, for AIST++ has no betas. Layout: ``smpl_poses`` (N, 72), ``smpl_trans`` (N, 3),
to be divided by ``smpl_scaling`` (1,); 60 frames a second (Li et al., ICCV 2021).
"""

from pathlib import Path

import numpy as np
import torch

from mocap.body import Body, BodyPose
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.unpickling import read_arrays
from mocap.errors import MocapError
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
        place = np.asarray(content["smpl_trans"], dtype=float) / float(content["smpl_scaling"][0])
        if poses.shape[1] != 72 or place.shape != (len(poses), 3):
            raise ValueError(f"poses are {poses.shape}, places {place.shape}")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MocapError(f"{path}: is no AIST++ motion: {error}") from error
    # The two hands at the end are rigid in SMPL.
    pose = BodyPose(
        global_orient=torch.as_tensor(poses[:, :3]),
        body_pose=torch.as_tensor(poses[:, 3 : 3 * _JOINTS]),
        transl=torch.as_tensor(place),
    )
    with torch.no_grad():
        posed = body.to(dtype=torch.float64).forward(pose)
    rest = body.joint_template.double().numpy()[:_JOINTS]
    turns = posed.rotations.numpy()[:, :_JOINTS].copy()
    # Hands are fitted to nothing in AIST++: forearms twist as they like.
    turns[:, SMPLX_55.indices("left_wrist", "right_wrist")] = np.nan
    return MotionClip(
        path.stem,
        aistpp_performer(path),
        _FPS,
        SMPLX_55.names[:_JOINTS],
        posed.joints.numpy()[:, :_JOINTS],
        turns,
        rest,
    )
