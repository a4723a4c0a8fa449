"""Meshes with colours as OBJ, PLY and GLB files.

World metres, right-handed, +Y up. PLY (binary) and OBJ have colours as pictures do; OBJ has them
behind the coordinates, where Blender, MeshLab and others look for them. glTF 2.0 demands colours
that are linear in light, and they are made so.
"""

from pathlib import Path

import numpy as np
import pygltflib
import trimesh
from jaxtyping import Float

from mocap.avatar.meshing import Mesh
from mocap.errors import AvatarError
from mocap.files import write_whole

#: What the name of a mesh's file may end with.
KINDS = ("ply", "obj", "glb")


def write_mesh(mesh: Mesh, path: str | Path) -> Path:
    """Write a mesh in the format that the file's name ends with.

    Raises:
        AvatarError: it ends with none of :data:`KINDS`, or cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise AvatarError(f"{path}: meshes are written as .{', .'.join(KINDS)}; name it so")
    return write_whole(path, encode_mesh(mesh, kind), error=AvatarError)


def encode_mesh(mesh: Mesh, kind: str) -> bytes:
    """The bytes of a file, of one of :data:`KINDS`."""
    if kind == "glb":
        return _glb(mesh)
    surface = trimesh.Trimesh(
        mesh.vertices,
        mesh.faces,
        vertex_colors=np.rint(255 * mesh.colours).astype(np.uint8),
        process=False,
    )
    content = surface.export(file_type=kind)
    assert isinstance(content, bytes | str)
    return content.encode() if isinstance(content, str) else content


def _glb(mesh: Mesh) -> bytes:
    places, corners = mesh.vertices.astype("<f4"), mesh.faces.astype("<u4").ravel()
    normals, light = mesh.surface.vertex_normals.astype("<f4"), linear(mesh.colours).astype("<f4")
    gltf = pygltflib.GLTF2(asset=pygltflib.Asset(version="2.0", generator="mocap-toolkit"))
    blob = b""
    for values in (places, normals, light, corners):
        is_vertices = values.ndim == 2
        raw = values.tobytes()
        view = pygltflib.BufferView(
            buffer=0,
            byteOffset=len(blob),
            byteLength=len(raw),
            target=pygltflib.ARRAY_BUFFER if is_vertices else pygltflib.ELEMENT_ARRAY_BUFFER,
        )
        accessor = pygltflib.Accessor(
            bufferView=len(gltf.bufferViews),
            componentType=pygltflib.FLOAT if is_vertices else pygltflib.UNSIGNED_INT,
            count=len(values),
            type="VEC3" if is_vertices else "SCALAR",
        )
        gltf.bufferViews.append(view)
        gltf.accessors.append(accessor)
        blob += raw
    gltf.accessors[0].min, gltf.accessors[0].max = places.min(0).tolist(), places.max(0).tolist()
    # What nothing is said of is metal.
    surface = pygltflib.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=1.0)
    gltf.materials = [pygltflib.Material(pbrMetallicRoughness=surface)]
    attributes = pygltflib.Attributes(POSITION=0, NORMAL=1, COLOR_0=2)
    gltf.meshes = [
        pygltflib.Mesh(
            primitives=[pygltflib.Primitive(attributes=attributes, indices=3, material=0)]
        )
    ]
    gltf.nodes = [pygltflib.Node(mesh=0)]
    gltf.scenes, gltf.scene = [pygltflib.Scene(nodes=[0])], 0
    gltf.buffers = [pygltflib.Buffer(byteLength=len(blob))]
    gltf.set_binary_blob(blob)
    return b"".join(gltf.save_to_bytes())


def linear(colours: Float[np.ndarray, "*shape 3"]) -> Float[np.ndarray, "*shape 3"]:
    """Colours as light, 0 to 1, of colours as in pictures (IEC 61966-2-1, sRGB)."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
