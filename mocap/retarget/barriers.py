"""What holds a robot back: joint limits, speeds, the ground, and its own body.

All are one-sided squares: nothing where there is room, and stiff beyond. They begin a little
inside of the limit, so that what is left of a violation stays within it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation

from mocap.retarget.collisions import Collisions, Touch
from mocap.retarget.footprints import FREE
from mocap.retarget.kinematics import Pose, Posed
from mocap.retarget.surface import Hull
from mocap.retarget.tasks import Tasks, foot_points, pace_of, steers

#: Units in which each is stiff: joint limits (radians), speeds (radians a frame), ground and own
#: body (metres), and how far inside each begins.
_LIMIT, _LIMIT_ROOM = 0.004, 0.004
_SPEED, _SPEED_ROOM = 0.004, 0.02
_GROUND, _GROUND_ROOM = 0.0005, 0.0003
#: How near to the limit joints, and corners to the ground, are looked at, radians and metres.
_LIMIT_ZONE, _GROUND_ZONE = 0.3, 0.06
_BODY, _BODY_ROOM = 0.002, 0.004
#: Corners of a body that the ground pushes at once, how far they are apart, metres, and what puts
#: those too near out of the question.
_CORNERS, _CORNER, _NEXT = 3, 0.05, 1e3
#: Frames around those that touch in which touches are looked for again.
_AROUND = 2
#: What is no violation yet, metres.
_SLIGHT = 0.0008
#: Speed that is brisk for any joint, rad/s, and for one of a limb that the person turns fast, as a
#: share of that; and in which units more of it is effort, rad/s.
_BRISK, _OF_PACE, _HASTE = 4.0, 1.1, 1.0


@dataclass(frozen=True)
class Row:
    """One-sided terms of one kind: nothing while ``value + slope @ step`` is positive.

    Attributes:
        frames: (K,) when; a frame may come up more than once.
        columns: (C,) unknowns.
        slope: (K, C) derivative of the value.
        value: (K,) in units of its stiffness, negative where violated.
    """

    frames: Int[np.ndarray, " some"]
    columns: Int[np.ndarray, " columns"]
    slope: Float[np.ndarray, "some columns"]
    value: Float[np.ndarray, " some"]

    def after(self, step: Float[np.ndarray, "frames unknowns"]) -> Float[np.ndarray, " some"]:
        """The value that a step leads to, as far as it is a straight one."""
        return self.value + np.sum(self.slope * step[self.frames[:, None], self.columns], 1)

    def push(
        self, normal: np.ndarray, gradient: np.ndarray, active: np.ndarray, place: np.ndarray
    ) -> None:
        """Add what is active to frames' normal matrices and gradients, kept at ``place``."""
        chosen = np.flatnonzero(active)
        frames, slope, columns = place[self.frames[chosen]], self.slope[chosen], self.columns
        square, pull = slope[:, :, None] * slope[:, None], slope * self.value[chosen, None]
        # A frame comes up several times where bodies are near in several places.
        while len(frames):
            _, once = np.unique(frames, return_index=True)
            at = frames[once]
            normal[at[:, None, None], columns[:, None], columns] += square[once]
            gradient[at[:, None], columns] += pull[once]
            if len(once) == len(frames):
                break
            rest = np.setdiff1d(np.arange(len(frames)), once, assume_unique=True)
            frames, square, pull = frames[rest], square[rest], pull[rest]


