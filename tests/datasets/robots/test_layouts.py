"""What is written, read the way that the projects read it: by hand, and by MuJoCo itself."""

import pickle
import pickletools
from dataclasses import replace

import numpy as np
import pytest

mujoco = pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from retarget.made_up import humanoid  # noqa: E402

from mocap.datasets.robots import FORMATS, read_trajectory, write_trajectory  # noqa: E402
from mocap.retarget import pose_robot, read_robot  # noqa: E402

from .made_up import swinging  # noqa: E402

#: Isaac Lab's joints of a Unitree G1, as its users publish them.
ISAAC_G1 = (
    "left_hip_pitch right_hip_pitch waist_yaw left_hip_roll right_hip_roll waist_roll left_hip_yaw "
    "right_hip_yaw waist_pitch left_knee right_knee left_shoulder_pitch right_shoulder_pitch "
    "left_ankle_pitch right_ankle_pitch left_shoulder_roll right_shoulder_roll left_ankle_roll "
    "right_ankle_roll left_shoulder_yaw right_shoulder_yaw left_elbow right_elbow left_wrist_roll "
    "right_wrist_roll left_wrist_pitch right_wrist_pitch left_wrist_yaw right_wrist_yaw"
).split()


def posed(robot, trajectory, frame):
    """MuJoCo's data of a robot in a frame, moving as it does there."""
    data = mujoco.MjData(robot.model)
    data.qpos[robot.in_qpos] = trajectory.states()[frame]
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, trajectory.root_quaternion[frame])
    spin = turn.reshape(3, 3).T @ trajectory.root_angular_velocity[frame]
    moves = [trajectory.root_velocity[frame], spin, trajectory.joint_velocity[frame]]
    data.qvel[robot.in_qvel] = np.concatenate(moves)
    mujoco.mj_forward(robot.model, data)
    return data


def velocity(robot, data, body, kind):
    """MuJoCo's velocity of a body, world: (3,) m/s, (3,) rad/s."""
    found = np.zeros(6)
    mujoco.mj_objectVelocity(robot.model, data, kind, robot.model.body(body).id, found, 0)
    return found[3:], found[:3]


def load_robot_motion(path):
    """As general_motion_retargeting/data_loader.py does it."""
    with path.open("rb") as file:
        data = pickle.load(file)  # noqa: S301 - what this test has written itself
    return data["fps"], data["root_pos"], data["root_rot"][:, [3, 0, 1, 2]], data["dof_pos"], data


@pytest.mark.parametrize(("fps", "kind"), [(30.0, int), (29.97, float), (np.float64(60), int)])
def test_gmrs_rate_is_a_plain_number_as_its_own_files_have_it(tmp_path, trajectory, fps, kind):
    path = tmp_path / "walk.pkl"
    write_trajectory(path, replace(trajectory, fps=fps), FORMATS["gmr"])
    told = load_robot_motion(path)[0]
    assert (told, type(told)) == (fps, kind)


def test_gmr_reads_what_is_written_for_it(tmp_path, robot, trajectory):
    path = tmp_path / "walk.pkl"
    write_trajectory(path, trajectory, FORMATS["gmr"], robot)
    fps, place, quaternion, joints, data = load_robot_motion(path)
    assert fps == 50
    assert type(fps) is int
    np.testing.assert_array_equal(place, trajectory.root_position)
    np.testing.assert_array_equal(quaternion, trajectory.root_quaternion)
    np.testing.assert_array_equal(joints, trajectory.joint_position)
    assert data["link_body_list"] == list(robot.bodies)
    state = mujoco.MjData(robot.model)
    state.qpos[robot.in_qpos] = [0, 0, 0, 1, 0, 0, 0, *trajectory.joint_position[7]]
    mujoco.mj_kinematics(robot.model, state)
    own = slice(robot.first, robot.first + len(robot.bodies))
    np.testing.assert_allclose(data["local_body_pos"][7], state.xpos[own], atol=1e-6)


def test_gmr_without_a_robot_has_no_bodies_as_its_single_clips(tmp_path, robot_named):
    robot = robot_named("made_up")
    write_trajectory(tmp_path / "a.pkl", swinging(robot), FORMATS["gmr"])
    *_, data = load_robot_motion(tmp_path / "a.pkl")
    assert data["local_body_pos"] is None
    assert data["link_body_list"] is None


def test_gmrs_pickle_is_of_names_that_every_numpy_knows(tmp_path, robot_named):
    robot = robot_named("made_up")
    write_trajectory(tmp_path / "a.pkl", swinging(robot), FORMATS["gmr"], robot)
    content = (tmp_path / "a.pkl").read_bytes()
    names = {argument for code, argument, _ in pickletools.genops(content) if code.name == "GLOBAL"}
    assert names == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}


