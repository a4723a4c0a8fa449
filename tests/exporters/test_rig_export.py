"""Takes on rigs, written and read by others: names, rest pose and axes are the rig's own."""

from dataclasses import replace
from pathlib import Path

import bvhio
import numpy as np
import pygltflib
import pytest
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap.errors import ExportError
from mocap.exporters import ExportConfig, export_take, read_bvh
from mocap.exporters.performer import Performer
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.retargeting import retargeted
from mocap.exporters.taken import motion_from_take
from mocap.skeletons import SMPLX_55
from mocap.take import Contacts, Take

from .rigs import held, rig_file

KINDS = ("bvh", "fbx", "glb", "usd")


@pytest.fixture(scope="module")
def take() -> Take:
    return make_take(people=2, frames=30)


def written(take: Take, rig: Path, kind: str, out: Path, **options) -> Path:
    [path] = export_take(take, ["person-1"], kind, out, ExportConfig(rig=rig, **options))
    return path


@pytest.mark.parametrize("kind", ["fbx", "glb"])
@pytest.mark.parametrize("preset", ["mixamo", "unreal", "rigify"])
def test_the_rigs_own_rest_pose_and_axes_are_kept(tmp_path, take, preset, kind):
    pytest.importorskip("pufbx")
    rig = read_rig(rig_file(tmp_path / "hero.fbx", preset))
    path = written(take, tmp_path / "hero.fbx", kind, tmp_path / "out")
    found = read_rig(path)
    rig = rig if kind == "fbx" else rig.standing_on_y()
    assert found.skeleton.names == rig.skeleton.names
    assert found.skeleton.parents == rig.skeleton.parents
    assert found.up == rig.up
    np.testing.assert_allclose(found.axes, rig.axes, atol=1e-6)
    np.testing.assert_allclose(found.places(), rig.places(), atol=1e-6)
    assert found.metres == (1.0 if kind == "glb" else rig.metres)


@pytest.mark.parametrize("preset", ["mixamo", "unreal", "rigify"])
def test_fbx_has_the_joints_where_they_belong(tmp_path, take, preset):
    from .test_fbx import read as read_fbx  # Skips where there is no reader of FBX.

    path = rig_file(tmp_path / "hero.fbx", preset)
    rig = read_rig(path)
    one = Performer("person-1", motion_from_take(take, "person-1"))
    expected = retargeted(one, rig).motion
    names, times, world = read_fbx(written(take, path, "fbx", tmp_path / "out"))
    frames = np.abs(times - np.arange(30)[:, None] / 30).argmin(1)
    order = [names.index(name) for name in expected.names]
    joints = world[frames][:, order][..., :3, 3] * rig.metres
    assert np.abs(joints - expected.joints()).max() < 5e-5


def test_bvh_has_the_joints_where_they_belong(tmp_path, take, data_dir):
    for name in (
        "skeleton_headers/lafan",
        "cmu_bvh11/131_01",
        "animated_drawings/rokoko/jesse_dance",
    ):
        path = data_dir / "motions" / f"{name}.bvh"
        rig = read_rig(path)
        one = Performer("person-1", motion_from_take(take, "person-1"))
        expected = retargeted(one, rig).motion
        out = written(take, path, "bvh", tmp_path / rig.skeleton.names[1])
        found = read_bvh(out, units=rig.metres)
        theirs = read_bvh(path, units=rig.metres)
        assert found.names == theirs.names
        assert found.parents == theirs.parents
        np.testing.assert_allclose(found.rest_offsets[1:], theirs.rest_offsets[1:], atol=1e-6)
        assert np.abs(found.joints() - expected.joints()).max() < 5e-5
        root = bvhio.readAsHierarchy(str(out))
        root.loadPose(12)
        joints = {joint.Name: np.array(joint.PositionWorld) for joint, *_ in root.layout()}
        seen = np.array([joints[name] for name in expected.names]) * rig.metres
        assert np.abs(seen - expected.joints()[12]).max() < 5e-5


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_of_skeletons_takes_a_rig(tmp_path, take, kind):
    path = rig_file(tmp_path / "hero.glb", "unity")
    out = export_take(take, list(take.people), kind, tmp_path / "out", ExportConfig(rig=path))
    assert [one.name for one in out] == [f"person-{i}.{kind}" for i in (1, 2)]


