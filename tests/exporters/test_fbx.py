"""FBX files as ufbx, the reader of Godot and others, sees them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.fbx import encode_fbx, write_fbx
from mocap.exporters.fbx_nodes import Node, document

from .performers import ACROBATICS, acrobat, performer, posed, rods, stretching, tumbler

pufbx = pytest.importorskip("pufbx")


def read(path):
    """Names, seconds, and (F, N, 4, 4) world transforms of all nodes but the scene's own."""
    scene = pufbx.load_fbx(str(path))  # Its parts do not keep it alive.
    nodes = [node for node in scene.nodes if not node.is_root]
    data, times, animated = pufbx.anim_to_array(str(path))
    names = [node.name for node in nodes]
    local = np.tile(np.eye(4), (data.shape[1], len(nodes), 1, 1))
    for i, node in enumerate(nodes):
        local[:, i, :3] = np.transpose([column["v"] for column in node.node_to_parent["cols"]])
    for row, name in zip(data, animated, strict=True):
        local[:, names.index(name), :3, :3] = Rotation.from_quat(row[:, 3:7]).as_matrix()
        local[:, names.index(name), :3, 3] = row[:, :3]
    np.testing.assert_allclose(data[..., 7:], 1.0, atol=1e-6)
    world = np.empty_like(local)
    places = {node.typed_id: i for i, node in enumerate(nodes)}
    for i, node in enumerate(nodes):
        above = np.eye(4) if node.parent.is_root else world[:, places[node.parent.typed_id]]
        world[:, i] = above @ local[:, i]
    return names, times, world


def joints_of(path, one, scale=100.0):
    """(F, J, 3) the joints of somebody in metres, at the times that the motion has frames."""
    found, times, world = read(path)
    names, motion = one.motion.names, one.motion
    wanted = one.start + np.arange(len(motion)) / motion.fps
    # Where a joint turns far from frame to frame ufbx has keys in between.
    frames = np.abs(times - wanted[:, None]).argmin(1)
    np.testing.assert_allclose(times[frames], wanted, atol=1e-6)
    return world[frames][:, [found.index(name) for name in names]][..., :3, 3] / scale


@pytest.mark.parametrize("axes", ["world", "y", "x"])
@pytest.mark.parametrize(("units", "scale"), [("cm", 100.0), ("m", 1.0)])
def test_joints_come_back(tmp_path, axes, units, scale):
    one = performer(fps=29.97)
    path = write_fbx([one], tmp_path / "a.fbx", axes=axes, units=units)
    assert np.abs(joints_of(path, one, scale) - one.motion.joints()).max() < 5e-5


def test_nothing_is_lost_in_tumbling(tmp_path):
    one = tumbler()
    path = write_fbx([one], tmp_path / "a.fbx")
    assert np.abs(joints_of(path, one) - one.motion.joints()).max() < 5e-5


@pytest.mark.parametrize("name", ACROBATICS)
def test_acrobatics_come_back(tmp_path, data_dir, name):
    one = acrobat(data_dir, name)
    path = write_fbx([one], tmp_path / "a.fbx")
    assert np.abs(joints_of(path, one) - one.motion.joints()).max() < 5e-5


def test_joints_that_leave_their_places_come_back(tmp_path):
    one = stretching()
    path = write_fbx([one], tmp_path / "a.fbx")
    assert np.abs(joints_of(path, one) - one.motion.joints()).max() < 5e-5


def test_the_surface_comes_along(tmp_path):
    one = performer()
    scene = pufbx.load_fbx(str(write_fbx([one], tmp_path / "a.fbx")))
    [mesh] = scene.meshes
    assert mesh.num_vertices == len(one.skin.vertices)
    assert mesh.num_faces == len(one.skin.faces)
    assert (scene.num_skin_deformers, scene.num_skin_clusters) == (1, len(one.motion.names))
    bare = pufbx.load_fbx(str(write_fbx([replace(one, skin=None)], tmp_path / "b.fbx")))
    assert (bare.num_meshes, bare.num_bones) == (0, len(one.motion.names))


def test_several_people_stand_below_their_names(tmp_path):
    people = [replace(performer(person=1), start=0.0), replace(performer(person=2), start=1.0)]
    path = write_fbx(people, tmp_path / "a.fbx")
    scene = pufbx.load_fbx(str(path))
    top = [node.name for node in scene.nodes if node.parent is not None and node.parent.is_root]
    assert top == ["person-1", "person-2"]
    assert scene.num_bones == 2 * 55


@pytest.mark.parametrize(("fps", "mode"), [(30.0, 6), (24.0, 11), (29.97, 14), (60.0, 3)])
def test_the_rate_is_told(fps, mode):
    content = encode_fbx([performer(frames=3, fps=fps, skin=False)])
    assert b"TimeMode" in content
    place = content.index(b"TimeMode") + len("TimeMode") + len("S....enumS....S....")
    assert content[place : place + 5] == b"I" + bytes([mode, 0, 0, 0])


@pytest.mark.parametrize("up", ["y", "z"])
def test_which_way_is_up_is_told(tmp_path, up):
    content = encode_fbx([performer(frames=3, skin=False)], up=up)
    place = content.index(b"UpAxis") + len("UpAxis") + len("S....intS....IntegerS....")
    assert content[place : place + 2] == b"I" + bytes(["xyz".index(up)])


def test_names_of_any_script_are_kept(tmp_path):
    one = tumbler(5)
    named = replace(one, motion=replace(one.motion, names=("ルート", "b c", "ü:x", "d", "e", "f")))
    names, *_ = read(write_fbx([named], tmp_path / "a.fbx"))
    assert set(names) == {"ルート", "b c", "ü:x", "d", "e", "f"}


def test_what_cannot_be_written_is_refused(tmp_path):
    one = performer(frames=5, skin=False)
    with pytest.raises(ExportError, match="nobody"):
        encode_fbx([])
    lost = one.motion.root_position.copy()
    lost[3] = np.nan
    for motion, fault in (
        (replace(one.motion, root_position=lost), "from frame 3"),
        (replace(one.motion, fps=0.0), "frame rate"),
        (replace(one.motion, rest_offsets=one.motion.rest_offsets * np.nan), "rest pose"),
    ):
        with pytest.raises(ExportError, match=fault):
            write_fbx([replace(one, motion=motion)], tmp_path / "a.fbx")
    assert not list(tmp_path.iterdir())


def test_a_document_is_laid_out_as_the_format_says():
    content = document([Node("A", 1, nodes=[Node("B", "x")]), Node("C")])
    assert content.startswith(b"Kaydara FBX Binary  \x00\x1a\x00" + (7400).to_bytes(4, "little"))
    end = int.from_bytes(content[27:31], "little")
    assert content[end - 13 : end] == bytes(13)
    assert (len(content) - len(b"vers") - 120 - 16) % 16 == 0


def test_a_surface_of_rods_is_where_its_joints_are():
    one = performer()
    middles = posed(one).reshape(40, 55, 4, 3)[:, :, 1:].mean(2)
    corner = one.motion.world_rotations() @ (0.03 * np.array([-1, -1, -1]) / 3)
    np.testing.assert_allclose(middles - corner, one.motion.joints(), atol=1e-9)
    assert rods(one.motion).normals().shape == one.skin.vertices.shape
