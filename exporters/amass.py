"""AMASS archives: SMPL-X's own parameters, as research code reads them.

What is written here, in the layout of AMASS's SMPL-X files (Mahmood et al., "AMASS: Archive of
Motion Capture as Surface Shapes", ICCV 2019):

- Axes: right-handed, +Z up, as all of AMASS; people face -Y in the rest pose. Units: metres,
  radians, axis-angle.
- ``poses`` (N, 165): pelvis, 21 body joints, jaw, two eyes, 15 joints of each hand; the same again
  as ``root_orient``, ``pose_body``, ``pose_jaw``, ``pose_eye`` and ``pose_hand``.
- ``trans`` (N, 3), ``betas`` (B,), ``mocap_frame_rate``, ``gender``.
- ``surface_model_type`` is ``smplx`` for pose; betas belong to the body whose name, hash and
  licence are beside them (``body_model``, ``body_model_sha256``, ``body_model_licence``), and mean
  something else to any other.
- ``joints`` (N, 55, 3) are where the body's joints are, for those who have another body.
"""

import io
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.performer import Performer, require_sound
from mocap.files import write_whole
from mocap.geometry import Y_UP_TO_Z_UP
from mocap.take import BodyMotion

__all__ = ["encode_amass", "write_amass"]

_JAW, _EYES, _HANDS = 22, slice(23, 25), slice(25, 55)


def write_amass(performer: Performer, fitted: BodyMotion, path: str | Path) -> Path:
    """Write one person's motion; the module says with which axes and meaning.

    Args:
        performer: SMPL-X's joints, +Y up.
        fitted: the take's record of this person, for shape and licence.
        path: the file to write; its folder is made if need be.

    Returns:
        ``path``.

    Raises:
        ExportError: the motion cannot be written, or the file cannot (nothing is left behind
            then).
    """
    return write_whole(path, encode_amass(performer, fitted), error=ExportError)


def encode_amass(performer: Performer, fitted: BodyMotion) -> bytes:
    """One person's motion as the bytes of an archive; see :func:`write_amass`."""
    require_sound([performer])
    motion = performer.motion
    frames = len(motion)
    rotations = motion.rotations.copy()
    rotations[:, 0] = Y_UP_TO_Z_UP @ rotations[:, 0]
    poses = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_rotvec().reshape(frames, 55, 3)
    joints = motion.joints() @ Y_UP_TO_Z_UP.T
    # The body turns about its pelvis, which is not at its origin.
    trans = joints[:, 0] - motion.rest_offsets[0]
    flat = poses.reshape(frames, -1)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        poses=flat,
        root_orient=poses[:, 0],
        pose_body=flat[:, 3 : 3 * _JAW],
        pose_jaw=poses[:, _JAW],
        pose_eye=poses[:, _EYES].reshape(frames, -1),
        pose_hand=poses[:, _HANDS].reshape(frames, -1),
        trans=trans,
        betas=np.asarray(fitted.betas, float),
        num_betas=np.array(len(fitted.betas)),
        joints=joints,
        mocap_frame_rate=np.array(motion.fps),
        mocap_time_length=np.array(frames / motion.fps),
        gender=np.array("neutral"),
        surface_model_type=np.array("smplx"),
        body_model=np.array(fitted.model),
        body_model_sha256=np.array(fitted.model_sha256),
        body_model_licence=np.array(fitted.licence),
        up_axis=np.array("+Z"),
        units=np.array("m, rad"),
    )
    return file.getvalue()