def test_unitrees_table_is_read_as_csv_to_npz_reads_it(tmp_path, robot, trajectory):
    path = tmp_path / "walk.csv"
    write_trajectory(path, trajectory, FORMATS["unitree"], fps=50)
    motion = np.loadtxt(path, delimiter=",")
    assert motion.shape == (40, 7 + len(robot.joints))
    np.testing.assert_array_equal(motion[:, :3], trajectory.root_position)
    np.testing.assert_array_equal(motion[:, 3:7][:, [3, 0, 1, 2]], trajectory.root_quaternion)
    np.testing.assert_array_equal(motion[:, 7:], trajectory.joint_position)


def test_somas_table_is_in_centimetres_and_degrees_with_names(tmp_path, robot_named):
    robot = robot_named("made_up")
    trajectory = swinging(robot)
    path = tmp_path / "walk.csv"
    write_trajectory(path, trajectory, FORMATS["soma"], fps=50)
    header, *lines = path.read_text().splitlines()
    assert (
        header.split(",")[:7]
        == (
            "Frame root_translateX root_translateY root_translateZ "
            "root_rotateX root_rotateY root_rotateZ"
        ).split()
    )
    assert header.split(",")[7:] == list(robot.joints)
    row = np.array(lines[11].split(","), float)
    assert row[0] == 11
    np.testing.assert_allclose(row[1:4], 100 * trajectory.root_position[11])
    x, y, z = np.radians(row[4:7])
    about_x, about_y, about_z = (
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]),
        np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]),
        np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]),
    )
    turn = trajectory.pose().turn[11]
    np.testing.assert_allclose(about_z @ about_y @ about_x, turn, atol=1e-12)
    np.testing.assert_allclose(row[7:], np.degrees(trajectory.joint_position[11]))


def test_beyondmimic_has_isaacs_order_and_centres_of_mass(tmp_path, robot_named):
    robot = robot_named("unitree_g1/g1.xml")
    trajectory = swinging(robot)
    path = tmp_path / "motion.npz"
    write_trajectory(path, trajectory, FORMATS["beyondmimic"], robot)
    data = np.load(path)
    joints = [f"{name}_joint" for name in ISAAC_G1]
    bodies = ["pelvis", *(f"{name}_link" for name in ISAAC_G1)]
    bodies[bodies.index("waist_pitch_link")] = "torso_link"
    assert data["fps"].tolist() == [50]
    columns = [robot.joints.index(name) for name in joints]
    np.testing.assert_allclose(data["joint_pos"], trajectory.joint_position[:, columns], atol=1e-6)
    np.testing.assert_allclose(data["joint_vel"], trajectory.joint_velocity[:, columns], atol=1e-5)
    assert data["joint_pos"].dtype == data["body_pos_w"].dtype == np.float32
    for frame in (0, 17, 39):
        state = posed(robot, trajectory, frame)
        for row, body in enumerate(bodies):
            np.testing.assert_allclose(
                data["body_pos_w"][frame, row], state.body(body).xpos, atol=1e-6
            )
            same = abs(data["body_quat_w"][frame, row] @ state.body(body).xquat)
            assert same == pytest.approx(1, abs=1e-6)
            linear, angular = velocity(robot, state, body, mujoco.mjtObj.mjOBJ_BODY)
            np.testing.assert_allclose(data["body_lin_vel_w"][frame, row], linear, atol=1e-4)
            np.testing.assert_allclose(data["body_ang_vel_w"][frame, row], angular, atol=1e-4)


def test_beyondmimics_bodies_of_a_urdf_are_those_that_move(tmp_path, robot_named):
    robot = robot_named("g1")
    trajectory = swinging(robot)
    path = tmp_path / "motion.npz"
    write_trajectory(path, trajectory, FORMATS["beyondmimic"], robot)
    data = np.load(path)
    assert len(robot.bodies) > 30
    assert data["body_pos_w"].shape == (40, 30, 3)
    # How far the hips are to the left of the pelvis, as measured on files of that project.
    turn = trajectory.pose().turn[:, None]
    side = ((data["body_pos_w"] - data["body_pos_w"][:, :1])[..., None, :] @ turn)[:, :, 0, 1]
    for row, expected in ((1, 0.0645), (2, -0.0645)):
        np.testing.assert_allclose(side[:, row], expected, atol=2e-3)


