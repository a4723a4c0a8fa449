"""What stands in for meshes that are not there: capsules along the links, boxes for feet."""

from pathlib import Path
from typing import Any

import numpy as np

#: Thickness of a made-up link, as a share of its length, and between what it stays, metres.
_THICK, _THIN_MOST = 0.16, (0.02, 0.07)


def drop_missing_meshes(spec: Any, path: Path) -> tuple[str, ...]:
    """Remove meshes whose files are missing, and the geoms made of them."""
    folder = path.parent / (spec.meshdir or spec.compiler.meshdir or "")
    lost = {}
    for mesh in list(spec.meshes):
        if mesh.file and not (folder / mesh.file).is_file():
            lost[mesh.name or Path(mesh.file).stem] = mesh.file
    for geom in list(spec.geoms):
        if geom.meshname in lost:
            spec.delete(geom)
    for mesh in list(spec.meshes):
        if (mesh.name or Path(mesh.file).stem) in lost:
            spec.delete(mesh)
    return tuple(lost.values())


def add_capsules(base: Any) -> list[str]:
    """Give links a shape, where the whole robot has hardly any."""
    import mujoco

    bodies = [base, *_below(base)]
    bare = [body for body in bodies if not len(body.geoms)]
    if len(bare) < 0.6 * len(bodies):
        return []
    for body in bare:
        for child in body.bodies:
            length = float(np.linalg.norm(child.pos))
            if length < 0.03:
                continue
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE,
                fromto=np.concatenate([np.zeros(3), child.pos]),
                size=[float(np.clip(_THICK * length, *_THIN_MOST)), 0, 0],
                mass=0,
            )
    return ["capsules along the links in place of shapes"]


def _below(body: Any) -> list[Any]:
    return [found for child in body.bodies for found in (child, *_below(child))]
