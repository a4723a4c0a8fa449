"""What holds a robot back: joint limits, speeds, the ground, and its own body.

All are one-sided squares: nothing where there is room, and stiff beyond. They begin a little
inside of the limit, so that what is left of a violation stays within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mocap.retarget.collisions import Collisions, Touch
from mocap.retarget.kinematics import Pose, Posed
from mocap.retarget.surface import Hull
from mocap.retarget.tasks import Tasks

#: Units in which each is stiff: joint limits (radians), speeds (radians a frame), ground and own
#: body (metres), and how far inside each begins.
_LIMIT, _LIMIT_ROOM = 0.004, 0.004
_SPEED, _SPEED_ROOM = 0.004, 0.02
_GROUND, _GROUND_ROOM = 0.0005, 0.0003
_BODY, _BODY_ROOM = 0.003, 0.004


@dataclass(eq=False)
class Barriers:
    """The one-sided terms of one motion.

    Attributes:
        tasks: whose unknowns.
        fps: frames a second.
        hulls: of each body, for the ground; None to leave it out.
        collisions: finds where the robot touches itself; None to leave it out.
        touches: what was last found.
    """

    tasks: Tasks
    fps: float
    hulls: tuple[Hull, ...] | None = None
    collisions: Collisions | None = None
    touches: list[Touch] = field(default_factory=list)

    def __post_init__(self) -> None:
        robot, moving = self.tasks.robot, self.tasks.moving
        room = np.minimum(_LIMIT_ROOM, 0.1 * (robot.high - robot.low)[moving])
        self._low, self._high = robot.low[moving] + room, robot.high[moving] - room
        speeds = robot.speed.copy()
        for name, value in self.tasks.found.speed.items():
            speeds[robot.joints.index(name)] = value
        self.speed = speeds
        self._most = (1.0 - _SPEED_ROOM) * speeds[moving] / self.fps

    def prepare(self, pose: Pose, posed: Posed) -> None:
        """Find what touches; until the next call these are taken to be planes."""
        if self.collisions is not None:
            self.touches = self.collisions.find(pose, posed)

    def energies(self, pose: Pose, posed: Posed) -> Float[np.ndarray, " frames"]:
        """The energy of each frame."""
        total = np.sum((self._beyond(pose) / _LIMIT) ** 2, 1)
        total[1:] += np.sum((self._fast(pose) / _SPEED) ** 2, 1)
        for _, frames, depth, _ in self._under(posed):
            total[frames] += (depth / _GROUND) ** 2
        for touch in self.touches:
            depth = np.minimum(touch.room(posed) - _BODY_ROOM, 0)
            total += np.bincount(touch.frames, (depth / _BODY) ** 2, len(pose))
        return 0.5 * total

    def add(self, pose: Pose, posed: Posed, normal: np.ndarray, gradient: np.ndarray) -> None:
        """Add what acts within frames to their normal matrices and gradients."""
        beyond = self._beyond(pose)
        gradient[:, 6:] += beyond / _LIMIT**2
        np.einsum("fmm->fm", normal)[:, 6:] += (beyond != 0) / _LIMIT**2
        for body, frames, depth, point in self._under(posed):
            columns, joints = self.tasks.columns_of(body)
            slope = slopes(self.tasks, posed, joints, frames, point, np.array([0.0, 0.0, 1.0]))
            self._push(normal, gradient, frames, columns, slope / _GROUND, depth / _GROUND)
        for touch in self.touches:
            depth = np.minimum(touch.room(posed) - _BODY_ROOM, 0)
            frames, way = touch.frames, touch.normal
            row = np.zeros((len(frames), self.tasks.size))
            ends = ((touch.first, touch.on_first, -1), (touch.second, touch.on_second, 1))
            for body, local, sign in ends:
                columns, joints = self.tasks.columns_of(body)
                point = posed.places[body][frames] + np.einsum(
                    "fab,fb->fa", posed.turns[body][frames], local
                )
                row[:, columns] += sign * slopes(self.tasks, posed, joints, frames, point, way)
            row *= (depth < 0)[:, None]
            columns = np.arange(self.tasks.size)
            self._push(normal, gradient, frames, columns, row / _BODY, depth / _BODY)

    def add_speeds(self, pose: Pose, upper: np.ndarray, right: np.ndarray) -> None:
        """Add speeds, which tie frames together, to a banded system; ``right`` is -gradient."""
        fast = self._fast(pose) / _SPEED**2
        if not fast.any():
            return
        size, band = self.tasks.size, len(upper) - 1
        stiff = (fast != 0) / _SPEED**2
        right[:-1, 6:] += fast
        right[1:, 6:] -= fast
        upper[band, :-1, 6:] += stiff
        upper[band, 1:, 6:] += stiff
        upper[band - size, 1:, 6:] -= stiff

    def _beyond(self, pose: Pose) -> np.ndarray:
        joints = pose.joints[:, self.tasks.moving]
        return np.minimum(joints - self._low, 0) + np.maximum(joints - self._high, 0)

    def _fast(self, pose: Pose) -> np.ndarray:
        step = np.diff(pose.joints[:, self.tasks.moving], axis=0)
        return np.sign(step) * np.maximum(np.abs(step) - self._most, 0)

    def _under(self, posed: Posed) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """Bodies under the ground: which, in which frames, how deep (negative), lowest points."""
        found = []
        for body, hull in enumerate(self.hulls or ()):
            if not len(hull):
                continue
            heights = posed.turns[body][:, 2] @ hull.points.T - hull.radii
            row = np.argmin(heights, 1)
            depth = heights[np.arange(len(row)), row] + posed.places[body][:, 2] - _GROUND_ROOM
            frames = np.flatnonzero(depth < 0)
            if len(frames):
                local = hull.points[row[frames]]
                point = posed.places[body][frames] + np.einsum(
                    "fab,fb->fa", posed.turns[body][frames], local
                )
                found.append((body, frames, depth[frames], point))
        return found

    @staticmethod
    def _push(
        normal: np.ndarray,
        gradient: np.ndarray,
        frames: np.ndarray,
        columns: np.ndarray,
        slope: np.ndarray,
        value: np.ndarray,
    ) -> None:
        square, pull = slope[:, :, None] * slope[:, None], slope * value[:, None]
        # A frame comes up several times where bodies are near in several places.
        while len(frames):
            _, once = np.unique(frames, return_index=True)
            at = frames[once]
            normal[at[:, None, None], columns[:, None], columns] += square[once]
            gradient[at[:, None], columns] += pull[once]
            rest = np.setdiff1d(np.arange(len(frames)), once, assume_unique=True)
            frames, square, pull = frames[rest], square[rest], pull[rest]


def slopes(
    tasks: Tasks,
    posed: Posed,
    joints: np.ndarray,
    frames: np.ndarray,
    point: Float[np.ndarray, "some 3"],
    way: np.ndarray,
) -> Float[np.ndarray, "some columns"]:
    """How far a point moves along a direction with each unknown of its body's chain."""
    away = point - posed.places[0][frames]
    way = np.broadcast_to(way, point.shape)
    found = np.empty((len(frames), 6 + len(joints)))
    found[:, :3] = way
    found[:, 3:6] = np.cross(away, way)
    for row, joint in enumerate(joints):
        axis = posed.axes[joint][frames]
        if tasks.robot.slides[joint]:
            found[:, 6 + row] = np.sum(axis * way, 1)
        else:
            arm = point - posed.anchors[joint][frames]
            found[:, 6 + row] = np.sum(np.cross(axis, arm) * way, 1)
    return found