def test_what_is_fixed_to_a_body_weighs_with_it(tmp_path):
    (tmp_path / "arm.xml").write_text(
        '<mujoco><worldbody><body name="base"><freejoint/>'
        '<geom size=".1" mass="1"/><body name="arm" pos="1 0 0"><joint name="a" axis="0 0 1"/>'
        '<geom size=".1" mass="1"/><body name="hand" pos=".4 0 0"><geom size=".1" mass="3"/></body>'
        '<body name="tip" pos="0 1 0"><joint name="b" axis="0 0 1"/><geom size=".1" mass="9"/>'
        "</body></body></body></worldbody></mujoco>"
    )
    robot = read_robot(tmp_path / "arm.xml")
    still = swinging(robot)
    frames = len(still)
    turning = np.stack([np.arange(frames) / 50, np.zeros(frames)], 1)
    still.root_position[:] = 0
    still.root_quaternion[:] = [1, 0, 0, 0]
    still.joint_position[:] = turning
    write_trajectory(tmp_path / "a.npz", still, FORMATS["beyondmimic"], robot)
    data = np.load(tmp_path / "a.npz")
    assert data["body_names"].tolist() == ["base", "arm", "tip"]
    # A quarter of the arm's weight is at its joint, the rest 0.4 m away: 0.3 m/s at 1 rad/s.
    np.testing.assert_allclose(data["body_lin_vel_w"][0, 1], [0, 0.3, 0], atol=1e-6)
    np.testing.assert_allclose(data["body_lin_vel_w"][0, 2], [-1, 0, 0], atol=1e-6)


def test_mjlab_has_mujocos_order_and_origins(tmp_path, robot, trajectory):
    path = tmp_path / "motion.npz"
    write_trajectory(path, trajectory, FORMATS["mjlab"], robot)
    data = np.load(path)
    np.testing.assert_allclose(data["joint_pos"], trajectory.joint_position, atol=1e-6)
    state = posed(robot, trajectory, 17)
    own = slice(robot.first, robot.first + len(robot.bodies))
    np.testing.assert_allclose(data["body_pos_w"][17], state.xpos[own], atol=1e-6)
    for row, body in enumerate(robot.bodies):
        linear, angular = velocity(robot, state, body, mujoco.mjtObj.mjOBJ_XBODY)
        np.testing.assert_allclose(data["body_lin_vel_w"][17, row], linear, atol=1e-4)
        np.testing.assert_allclose(data["body_ang_vel_w"][17, row], angular, atol=1e-4)


def test_holosoma_reads_what_is_written_for_it(tmp_path, robot, trajectory):
    path = tmp_path / "walk.npz"
    write_trajectory(path, trajectory, FORMATS["holosoma"])
    with np.load(path, allow_pickle=False) as data:
        assert float(np.asarray(data["fps"]).reshape(())) == 50
        motion = data["qpos"]
    np.testing.assert_array_equal(motion[:, :3], trajectory.root_position)
    np.testing.assert_array_equal(motion[:, 3:7], trajectory.root_quaternion)
    np.testing.assert_array_equal(motion[:, 7:], trajectory.joint_position)


def test_mujoco_plays_its_states_with_bodies_where_ours_are(tmp_path, robot, trajectory):
    path = tmp_path / "walk.npz"
    write_trajectory(path, trajectory, FORMATS["mujoco"], robot)
    file, state = np.load(path), mujoco.MjData(robot.model)
    places = pose_robot(robot, trajectory.pose()).places
    np.testing.assert_allclose(np.diff(file["time"]), 0.02)
    for frame in range(len(trajectory)):
        state.qpos[:], state.qvel[:] = file["qpos"][frame], file["qvel"][frame]
        mujoco.mj_forward(robot.model, state)
        own = state.xpos[robot.first : robot.first + len(robot.bodies)]
        np.testing.assert_allclose(own, places[:, frame], atol=1e-9)
    # Speeds are MuJoCo's own: they lead from each frame to the next.
    for frame in range(1, len(trajectory) - 1):
        found = np.zeros(robot.model.nv)
        before, after = file["qpos"][frame - 1], file["qpos"][frame + 1]
        mujoco.mj_differentiatePos(robot.model, found, 0.04, before, after)
        np.testing.assert_allclose(file["qvel"][frame], found, atol=5e-3)


def test_what_else_is_in_a_scene_stays_where_it_is(tmp_path):
    ball = '<worldbody><body name="ball" pos="9 9 9"><freejoint/><geom size=".1"/></body>'
    (tmp_path / "scene.xml").write_text(humanoid().replace("<worldbody>", ball))
    robot = read_robot(tmp_path / "scene.xml")
    trajectory = swinging(robot)
    write_trajectory(tmp_path / "a.npz", trajectory, FORMATS["mujoco"], robot)
    state = mujoco.MjData(robot.model)
    state.qpos[:] = np.load(tmp_path / "a.npz")["qpos"][7]
    mujoco.mj_kinematics(robot.model, state)
    np.testing.assert_array_equal(state.body("ball").xpos, 9)
    places = pose_robot(robot, trajectory.pose()).places
    np.testing.assert_allclose(state.body("head").xpos, places[robot.bodies.index("head"), 7])
    again = read_trajectory(tmp_path / "a.npz", robot)
    np.testing.assert_array_equal(again.states(), trajectory.states())
