"""The formats that robots' motion is in: one table, and reading and writing by it."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mocap.datasets.robots import states, tables, tracking
from mocap.datasets.robots.content import Content, content_of
from mocap.datasets.robots.gmr import is_gmr, read_gmr, write_gmr
from mocap.datasets.robots.making import checked, in_order, required, within_reach
from mocap.errors import RetargetError
from mocap.files import write_whole
from mocap.retarget import Robot, Trajectory

_MOST_TOLD = 160


@dataclass(frozen=True)
class Format:
    """A format of files that hold a robot's motion.

    Attributes:
        name: what users call it.
        suffix: of its files.
        recognises: whether some content is of this format; the first of the table that says so.
        read: a trajectory of content, a robot or None, and a rate in place of the file's.
        write: a file of a trajectory and a robot.
        fps: the rate that its readers take for granted; None where the file tells it.
        needs_robot: to be written.
    """

    name: str
    suffix: str
    recognises: Callable[[Content], bool]
    read: Callable[[Content, Robot | None, float | None], Trajectory]
    write: Callable[[Trajectory, Robot | None], bytes]
    fps: float | None = None
    needs_robot: bool = False


def _is_ours(content: Content) -> bool:
    return content.has("format", "root_position")


def _read_ours(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    found = Trajectory.load(content.path)
    return found if fps is None else replace(found, fps=fps)


def _write_ours(trajectory: Trajectory, robot: Robot | None) -> bytes:
    return trajectory.to_bytes()


#: All formats by name, in the order in which content is recognised.
FORMATS = {
    one.name: one
    for one in (
        Format("mocap", ".npz", _is_ours, _read_ours, _write_ours),
        Format("gmr", ".pkl", is_gmr, read_gmr, write_gmr),
        Format(
            "beyondmimic",
            ".npz",
            tracking.is_tracking,
            tracking.read_tracking,
            tracking.write_beyondmimic,
            fps=tracking.TRACKING_FPS,
            needs_robot=True,
        ),
        Format(
            "mjlab",
            ".npz",
            tracking.is_tracking,
            tracking.read_tracking,
            tracking.write_mjlab,
            fps=tracking.TRACKING_FPS,
            needs_robot=True,
        ),
        Format(
            "mujoco",
            ".npz",
            states.is_mujoco,
            states.read_mujoco,
            states.write_mujoco,
            needs_robot=True,
        ),
        Format("holosoma", ".npz", states.is_holosoma, states.read_holosoma, states.write_holosoma),
        Format(
            "soma",
            ".csv",
            tables.is_soma,
            tables.read_soma,
            tables.write_soma,
            fps=tables.SOMA_FPS,
        ),
        Format(
            "unitree",
            ".csv",
            tables.is_unitree,
            tables.read_unitree,
            tables.write_unitree,
            fps=tables.UNITREE_FPS,
        ),
    )
}


def read_trajectory(
    path: str | Path, robot: Robot | None = None, *, fps: float | None = None
) -> Trajectory:
    """Read a robot's motion in any of the formats, recognised from what is in the file.

    Args:
        path: the file.
        robot: whose motion it is; needed where the file does not name its joints. Joints that are
            named come in its order.
        fps: frames a second, in place of what the file tells or leaves to be guessed.

    Raises:
        RetargetError: the file is missing, damaged, of no such format, or another robot's.
    """
    content = content_of(path)
    form = next((one for one in FORMATS.values() if one.recognises(content)), None)
    if form is None:
        found = ", ".join(list(content.arrays)[:4] or list(content.header)[:4]) or "nothing"
        raise RetargetError(
            f"{path}: is of no format of robots' motion (it holds {found}); known are "
            + ", ".join(FORMATS)
        )
    try:
        trajectory = checked(path, form.read(content, robot, fps))
    # What numpy and SciPy fail with when numbers and shapes are not what they should be.
    except (ValueError, IndexError, TypeError, ArithmeticError, MemoryError, zlib.error) as error:
        why = " ".join(str(error).split())[:_MOST_TOLD] or "too large"
        raise RetargetError(f"{path}: is no sound {form.name} file: {why}") from error
    if robot is None:
        return trajectory
    return within_reach(path, of_robot(path, trajectory, robot), robot)


def write_trajectory(
    path: str | Path,
    trajectory: Trajectory,
    form: Format,
    robot: Robot | None = None,
    *,
    fps: float | None = None,
) -> Trajectory:
    """Write a robot's motion in a format, wholly or not at all.

    Args:
        path: the file.
        trajectory: the motion.
        form: one of :data:`FORMATS`.
        robot: that moves; needed by formats that tell where bodies are.
        fps: frames a second to resample to; what the format's readers take for granted if None,
            or the trajectory's where the file tells it.

    Returns:
        The motion as it was written: at that rate.

    Raises:
        RetargetError: a robot is needed, or another one, or the file cannot be written.
    """
    path = Path(path)
    if form.needs_robot:
        required(path, robot, f"{form.name} files are of the robot's bodies")
    if robot is not None:
        trajectory = of_robot(path, trajectory, robot)
    trajectory = trajectory.resampled(fps or form.fps or trajectory.fps)
    if len(trajectory) < 2:
        raise RetargetError(f"{path}: one frame is no motion; give a higher --fps")
    write_whole(path, form.write(trajectory, robot), error=RetargetError)
    return trajectory


def of_robot(path: str | Path, trajectory: Trajectory, robot: Robot) -> Trajectory:
    """A trajectory in the order of a robot's joints.

    Raises:
        RetargetError: it has other joints.
    """
    joints = in_order(path, trajectory.joint_position, trajectory.joint_names, robot)
    return replace(
        trajectory,
        joint_names=robot.joints,
        body_names=robot.bodies,
        joint_position=np.ascontiguousarray(joints),
    )
