"""Meshes that are written, as another reader has them."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh

from avatar.surfaces import colours_at, sphere
from mocap.avatar import write_mesh
from mocap.avatar.mesh_files import KINDS, linear
from mocap.avatar.meshing import Mesh
from mocap.errors import AvatarError

CHECK = Path(__file__).parent.parent / "exporters" / "gltf_check.js"


@pytest.fixture(scope="module")
def mesh():
    surface = sphere(0.2, (0.1, 1.0, -2.0))
    vertices = np.asarray(surface.vertices)
    return Mesh(vertices, np.asarray(surface.faces), colours_at(vertices))


def read(path) -> trimesh.Trimesh:
    return trimesh.load(path, process=False, force="mesh", skip_materials=True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_mesh_is_read_again_with_its_colours(mesh, kind, tmp_path):
    path = write_mesh(mesh, tmp_path / "folder" / f"body.{kind}")
    again = read(path)
    np.testing.assert_allclose(again.vertices, mesh.vertices, atol=1e-6)
    np.testing.assert_array_equal(again.faces, mesh.faces)
    assert again.is_watertight
    expected = linear(mesh.colours) if kind == "glb" else mesh.colours
    colours = again.visual.vertex_colors / 255
    # The reader rounds to a byte, down.
    np.testing.assert_allclose(colours[:, :3], expected, atol=1.01 / 255)
    assert (colours[:, 3] == 1).all()


def test_glb_is_no_metal_and_has_normals(mesh, tmp_path):
    path = write_mesh(mesh, tmp_path / "body.glb")
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    gltf = json.loads(data[20 : 20 + length])
    assert gltf["materials"][0]["pbrMetallicRoughness"]["metallicFactor"] == 0.0
    (primitive,) = gltf["meshes"][0]["primitives"]
    assert set(primitive["attributes"]) == {"POSITION", "NORMAL", "COLOR_0"}
    colours = gltf["accessors"][primitive["attributes"]["COLOR_0"]]
    assert (colours["type"], colours["componentType"]) == ("VEC3", 5126)
    np.testing.assert_allclose(
        read(path).vertex_normals, sphere(0.2, (0.1, 1.0, -2.0)).vertex_normals, atol=1e-4
    )


def test_khronos_finds_no_fault(mesh, tmp_path):
    validator = os.environ.get("MOCAP_GLTF_VALIDATOR")
    if not validator:
        pytest.skip("MOCAP_GLTF_VALIDATOR does not name a folder that holds gltf-validator")
    ended = subprocess.run(
        ["node", str(CHECK), str(write_mesh(mesh, tmp_path / "body.glb"))],
        env={**os.environ, "NODE_PATH": str(Path(validator) / "node_modules")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    issues = json.loads(ended.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), ended.stdout


def test_colours_become_light_as_the_standard_says():
    np.testing.assert_allclose(
        linear(np.array([[0.0, 0.04045, 0.5], [1.0, 0.2, 0.735357]])),
        [[0.0, 0.0031308, 0.2140411], [1.0, 0.0331048, 0.5]],
        atol=1e-6,
    )


@pytest.mark.parametrize("name", ["body.stl", "body", "ply"])
def test_other_formats_are_refused_with_those_there_are(mesh, name, tmp_path):
    with pytest.raises(AvatarError, match=rf"{name}: meshes are written as \.ply, \.obj, \.glb"):
        write_mesh(mesh, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_where_nothing_can_be_written_it_is_told(mesh, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AvatarError, match="cannot be written"):
        write_mesh(mesh, tmp_path / "file" / "body.ply")
