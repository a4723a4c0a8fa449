"""Models as people have them: each works, and passes its report, or says in one line why not."""

import re

import numpy as np
import pytest

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError  # noqa: E402
from mocap.retarget import correspondence_of, read_robot, retarget, robot_report  # noqa: E402
from mocap.retarget.names import bundled_folder  # noqa: E402
from retarget.made_up import (  # noqa: E402
    flat_scene,
    humanoid,
    marching,
    quadruped,
    two_arms,
    two_robots,
    walking_urdf,
)

MARCH = marching(45)
GEOM = r"<geom[^>]*/>"
MASS = '<inertial pos="0 0 0" mass="1" diaginertia=".01 .01 .01"/>'


def followed(path):
    """A robot that follows and passes; what is told of it."""
    robot = read_robot(path)
    found = correspondence_of(robot)
    trajectory = retarget([MARCH], robot, found)[0]
    report = robot_report(trajectory, MARCH, robot, found)
    assert report.passed, report.failures
    return robot, trajectory, " / ".join((*robot.notes, *found.notes))


def put(tmp_path, text, name="robot.xml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def swap(old, new):
    """The made-up humanoid with something else in a place that it has."""
    assert old in humanoid()
    return humanoid().replace(old, new)


def nan_mass():
    head = '<geom type="sphere" pos="0 0 .1" size=".08" mass="2"/>'
    return swap(head, '<inertial pos="0 0 0" mass="nan" diaginertia="1 nan 1"/>')


STANDING = 'pos="0 0 .96"'


@pytest.mark.parametrize(
    ("turn", "up"),
    [
        ("0 -1.5708 0", "-X"),
        ("0 1.5708 0", r"\+X"),
        ("1.5708 0 0", "-Y"),
        ("-1.5708 0 0", r"\+Y"),
        ("3.14159 0 0", "-Z"),
        ("0 0 3.14159", None),
        ("0 0 1.5708", None),
    ],
)
def test_a_robot_that_lies_or_faces_elsewhere_stands_up(tmp_path, turn, up):
    path = put(tmp_path, swap(STANDING, f'pos="0 0 .2" euler="{turn}"'))
    robot, trajectory, told = followed(path)
    assert bool(up and re.search(f"does not stand.*{up} of it", told)) == (up is not None)
    # Its head is above its base from first to last.
    axes = trajectory.pose().turn
    plain = read_robot(put(tmp_path, humanoid(), "plain.xml"))
    usual = retarget([MARCH], plain)[0].pose().turn
    np.testing.assert_allclose(axes[:, 2, 2], usual[:, 2, 2], atol=0.02)
    assert robot.joints == plain.joints


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (humanoid(arms=False), ""),
        (humanoid(free=False), "free joint"),
        (humanoid(waist=False), ""),
        (swap('name="waist" axis="0 0 1" range="-1 1"', 'name="waist" range="0 1e-4"'), ""),
        (swap('"left_ankle_roll" axis="1 0 0" range="-.5 .5"', '"roll" range="0 1e-4"'), ""),
        (humanoid().replace('range="-2.6 .05"', 'range="0 1e-4"'), "arms stay where they are"),
        (swap('name="neck" axis="0 0 1"', 'name="neck" type="slide" range="0 .1"'), ""),
        (
            swap(
                'name="waist" axis="0 0 1" range="-1 1"', 'name="waist" type="slide" range="0 .2"'
            ),
            "",
        ),
        (re.sub(GEOM, MASS, humanoid()), "12 capsules.*arms stay.*left foot has no flat sole"),
        (re.sub(GEOM, "", humanoid()), "12 capsules.*arms stay.*left foot has no flat sole"),
        (re.sub('range="[^"]*"', "", humanoid()), ""),
        (re.sub('<joint name="[^"]*"', "<joint", humanoid()), ""),
        (two_robots(), "pelvis is taken for the robot; other_pelvis stays"),
        (flat_scene(), ""),
        (
            humanoid(free=False).replace(
                "</worldbody>", '</worldbody><keyframe><key qpos="' + "0 " * 22 + '"/></keyframe>'
            ),
            "free joint",
        ),
        (
            swap(
                "<worldbody>",
                '<asset><texture name="t" type="2d" file="t.png"/>'
                '<material name="m" texture="t"/></asset><worldbody>',
            ).replace('size=".05 .07 .05"', 'size=".05 .07 .05" material="m"'),
            "t.png",
        ),
    ],
)
def test_what_is_odd_is_followed_all_the_same(tmp_path, text, said):
    _, _, told = followed(put(tmp_path, text))
    assert re.search(said, told), told


def test_what_is_locked_does_not_move(tmp_path):
    path = put(tmp_path, swap('name="waist" axis="0 0 1" range="-1 1"', 'name="w" range="0 1e-4"'))
    robot, trajectory, _ = followed(path)
    waist = robot.joints.index("w")
    assert robot.locked[waist]
    assert np.ptp(trajectory.joint_position[:, waist]) == 0


def test_urdf_joints_without_room_are_locked_and_bad_masses_left_out(tmp_path):
    path = walking_urdf(tmp_path, ".obj")
    text = path.read_text().replace('lower="-0.5" upper="0.5"', 'lower="0.0" upper="0"', 1)
    text = text.replace('mass value="1"', 'mass value="nan"', 1)
    text = text.replace('<inertia ixx=".01"', '<inertia ixx="-3"', 2)
    robot, trajectory, told = followed(put(tmp_path, text, "robot.urdf"))
    assert [robot.joints[j] for j in np.flatnonzero(robot.locked)] == ["left_foot_joint"]
    assert np.ptp(trajectory.joint_position[:, robot.joints.index("left_foot_joint")]) == 0
    assert "mass or inertia of pelvis, left_hip left out" in told


