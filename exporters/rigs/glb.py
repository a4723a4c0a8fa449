"""The nodes of a glTF file."""

import json
import struct
import warnings
from pathlib import Path

import numpy as np
import pygltflib
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.rigs.nodes import SceneNode


def glb_nodes(path: Path) -> tuple[list[list[SceneNode]], float]:
    """All nodes of a file, where they are, and how many metres its unit is: one.

    Joints of skins are bones; where there is no skin, every node that shows nothing is.

    Raises:
        ExportError: the file is damaged.
    """
    try:
        with warnings.catch_warnings():
            # It warns of what it then fails with.
            warnings.simplefilter("ignore")
            gltf = pygltflib.GLTF2().load(str(path))
        assert gltf is not None
        return [_nodes(gltf)], 1.0
    except (
        *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError),
        *(struct.error, json.JSONDecodeError, RecursionError),
    ) as fault:
        raise ExportError(
            f"{path}: is no GLB file that can be read ({fault}); export the character again"
        ) from fault


def _nodes(gltf: pygltflib.GLTF2) -> list[SceneNode]:
    parents = [-1] * len(gltf.nodes)
    for i, node in enumerate(gltf.nodes):
        for child in node.children or []:
            parents[child] = i
    joints = {joint for skin in gltf.skins or [] for joint in skin.joints}
    worlds: dict[int, np.ndarray] = {}

    def world(i: int) -> np.ndarray:
        if i not in worlds:
            own = _local(gltf.nodes[i])
            worlds[i] = own if parents[i] < 0 else world(parents[i]) @ own
        return worlds[i]

    return [
        SceneNode(
            node.name or f"node{i}",
            parents[i],
            world(i),
            i in joints if joints else node.mesh is None and node.camera is None,
        )
        for i, node in enumerate(gltf.nodes)
    ]


def _local(node: pygltflib.Node) -> np.ndarray:
    """(4, 4) the transform of a node in its parent's axes."""
    if node.matrix:
        return np.array(node.matrix, dtype=float).reshape(4, 4).T
    found = np.eye(4)
    turn = Rotation.from_quat(node.rotation or [0.0, 0.0, 0.0, 1.0]).as_matrix()
    found[:3, :3] = turn * np.array(node.scale or [1.0, 1.0, 1.0])
    found[:3, 3] = node.translation or [0.0, 0.0, 0.0]
    return found