def test_what_holds_a_skeleton_holds_it_as_it_did(tmp_path, take):
    path = held(tmp_path / "hero.glb", "mixamo")
    was = pygltflib.GLTF2().load(str(path))
    now = pygltflib.GLTF2().load(str(written(take, path, "glb", tmp_path / "out")))
    [armature] = [node for node in now.nodes if node.name == "Armature"]
    np.testing.assert_allclose(armature.scale, 0.01)
    assert now.nodes.index(armature) not in now.skins[0].joints
    told = {node.name: node for node in was.nodes}
    # Whoever copies curves to the character finds them in its own units and axes.
    for node in now.nodes:
        if node.name not in ("Armature", "mixamorig:Hips"):
            np.testing.assert_allclose(node.translation, told[node.name].translation, atol=1e-3)
            turns = [Rotation.from_quat(of.rotation) for of in (node, told[node.name])]
            assert (turns[0].inv() * turns[1]).magnitude() < 1e-5
    pufbx = pytest.importorskip("pufbx")
    scene = pufbx.load_fbx(str(written(take, path, "fbx", tmp_path / "out")))
    nodes = {node.name: node for node in scene.nodes}
    assert nodes["Armature"].bone is None
    assert nodes["mixamorig:Hips"].bone is not None
    np.testing.assert_allclose(nodes["Armature"].lcl_scale.x, 0.01)
    places = [read_rig(one).places() for one in (path, tmp_path / "out" / "person-1.fbx")]
    np.testing.assert_allclose(places[1][1:], places[0][1:], atol=1e-5)


def test_everybody_on_rigs_goes_into_one_file(tmp_path, take):
    path = rig_file(tmp_path / "hero.glb", "unity")
    config = ExportConfig(rig=path, together=True)
    [out] = export_take(take, list(take.people), "glb", tmp_path / "out", config)
    assert out.stat().st_size > 1.8 * written(take, path, "glb", tmp_path / "one").stat().st_size


def test_edits_come_before_the_rig(tmp_path, take):
    path = rig_file(tmp_path / "hero.bvh", "smplx")
    plain = read_bvh(written(take, path, "bvh", tmp_path / "a"))
    edited = read_bvh(written(take, path, "bvh", tmp_path / "b", mirror=True, start=0.2, fps=60.0))
    assert (edited.fps, len(edited)) == (60.0, len(plain) * 2 - 13)
    np.testing.assert_allclose(
        edited.root_position[::2], plain.root_position[6:] * [-1.0, 1.0, 1.0], atol=1e-3
    )


def test_the_takes_contacts_hold_the_feet(tmp_path, take):
    person = take.people["person-1"]
    always, never = np.ones(30), np.zeros(30)
    path = rig_file(tmp_path / "hero.bvh", "smplx")
    travelled = []
    for told in (always, never):
        contacts = Contacts(told, told, never, never)
        known = replace(take, people={"person-1": replace(person, contacts=contacts)})
        motion = read_bvh(written(known, path, "bvh", tmp_path / "out"))
        toe = motion.joints()[:, motion.names.index("left_foot")]
        travelled.append(np.ptp(toe[:, [0, 2]], axis=0).max())
    assert travelled[0] < 0.5 * travelled[1]


def test_units_are_the_rigs_unless_asked_for(tmp_path, take):
    path = rig_file(tmp_path / "hero.bvh", "rigify")
    assert read_rig(path).metres == 1.0
    assert read_rig(written(take, path, "bvh", tmp_path / "a")).metres == 1.0
    assert read_rig(written(take, path, "bvh", tmp_path / "b", units="cm")).metres == 0.01


@pytest.mark.parametrize(
    ("kind", "options", "fault"),
    [
        ("amass", {}, "amass holds no rig's skeleton; bvh, fbx, glb, usd do"),
        ("obj", {}, "obj holds no rig's skeleton"),
        ("csv", {}, "csv holds no rig's skeleton"),
        ("fbx", {"preset": "unity"}, "choose it or the preset unity"),
        ("fbx", {"root_motion": True}, "has no bone above its hips that could travel"),
        ("bvh", {"together": True}, "holds one person"),
    ],
)
def test_what_does_not_go_with_a_rig_is_refused(tmp_path, take, kind, options, fault):
    path = rig_file(tmp_path / "hero.glb", "unity")
    with pytest.raises(ExportError, match=fault) as refused:
        written(take, path, kind, tmp_path / "out", **options)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_fingers_are_carried_over(tmp_path, take):
    rig = read_rig(rig_file(tmp_path / "hero.glb", "unreal"))
    one = Performer("person-1", motion_from_take(take, "person-1"))
    found = retargeted(one, rig).motion
    world = rig.upright.T @ found.world_rotations() @ rig.upright
    for finger in ("index", "middle", "pinky", "ring", "thumb"):
        first, last = (f"left_{finger}{part}" for part in (1, 3))
        ours = one.motion.world_rotations()[:, SMPLX_55.indices(first, last)]
        theirs = world[:, [rig.joints[first], rig.joints[last]]]
        # How one bone is turned against the other over time, whatever the rest pose is.
        turns = [np.swapaxes(of[:, 0], 1, 2) @ of[:, 1] for of in (ours, theirs)]
        spread = [
            np.trace(turn[1:] @ np.swapaxes(turn[:-1], 1, 2), axis1=1, axis2=2) for turn in turns
        ]
        np.testing.assert_allclose(spread[0], spread[1], atol=1e-6)
