"""What of a robot is what of a person."""

import json

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError
from mocap.retarget import (
    correspondence_of,
    read_correspondence,
    read_robot,
    retarget,
    robot_report,
    write_correspondence,
)
from mocap.retarget.limbs import build_of
from mocap.retarget.names import bundled_folder
from retarget.made_up import humanoid, marching, written

PARTS = {f"{s}_{p}" for s in ("left", "right") for p in ("thigh", "shank", "upper_arm", "forearm")}


@pytest.mark.parametrize("named", [True, False])
def test_limbs_are_found_with_and_without_names(tmp_path, named):
    robot = read_robot(written(tmp_path, named=named))
    found = correspondence_of(robot)
    assert set(found.segments) == PARTS
    assert set(found.bearings) == {"pelvis", "chest", "head", "left_foot", "right_foot"}
    np.testing.assert_allclose(found.leg, 0.86, atol=1e-3)
    np.testing.assert_allclose(found.segments["left_thigh"].length, 0.4, atol=1e-3)
    np.testing.assert_allclose(found.segments["left_upper_arm"].length, 0.26, atol=1e-3)
    np.testing.assert_allclose(found.hips["left"], [0, 0.09, -0.1], atol=1e-3)
    corners = [[-0.07, 0.04], [-0.07, -0.04], [0.15, 0.04], [0.15, -0.04]]
    np.testing.assert_allclose(found.soles["left"].corners[:, :2], corners, atol=1e-3)
    np.testing.assert_allclose(found.soles["left"].corners[:, 2], -0.06, atol=1e-3)


def test_a_robot_that_faces_backwards_is_turned_about(tmp_path):
    path = written(tmp_path)
    path.write_text(humanoid().replace('pos="0 0 .96"', 'pos="0 0 .96" euler="0 0 3.14159265"'))
    build = build_of(read_robot(path))
    np.testing.assert_allclose(build.axes[:, 2], [-1, 0, 0], atol=1e-6)
    turn = correspondence_of(read_robot(path)).bearings["pelvis"].turn
    # Ahead of the person is along the base's own x.
    np.testing.assert_allclose(turn[:, 2], [1, 0, 0], atol=1e-6)


def test_without_arms_or_waist_the_rest_is_found(tmp_path):
    found = correspondence_of(read_robot(written(tmp_path, arms=False)))
    assert set(found.segments) == {part for part in PARTS if "arm" not in part}
    found = correspondence_of(read_robot(written(tmp_path, waist=False)))
    assert set(found.segments) == PARTS
    assert "chest" not in found.bearings


def test_who_has_no_legs_is_told_so(tmp_path):
    path = tmp_path / "arm.xml"
    joints = "".join('<body pos="0 0 .2"><joint/><geom size=".1"/>' for _ in range(4))
    path.write_text(f"<mujoco><worldbody>{joints}{'</body>' * 4}</worldbody></mujoco>")
    with pytest.raises(RetargetError, match="two legs"):
        correspondence_of(read_robot(path))


