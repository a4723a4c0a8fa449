"""Trajectories made of what a file holds, or the reason why not; and rows for what is written."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.datasets.robots.content import Content
from mocap.errors import RetargetError
from mocap.retarget import Robot, Trajectory

#: How far beyond a robot's limits joints of a file may be, radians and, of slides, metres: models
#: of one robot differ.
_BEYOND, _BEYOND_SLIDES = 1.6, 0.5


def made(
    content: Content,
    fps: float,
    states: Float[np.ndarray, "frames values"],
    robot: Robot | None,
    names: tuple[str, ...] | None = None,
) -> Trajectory:
    """A trajectory.

    Args:
        content: the file that it is from.
        fps: frames a second.
        states: (F, 7 + J) the base's place, its quaternion (wxyz) and the joints: those of
            ``names``, or else of the robot in MuJoCo's order.
        robot: that moves; None if ``names`` are in MuJoCo's order.
        names: of the joints.

    Raises:
        RetargetError: nothing tells which joints these are, or they are others than the robot's.
    """
    joints = states[:, 7:]
    if robot is not None:
        joints = in_order(content.path, joints, names, robot)
    elif names is None:
        raise RetargetError(
            f"{content.path}: does not name its {joints.shape[1]} joints; say by --robot whose "
            "they are"
        )
    return checked(
        content.path,
        Trajectory(
            robot=content.path.stem if robot is None else robot.name,
            person=content.path.stem,
            fps=float(fps),
            joint_names=names or () if robot is None else robot.joints,
            body_names=(content.names("body_names") or ()) if robot is None else robot.bodies,
            root_position=states[:, :3],
            root_quaternion=states[:, 3:7],
            joint_position=joints,
            contacts=None,
            scale=float("nan"),
        ),
    )


def in_order(
    path: str | Path,
    joints: Float[np.ndarray, "frames joints"],
    names: tuple[str, ...] | None,
    robot: Robot,
) -> Float[np.ndarray, "frames joints"]:
    """Joints in the order of a robot's.

    Raises:
        RetargetError: they are another robot's.
    """
    count = joints.shape[1]
    if names is None:
        if count == len(robot.joints):
            return joints
        raise RetargetError(
            f"{path}: has {count} joints, but {robot.name} has {len(robot.joints)}; say by --robot "
            "whose they are"
        )
    odd = sorted({*names} ^ {*robot.joints})
    if odd or len(names) != count:
        told = f"{', '.join(odd[:2])} ..." if odd else f"{len(names)} names, {count} joints"
        raise RetargetError(
            f"{path}: has other joints than {robot.name} ({told}); say by --robot whose they are"
        )
    return joints[:, [names.index(name) for name in robot.joints]]


def checked(path: str | Path, trajectory: Trajectory) -> Trajectory:
    """The same trajectory.

    Raises:
        RetargetError: it has gaps, parts that do not belong together, or does not move.
    """
    try:
        trajectory.require_sound()
    except ValueError as error:
        raise RetargetError(f"{path}: {error}; it is of another format, or damaged") from error
    frames = len(trajectory)
    for name in ("root_position", "root_quaternion", "joint_position"):
        good = np.isfinite(getattr(trajectory, name)).all(1)
        if not good.all():
            raise RetargetError(
                f"{path}: {name} is not a number in {int((~good).sum())} frames, from frame "
                f"{int(np.argmin(good))} on; cut them out or fill them in"
            )
    if frames < 2:
        count = "one frame" if frames else "no frames"
        raise RetargetError(f"{path}: has {count}; motion takes two at least")
    return trajectory


def within_reach(path: str | Path, trajectory: Trajectory, robot: Robot) -> Trajectory:
    """The same trajectory.

    Raises:
        RetargetError: joints go where the robot's cannot, by more than differs between models.
    """
    joints = trajectory.joint_position
    beyond = np.maximum(robot.low - joints, joints - robot.high)
    beyond /= np.where(robot.slides, _BEYOND_SLIDES, _BEYOND)
    frame, joint = np.unravel_index(int(beyond.argmax()), beyond.shape)
    if beyond[frame, joint] > 1.0:
        raise RetargetError(
            f"{path}: {robot.joints[joint]} goes to {joints[frame, joint]:.4g}, {robot.name}'s "
            f"from {robot.low[joint]:.3g} to {robot.high[joint]:.3g}; these are degrees, or say "
            "by --robot whose they are"
        )
    return trajectory


def required(path: Path, robot: Robot | None, why: str) -> Robot:
    """The robot.

    Raises:
        RetargetError: none was given.
    """
    if robot is None:
        raise RetargetError(f"{path}: {why}; name the robot by --robot")
    return robot


def rate(content: Content, asked: float | None, *names: str, otherwise: float) -> float:
    """Frames a second: as asked, or as the file tells under one of these names, or otherwise."""
    if asked is not None:
        return asked
    for name in names:
        if name in content.arrays:
            return content.number(name)
    return otherwise


def plain(fps: float) -> int | float:
    """A rate as other programs have it: whole where it is."""
    return int(fps) if float(fps).is_integer() else float(fps)
