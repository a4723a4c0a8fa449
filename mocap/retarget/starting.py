"""Where the solver starts: at rest where the pelvis is to be, and from few frames to all."""

from dataclasses import replace

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, Slerp

from mocap.retarget.footprints import Path
from mocap.retarget.kinematics import Pose, pose_robot
from mocap.retarget.targets import Targets
from mocap.retarget.tasks import Tasks


def start_of(tasks: Tasks) -> Pose:
    """The robot at rest, where the pelvis is to be and as it is to be turned."""
    robot, found, targets = tasks.robot, tasks.found, tasks.targets
    joints = np.tile(robot.resting(), (len(targets), 1))
    bearing = found.bearings["pelvis"]
    body = robot.bodies.index(bearing.body)
    frames = len(targets)
    still = Pose(np.zeros((frames, 3)), np.tile(np.eye(3), (frames, 1, 1)), joints)
    posed = pose_robot(robot, still)
    turn = targets.turns["pelvis"] @ np.swapaxes(posed.turns[body], 1, 2)
    place = targets.pelvis - np.einsum("fab,fb->fa", turn, posed.point(body, bearing.point))
    return Pose(place, turn, joints)


def thinned(pose: Pose, at: np.ndarray, frames: int) -> Pose:
    """A pose known at some frames, at all of them."""
    wanted = np.arange(frames)
    if len(at) < 2:
        return Pose(*(np.repeat(part[:1], frames, 0) for part in vars(pose).values()))
    turn = Slerp(at, Rotation.from_matrix(pose.turn))(np.clip(wanted, at[0], at[-1])).as_matrix()
    place = CubicSpline(at, pose.place)(wanted)
    joints = np.stack([np.interp(wanted, at, column) for column in pose.joints.T], 1)
    return Pose(place, turn, joints)


def some_of(targets: Targets, at: np.ndarray, fps: float) -> Targets:
    """The targets of some frames."""
    return replace(
        targets,
        fps=fps,
        pelvis=targets.pelvis[at],
        directions={name: part[at] for name, part in targets.directions.items()},
        turns={name: part[at] for name, part in targets.turns.items()},
        feet={
            side: Path(*(part[at] for part in vars(path).values()))
            for side, path in targets.feet.items()
        },
        pace={name: part[at] for name, part in targets.pace.items()},
        doubt={name: part[at] for name, part in targets.doubt.items()},
    )
