"""Presets: other names, rest poses, axes and roots; joints and surfaces where they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.bone_axes import bone_axes
from mocap.exporters.presets import PRESETS, preset_named
from mocap.exporters.styling import kept, posed_at_rest, rooted, styled, turned
from mocap.skeletons import SMPLX_55

from .performers import performer, posed

Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


@pytest.mark.parametrize("root_motion", [False, True])
@pytest.mark.parametrize("name", PRESETS)
def test_joints_and_surface_stay_in_place(name, root_motion):
    one, preset = performer(), PRESETS[name]
    found = styled(one, preset, root_motion=root_motion)
    joints, surface = found.motion.joints(), posed(found)
    if preset.up == "z":
        joints, surface = joints @ Y_UP.T, surface @ Y_UP.T
    theirs = [found.motion.names.index(called) for called in preset.bones.values()]
    ours = SMPLX_55.indices(*preset.bones)
    assert np.abs(joints[:, theirs] - one.motion.joints()[:, ours]).max() < 1e-9
    # What the jaw and the eyes carry goes with the head; what several joints move, moves a little
    # differently once it is bound in another pose.
    carried = one.skin.weights[:, ours].sum(1) > 1 - 1e-9
    if preset.rest == "A":
        carried &= one.skin.weights.max(1) == 1
    assert carried.mean() > 0.6
    assert np.abs(surface - posed(one))[:, carried].max() < 1e-9
    np.testing.assert_allclose(found.skin.weights.sum(1), 1.0)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_whole(name):
    preset = PRESETS[name]
    assert preset.name == name
    assert len(set(preset.bones.values())) == len(preset.bones)
    left_out = set(SMPLX_55.names) - set(preset.bones)
    assert left_out <= {"jaw", "left_eye_smplhf", "right_eye_smplhf"}
    swapped = {"left": "right", "right": "left"}
    for mine, called in preset.bones.items():
        side = mine.split("_")[0]
        if side in swapped:
            other = preset.bones[mine.replace(side, swapped[side], 1)]
            assert len(other) - len(called) in (-1, 0, 1)
            assert other != called


def test_names_that_programs_know():
    assert PRESETS["mixamo"].bones["left_hip"] == "mixamorig:LeftUpLeg"
    assert PRESETS["mixamo"].bones["right_index2"] == "mixamorig:RightHandIndex2"
    assert PRESETS["unreal"].bones["right_elbow"] == "lowerarm_r"
    assert PRESETS["unreal"].bones["left_thumb1"] == "thumb_01_l"
    assert PRESETS["unity"].bones["left_pinky2"] == "LeftLittleIntermediate"
    assert PRESETS["unity"].bones["spine3"] == "UpperChest"
    assert PRESETS["rigify"].bones["left_knee"] == "shin.L"
    assert PRESETS["rigify"].bones["right_index3"] == "f_index.03.R"
    assert PRESETS["humanik"].bones["right_shoulder"] == "RightArm"


def test_mixamos_names_are_those_of_its_files(data_dir):
    from mocap.exporters import read_bvh

    theirs = read_bvh(data_dir / "motions" / "skeleton_headers" / "mixamo.bvh")
    ours = set(PRESETS["mixamo"].bones.values())
    assert ours <= set(theirs.names)


def test_an_a_pose_has_its_arms_at_45_degrees():
    found = styled(performer(), PRESETS["unreal"]).motion
    rest = dict(zip(found.names, found.rest_positions(), strict=True))
    for side, way in (("l", 1), ("r", -1)):
        arm = rest[f"lowerarm_{side}"] - rest[f"upperarm_{side}"]
        # +Z is up, the left arm on +X, and it looks along -Y.
        assert np.degrees(np.arctan2(-arm[2], way * arm[0])) == pytest.approx(45, abs=4)
    assert rest["ball_l"][1] < rest["foot_l"][1]
    np.testing.assert_allclose(found.joints()[:, 0], 0.0)


def test_a_travelling_root_goes_below_the_hips_and_faces_their_way():
    one = performer(frames=90)
    found = styled(one, PRESETS["smplx"], root_motion=True).motion
    np.testing.assert_allclose(found.root_position[:, [0, 2]], one.motion.root_position[:, [0, 2]])
    np.testing.assert_allclose(found.root_position[:, 1], 0.0)
    up = found.rotations[:, 0] @ [0.0, 1.0, 0.0]
    np.testing.assert_allclose(up, np.tile([0.0, 1.0, 0.0], (90, 1)), atol=1e-12)
    ahead = found.rotations[:, 0] @ [0.0, 0.0, 1.0]
    hips = one.motion.rotations[:, 0] @ [0.0, 0.0, 1.0] * [1.0, 0.0, 1.0]
    told = np.linalg.norm(hips, axis=1) > 0.5
    cosine = np.sum(ahead * hips, axis=1)[told] / np.linalg.norm(hips[told], axis=1)
    assert np.median(cosine) > 0.9


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 3), min_size=55, max_size=55))
def test_any_rest_pose_keeps_joints_and_surface(turns):
    one = performer(frames=3)
    pose = dict(zip(SMPLX_55.names, Rotation.from_rotvec(turns).as_matrix(), strict=True))
    found = posed_at_rest(one, pose)
    assert np.abs(found.motion.joints() - one.motion.joints()).max() < 1e-9
    rigid = one.skin.weights.max(1) == 1
    assert np.abs(posed(found) - posed(one))[:, rigid].max() < 1e-9


def test_pieces_can_be_put_together_in_any_order():
    one = performer(frames=5)
    chosen = {name: name.upper() for name in SMPLX_55.names if "thumb" not in name}
    first = kept(rooted(one, "root", travels=True), {"root": "ROOT", **chosen})
    then = rooted(kept(one, chosen), "ROOT", travels=True)
    assert first.motion.names == then.motion.names
    np.testing.assert_allclose(first.motion.joints(), then.motion.joints(), atol=1e-9)
    back = turned(turned(one, Y_UP), Y_UP.T)
    np.testing.assert_allclose(back.motion.rotations, one.motion.rotations, atol=1e-12)


@pytest.mark.parametrize(("axes", "column"), [("y", 1), ("x", 0)])
def test_bones_point_at_the_next_joint(axes, column):
    motion = performer(frames=2).motion
    found = bone_axes(motion, axes)
    np.testing.assert_allclose(np.linalg.det(found), 1.0)
    rest = dict(zip(motion.names, motion.rest_positions(), strict=True))
    for joint, following in (
        ("left_elbow", "left_wrist"),
        ("right_knee", "right_ankle"),
        ("left_wrist", "left_middle1"),
        ("pelvis", "spine1"),
        ("spine3", "neck"),
        ("neck", "head"),
        ("left_index1", "left_index2"),
    ):
        way = rest[following] - rest[joint]
        along = found[motion.names.index(joint), :, column]
        assert along @ way / np.linalg.norm(way) > 0.99, joint
    np.testing.assert_allclose(bone_axes(motion, "world"), np.tile(np.eye(3), (55, 1, 1)))


def test_an_unknown_preset_is_refused():
    with pytest.raises(ExportError, match="choose one of smplx, mixamo"):
        preset_named("maya")
