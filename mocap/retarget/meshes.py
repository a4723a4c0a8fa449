"""Meshes that MuJoCo does not read, read for it; and those that nothing reads, left out.

MuJoCo takes binary STL, OBJ and its own MSH, and stops at the first file that it does not take.
What is read here is handed to it in memory: no file is written.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.errors import RetargetError
from mocap.geometry import Y_UP_TO_Z_UP
from mocap.retarget.collada import Surface, read_collada
from mocap.retarget.up_axes import y_is_up

if TYPE_CHECKING:
    import mujoco

#: What MuJoCo reads, and what else is read here.
NATIVE = (".stl", ".obj", ".msh")
READ = (*NATIVE, ".dae", ".ply", ".glb", ".gltf", ".off")
#: Triangles that MuJoCo takes out of one STL.
_MOST = 200_000
#: Names in a note.
_NAMED = 3
#: Thickness that flat surfaces are given, which have no hull otherwise, metres.
_FLAT = 1e-4


def settle_meshes(spec: mujoco.MjSpec, path: Path) -> tuple[list[str], set[str]]:
    """See to it that every mesh of a model can be loaded, or is gone with the geoms made of it.

    Args:
        spec: changed in place.
        path: the model's file.

    Returns:
        What was converted and left out, and why; and the bodies that lost a shape.
    """
    folder = path.parent / (spec.meshdir or spec.compiler.meshdir or "")
    converted: list[str] = []
    turnable: dict[str, np.ndarray] = {}
    lost: dict[str, list[str]] = {}
    gone = set()
    for mesh in list(spec.meshes):
        if not mesh.file:
            continue
        file = Path(mesh.file)
        file = folder / (file.name if spec.strippath else file)
        if file.is_file() and _is_native(file):
            continue
        try:
            points, triangles, up = _surface(file)
        except RetargetError as refused:
            lost.setdefault(str(refused).removeprefix(f"{file}: "), []).append(file.name)
            gone.add(_name(mesh))
            continue
        mesh.name = _name(mesh)
        mesh.file = ""
        mesh.uservert, mesh.userface = points.ravel(), triangles.ravel()
        converted.append(file.name)
        if up == "Y_UP":
            turnable[mesh.name] = points
    notes = [left_out(names, why) for why, names in lost.items()]
    bodies = _remove(spec, gone)
    if turnable and y_is_up(spec, turnable):
        for name, points in turnable.items():
            spec.mesh(name).uservert = (points @ Y_UP_TO_Z_UP.T).ravel()
        notes.append("shapes turned, whose files say that +Y is up")
    if converted:
        notes.append(f"{_listed(converted)} converted: MuJoCo itself does not read them")
    return notes, bodies


def drop_refused_meshes(spec: mujoco.MjSpec) -> tuple[list[str], set[str]]:
    """Leave out the meshes that MuJoCo refuses, each of which is tried alone.

    Returns:
        What was left out, and why; and the bodies that lost a shape.
    """
    import mujoco

    lost: dict[str, list[str]] = {}
    thin: list[str] = []
    gone = set()
    for mesh in list(spec.meshes):
        why = _refusal(spec, mesh)
        if why is not None and _refusal(spec, mesh, shell=True) is None:
            # It encloses no volume, but has an area.
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL
            thin.append(Path(mesh.file).name or mesh.name)
        elif why is not None:
            lost.setdefault(why, []).append(Path(mesh.file).name or mesh.name)
            gone.add(_name(mesh))
    notes = [left_out(names, why) for why, names in lost.items()]
    if thin:
        notes.append(f"{_listed(thin)} weighed by area: what they enclose is no volume")
    return notes, _remove(spec, gone)


def _refusal(spec: mujoco.MjSpec, mesh: Any, *, shell: bool = False) -> str | None:
    """What MuJoCo says against a mesh on its own; None where it takes it."""
    import mujoco

    alone = mujoco.MjSpec()
    alone.meshdir, alone.strippath = spec.meshdir, spec.strippath
    alone.modelfiledir = spec.modelfiledir
    copy = alone.add_mesh(name="mesh", file=mesh.file, scale=mesh.scale)
    if not mesh.file:
        copy.uservert, copy.userface = mesh.uservert, mesh.userface
    copy.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL if shell else mesh.inertia
    body = alone.worldbody.add_body()
    body.add_freejoint()
    body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="mesh")
    try:
        alone.compile()
    except ValueError as refused:
        return str(refused).splitlines()[0].removeprefix("Error: ")
    return None


def left_out(names: Sequence[str], why: str) -> str:
    """Such as ``2 meshes (a.stl, b.stl) left out: the file is not there``."""
    return f"{_listed(names)} left out: {why}"


def _name(mesh: Any) -> str:
    return str(mesh.name or Path(mesh.file).stem)


def _remove(spec: mujoco.MjSpec, names: set[str]) -> set[str]:
    """Remove meshes and geoms; tells whose geoms they were."""
    bodies = set()
    for geom in list(spec.geoms):
        if geom.meshname in names:
            bodies.add(str(geom.parent.name))
            spec.delete(geom)
    for mesh in list(spec.meshes):
        if _name(mesh) in names:
            spec.delete(mesh)
    return bodies


def _listed(names: Sequence[str]) -> str:
    """Such as ``3 meshes (a.stl, b.stl ...)``."""
    names = list(dict.fromkeys(names))
    more = " ..." if len(names) > _NAMED else ""
    count = "1 mesh" if len(names) == 1 else f"{len(names)} meshes"
    return f"{count} ({', '.join(names[:_NAMED])}{more})"


def _is_native(file: Path) -> bool:
    """Whether MuJoCo reads a mesh: an STL of letters, or of too many triangles, is none."""
    suffix = file.suffix.lower()
    if suffix != ".stl":
        return suffix in NATIVE
    with file.open("rb") as stream:
        head = stream.read(84)
    if len(head) < 84:
        return False
    (count,) = struct.unpack("<I", head[80:])
    return 0 < count <= _MOST and file.stat().st_size == 84 + 50 * count


def _surface(file: Path) -> tuple[np.ndarray, np.ndarray, str]:
    """The points and triangles of a file, and the axis that it says is up.

    Raises:
        RetargetError: why there are none.
    """
    if not file.is_file():
        raise RetargetError("the file is not there")
    with file.open("rb") as stream:
        if stream.read(30).startswith(b"version https://git-lfs"):
            raise RetargetError("only a pointer of Git LFS is there; `git lfs pull` fetches it")
    if file.suffix.lower() not in READ:
        raise RetargetError(f"{file.suffix or 'no'} is no format that is read")
    up = "Z_UP"
    if file.suffix.lower() == ".dae":
        (points, triangles), up = read_collada(file)
    else:
        points, triangles = _other(file)
    if np.linalg.matrix_rank(points - points.mean(0), tol=1e-6) < 3:
        points, triangles = _thickened(points, triangles)
    return points, triangles, up


def _other(file: Path) -> Surface:
    import trimesh

    try:
        mesh = trimesh.load_scene(file).to_mesh()
    # Whatever a damaged file makes of a parser.
    except (ValueError, LookupError, TypeError, AttributeError, OSError, struct.error) as error:
        raise RetargetError("it is damaged") from error
    if not len(mesh.faces) or not np.isfinite(mesh.vertices).all():
        raise RetargetError("it has no triangles")
    return np.asarray(mesh.vertices, float), np.asarray(mesh.faces, int)


def _thickened(points: np.ndarray, triangles: np.ndarray) -> Surface:
    """A flat surface with a back."""
    across = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][-1]
    back = points + _FLAT * across
    return np.concatenate([points, back]), np.concatenate(
        [triangles, triangles[:, ::-1] + len(points)]
    )