@dataclass(eq=False)
class Barriers:
    """The one-sided terms of one motion.

    Attributes:
        tasks: whose unknowns.
        fps: frames a second.
        hulls: of each body, for the ground; None to leave it out.
        collisions: finds where the robot touches itself; None to leave it out.
        near: (F,) frames in which the robot is near to touching itself; None for not known.
        firmness: how many times stiffer than usual ground and body are.
        touches: what was last found.
    """

    tasks: Tasks
    fps: float
    hulls: tuple[Hull, ...] | None = None
    collisions: Collisions | None = None
    near: Bool[np.ndarray, " frames"] | None = None
    firmness: float = 1.0
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
        pace = np.maximum(_BRISK, _OF_PACE * pace_of(self.tasks))[:-1] / self.fps
        self._brisk = np.minimum(pace, self._most)

    def prepare(self, pose: Pose, posed: Posed) -> None:
        """Find what touches; until the next call these are taken to be planes."""
        if self.collisions is None:
            return
        self.touches = self.collisions.find(pose, posed, self.near)
        near = np.zeros(len(pose), bool)
        for touch in self.touches:
            near[touch.frames] = True
        self.near = binary_dilation(near, iterations=_AROUND)

    def violated(
        self, pose: Pose, posed: Posed, among: Bool[np.ndarray, " frames"] | None
    ) -> Bool[np.ndarray, " frames"]:
        """(F,) frames in which the robot is in itself or in the ground, or a foot slips.

        Args:
            pose: of all frames.
            posed: the same.
            among: frames in which it may touch itself; None for all.
        """
        bad = np.zeros(len(pose), bool)
        for _, frames, depth, _ in self._near_ground(posed, 0.0):
            bad[frames[depth < -_SLIGHT]] = True
        if self.collisions is not None:
            self.near = among
            self.prepare(pose, posed)
            for touch in self.touches:
                bad[touch.frames[touch.room(posed) < 0]] = True
        for side, path in self.tasks.targets.feet.items():
            off = foot_points(self.tasks, side, posed) - path.places
            off[~path.pinned, :2] = 0.0
            off[:, 2] *= steers(self.tasks, side)
            firm = (path.rests != FREE) & ~path.tips
            bad |= firm & (np.linalg.norm(off, axis=1) > _SLIGHT)
        return bad

    def energies(self, pose: Pose, posed: Posed) -> Float[np.ndarray, " frames"]:
        """The energy of each frame."""
        total = np.sum((self._beyond(pose) / _LIMIT) ** 2, 1)
        for most, unit in self._speeds():
            total[1:] += np.sum((self._fast(pose, most) / unit) ** 2, 1)
        for _, frames, depth, _ in self._near_ground(posed, 0.0):
            total[frames] += (depth * self.firmness / _GROUND) ** 2
        for touch in self.touches:
            depth = np.minimum(touch.room(posed) - _BODY_ROOM, 0)
            squares = (depth * self.firmness / _BODY) ** 2
            total += np.bincount(touch.frames, squares, len(pose))
        return 0.5 * total

    def rows(self, pose: Pose, posed: Posed) -> list[Row]:
        """What acts, or is near to acting, within frames."""
        found = []
        joints, size = pose.joints[:, self.tasks.moving], self.tasks.size
        for sign, bound in ((1.0, self._low), (-1.0, self._high)):
            room = sign * (joints - bound) / _LIMIT
            for joint in np.flatnonzero(room.min(0) < _LIMIT_ZONE / _LIMIT):
                frames = np.flatnonzero(room[:, joint] < _LIMIT_ZONE / _LIMIT)
                slope = np.full((len(frames), 1), sign / _LIMIT)
                found.append(Row(frames, np.array([6 + joint]), slope, room[frames, joint]))
        up = np.array([0.0, 0.0, 1.0])
        ground, solid = self.firmness / _GROUND, self.firmness / _BODY
        for body, frames, depth, point in self._near_ground(posed, _GROUND_ZONE):
            columns, chain = self.tasks.columns_of(body)
            slope = slopes(self.tasks, posed, chain, frames, point, up)
            found.append(Row(frames, columns, slope * ground, depth * ground))
        for touch in self.touches:
            frames, way = touch.frames, touch.normal
            slope = np.zeros((len(frames), size))
            ends = ((touch.first, touch.on_first, -1), (touch.second, touch.on_second, 1))
            for body, local, sign in ends:
                columns, chain = self.tasks.columns_of(body)
                turned = np.einsum("fab,fb->fa", posed.turns[body][frames], local)
                point = posed.places[body][frames] + turned
                slope[:, columns] += sign * slopes(self.tasks, posed, chain, frames, point, way)
            # What moves both bodies alike parts them by nothing.
            columns = np.flatnonzero(np.abs(slope).max(0) > 1e-12)
            depth = touch.room(posed) - _BODY_ROOM
            found.append(Row(frames, columns, slope[:, columns] * solid, depth * solid))
        return found

    def speeds(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """(F - 1, A) pull against what is too fast between frames, and how stiff it is."""
        pull = np.zeros((len(pose) - 1, len(self.tasks.moving)))
        stiff = np.zeros_like(pull)
        for most, unit in self._speeds():
            fast = self._fast(pose, most)
            pull += fast / unit**2
            stiff += (fast != 0) / unit**2
        return pull, stiff

    def _speeds(self) -> tuple[tuple[np.ndarray, float], ...]:
        """Steps of joints from frame to frame beyond which it is effort, or over the limit."""
        return (self._brisk, _HASTE / self.fps), (self._most, _SPEED)

    def _beyond(self, pose: Pose) -> np.ndarray:
        joints = pose.joints[:, self.tasks.moving]
        return np.minimum(joints - self._low, 0) + np.maximum(joints - self._high, 0)

    def _fast(self, pose: Pose, most: np.ndarray) -> np.ndarray:
        step = np.diff(pose.joints[:, self.tasks.moving], axis=0)
        return np.sign(step) * np.maximum(np.abs(step) - most, 0)

    def _near_ground(
        self, posed: Posed, zone: float
    ) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """Bodies' lowest corners: body, frames, height over the ground less room, place."""
        found = []
        for body, hull in enumerate(self.hulls or ()):
            if not len(hull):
                continue
            apart = hull.apart
            heights = posed.turns[body][:, 2] @ hull.points.T - hull.radii
            heights += posed.places[body][:, 2, None] - _GROUND_ROOM
            for _ in range(_CORNERS):
                row = np.argmin(heights, 1)
                depth = heights[np.arange(len(row)), row]
                frames = np.flatnonzero(depth < zone)
                if not len(frames):
                    break
                local = hull.points[row[frames]]
                point = posed.places[body][frames] + np.einsum(
                    "fab,fb->fa", posed.turns[body][frames], local
                )
                found.append((body, frames, depth[frames], point))
                # The next one is another corner: on one alone a body would rock.
                heights[frames] += _NEXT * (apart[row[frames]] < _CORNER)
        return found


def slopes(
    tasks: Tasks,
    posed: Posed,
    joints: np.ndarray,
    frames: np.ndarray,
    point: Float[np.ndarray, "some 3"],
    way: np.ndarray,
) -> Float[np.ndarray, "some columns"]:
    """How far a point moves along a direction with each unknown of its body's chain."""
    way = np.broadcast_to(way, point.shape)
    found = np.empty((len(frames), 6 + len(joints)))
    found[:, :3] = way
    found[:, 3:6] = _cross(point - posed.places[0][frames], way)
    if len(joints):
        axes = posed.axes[joints][:, frames]
        arms = _cross(point - posed.anchors[joints][:, frames], way)
        slides = tasks.robot.slides[joints][:, None, None]
        found[:, 6:] = np.sum(axes * np.where(slides, way, arms), 2).T
    return found


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)
