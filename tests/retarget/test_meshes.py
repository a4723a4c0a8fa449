"""Meshes: what MuJoCo does not read is read for it, what nothing reads is told."""

import numpy as np
import pytest
import trimesh

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError  # noqa: E402
from mocap.retarget import correspondence_of, read_robot  # noqa: E402
from mocap.retarget.collada import read_collada  # noqa: E402
from mocap.retarget.collisions import Collisions  # noqa: E402
from mocap.retarget.kinematics import Pose, at_rest  # noqa: E402
from mocap.retarget.names import bundled_folder  # noqa: E402
from retarget.made_up import collada, humanoid, walking_urdf  # noqa: E402

BOX = trimesh.creation.box((0.2, 0.4, 0.6))


@pytest.mark.parametrize("kind", ["triangles", "polylist", "polygons", "tristrips", "trifans"])
def test_collada_is_placed_as_its_scene_says(tmp_path, kind):
    path = tmp_path / "box.dae"
    path.write_text(collada(BOX, kind, unit=0.01, up="Z_UP"))
    (points, triangles), up = read_collada(path)
    assert up == "Z_UP"
    # Centimetres; moved by 100 along x within a node that is turned by 90 degrees about z.
    assert len(points) == 8
    np.testing.assert_allclose(points.min(0), [-0.002, 0.999, -0.003], atol=1e-9)
    np.testing.assert_allclose(points.max(0), [0.002, 1.001, 0.003], atol=1e-9)
    surface = trimesh.Trimesh(points, triangles)
    np.testing.assert_allclose(surface.area, BOX.area * 1e-4, rtol=1e-6)
    assert surface.volume > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html><body>not found</body></html>", "no triangles"),
        ("<COLLADA><libr", "no COLLADA file"),
        ("", "no COLLADA file"),
        (collada(BOX).replace("#at", "#lost"), "damaged"),
        (collada(BOX).replace("0.1", "one"), "damaged"),
        (collada(BOX).replace("0.1", "nan"), "damaged"),
        (collada(BOX).replace("0 0 1 90", "0 1"), "damaged"),
        (
            collada(BOX).replace("<instance_geometry", '<instance_node url="#outer"/><node'),
            "damaged",
        ),
    ],
)
def test_damaged_collada_is_told(tmp_path, text, said):
    path = tmp_path / "box.dae"
    path.write_text(text)
    with pytest.raises(RetargetError, match=said):
        read_collada(path)


@pytest.mark.parametrize("suffix", [".dae", ".ply", ".glb", ".off", ".stl", ".STL"])
def test_formats_that_mujoco_does_not_read_make_the_same_robot(tmp_path, suffix):
    whole = read_robot(walking_urdf(tmp_path, ".obj"))
    other = read_robot(walking_urdf(tmp_path, suffix))
    assert any(f"foot{suffix}" in note and "converted" in note for note in other.notes)
    assert not any("left out" in note for note in other.notes)
    for robot in (whole, other):
        sole = correspondence_of(robot).soles["left"]
        np.testing.assert_allclose(sole.corners[:, 2], -0.05, atol=1e-6)
        np.testing.assert_allclose(np.ptp(sole.corners[:, 0]), 0.22, atol=1e-6)
    assert not list(tmp_path.glob("*converted*"))


@pytest.mark.parametrize(("turned", "up"), [(True, "Y_UP"), (False, "Y_UP"), (False, "Z_UP")])
def test_joints_tell_whether_y_is_up(tmp_path, turned, up):
    robot = read_robot(walking_urdf(tmp_path, ".dae", up=up, turned=turned))
    assert any("+Y is up" in note for note in robot.notes) == turned
    sole = correspondence_of(robot).soles["right"]
    np.testing.assert_allclose(sole.corners[:, 2], -0.05, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("foot.stl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS"),
        ("foot.stl", b"<html>404</html>", "no triangles"),
        ("foot.stl", b"", "no triangles"),
        ("foot.obj", b"# nothing\n", "foot.obj"),
        ("foot.dae", b"<COLLADA/>", "no triangles"),
        ("foot.mesh", b"[MeshSerializer_v1.40]", ".mesh is no format"),
        (None, b"", "not found beside the model"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_told(tmp_path, name, content, said):
    path = walking_urdf(tmp_path, ".obj")
    for foot in tmp_path.glob("foot.*"):
        foot.unlink()
    if name is not None:
        (tmp_path / name).write_bytes(content)
        path.write_text(path.read_text().replace("foot.obj", name))
    robot = read_robot(path)
    assert any(said in note for note in robot.notes), robot.notes
    assert any("left out" in note for note in robot.notes)
    # The foot's shape is guessed, and that is told, too.
    found = correspondence_of(robot)
    assert any("left foot" in note for note in found.notes), found.notes
    assert 0.02 < -found.soles["left"].corners[0, 2] < 0.1


def test_flat_meshes_are_no_reason_to_stop(tmp_path):
    flat = trimesh.creation.box((0.1, 0.1, 0.1))
    flat.vertices[:, 2] = 0.0
    flat.export(tmp_path / "flat.ply")
    flat.export(tmp_path / "flat.obj")
    for suffix, said in ((".ply", "converted"), (".obj", "left out")):
        path = tmp_path / "flat.xml"
        path.write_text(
            humanoid()
            .replace("<worldbody>", f'<asset><mesh file="flat{suffix}"/></asset><worldbody>')
            .replace('<geom type="sphere" pos="0 0 .1"', '<geom type="mesh" mesh="flat"')
        )
        assert any("flat" in note and said in note for note in read_robot(path).notes)


@pytest.mark.parametrize(
    ("name", "drop", "length", "bodies"),
    [("icub", 0.041, 0.157, 27), ("romeo", 0.067, 0.204, 24), ("talos", 0.107, 0.213, 30)],
)
def test_known_robots_stand_on_their_own_soles(name, drop, length, bodies):
    if bundled_folder() is None:
        pytest.skip("example-robot-data is not installed")
    robot = read_robot(name)
    assert not any("left out" in note or "capsules" in note for note in robot.notes)
    found = correspondence_of(robot)
    assert not found.notes
    rest = at_rest(robot)
    heights = []
    for side in ("left", "right"):
        sole = found.soles[side]
        body = robot.bodies.index(sole.body)
        placed = rest.point(body, sole.corners)[0]
        np.testing.assert_allclose(rest.places[body, 0, 2] - placed[:, 2], drop, atol=2e-3)
        span = np.linalg.norm((placed[2] + placed[3] - placed[0] - placed[1])[:2]) / 2
        np.testing.assert_allclose(span, length, atol=5e-3)
        heights.append(placed[:, 2].mean())
    np.testing.assert_allclose(heights[0], heights[1], atol=1e-3)
    own = robot.model.geom_bodyid[robot.model.geom_contype != 0]
    assert len(set(own.tolist())) >= bodies
    pose = Pose(rest.places[0], rest.turns[0], robot.resting()[None])
    assert not Collisions(robot, margin=0.0).overlaps(pose).any()
