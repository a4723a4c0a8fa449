"""Robots: what is read, what is made up, and what is refused."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError  # noqa: E402
from mocap.retarget import read_robot, robot_file  # noqa: E402
from mocap.retarget.kinematics import Pose, pose_robot  # noqa: E402
from retarget.made_up import humanoid, written  # noqa: E402

URDF = """<robot name="two"><link name="base"><inertial><mass value="1"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
<link name="a"><visual><geometry><mesh filename="package://lost/a.stl"/></geometry></visual>
<inertial><mass value="1"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
<link name="b"><inertial><mass value="1"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial></link>
<joint name="j" type="revolute"><parent link="base"/><child link="a"/><origin xyz="0 0 .5"/>
<axis xyz="0 1 0"/><limit lower="-1" upper="2" velocity="3.5" effort="1"/></joint>
<joint name="k" type="revolute"><parent link="a"/><child link="b"/><origin xyz="0 0 .5"/>
<axis xyz="1 0 0"/><limit lower="-1" upper="1" effort="1"/><mimic joint="j"/></joint></robot>"""


#: Several joints on one body, off its origin and askew; a slide; a body that nothing moves.
ODD = """<mujoco model="odd"><compiler angle="radian"/><worldbody><body name="base" pos="0 0 1">
<freejoint/><geom size=".1"/>
<body name="a" pos=".1 .2 .3" euler=".3 -.2 1"><geom size=".1"/>
 <joint name="a1" axis="1 2 -1" pos=".05 0 .1"/><joint name="a2" axis="0 1 0" pos="-.1 .2 0"/>
 <body name="b" pos="0 .3 0" euler="1 0 .5"><geom size=".1"/>
  <body name="c" pos="0 0 .4"><geom size=".1"/>
   <joint name="c1" type="slide" axis="0 1 1"/><joint name="c2" axis="0 0 1" pos=".1 0 0"/></body>
 </body></body>
<body name="d" pos="0 -.3 0"><geom size=".1"/><joint name="d1" axis="0 1 0"/></body>
</body></worldbody></mujoco>"""


@pytest.mark.parametrize("model", ["made up", "odd"])
def test_forward_kinematics_is_mujocos(tmp_path, model):
    path = written(tmp_path)
    if model == "odd":
        path.write_text(ODD)
    robot = read_robot(path)
    rng = np.random.default_rng(0)
    joints = rng.uniform(-1, 1, (5, len(robot.joints)))
    turn = np.tile(np.eye(3), (5, 1, 1))
    posed = pose_robot(robot, Pose(rng.normal(size=(5, 3)), turn, joints))
    data = mujoco.MjData(robot.model)
    for frame in range(5):
        data.qpos[:3] = posed.places[0, frame]
        data.qpos[3:7] = [1, 0, 0, 0]
        data.qpos[7:] = joints[frame]
        mujoco.mj_kinematics(robot.model, data)
        own = slice(robot.first, robot.first + len(robot.bodies))
        np.testing.assert_allclose(posed.places[:, frame], data.xpos[own], atol=1e-12)
        turns = data.xmat[own].reshape(-1, 3, 3)
        np.testing.assert_allclose(posed.turns[:, frame], turns, atol=1e-12)
        axes = [robot.model.joint(name).id for name in robot.joints]
        np.testing.assert_allclose(posed.axes[:, frame], data.xaxis[axes], atol=1e-12)
        np.testing.assert_allclose(posed.anchors[:, frame], data.xanchor[axes], atol=1e-12)


def test_a_base_that_is_bolted_down_is_freed(tmp_path):
    robot = read_robot(written(tmp_path, free=False))
    assert robot.model.nq == 7 + len(robot.joints)
    assert any("free joint" in note for note in robot.notes)


def test_urdf_keeps_what_mujoco_forgets(tmp_path):
    path = tmp_path / "two.urdf"
    path.write_text(URDF)
    robot = read_robot(path)
    assert robot.joints == ("j", "k")
    assert robot.speed[0] == 3.5
    assert robot.locked.tolist() == [False, True]
    np.testing.assert_allclose((robot.low[0], robot.high[0]), (-1, 2))
    assert any("a.stl" in note for note in robot.notes)


def test_meshes_that_are_missing_are_left_out(tmp_path):
    path = written(tmp_path)
    text = humanoid().replace(
        "<worldbody>", '<asset><mesh name="m" file="m.stl"/></asset><worldbody>'
    )
    path.write_text(
        text.replace('<geom type="sphere" pos="0 0 .1"', '<geom type="mesh" mesh="m" pos="0 0 .1"')
    )
    robot = read_robot(path)
    assert any("m.stl" in note for note in robot.notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (humanoid(ball=True), "ball"),
        ("<mujoco><worldbody/></mujoco>", "no bodies"),
        (
            "<mujoco><worldbody><body><geom size='1'/></body></worldbody></mujoco>",
            "nothing in it moves",
        ),
        ("<mujoco><worldbody>", "cannot read"),
    ],
)
def test_what_is_no_robot_is_refused_by_name(tmp_path, text, said):
    path = tmp_path / "bad.xml"
    path.write_text(text)
    with pytest.raises(RetargetError, match=said) as refused:
        read_robot(path)
    assert "bad.xml" in str(refused.value)


def test_robots_that_cannot_be_downloaded_are_told_in_one_line(tmp_path, monkeypatch):
    # Git is sent to a place where there is nothing.
    for key, value in {
        "ROBOT_DESCRIPTIONS_CACHE": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/nothing/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }.items():
        monkeypatch.setenv(key, value)
    there = find_spec("robot_descriptions") is not None
    said = r"could not be downloaded \(.*nothing" if there else "pip install robot_descriptions"
    with pytest.raises(RetargetError, match=said) as refused:
        robot_file("h1")
    assert str(refused.value).startswith("h1: ")
    assert "\n" not in str(refused.value)


FILMED = """
import sys
from mocap.errors import RetargetError
from mocap.retarget import film, read_robot, retarget
from retarget.made_up import marching
try:
    robot, motion = read_robot(sys.argv[1]), marching(4)
    next(film(robot, retarget([motion], robot)[0], motion))
except RetargetError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ("disable", "pictures cannot be drawn here"),
        ("none", "cannot be loaded with MUJOCO_GL=none"),
    ],
)
def test_what_cannot_draw_is_told_in_one_line(tmp_path, library, said):
    ended = subprocess.run(
        [sys.executable, "-c", FILMED, written(tmp_path)],
        env={**os.environ, "MUJOCO_GL": library, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert said in ended.stdout
    assert ended.stdout.count("\n") == 1


def test_unknown_names_tell_the_known_ones():
    with pytest.raises(RetargetError, match="g1"):
        robot_file("r2d2")
    with pytest.raises(RetargetError, match="no such robot model"):
        robot_file("nowhere.xml")
