"""Tables with commas: Unitree's, which BeyondMimic and mjlab read too, and soma-retargeter's.

Unitree's (its retargeted LAFAN1): no header, a frame a line: the base's x y z in metres, its
quaternion **xyzw**, then the joints in MuJoCo's order, radians. Nothing tells the rate: 30.

soma-retargeter's (NVIDIA; BONES-SEED is told so): a header; the frame's number, the base's x y z
in **centimetres**, its turn about the fixed x, y and z axes in **degrees**, then the joints in
degrees, with their names (to which BONES-SEED adds ``_dof``). Nothing tells the rate: 120.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.datasets.robots.content import Content
from mocap.datasets.robots.making import made, required
from mocap.errors import RetargetError
from mocap.retarget import Robot, Trajectory, of_one_sign

UNITREE_FPS, SOMA_FPS = 30.0, 120.0
_SOMA = (
    *("Frame", "root_translateX", "root_translateY", "root_translateZ"),
    *("root_rotateX", "root_rotateY", "root_rotateZ"),
)


def is_unitree(content: Content) -> bool:
    """Whether a file is a table without a header."""
    return content.rows is not None and not content.header


def read_unitree(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of a table without a header."""
    robot = required(content.path, robot, "tables without a header do not name the joints")
    rows = _rows(content, 7)
    return made(content, fps or UNITREE_FPS, rows[:, [0, 1, 2, 6, 3, 4, 5, *_rest(rows)]], robot)


def write_unitree(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The table; numbers as exact as they are."""
    states = trajectory.states()
    return _lines(states[:, [0, 1, 2, 4, 5, 6, 3, *_rest(states)]])


def is_soma(content: Content) -> bool:
    """Whether a file is a table of soma-retargeter's."""
    return content.rows is not None and content.header[:7] == _SOMA


def read_soma(content: Content, robot: Robot | None, fps: float | None) -> Trajectory:
    """A trajectory of soma-retargeter's table; without a robot, in the table's order of joints."""
    rows, names = _rows(content, 7), content.header[7:]
    turn = Rotation.from_euler("xyz", rows[:, 4:7], degrees=True).as_quat(scalar_first=True)
    states = np.hstack([0.01 * rows[:, 1:4], of_one_sign(turn), np.radians(rows[:, 7:])])
    if robot is not None and not {*names} & {*robot.joints}:
        names = tuple(name.removesuffix("_dof") for name in names)
    return made(content, fps or SOMA_FPS, states, robot, names)


def write_soma(trajectory: Trajectory, robot: Robot | None) -> bytes:
    """The table."""
    turn = Rotation.from_quat(trajectory.root_quaternion, scalar_first=True)
    # Straight up or down, one of the angles is free: it is chosen to be zero.
    angles = turn.as_euler("xyz", degrees=True, suppress_warnings=True)
    frames = np.arange(len(trajectory))[:, None]
    rows = [100 * trajectory.root_position, angles, np.degrees(trajectory.joint_position)]
    header = ",".join((*_SOMA, *trajectory.joint_names)).encode()
    return header + b"\n" + _lines(np.hstack([frames, *rows]))


def _rows(content: Content, least: int) -> Float[np.ndarray, "frames columns"]:
    rows = content.rows
    if rows is None or rows.shape[1] <= least:
        raise RetargetError(
            f"{content.path}: has too few columns: {least} come before those of the joints"
        )
    return rows


def _rest(rows: np.ndarray) -> range:
    return range(7, rows.shape[1])


def _lines(rows: np.ndarray) -> bytes:
    # The shortest text that reads as the same number.
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist()).encode()
