"""Reading a character's skeleton from a BVH, FBX or GLB file."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.bvh_reader import ADULT_LEG, read_bvh
from mocap.exporters.joint_names import joints_named
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.rigs.fbx import fbx_nodes
from mocap.exporters.rigs.glb import glb_nodes
from mocap.exporters.rigs.nodes import SceneNode, skeleton_of
from mocap.exporters.rigs.rig import Rig, rig_of

__all__ = ["read_rig"]

#: Metres in the units that BVH files are in, without saying so.
_UNITS = (0.01, 1.0, 0.001, 0.0254)
#: How much longer or shorter than an adult's a character's legs may be.
_STRANGE = 2.0


def read_rig(path: str | Path) -> Rig:
    """Read a character's skeleton.

    Args:
        path: a BVH file, whose zero pose or first frame stands upright; or an FBX or GLB file,
            whose bind pose or nodes do.

    Raises:
        ExportError: there is no such file, it is damaged or has no skeleton, its joints' names
            are of no known family, it does not stand, or reading it needs a package that is not
            installed.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in (".bvh", ".fbx", ".glb", ".gltf"):
        raise ExportError(f"{path}: a rig is a BVH, FBX or GLB file; export the character as one")
    if not path.is_file():
        raise ExportError(f"{path}: there is no such file; name the character's file by --rig")
    if ending == ".bvh":
        return _bvh_rig(path)
    scenes, metres = fbx_nodes(path) if ending == ".fbx" else glb_nodes(path)
    for nodes in scenes[:-1]:
        with suppress(ExportError):
            return _node_rig(path, nodes, metres)
    return _node_rig(path, scenes[-1], metres)


def _bvh_rig(path: Path) -> Rig:
    motion = read_bvh(path, units=1.0)
    metres = _unit(motion)
    motion = replace(
        motion,
        rest_offsets=motion.rest_offsets * metres,
        rotations=motion.rotations[:1],
        root_position=motion.root_position[:1] * metres,
        end_sites=None if motion.end_sites is None else motion.end_sites * metres,
        local_positions=None,
    )
    axes = np.tile(np.eye(3), (len(motion.names), 1, 1))
    still = replace(
        motion, rotations=axes[None].copy(), root_position=motion.rest_offsets[:1].copy()
    )
    # Where the zero pose is none, files begin with the performer standing.
    return rig_of(str(path), [still, motion], axes, metres)


def _unit(motion: SkeletalMotion) -> float:
    """Metres in the unit of a file that does not tell it: what makes its legs an adult's."""
    joints, places = joints_named(motion.names), motion.rest_positions()
    chains = [[f"{side}_{name}" for name in ("hip", "knee", "ankle")] for side in ("left", "right")]
    told = [[joints[name] for name in chain] for chain in chains if joints.keys() >= set(chain)]
    if not told:
        return _UNITS[0]
    bones = [np.linalg.norm(np.diff(places[chain], axis=0), axis=1).sum() for chain in told]
    leg = float(np.mean(bones))
    if leg <= 0:
        return _UNITS[0]
    off = [abs(np.log(leg * unit / ADULT_LEG)) for unit in _UNITS]
    return _UNITS[int(np.argmin(off))] if min(off) < np.log(_STRANGE) else ADULT_LEG / leg


def _node_rig(path: Path, nodes: list[SceneNode], metres: float) -> Rig:
    """The skeleton of a scene whose joints are known best."""
    tops = [i for i, node in enumerate(nodes) if node.parent < 0]
    found = [skeleton for top in tops if (skeleton := skeleton_of(nodes, top)) is not None]
    if not found:
        raise ExportError(
            f"{path}: has no skeleton; export the character with its bones, not its surface alone"
        )
    pose, axes, holder = max(found, key=lambda one: len(joints_named(one[0].names)))
    return rig_of(str(path), [pose], axes, metres, holder)
