"""The nodes of an FBX file, read by ufbx (package ``pufbx``)."""

import re
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.rigs.fbx_bind_pose import bind_pose
from mocap.exporters.rigs.nodes import SceneNode

#: Centimetres in a unit, as binary and as text.
_BINARY_UNIT = re.compile(
    rb"UnitScaleFactorS.{4}doubleS.{4}(?:Number)?S.{4}[AU+]*D(.{8})", re.DOTALL
)
_TEXT_UNIT = re.compile(rb'"UnitScaleFactor"[^\n]*,\s*([-+.\deE]+)')
_CENTIMETRE = 0.01


def fbx_nodes(path: Path) -> tuple[list[list[SceneNode]], float]:
    """All nodes of a file, parents first, and how many metres its unit is.

    Returns:
        The nodes where the surface was bound to them, if the file tells that, and where they are;
        metres in a unit.

    Raises:
        ExportError: ``pufbx`` is not installed, or the file is damaged.
    """
    try:
        import pufbx
    except ImportError as missing:
        raise ExportError(
            "reading FBX needs pufbx; `pip install 'mocap-toolkit[rig]'` installs it"
        ) from missing
    content = path.read_bytes()
    metres = _metres(content)
    try:
        # Its nodes do not keep it alive.
        scene = pufbx.load_fbx(str(path))
    except (pufbx.UFBXError, OSError, ValueError) as fault:
        raise ExportError(
            f"{path}: is no FBX file that can be read ({_line(fault)}); export the character again"
        ) from fault
    nodes = [node for node in scene.nodes if not node.is_root]
    row = {node.typed_id: i for i, node in enumerate(nodes)}
    found = []
    for node in nodes:
        world = np.eye(4)
        world[:3] = np.transpose([column["v"] for column in node.node_to_world["cols"]])
        world[:3, 3] *= metres
        above = node.parent
        parent = -1 if above is None or above.is_root else row[above.typed_id]
        found.append(SceneNode(node.name, parent, world, node.bone is not None))
    del scene
    bound = _bound(found, bind_pose(content), metres)
    return ([bound, found] if bound else [found]), metres


def _bound(
    nodes: list[SceneNode], pose: dict[str, np.ndarray], metres: float
) -> list[SceneNode] | None:
    """Nodes in a bind pose, those without one as they are from their parents; None without one."""
    if not any(node.is_bone and node.name in pose for node in nodes):
        return None
    found: list[SceneNode] = []
    for node in nodes:
        world = node.world
        if node.name in pose:
            world = pose[node.name].copy()
            world[:3, 3] *= metres
        elif node.parent >= 0:
            above = nodes[node.parent].world
            world = found[node.parent].world @ np.linalg.pinv(above) @ world
        found.append(replace(node, world=world))
    return found


def _metres(content: bytes) -> float:
    """Metres in a unit of length: centimetres where the file is silent."""
    centimetres = 1.0
    if told := _BINARY_UNIT.search(content):
        centimetres = struct.unpack("<d", told[1])[0]
    elif told := _TEXT_UNIT.search(content):
        with suppress(ValueError):
            centimetres = float(told[1])
    return _CENTIMETRE * centimetres if np.isfinite(centimetres) and centimetres > 0 else 0.01


def _line(fault: Exception) -> str:
    """What ufbx says, in one line."""
    return " ".join(str(fault).split())
