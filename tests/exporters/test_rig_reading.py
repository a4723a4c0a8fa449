"""Rigs of every kind, read: whose joints are whose, which way is up, how large they are."""

import struct
import sys
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pygltflib
import pytest

from mocap.errors import ExportError
from mocap.exporters import PRESETS
from mocap.exporters.bone_axes import bone_axes
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.fbx import write_fbx
from mocap.exporters.glb import write_glb
from mocap.exporters.joint_names import joints_named
from mocap.exporters.rigs.fbx_bind_pose import bind_pose
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.styling import posed_at_rest, styled
from mocap.skeletons import SMPLX_55

from .performers import rods
from .rigs import held, rig_file, standing

#: A file of each family below the folder of test data, and which axis is up.
FAMILIES = {
    "animated_drawings/cmu1/jumping_jacks.bvh": "y",
    "animated_drawings/fair1/dab.bvh": "z",
    "animated_drawings/rokoko/jesse_dance.bvh": "y",
    "cmu_bvh11/131_01.bvh": "y",
    "more/salsa/01.bvh": "y",
    "perfume/A_test.bvh": "y",
    "skeleton_headers/lafan.bvh": "y",
    "skeleton_headers/mixamo.bvh": "y",
    "skeleton_headers/mocapnet.bvh": "y",
}
LIMBS = [
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
]


