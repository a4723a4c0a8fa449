"""Meshes: the body's surface in every frame, as OBJ or PLY files.

World metres, right-handed, +Y up; triangles, counter-clockwise from outside; the same vertices in
the same order in every file. Files are numbered by the clip's frames: ``000000.obj`` and on. A
sequence is whole or not there, and takes the place of an earlier one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import trimesh
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.errors import ExportError
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Performer, require_sound
from mocap.files import writing_whole_folder
from mocap.progress import Progress, silent
from mocap.take import BodyMotion

__all__ = ["write_meshes"]

#: Frames posed at once.
_CHUNK = 32
#: What files of a sequence are called.
_NUMBERED = re.compile(r"\d{6,}\.(obj|ply)")


def write_meshes(
    performer: Performer,
    fitted: BodyMotion,
    body: Body,
    folder: str | Path,
    *,
    kind: Literal["obj", "ply"] = "obj",
    progress: Progress = silent,
) -> Path:
    """Write one person's surface, a file a frame.

    Args:
        performer: SMPL-X's joints, +Y up.
        fitted: the take's record of this person, for the shape.
        body: the model the person was fitted with.
        folder: where the files go; it is made if need be.
        kind: of the files.
        progress: told of frames.

    Returns:
        ``folder``.

    Raises:
        ExportError: the motion cannot be written, a file cannot, or the folder holds other files.
    """
    require_sound([performer])
    folder, frames = Path(folder), len(performer.motion)
    _require_ours(folder)
    first = round(performer.start * performer.motion.fps)
    faces = body.faces.numpy()
    try:
        with writing_whole_folder(folder) as whole:
            for i, vertices in enumerate(_surfaces(performer.motion, fitted, body)):
                progress("meshes", i, frames)
                mesh = trimesh.Trimesh(vertices, faces, process=False)
                content = mesh.export(file_type=kind)
                data = content.encode() if isinstance(content, str) else content
                assert isinstance(data, bytes)
                (whole / f"{first + i:06d}.{kind}").write_bytes(data)
            progress("meshes", frames, frames)
    except OSError as refused:
        raise ExportError(
            f"{folder}: cannot be written ({refused.strerror or refused}); free some space or "
            "choose another folder with --out"
        ) from refused
    return folder


def _require_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but an earlier sequence.

    Raises:
        ExportError: it does.
    """
    if folder.is_dir():
        others = [one.name for one in folder.iterdir() if not _NUMBERED.fullmatch(one.name)]
        if others:
            raise ExportError(
                f"{folder}: holds {others[0]}, which is no mesh of an earlier export; move it away "
                "or choose another folder with --out"
            )
    elif folder.exists():
        raise ExportError(f"{folder}: is a file; choose another folder with --out")


def _surfaces(
    motion: SkeletalMotion, fitted: BodyMotion, body: Body
) -> Iterator[Float[np.ndarray, "vertices 3"]]:
    """The surface of each frame of a motion."""
    dtype = body.template.dtype
    pose = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_rotvec()
    turns = torch.as_tensor(pose.reshape(len(motion), -1), dtype=dtype)
    places = torch.as_tensor(motion.root_position - motion.rest_offsets[0], dtype=dtype)
    betas = torch.as_tensor(np.asarray(fitted.betas), dtype=dtype)
    for start in range(0, len(motion), _CHUNK):
        turn, place = turns[start : start + _CHUNK], places[start : start + _CHUNK]
        with torch.no_grad():
            posed = body.forward(
                BodyPose(
                    betas=betas,
                    global_orient=turn[:, :3],
                    body_pose=turn[:, 3:66],
                    jaw_pose=turn[:, 66:69],
                    left_hand_pose=turn[:, 75:120],
                    right_hand_pose=turn[:, 120:],
                    transl=place,
                ),
                return_vertices=True,
            )
        assert posed.vertices is not None
        yield from posed.vertices.double().numpy()