def test_meshes_of_packages_are_found_above_the_model_or_told(tmp_path):
    path = walking_urdf(tmp_path, ".obj", package="package://walker_description/meshes/")
    _, _, told = followed(path)
    assert "3 meshes (thigh.obj, shank.obj, foot.obj) left out: not found" in told
    (tmp_path / "walker_description" / "meshes").mkdir(parents=True)
    (tmp_path / "walker_description" / "urdf").mkdir()
    for mesh in tmp_path.glob("*.obj"):
        mesh.rename(tmp_path / "walker_description" / "meshes" / mesh.name)
    moved = path.rename(tmp_path / "walker_description" / "urdf" / path.name)
    _, _, told = followed(moved)
    assert "left out" not in told


def test_included_files_are_read(tmp_path):
    text = humanoid()
    start, end = text.index("<body"), text.rindex("</worldbody>")
    put(tmp_path, f"<mujocoinclude>{text[start:end]}</mujocoinclude>", "body.xml")
    path = put(tmp_path, text[:start] + '<include file="body.xml"/>' + text[end:])
    robot, _, _ = followed(path)
    assert robot.joints == read_robot(put(tmp_path, text, "whole.xml")).joints
    (tmp_path / "body.xml").unlink()
    with pytest.raises(RetargetError, match=r"body\.xml"):
        read_robot(path)


def test_millimetres_are_asked_about(tmp_path):
    def larger(match):
        values = " ".join(str(1000 * float(value)) for value in match[2].split())
        return f'{match[1]}="{values}"'

    path = put(tmp_path, re.sub('(pos|size|fromto)="([^"]*)"', larger, humanoid()))
    notes = correspondence_of(read_robot(path)).notes
    assert any("860 m long: is the model in metres" in note for note in notes)


MANY = "".join(f'<body pos="{i} 0 0"><joint/><geom size=".1"/></body>' for i in range(100_000))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("<!DOCTYPE html><html><body>404</body></html>", "html"),
        (humanoid()[:900], "cannot read"),
        ("\0\1\2", "cannot read"),
        ('<mujoco><include file="nowhere.xml"/></mujoco>', r"nowhere\.xml"),
        (quadruped(), "more than two legs"),
        (two_arms(), "has no two legs"),
        (re.sub('="(left|right)_', r'="p\1_', two_arms()).replace("arm", "a"), "has no two legs"),
        (swap("0 0 -.4", "0 0 nan"), "body left_shank has values that are no numbers"),
        (swap("0 0 -.4", "0 0 -4e30"), "body left_shank has values that are no numbers"),
        (swap('range="-.05 2.6"', 'range="nan 2.6"'), "range of joint left_knee"),
        (nan_mass(), "mass and inertia of moving bodies.*'head'"),
        (
            f"<mujoco><worldbody><body><geom size='.1'/>{MANY}</body></worldbody></mujoco>",
            "far too many bodies",
        ),
        ("<mujoco><worldbody>" + "<body>" * 2500, "cannot read"),
        (swap('range="-.05 2.6"', 'range="0 1e-4"'), "no joint that bends it in the middle"),
    ],
)
def test_what_cannot_follow_is_refused_in_one_line(tmp_path, text, said, capfd):
    path = put(tmp_path, text)
    with pytest.raises(RetargetError, match=said) as refused:
        correspondence_of(read_robot(path))
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)
    assert len(str(refused.value).replace(str(tmp_path), "")) < 300


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a readable URDF"),
        ("<html><body>404</body></html>", "begins with <html>"),
        ('<robot name="r"><link name="a">', "not a readable URDF"),
        (
            '<robot name="r" xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:include '
            'filename="leg.xacro"/></robot>',
            "is a xacro",
        ),
        ('<robot name="r"><link name="a"/></robot>', "nothing in it moves|no bodies"),
    ],
)
def test_what_is_no_urdf_is_refused_in_one_line(tmp_path, text, said):
    path = put(tmp_path, text, "robot.urdf")
    with pytest.raises(RetargetError, match=said) as refused:
        read_robot(path)
    assert "\n" not in str(refused.value)


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    path = put(tmp_path, nan_mass())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RetargetError):
        read_robot(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["robot.xml"]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("go1_description/urdf/go1.urdf", "more than two legs"),
        ("hyq_description/robots/hyq_no_sensors.urdf", "more than two legs"),
        ("centauro_description/urdf/centauro.urdf", "more than two legs"),
        ("baxter_description/urdf/baxter.urdf", "has no two legs"),
        ("pr2_description/urdf/pr2.urdf", "has no two legs"),
        ("alex_description/urdf/alex_nub_hands.urdf", "has no two legs"),
        ("tiago_description/robots/tiago.urdf", "has no two legs"),
        ("panda_description/urdf/panda.urdf", "no pair of limbs"),
    ],
)
def test_robots_that_are_no_humanoids_are_refused(model, said):
    folder = bundled_folder()
    if folder is None:
        pytest.skip("example-robot-data is not installed")
    with pytest.raises(RetargetError, match=said):
        correspondence_of(read_robot(folder / model))


def test_joints_that_follow_others_are_held_still(tmp_path):
    coupling = '<equality><joint joint1="left_ankle_roll" joint2="left_ankle_pitch"/></equality>'
    robot = read_robot(put(tmp_path, swap("</worldbody>", "</worldbody>" + coupling)))
    joint = robot.joints.index("left_ankle_roll")
    assert robot.locked[joint]
    assert any("left_ankle_roll held still" in told for told in robot.notes)
    trajectory = retarget([MARCH], robot)[0]
    assert np.ptp(trajectory.joint_position[:, joint]) == 0.0