@pytest.mark.parametrize("kind", ["bvh", "fbx", "glb"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_presets_own_file_is_a_rig(tmp_path, name, kind):
    if kind == "fbx":
        pytest.importorskip("pufbx")
    preset = PRESETS[name]
    rig = read_rig(rig_file(tmp_path / f"a.{kind}", name))
    called = {mine: rig.skeleton.names[i] for mine, i in rig.joints.items()}
    assert called == preset.bones
    assert rig.up == (preset.up if kind == "fbx" else "y")
    assert rig.metres == (1.0 if kind == "glb" or preset.units == "m" else 0.01)
    expected = styled(standing(), replace(preset, up="y")).motion
    order = [expected.names.index(joint) for joint in rig.skeleton.names]
    away = rig.places() - expected.rest_positions()[order]
    # BVH has no place for where the root is at rest.
    away -= away[0] if kind == "bvh" else 0.0
    assert np.abs(away).max() < 1e-5
    if kind != "bvh":
        dressed = styled(standing(), replace(preset, up=rig.up)).motion
        axes = bone_axes(dressed, preset.axes)[order]
        np.testing.assert_allclose(rig.axes, axes, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_bvh_is_a_rig(data_dir, name):
    rig = read_rig(data_dir / "motions" / name)
    assert set(LIMBS) <= set(rig.joints)
    assert rig.up == FAMILIES[name]
    places = {mine: rig.places()[i] for mine, i in rig.joints.items()}
    assert places["left_hip"][0] > places["right_hip"][0] + 0.05
    for side in ("left", "right"):
        leg = places[f"{side}_hip"] - places[f"{side}_ankle"]
        assert 0.4 < leg[1] < 1.1
    assert places["head"][1] > places["left_hip"][1] + 0.3


def test_fbx_of_other_programs_is_a_rig(data_dir):
    pytest.importorskip("pufbx")
    path = data_dir / "motions/cmu_isaacgym_amp/poselib_data/01_01_cmu.fbx"
    rig = read_rig(path)
    assert set(LIMBS) <= set(rig.joints)
    assert rig.skeleton.names[:2] == ("01_01", "Hips")
    # The file says that its legs are as long as a street is wide, and is taken at its word.
    assert np.linalg.norm(rig.places()[rig.joints["left_knee"]] - rig.places()[1]) > 5.0


def test_nodes_above_the_skeleton_count(tmp_path):
    plain = read_rig(rig_file(tmp_path / "a.glb", "mixamo"))
    rig = read_rig(held(tmp_path / "b.glb", "mixamo"))
    assert rig.skeleton.names[:2] == ("Armature", "mixamorig:Hips")
    assert (rig.holder.count, rig.holder.scale) == (1, pytest.approx(0.01))
    # It lies along the file's -Z, which no file calls up: it is stood up.
    assert rig.up == "y"
    np.testing.assert_allclose(rig.places()[1:], plain.places(), atol=1e-5)


@pytest.mark.parametrize("metres", [0.01, 1.0, 0.0254, 0.001])
def test_units_of_bvh_are_what_makes_an_adult(tmp_path, metres):
    path = tmp_path / "a.bvh"
    path.write_bytes(encode_bvh(standing().motion, units=metres))
    rig = read_rig(path)
    assert rig.metres == metres
    told = rig.skeleton.rest_offsets[[rig.joints[name] for name in SMPLX_55.names[1:]]]
    np.testing.assert_allclose(told, standing().motion.rest_offsets[1:], atol=1e-6)


def test_names_may_have_a_prefix_and_joints_may_be_missing(tmp_path):
    one = styled(standing(), PRESETS["humanik"])
    fewer = [i for i, name in enumerate(one.motion.names) if "Hand" not in name[:-1]]
    kept = {-1: -1, **{i: place for place, i in enumerate(fewer)}}
    motion = replace(
        one.motion,
        names=tuple(f"Character1_{one.motion.names[i]}" for i in fewer),
        parents=tuple(kept[one.motion.parents[i]] for i in fewer),
        rest_offsets=one.motion.rest_offsets[fewer],
        rotations=one.motion.rotations[:, fewer],
    )
    rig = read_rig(write_glb([replace(one, motion=motion)], tmp_path / "a.glb"))
    assert set(LIMBS) <= set(rig.joints)
    assert not any("index" in name for name in rig.joints)


def test_the_ground_is_told_by_feet_that_stand_on_it(tmp_path):
    one = standing()
    lifted = one.motion.rest_offsets.copy()
    lifted[0, 1] += 0.03 - one.motion.rest_positions()[:, 1].min()
    raised = lifted + [[0, i == 0, 0] for i in range(55)]
    for motion, grounded in (
        (replace(one.motion, rest_offsets=lifted), True),
        (replace(one.motion, rest_offsets=raised), False),
        (one.motion, False),
    ):
        path = write_glb([replace(one, motion=motion)], tmp_path / "a.glb")
        assert read_rig(path).grounded is grounded


def test_what_is_no_rig_is_refused_in_a_line(tmp_path):
    one = standing()
    lying = {"pelvis": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])}
    bent = {f"{side}_hip": -np.eye(3) + 2 * np.diag([1, 0, 0]) for side in ("left", "right")}
    named = replace(one.motion, names=tuple(f"bone{i}" for i in range(55)))
    scene = pygltflib.GLTF2(scenes=[pygltflib.Scene(nodes=[0])], scene=0)
    scene.nodes = [pygltflib.Node(name="box", mesh=0)]
    scene.save(str(tmp_path / "empty.glb"))
    (tmp_path / "bad.glb").write_bytes(b"glTF but no more")
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nROOT a\n{\n", encoding="utf-8")
    write_glb([replace(one, motion=named)], tmp_path / "named.glb")
    write_glb([posed_at_rest(one, bent)], tmp_path / "bent.glb")
    assert read_rig(write_glb([posed_at_rest(one, lying)], tmp_path / "lying.glb")).up == "y"
    for name, fault in (
        ("none.glb", "there is no such file"),
        ("a.obj", "a rig is a BVH, FBX or GLB file"),
        ("empty.glb", "has no skeleton"),
        ("bad.glb", "is no GLB file that can be read"),
        ("bad.bvh", "there is no MOTION section"),
        ("named.glb", "joints named bone0, bone1, .* are of no known family"),
        ("bent.glb", "is nobody who stands upright"),
    ):
        with pytest.raises(ExportError, match=fault) as refused:
            read_rig(tmp_path / name)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_glb_is_read_or_refused(tmp_path, seed):
    lots = np.random.default_rng(seed)
    gltf = pygltflib.GLTF2().load(str(rig_file(tmp_path / "a.glb", "mixamo")))
    for node in (gltf.nodes[i] for i in lots.integers(0, len(gltf.nodes), 3)):
        what = lots.integers(5)
        if what == 0:
            node.children = [int(lots.integers(len(gltf.nodes)))]
        elif what == 1:
            node.scale = [0.0, 0.0, 0.0]
        elif what == 2:
            node.translation = [1e300, -1e300, 0.0]
        elif what == 3:
            node.children = [999]
        else:
            node.rotation = [0.0, 0.0, 0.0, 0.0]
    gltf.save(str(tmp_path / "b.glb"))
    with suppress(ExportError):  # Nothing else may come of it.
        rig = read_rig(tmp_path / "b.glb")
        assert np.isfinite(rig.places()).all()
        assert np.isfinite(rig.axes).all()


def test_fbx_that_cannot_be_read_is_refused_in_a_line(tmp_path, monkeypatch):
    pytest.importorskip("pufbx")
    path = write_fbx([standing()], tmp_path / "a.fbx")
    (tmp_path / "cut.fbx").write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ExportError, match="is no FBX file that can be read") as refused:
        read_rig(tmp_path / "cut.fbx")
    assert "\n" not in str(refused.value)
    monkeypatch.setitem(sys.modules, "pufbx", None)
    with pytest.raises(ExportError, match="pip install 'mocap-toolkit"):
        read_rig(path)


def test_the_pose_that_a_surface_is_bound_in_counts(tmp_path):
    pytest.importorskip("pufbx")
    one = styled(replace(standing(), skin=rods(standing().motion)), PRESETS["mixamo"])
    path = write_fbx([one], tmp_path / "a.fbx")
    rig = read_rig(path)
    # As programs store who is animated: in the pose of some frame.
    content = bytearray(path.read_bytes())
    for name in (b"mixamorig:LeftArm\x00\x01Model", b"mixamorig:Spine\x00\x01Model"):
        place = content.index(b"Lcl Rotation", content.index(name))
        place = content.index(b"AD", place) + 1
        content[place + 1 : place + 9] = struct.pack("<d", 50.0)
    (tmp_path / "b.fbx").write_bytes(content)
    posed_rig = read_rig(tmp_path / "b.fbx")
    np.testing.assert_allclose(posed_rig.places(), rig.places(), atol=1e-6)
    np.testing.assert_allclose(posed_rig.axes, rig.axes, atol=1e-6)
    bare = write_fbx([replace(one, skin=None)], tmp_path / "c.fbx").read_bytes()
    assert not bind_pose(bare)
    assert not bind_pose(b"; FBX 7.4.0 project file")
    for end in (60, 500, 5000, len(content) // 2):
        assert isinstance(bind_pose(bytes(content[:end])), dict)


def test_every_joint_of_the_body_is_known_by_name():
    for preset in PRESETS.values():
        assert set(joints_named(tuple(preset.bones.values()))) == set(preset.bones)
    assert joints_named(SMPLX_55.names) == {name: i for i, name in enumerate(SMPLX_55.names)}
    assert not joints_named(("Hips", "Box", "Lamp"))
