"""What stands in for what is not there: capsules for shapes; pictures are done without."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

#: Thickness of a made-up link, as a share of its length, and between what it stays, metres.
_THICK, _THIN_MOST = 0.16, (0.02, 0.07)
#: Share of moving links without a shape from which on the robot has hardly any.
_HARDLY = 0.6


def add_capsules(base: Any, lost: Collection[str] = ()) -> list[str]:
    """Give links a shape that lost theirs; all links, where hardly any has one.

    Args:
        base: the robot's body, changed in place.
        lost: names of bodies whose shapes are left out.

    Returns:
        What was made up.
    """
    import mujoco

    bodies = [base, *below(base)]
    moving = [body for body in bodies if body is base or len(body.joints)]
    bare = [body for body in bodies if not len(body.geoms)]
    if sum(not len(body.geoms) for body in moving) < _HARDLY * len(moving):
        bare = [body for body in bare if body.name in lost]
    made = 0
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
            made += 1
    return [f"{made} capsules along links that have no shape"] if made else []


def below(body: Any) -> list[Any]:
    """All bodies on a body, parents before children."""
    found, waiting = [], list(reversed(body.bodies))
    while waiting:
        found.append(waiting.pop())
        waiting += reversed(found[-1].bodies)
    return found


def drop_missing_textures(spec: Any, path: Path) -> list[str]:
    """Take textures off whose pictures are missing.

    Returns:
        What was left out.
    """
    folder = path.parent / (spec.texturedir or "")
    lost = {}
    for texture in list(spec.textures):
        files = [file for file in (texture.file, *texture.cubefiles) if file]
        if not all((folder / file).is_file() for file in files):
            lost[texture.name or Path(texture.file).stem] = files[0]
            spec.delete(texture)
    for material in spec.materials:
        material.textures = ["" if name in lost else name for name in material.textures]
    some = ", ".join(list(lost.values())[:3])
    return [f"textures left out whose files are not there: {some}"] if lost else []
