"""GLB, binary glTF 2.0: skeletons, their motion, and the surfaces they carry.

What is written here, most of which the format demands:

- Axes: right-handed, +Y up; people face +Z in the rest pose, which is SMPL-X's T-pose unless a
  preset changes it. Units: metres, seconds.
- Joints are nodes; their rest pose is the nodes' own transform. Rotations are unit quaternions in
  the order x, y, z, w, of a joint's axes to its parent's, whose sign never jumps.
- A key a frame, at the motion's own rate; rotations are interpolated on the sphere.
- Up to eight joints move a vertex. Several people share a scene: each stands below a node of
  their name.

Source: "glTF 2.0 Specification", Khronos Group, 2021.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib
from jaxtyping import Float

from mocap.errors import ExportError
from mocap.exporters.oriented import RestAxes, oriented
from mocap.exporters.performer import Performer, require_sound
from mocap.exporters.quaternions import continuous_quaternions, quaternions
from mocap.exporters.skin import Skin
from mocap.files import write_whole

__all__ = ["encode_glb", "write_glb"]

_COMPONENTS = {
    "float32": pygltflib.FLOAT,
    "uint8": pygltflib.UNSIGNED_BYTE,
    "uint16": pygltflib.UNSIGNED_SHORT,
    "uint32": pygltflib.UNSIGNED_INT,
}
_SHAPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
#: Joints that move a vertex come in sets of four.
_SET = 4


def write_glb(performers: Sequence[Performer], path: str | Path, *, axes: RestAxes = "y") -> Path:
    """Write people to a GLB file; the module says with which axes and meaning.

    Args:
        performers: who is in the scene; +Y up.
        path: the file to write; its folder is made if need be.
        axes: of the joints at rest.

    Returns:
        ``path``.

    Raises:
        ExportError: a motion is empty or not finite, or the file cannot be written (nothing is
            left behind then).
    """
    return write_whole(path, encode_glb(performers, axes=axes), error=ExportError)


def encode_glb(performers: Sequence[Performer], *, axes: RestAxes = "y") -> bytes:
    """People as the bytes of a GLB file; the options are those of :func:`write_glb`."""
    require_sound(performers)
    file = _File()
    # One animation for all: viewers play one at a time.
    animation = pygltflib.Animation(name="motion")
    roots: list[int] = []
    for performer in performers:
        actor = _Actor(file, performer, axes)
        root = actor.write(animation)
        roots.append(
            file.node(name=performer.name, children=[root]) if len(performers) > 1 else root
        )
        # Skinned meshes stand where their joints are, and are below no other node.
        if performer.skin is not None:
            roots.append(actor.surface(performer.skin))
    file.gltf.animations.append(animation)
    return file.bytes(roots)


class _File:
    """A glTF document and its binary chunk."""

    def __init__(self) -> None:
        self.gltf = pygltflib.GLTF2(asset=pygltflib.Asset(version="2.0", generator="mocap-toolkit"))
        self._blob = bytearray()

    def node(self, **what: Any) -> int:
        """A node; returns its number."""
        self.gltf.nodes.append(pygltflib.Node(**what))
        return len(self.gltf.nodes) - 1

    def array(self, values: np.ndarray, *, target: int | None = None, range_: bool = False) -> int:
        """An accessor of an array's rows; returns its number."""
        raw = values.tobytes()
        view = pygltflib.BufferView(
            buffer=0, byteOffset=len(self._blob), byteLength=len(raw), target=target
        )
        self.gltf.bufferViews.append(view)
        # Every view begins at a multiple of four, as the largest component asks for.
        self._blob += raw + bytes(-len(raw) % 4)
        accessor = pygltflib.Accessor(
            bufferView=len(self.gltf.bufferViews) - 1,
            componentType=_COMPONENTS[values.dtype.name],
            count=len(values),
            type=_SHAPES[values.shape[1:]],
        )
        if range_:
            flat = values.reshape(len(values), -1)
            accessor.min, accessor.max = flat.min(0).tolist(), flat.max(0).tolist()
        self.gltf.accessors.append(accessor)
        return len(self.gltf.accessors) - 1

    def bytes(self, roots: list[int]) -> bytes:
        """The file, whose scene has these nodes."""
        self.gltf.scenes, self.gltf.scene = [pygltflib.Scene(nodes=roots)], 0
        self.gltf.buffers = [pygltflib.Buffer(byteLength=len(self._blob))]
        self.gltf.set_binary_blob(bytes(self._blob))
        return b"".join(self.gltf.save_to_bytes())