def test_the_file_comes_back_as_it_was(tmp_path):
    robot = read_robot(written(tmp_path))
    found = correspondence_of(robot)
    again = read_correspondence(write_correspondence(tmp_path / "c.json", found), robot)
    assert again.joints == found.joints
    for name, bearing in found.bearings.items():
        np.testing.assert_allclose(again.bearings[name].turn, bearing.turn, atol=1e-5)
    for name, segment in found.segments.items():
        np.testing.assert_allclose(again.segments[name].end, segment.end, atol=1e-5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", "other", "no correspondence"),
        ("joints", ["nose"], "no joint 'nose'"),
        ("leg", "long", "damaged"),
        ("bearings", {}, "lack left_foot, pelvis"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(tmp_path, key, value, said):
    robot = read_robot(written(tmp_path))
    path = write_correspondence(tmp_path / "c.json", correspondence_of(robot))
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(RetargetError, match=said):
        read_correspondence(path, robot)


#: Knees and elbows of robots that people have, as their makers call them.
BENDS = {
    "unitree_g1/g1.xml": ("left_knee_joint", "left_elbow_joint"),
    "unitree_h1/h1.xml": ("left_knee", "left_elbow"),
    "booster_t1/t1.xml": ("Left_Knee_Pitch", "Left_Elbow_Yaw"),
}


@pytest.mark.parametrize("model", BENDS)
def test_known_robots_are_understood(data_dir, model):
    path = data_dir.parent / "robots" / model
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    _check(read_robot(path), BENDS[model])


@pytest.mark.parametrize(
    ("name", "bends"),
    [("talos", ("leg_left_4_joint", "arm_left_4_joint")), ("icub", ("l_knee", "l_elbow"))],
)
def test_robots_never_met_are_understood(name, bends):
    if bundled_folder() is None:
        pytest.skip("example-robot-data is not installed")
    _check(read_robot(name), bends)


def _check(robot, bends):
    build = build_of(robot)
    assert build.arms is not None
    for limb, joint in zip((build.legs[0], build.arms[0]), bends, strict=True):
        assert robot.joints[limb.joints[limb.bend]] == joint
    found = correspondence_of(robot)
    left, right = found.segments["left_shank"], found.segments["right_shank"]
    assert abs(left.length - right.length) < 2e-3
    assert set(found.segments) == PARTS


def _without(kind, name):
    return lambda content: content[kind].pop(name)


def _with(value, *keys):
    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("bearings", "right_foot"), "bearings lack right_foot"),
        (_without("soles", "right"), "soles lack right"),
        (_with({}, "segments"), "no joints or no segments"),
        (_with([], "joints"), "no joints or no segments"),
        (_with([], "segments"), "damaged"),
        (_with(None, "limits"), "damaged"),
        (_with(float("nan"), "scale"), "scale is nan"),
        (_with(0.0, "scale"), "scale is 0"),
        (_with(-1, "segments", "left_shank", "tolerance"), "tolerance of left_shank is -1"),
        (_with([0.0] * 3, "segments", "left_shank", "end"), "length of left_shank is 0"),
        (_with([[0.0] * 3] * 3, "bearings", "pelvis", "turn"), "no rotation"),
        (_with(99, "version"), "another version"),
    ],
)
def test_what_was_corrected_by_hand_is_checked(tmp_path, change, said):
    robot = read_robot(written(tmp_path))
    path = write_correspondence(tmp_path / "c.json", correspondence_of(robot))
    content = json.loads(path.read_text())
    content["segments"]["left_toe"] = content["segments"].pop("left_forearm")
    path.write_text(json.dumps(content))
    with pytest.raises(RetargetError, match="not of left_toe"):
        read_correspondence(path, robot)
    content["segments"]["left_shank"]["start"] = [0.0] * 3
    del content["segments"]["left_toe"]
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RetargetError, match=said) as refused:
        read_correspondence(path, robot)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_with(1.0, "scales"), r"the file has an unknown 'scales'; did you mean scale or soles\?$"),
        (
            _with(0.1, "segments", "left_shank", "tolerence"),
            r"left_shank in segments has an unknown 'tolerence'; did you mean tolerance\?$",
        ),
        (_with(0.1, "soles", "left", "zzz"), "left in soles .* 'zzz'; there are body, corners$"),
        (_with({"Sped": 2.0}, "limits", "left_knee"), r"unknown 'Sped'; did you mean speed\?$"),
        (_with([0.0] * 3, "hips", "lefft"), r"hips has an unknown 'lefft'; did you mean left\?$"),
        (_with({}, "limits", "left_kne"), r"no joint 'left_kne'; did you mean left_knee or .*\?"),
        (
            _with("Left_shnak", "segments", "left_shank", "body"),
            r"'Left_shnak', which made_up has not; did you mean left_shank.*\? "
            r"All 23 are in .*made_up\.xml$",
        ),
        (_with("zzz", "segments", "left_shank", "body"), r"all 23 are in .*made_up\.xml$"),
    ],
)
def test_misspelt_names_are_refused_with_the_likely_ones(tmp_path, change, said):
    robot = read_robot(written(tmp_path))
    path = write_correspondence(tmp_path / "c.json", correspondence_of(robot))
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RetargetError, match=said) as refused:
        read_correspondence(path, robot)
    assert "neck" not in str(refused.value)


def test_arms_hands_chest_and_head_may_be_left_out(tmp_path):
    march = marching()
    robot = read_robot(written(tmp_path))
    path = write_correspondence(tmp_path / "c.json", correspondence_of(robot))
    content = json.loads(path.read_text())
    for side in ("left", "right"):
        del content["segments"][f"{side}_upper_arm"], content["segments"][f"{side}_forearm"]
        content["bearings"].pop(f"{side}_hand", None)
    content["bearings"].pop("head", None)
    del content["bearings"]["chest"]
    path.write_text(json.dumps(content))
    found = read_correspondence(path, robot)
    [trajectory] = retarget([march], robot, found)
    assert robot_report(trajectory, march, robot, found).passed
