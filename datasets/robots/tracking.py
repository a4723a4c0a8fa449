"""Archives for learning to track motion: BeyondMimic's (Isaac Lab) and mjlab's, by the same names.

``fps`` (1,), ``joint_pos`` and ``joint_vel`` (F, J), ``body_pos_w``, ``body_quat_w`` (**wxyz**),
``body_lin_vel_w`` and ``body_ang_vel_w`` (F, B, 3 or 4), world, single precision. They are read by
number: nothing in them tells which body or joint is which, and two orders are in use.

* ``beyondmimic`` (HybridRobotics/whole_body_tracking, scripts/csv_to_npz.py) logs what Isaac Lab's
  articulation has: bodies **and joints** in PhysX's breadth-first order, bodies that are fixed to
  others merged with them, and velocities of bodies' **centres of mass** (``body_lin_vel_w`` is
  ``body_com_lin_vel_w``). The script itself passes the velocity of the base's origin for that of
  its centre; here it is the centre's.
* ``mjlab`` (mujocolab/mjlab) logs what MuJoCo has: all bodies and joints in the model's order, and
  velocities of bodies' **origins**.

Both play a frame a step of 1/50 s, whatever ``fps`` says. We add ``joint_names`` and
``body_names``; files without them are laid on the robot in every order in use, and the one in which
bodies are where they are said to be is taken.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.robots.bodies import apart, breadth_first, centres, fits, joints_of, moving
from mocap.datasets.robots.content import Content
from mocap.datasets.robots.making import made, plain, rate, required
from mocap.datasets.robots.packing import packed
from mocap.errors import RetargetError
from mocap.retarget import Robot, Trajectory, body_velocities, of_one_sign, pose_robot

TRACKING_FPS = 50.0


def is_tracking(content: Content) -> bool:
    """Whether a file is one of these."""
    return content.has("joint_pos", "body_pos_w", "body_quat_w")


def read_tracking(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of such a file, in either order."""
    robot = required(content.path, robot, "joints and bodies are in the robot's order")
    places, turns = content.floats("body_pos_w", 3), content.floats("body_quat_w", 3)
    joints = content.floats("joint_pos", 2)
    told = rate(content, fps, "fps", otherwise=TRACKING_FPS)
    names, bodies = content.names("joint_names"), content.names("body_names")
    if names and bodies and robot.bodies[0] in bodies:
        base = bodies.index(robot.bodies[0])
        states = np.hstack([places[:, base], turns[:, base], joints])
        trajectory = made(content, told, states, robot, names)
        known = [name for name in bodies if name in robot.bodies]
        seen = places[:, [bodies.index(name) for name in known]]
        fits(content.path, robot, trajectory.pose(), known, seen)
        return trajectory
    states = np.hstack([places[:, 0], turns[:, 0], joints])
    found, off = None, np.inf
    for order, listed in _orders(robot):
        trajectory = made(content, told, states, robot, order)
        if len(listed) == places.shape[1]:
            now = apart(robot, trajectory.pose(), listed, places)
            if now < off:
                found, off, bodies = trajectory, now, tuple(listed)
    if found is None or bodies is None:
        raise RetargetError(
            f"{content.path}: has {places.shape[1]} bodies, but {robot.name} has "
            f"{len(robot.bodies)}, {len(moving(robot))} of them with joints; say by --robot whose "
            "motion it is"
        )
    fits(content.path, robot, found.pose(), bodies, places)
    return found


def write_beyondmimic(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The file for Isaac Lab."""
    assert robot is not None
    crowded = [body for body in moving(robot) if len(robot.joints_of(body)) > 1]
    if crowded:
        raise RetargetError(
            f"{robot.path}: {robot.bodies[crowded[0]]} has several joints, which Isaac Lab makes "
            "bodies of; give a model with a joint a body, such as the robot's URDF"
        )
    bodies = breadth_first(robot, moving(robot))
    return _file(trajectory, robot, bodies, centres(robot, bodies))


def write_mjlab(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The file for mjlab."""
    assert robot is not None
    bodies = list(range(len(robot.bodies)))
    return _file(trajectory, robot, bodies, np.zeros((len(bodies), 3)))


def _file(trajectory: Trajectory, robot: Robot, bodies: Sequence[int], points: np.ndarray) -> bytes:
    joints = joints_of(robot, bodies)
    posed = pose_robot(robot, trajectory.pose())
    root = (trajectory.root_velocity, trajectory.root_angular_velocity)
    linear, angular = body_velocities(robot, posed, root, trajectory.joint_velocity, points)
    turns = Rotation.from_matrix(posed.turns[bodies].reshape(-1, 3, 3)).as_quat(scalar_first=True)
    turns = np.swapaxes(turns.reshape(len(bodies), -1, 4), 0, 1)
    turns = of_one_sign(turns)
    turns[:, 0] = trajectory.root_quaternion
    arrays = {
        "joint_pos": trajectory.joint_position[:, joints],
        "joint_vel": trajectory.joint_velocity[:, joints],
        "body_pos_w": np.swapaxes(posed.places[bodies], 0, 1),
        "body_quat_w": turns,
        "body_lin_vel_w": np.swapaxes(linear[bodies], 0, 1),
        "body_ang_vel_w": np.swapaxes(angular[bodies], 0, 1),
    }
    return packed(
        {
            "fps": [plain(trajectory.fps)],
            **{name: part.astype(np.float32) for name, part in arrays.items()},
            "joint_names": [robot.joints[joint] for joint in joints],
            "body_names": [robot.bodies[body] for body in bodies],
        }
    )


def _orders(robot: Robot) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Names of joints, and of bodies, in every order in use."""
    everything = range(len(robot.bodies))
    for bodies in (
        breadth_first(robot, moving(robot)),
        list(everything),
        moving(robot),
        # Fixed joints are levels too where they are not merged.
        sorted(everything, key=lambda body: len(robot.above(body))),
    ):
        joints = tuple(robot.joints[joint] for joint in joints_of(robot, bodies))
        yield joints, [robot.bodies[body] for body in bodies]
