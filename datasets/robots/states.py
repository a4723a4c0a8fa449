"""Archives of MuJoCo's states: ours for its viewer, and holosoma's.

Ours: ``time`` (F,), ``qpos`` (F, nq) and ``qvel`` (F, nv) as MuJoCo's ``MjData`` has them for the
robot's model (the base's quaternion **wxyz**, its turn in its own axes), ``fps``, ``joint_names``.

holosoma's retargeted motion: ``qpos`` (F, 7 + J), the base's place, its quaternion **wxyz** and
the joints in MuJoCo's order, and ``fps`` (up to 1, it is seconds). Its ``human_joints`` and
``cost`` are about how it was made, and read by its evaluation only. What reads them:
convert_data_format_mj.py (amazon-far/holosoma).
"""

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.robots.content import Content
from mocap.datasets.robots.making import made, plain, rate
from mocap.datasets.robots.packing import packed
from mocap.errors import RetargetError
from mocap.retarget import Robot, Trajectory

_USUAL_FPS = 30.0


def is_mujoco(content: Content) -> bool:
    """Whether a file holds states with their times."""
    return content.has("time", "qpos", "qvel")


def read_mujoco(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of states with times, which are even."""
    time, qpos = content.floats("time", 1), content.floats("qpos", 2)
    if len(time) != len(qpos) or len(time) < 2:
        raise RetargetError(f"{content.path}: {len(time)} times are told of {len(qpos)} states")
    steps = np.diff(time)
    if not np.allclose(steps, steps.mean(), rtol=0.01, atol=0) or not steps.mean() > 0:
        raise RetargetError(f"{content.path}: its times are not even; resample it first")
    told = rate(content, fps, "fps", otherwise=1.0 / float(steps.mean()))
    if robot is not None:
        if qpos.shape[1] != robot.model.nq:
            raise RetargetError(
                f"{content.path}: has {qpos.shape[1]} values a state, but {robot.name} has "
                f"{robot.model.nq}; say by --robot whose they are"
            )
        qpos = qpos[:, robot.in_qpos]
    return made(content, told, qpos, robot, content.names("joint_names"))


def write_mujoco(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The states of a robot's model; what else is in the model stays where it is."""
    assert robot is not None
    frames = len(trajectory)
    qpos = np.tile(robot.model.qpos0, (frames, 1))
    qpos[:, robot.in_qpos] = trajectory.states()
    turn = Rotation.from_quat(trajectory.root_quaternion, scalar_first=True)
    spin = turn.inv().apply(trajectory.root_angular_velocity)
    qvel = np.zeros((frames, robot.model.nv))
    qvel[:, robot.in_qvel] = np.hstack([trajectory.root_velocity, spin, trajectory.joint_velocity])
    arrays: dict[str, Any] = {
        "time": np.arange(frames) / trajectory.fps,
        "qpos": qpos,
        "qvel": qvel,
        "fps": plain(trajectory.fps),
        "joint_names": robot.joints,
        "body_names": robot.bodies,
    }
    return packed(arrays)


def is_holosoma(content: Content) -> bool:
    """Whether a file holds states without times."""
    return content.has("qpos")


def read_holosoma(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of states without times."""
    told = rate(content, fps, "fps", otherwise=_USUAL_FPS)
    if 0 < told <= 1:
        told = 1 / told
    states, names = content.floats("qpos", 2), content.names("joint_names")
    joints = names or (() if robot is None else robot.joints)
    if joints and states.shape[1] == len(joints) + 14:
        raise RetargetError(
            f"{content.path}: the last 7 of {states.shape[1]} columns are an object's, for which "
            "trajectories have no place; leave them out"
        )
    return made(content, told, states, robot, names)


def write_holosoma(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The states, and the joints' names, which holosoma passes over."""
    return packed(
        {
            "qpos": trajectory.states(),
            "fps": plain(trajectory.fps),
            "joint_names": trajectory.joint_names,
        }
    )
