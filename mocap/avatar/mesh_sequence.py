"""A mesh of every frame, in a folder of files.

They are numbered by the clip's frames, as exported meshes are: ``000000.ply`` and on. Each frame's
mesh has vertices and triangles of its own. A sequence is whole or not there, and takes the place of
an earlier one; until then it grows in a folder beside it, ``NAME.unfinished``, where the next run
goes on.
"""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.mesh_files import KINDS, encode_mesh
from mocap.avatar.meshing import Mesh, mesh_of
from mocap.errors import AvatarError
from mocap.files import read_json, sweep, write_whole
from mocap.progress import Progress, silent

_NUMBERED = re.compile(rf"\d{{6,}}\.({'|'.join(KINDS)})")
_RECORD = "sequence.json"


def write_mesh_sequence(
    frames: Sequence[int],
    gaussians_of: Callable[[int], Gaussians],
    folder: str | Path,
    *,
    source: str,
    kind: str = "ply",
    cameras: int = 24,
    resolution: float = 0.005,
    progress: Progress = silent,
) -> Path:
    """Make a mesh of every frame's Gaussians, and write it.

    Args:
        frames: their numbers in the clip.
        gaussians_of: a frame's, in the world; not called for what an unfinished run has made.
        folder: where the files go; it is made if need be.
        source: what the Gaussians are made of, such as :meth:`.Act.fingerprint`: an unfinished run
            is gone on with where it, the format and the settings are the same.
        kind: of the files: ``"ply"``, ``"obj"`` or ``"glb"``.
        cameras: as :func:`mesh_of` takes them.
        resolution: as :func:`mesh_of` takes it, metres.
        progress: told of frames.

    Returns:
        ``folder``.

    Raises:
        AvatarError: a frame's Gaussians have no closed surface, a file cannot be written, or the
            folder holds other files.
        ValueError: there is no such format.
    """
    if kind not in KINDS:
        raise ValueError(f"meshes are written as {', '.join(KINDS)}, not as {kind!r}")
    folder = Path(folder)
    unfinished = unfinished_folder(folder)
    sweep(unfinished)
    for one in (folder, unfinished):
        _require_ours(one)
    record = {"source": source, "kind": kind, "cameras": cameras, "resolution": resolution}
    try:
        _go_on(unfinished, record)
        for done, frame in enumerate(frames):
            progress("meshes", done, len(frames))
            path = unfinished / f"{frame:06d}.{kind}"
            if not path.exists():
                mesh = _mesh_of_frame(gaussians_of(frame), frame, cameras, resolution)
                write_whole(path, encode_mesh(mesh, kind), error=AvatarError)
        progress("meshes", len(frames), len(frames))
        _finish(unfinished, folder, {f"{frame:06d}.{kind}" for frame in frames})
    except OSError as refused:
        raise AvatarError(
            f"{folder}: cannot be written ({refused.strerror or refused}); free some space or "
            "choose another folder"
        ) from refused
    return folder


def unfinished_folder(folder: Path) -> Path:
    """Where a sequence grows until it is whole."""
    return folder.with_name(f"{folder.name}.unfinished")


def _mesh_of_frame(gaussians: Gaussians, frame: int, cameras: int, resolution: float) -> Mesh:
    try:
        return mesh_of(gaussians, cameras=cameras, resolution=resolution)
    except AvatarError as fault:
        raise AvatarError(f"frame {frame}: {fault}") from fault


def _require_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but an earlier sequence."""
    if folder.is_dir():
        for one in folder.iterdir():
            if one.name != _RECORD and not _NUMBERED.fullmatch(one.name):
                raise AvatarError(
                    f"{folder}: holds {one.name}, which is no mesh of an earlier sequence; move it "
                    "away or choose another folder"
                )
    elif folder.exists():
        raise AvatarError(f"{folder}: is a file; choose another folder")


def _go_on(unfinished: Path, record: dict[str, Any]) -> None:
    """Leave only what an unfinished run of the same kind has made."""
    made = unfinished / _RECORD
    if made.exists() and read_json(made, error=AvatarError) == record:
        return
    if unfinished.exists():
        shutil.rmtree(unfinished)
    write_whole(made, json.dumps(record, indent=2) + "\n", error=AvatarError)


def _finish(unfinished: Path, folder: Path, wanted: set[str]) -> None:
    for one in unfinished.iterdir():
        if one.name not in {*wanted, _RECORD}:
            one.unlink()
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.replace(folder)
    (folder / _RECORD).unlink()
