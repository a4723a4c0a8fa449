"""There and back again, files that others have written, and other rates."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.cli.options import RobotFormat
from mocap.datasets.robots import FORMATS, read_trajectory, write_trajectory
from mocap.errors import RetargetError
from mocap.retarget import Trajectory, read_robot

from .made_up import swinging

#: Of numbers, after there and back: single precision, units converted, or nothing lost.
EXACT = {"beyondmimic": 1e-6, "mjlab": 1e-6, "soma": 1e-12}


def same(found, expected, within=0.0):
    assert found.fps == expected.fps
    assert found.joint_names == expected.joint_names
    for name in ("root_position", "root_quaternion", "joint_position"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=0, atol=within, err_msg=name
        )


@pytest.mark.parametrize("name", FORMATS)
def test_there_and_back_is_the_same(tmp_path, robot, trajectory, name):
    form = FORMATS[name]
    path = tmp_path / f"walk{form.suffix}"
    written = write_trajectory(path, trajectory, form, robot, fps=50)
    assert written.fps == 50
    found = read_trajectory(path, robot, fps=50 if name in ("unitree", "soma") else None)
    same(found, trajectory, EXACT.get(name, 0.0))
    assert found.body_names == robot.bodies


def test_from_format_to_format_to_format(tmp_path, robot, trajectory):
    found = trajectory
    for name in ("gmr", "beyondmimic", "holosoma", "soma", "mujoco", "unitree", "mjlab", "mocap"):
        path = tmp_path / f"walk{FORMATS[name].suffix}"
        write_trajectory(path, found, FORMATS[name], robot, fps=50)
        found = read_trajectory(path, robot, fps=50)
    same(found, trajectory, 1e-5)


def test_what_only_our_file_tells_stays_in_it(tmp_path, robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot)
    write_trajectory(tmp_path / "a.npz", trajectory, FORMATS["mocap"])
    found = read_trajectory(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.contacts, trajectory.contacts)
    assert (found.scale, found.person) == (0.9, "person-1")
    write_trajectory(tmp_path / "a.pkl", trajectory, FORMATS["gmr"])
    other = read_trajectory(tmp_path / "a.pkl", robot)
    assert other.contacts is None
    assert np.isnan(other.scale)
    again = Trajectory.load(other.save(tmp_path / "b.npz"))
    assert again.contacts is None


def test_files_that_name_their_joints_need_no_robot(tmp_path, robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot)
    for name in ("mujoco", "holosoma", "soma"):
        path = tmp_path / f"{name}{FORMATS[name].suffix}"
        write_trajectory(path, trajectory, FORMATS[name], robot, fps=50)
        same(read_trajectory(path, fps=50), trajectory, EXACT.get(name, 0.0))


@pytest.mark.parametrize("name", ["beyondmimic", "mjlab"])
def test_orders_are_found_out_where_nothing_is_named(tmp_path, robot, trajectory, name):
    path = tmp_path / "walk.npz"
    write_trajectory(path, trajectory, FORMATS[name], robot)
    with np.load(path) as file:
        plain = {key: file[key] for key in file if not key.endswith("_names")}
    np.savez(path, **plain)
    same(read_trajectory(path, robot), trajectory, 1e-6)


def test_names_in_another_order_are_put_in_the_robots(tmp_path, robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot)
    back = slice(None, None, -1)
    turned = replace(
        trajectory,
        joint_names=trajectory.joint_names[back],
        joint_position=trajectory.joint_position[:, back],
    )
    turned.save(tmp_path / "a.npz")
    same(read_trajectory(tmp_path / "a.npz", robot), trajectory)
    write_trajectory(tmp_path / "a.pkl", turned, FORMATS["gmr"], robot)
    same(read_trajectory(tmp_path / "a.pkl", robot), trajectory)


def test_pickles_that_gmr_has_written_itself_are_read(tmp_path, robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot)
    content = {
        "mocap_frame_rate": np.array([60]),
        "root_pos": trajectory.root_position.astype(np.float32),
        "root_rot": trajectory.root_quaternion[:, [1, 2, 3, 0]],
        "dof_pos": trajectory.joint_position,
        "local_body_pos": None,
        "link_body_list": None,
    }
    for protocol in (2, 4, 5):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol=protocol))
        found = read_trajectory(tmp_path / "a.pkl", robot)
        same(found, replace(trajectory, fps=60.0), 1e-6)


def test_a_table_of_bones_seed_is_read(tmp_path, robot_named):
    robot = robot_named("made_up")
    names = ",".join(f"{name}_dof" for name in reversed(robot.joints))
    root = "Frame,root_translateX,root_translateY,root_translateZ,root_rotateX,root_rotateY"
    rows = [f"{n},100,-200,{n},0,0,90," + ",".join(map(str, range(22))) for n in range(3)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([f"{root},root_rotateZ,{names}", *rows]))
    found = read_trajectory(path, robot)
    assert found.fps == 120
    np.testing.assert_allclose(found.root_position[2], [1, -2, 0.02])
    np.testing.assert_allclose(found.root_quaternion[0], [0.5**0.5, 0, 0, 0.5**0.5])
    np.testing.assert_allclose(found.joint_position[1], np.radians(np.arange(22))[::-1])


def test_a_table_of_unitrees_is_read(tmp_path, robot_named):
    robot = robot_named("made_up")
    path = tmp_path / "anything"
    path.write_text("1,2,0.8,0,0,0.6,0.8" + ",0.25" * 22 + "\n" + "1,2,0.8,0,0,0,1" + ",0" * 22)
    found = read_trajectory(path, robot)
    assert found.fps == 30
    np.testing.assert_array_equal(found.root_quaternion[0], [0.8, 0, 0, 0.6])
    assert (found.joint_position[0] == 0.25).all()


def test_holosomas_rate_may_be_told_in_seconds(tmp_path, robot_named):
    robot = robot_named("made_up")
    np.savez(tmp_path / "a.npz", qpos=swinging(robot).states(), fps=0.02)
    assert read_trajectory(tmp_path / "a.npz", robot).fps == pytest.approx(50)


@pytest.mark.parametrize(
    ("name", "fps"), [("unitree", 30), ("soma", 120), ("beyondmimic", 50), ("gmr", 60)]
)
def test_the_rate_is_what_readers_take_for_granted(tmp_path, robot_named, name, fps):
    robot = robot_named("made_up")
    path = tmp_path / f"walk{FORMATS[name].suffix}"
    written = write_trajectory(path, swinging(robot, fps=60.0), FORMATS[name], robot)
    assert written.fps == fps
    assert len(written) == int(39 / 60 * fps + 1e-6) + 1
    assert read_trajectory(path, robot).fps == fps


def test_another_rate_is_the_same_motion(robot_named):
    robot = robot_named("made_up")
    slow, fast = swinging(robot, frames=61, fps=30.0), swinging(robot, frames=101, fps=50.0)
    found = slow.resampled(50.0)
    assert len(found) == 101
    # Where frames fall together they are the same; in between the motion is no further off than
    # cubics are from sines of a hertz or less.
    np.testing.assert_allclose(found.joint_position[::5], slow.joint_position[::3], atol=1e-12)
    np.testing.assert_allclose(found.joint_position, fast.joint_position, atol=0.03)
    np.testing.assert_allclose(found.root_position, fast.root_position, atol=5e-3)
    turns = [Rotation.from_quat(one.root_quaternion, scalar_first=True) for one in (found, fast)]
    assert (turns[0] * turns[1].inv()).magnitude().max() < 5e-3
    assert (found.joint_position >= robot.low).all()
    assert (found.joint_position <= robot.high).all()
    np.testing.assert_array_equal(found.contacts[::5], slow.contacts[::3])
    assert slow.resampled(30.0) is slow


def test_turns_do_not_change_their_sign(robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot, frames=300)
    trajectory.root_quaternion[::2] *= -1
    found = trajectory.resampled(75.0).root_quaternion
    assert (np.sum(found[1:] * found[:-1], 1) > 0.99).all()


def test_isaac_lab_takes_a_joint_a_body(tmp_path, robot_named):
    two = (
        '<mujoco><worldbody><body name="b"><freejoint/><geom size=".1"/><body name="two">'
        '<joint name="a" axis="0 0 1"/><joint name="c" axis="1 0 0"/><geom size=".1"/></body>'
        "</body></worldbody></mujoco>"
    )
    (tmp_path / "two.xml").write_text(two)
    robot = read_robot(tmp_path / "two.xml")
    with pytest.raises(RetargetError, match="two has several joints"):
        write_trajectory(tmp_path / "a.npz", swinging(robot), FORMATS["beyondmimic"], robot)
    assert not (tmp_path / "a.npz").exists()


def test_the_command_line_offers_every_format():
    assert {name.value for name in RobotFormat} == set(FORMATS)