class _Actor:
    """One person's nodes."""

    def __init__(self, file: _File, performer: Performer, axes: RestAxes) -> None:
        self._file, self._performer = file, performer
        self._oriented = oriented(performer.motion, axes)
        # What a metre is in a joint's parent.
        self._units = np.ones(len(performer.motion.names))
        self._units[performer.holder.count :] /= performer.holder.scale
        self._nodes = self._joints()
        # Without a surface too: it is what tells readers that these nodes are bones.
        binding = pygltflib.Skin(
            name=performer.name,
            joints=self._nodes[performer.holder.count :],
            skeleton=self._nodes[performer.holder.count],
            inverseBindMatrices=file.array(self._inverse_bind()[performer.holder.count :]),
        )
        file.gltf.skins.append(binding)
        self._skin = len(file.gltf.skins) - 1

    def write(self, animation: pygltflib.Animation) -> int:
        """The joints, and their motion in an animation; returns the first joint's node."""
        self._animate(animation)
        return self._nodes[0]

    def _joints(self) -> list[int]:
        motion, file = self._performer.motion, self._file
        places = self._oriented.rest_offsets * self._units[:, None]
        turns, holder = quaternions(self._oriented.rest_turns), self._performer.holder
        found = [
            file.node(name=name, translation=places[i].tolist(), rotation=turns[i].tolist())
            for i, name in enumerate(motion.names)
        ]
        for i, parent in enumerate(motion.parents[1:], 1):
            above = file.gltf.nodes[found[parent]]
            above.children = [*(above.children or []), found[i]]
        if holder.count and holder.scale != 1.0:
            file.gltf.nodes[found[holder.count - 1]].scale = [holder.scale] * 3
        return found

    def _animate(self, animation: pygltflib.Animation) -> None:
        motion, file, joints = self._performer.motion, self._file, self._nodes
        times = self._performer.start + np.arange(len(motion)) / motion.fps
        clock = file.array(times.astype("f4"), range_=True)

        def channel(node: int, path: str, values: np.ndarray) -> None:
            sampler = pygltflib.AnimationSampler(
                input=clock, output=file.array(values), interpolation="LINEAR"
            )
            animation.samplers.append(sampler)
            target = pygltflib.AnimationChannelTarget(node=node, path=path)
            number = len(animation.samplers) - 1
            animation.channels.append(pygltflib.AnimationChannel(sampler=number, target=target))

        turns = continuous_quaternions(self._oriented.turns)
        for i, node in enumerate(joints):
            channel(node, "rotation", np.ascontiguousarray(turns[:, i]))
        for i in np.flatnonzero(self._oriented.moved).tolist():
            placed = np.ascontiguousarray(self._oriented.offsets[:, i] * self._units[i], "f4")
            channel(joints[i], "translation", placed)

    def surface(self, skin: Skin) -> int:
        """The node of a surface that the joints move."""
        file, name, joints = self._file, f"{self._performer.name}-body", self._nodes
        vertices, lit = skin.vertices.astype("f4"), skin.normals().astype("f4")
        attributes = pygltflib.Attributes(
            POSITION=file.array(vertices, target=pygltflib.ARRAY_BUFFER, range_=True),
            NORMAL=file.array(lit, target=pygltflib.ARRAY_BUFFER),
        )
        who, much = skin.strongest_joints(2 * _SET)
        number = "u1" if len(joints) <= 256 else "u2"
        for first in range(0, who.shape[1], _SET):
            part = slice(first, first + _SET)
            for name_, values in (("JOINTS", who.astype(number)), ("WEIGHTS", much.astype("f4"))):
                rows = np.ascontiguousarray(values[:, part])
                accessor = file.array(rows, target=pygltflib.ARRAY_BUFFER)
                setattr(attributes, f"{name_}_{first // _SET}", accessor)
        corners = skin.faces.astype("u4").ravel()
        paint = pygltflib.PbrMetallicRoughness(
            baseColorFactor=[0.72, 0.72, 0.75, 1.0], metallicFactor=0.0, roughnessFactor=0.8
        )
        file.gltf.materials.append(pygltflib.Material(name=name, pbrMetallicRoughness=paint))
        primitive = pygltflib.Primitive(
            attributes=attributes,
            indices=file.array(corners, target=pygltflib.ELEMENT_ARRAY_BUFFER),
            material=len(file.gltf.materials) - 1,
        )
        file.gltf.meshes.append(pygltflib.Mesh(name=name, primitives=[primitive]))
        return file.node(name=name, mesh=len(file.gltf.meshes) - 1, skin=self._skin)

    def _inverse_bind(self) -> Float[np.ndarray, "joints 4 4"]:
        """The inverses of the joints' rest transforms, each column by column."""
        axes, places, holder = self._oriented.axes, self._oriented.places, self._performer.holder
        if holder.count:
            # Surfaces that are bound would be in the holder's axes.
            last = holder.count - 1
            places = (places - places[last]) @ axes[last] / holder.scale
            axes = axes[last].T @ axes
        back = np.swapaxes(axes, 1, 2)
        found = np.tile(np.eye(4), (len(back), 1, 1))
        found[:, :3, :3] = back
        found[:, :3, 3] = -(back @ places[..., None])[..., 0]
        return np.ascontiguousarray(np.swapaxes(found, 1, 2), "f4")
