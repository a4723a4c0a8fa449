"""A robot's motion in MuJoCo's own viewer."""

import os
import sys
import threading
import time
from typing import Any

import numpy as np

from mocap.errors import RetargetError
from mocap.retarget.robot import Robot
from mocap.retarget.trajectory import Trajectory

#: Seconds between pictures.
_REFRESH = 1 / 60
#: Seconds that a window may take to close.
_PATIENCE = 5.0


def play(
    robot: Robot, trajectory: Trajectory, *, speed: float = 1.0, seconds: float | None = None
) -> None:
    """Show a motion in a window, over and over, until it is closed.

    Args:
        robot: that moves.
        trajectory: how: in the order of the robot's joints.
        speed: how many times as fast.
        seconds: after which the window closes by itself; never if None.

    Raises:
        RetargetError: this machine has no screen.
    """
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ):
        raise RetargetError("there is no screen here to play on; convert the file and take it home")
    import mujoco
    import mujoco.viewer

    data, states = mujoco.MjData(robot.model), trajectory.states()
    before = set(threading.enumerate())
    # On a Mac, only programs started by mjpython may open one.
    try:
        window = mujoco.viewer.launch_passive(robot.model, data)
    except RuntimeError as refused:
        raise RetargetError(f"MuJoCo cannot open its viewer: {refused}") from refused
    with window as viewer:
        _aim(viewer, trajectory)
        start = time.monotonic()
        while viewer.is_running():
            now = time.monotonic() - start
            if seconds is not None and now > seconds:
                break
            frame = int(now * speed * trajectory.fps) % len(states)
            with viewer.lock():
                data.qpos[robot.in_qpos] = states[frame]
                data.time = frame / trajectory.fps
                mujoco.mj_forward(robot.model, data)
            viewer.sync()
            time.sleep(_REFRESH)
    _wait(set(threading.enumerate()) - before)


def _aim(viewer: Any, trajectory: Trajectory) -> None:
    """Look at the middle of where the robot goes, from far enough."""
    low, high = trajectory.root_position.min(0), trajectory.root_position.max(0)
    camera = viewer.cam
    camera.lookat[:] = 0.5 * (low + high)
    camera.distance = 3.0 + float(np.linalg.norm(high - low))
    camera.elevation = -15.0


def _wait(threads: set[threading.Thread]) -> None:
    """Wait for the viewer's own threads: X ends programs that leave while a window closes."""
    for thread in threads:
        thread.join(_PATIENCE)
