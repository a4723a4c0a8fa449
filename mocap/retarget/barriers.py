"""What holds a robot back: joint limits, speeds, the ground, and its own body.

All are one-sided squares: nothing where there is room, and stiff beyond. They begin a little
inside of the limit, so that what is left of a violation stays within it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mocap.retarget.collisions import Collisions, Touches
from mocap.retarget.footprints import FREE
from mocap.retarget.ground import Ground
from mocap.retarget.kinematics import Pose, Posed, cross
from mocap.retarget.limits import limits_of
from mocap.retarget.neighbours import widened
from mocap.retarget.rows import Bounds, Contacts, Rows, contacts_of
from mocap.retarget.tasks import JUMP, OF_PACE, Tasks, foot_points, pace_of, steers

#: Units in which each is stiff: joint limits (radians), speeds (radians a frame), accelerations
#: (radians a frame squared), ground and own body (metres), and how far inside each begins.
_LIMIT, _LIMIT_ROOM = 0.004, 0.004
_SPEED, _SPEED_ROOM = 0.004, 0.02
_BEND, _BEND_ROOM = 0.002, 0.05
_GROUND, _GROUND_ROOM = 0.0005, 0.0003
_BODY, _BODY_ROOM = 0.002, 0.004
#: Those of steps that are jumps, radians a frame, and how far below a jump they are aimed at.
_LEAP, _LEAP_ROOM = 0.003, 0.05
#: How near to the limit joints, and corners to the ground, are looked at, radians and metres.
_LIMIT_ZONE, _GROUND_ZONE = 0.3, 0.06
#: Frames around those that touch in which touches are looked for again, and by how much joints or
#: the base are to have moved before, radians and metres.
_AROUND, _MOVED = 2, 0.003
#: What is no violation yet, metres.
_SLIGHT = 0.0008
#: Speed that is brisk for any joint, rad/s, and for one of a limb that the person turns fast, as a
#: share of that; and in which units more of it is effort, rad/s.
_BRISK, _OF_PACE, _HASTE = 4.0, 1.1, 1.0
_UP = np.array([0.0, 0.0, 1.0])


@dataclass(eq=False)
class Barriers:
    """The one-sided terms of one motion.

    Attributes:
        tasks: whose unknowns.
        fps: frames a second.
        ground: finds where the robot is in the ground; None to leave it out.
        collisions: finds where the robot touches itself; None to leave it out.
        near: (F,) frames in which the robot is near to touching itself; None for not known.
        firmness: how many times stiffer than usual ground and body are.
        calm: whether jumps of joints that the person does not make are held back, too.
        touches: what was last found.
    """

    tasks: Tasks
    fps: float
    ground: Ground | None = None
    collisions: Collisions | None = None
    near: Bool[np.ndarray, " frames"] | None = None
    firmness: float = 1.0
    calm: bool = False
    touches: Touches | None = None

    def __post_init__(self) -> None:
        moving = self.tasks.moving
        limits = limits_of(self.tasks.robot, self.tasks.found)
        room = np.minimum(_LIMIT_ROOM, 0.1 * (limits.high - limits.low)[moving])
        self._low, self._high = limits.low[moving] + room, limits.high[moving] - room
        self.limits = limits
        most = (1.0 - _SPEED_ROOM) * limits.speed[moving] / self.fps
        pace = np.maximum(_BRISK, _OF_PACE * pace_of(self.tasks))[:-1] / self.fps
        jump = np.maximum(JUMP, OF_PACE * pace_of(self.tasks))[:-1] / self.fps
        self._jump = (1.0 - 0.5 * _LEAP_ROOM) * jump
        #: Steps of joints from frame to frame beyond which it is effort, over the limit, or a jump.
        self._speeds = [(np.minimum(pace, most), _HASTE / self.fps), (most, _SPEED)]
        if self.calm:
            self._speeds.append((np.minimum((1.0 - _LEAP_ROOM) * jump, most), _LEAP))
        self._bend = (1.0 - _BEND_ROOM) * limits.acceleration[moving] / self.fps**2
        self._is_bounded = bool(np.isfinite(self._bend).any())

    def prepare(self, pose: Pose, posed: Posed) -> None:
        """Find what touches; until the next call these are taken to be planes."""
        if self.collisions is None:
            return
        now = np.concatenate([pose.place, pose.turn.reshape(len(pose), 9), pose.joints], 1)
        if self.touches is None:
            self._looked_at = np.full_like(now, np.inf)
        again = np.abs(now - self._looked_at).max(1) > _MOVED
        if self.near is not None:
            again &= self.near
        self._looked_at[again] = now[again]
        found = self.collisions.find(pose, posed, again)
        self.touches = found if self.touches is None else self.touches.renewed(found, again)
        near = np.zeros(len(pose), bool)
        near[self.touches.frames] = True
        self.near = widened(near, _AROUND)

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
        if self.ground is not None:
            bad[self.ground.near(posed, _GROUND_ROOM - _SLIGHT).frames] = True
        if self.collisions is not None:
            touches = self.collisions.find(pose, posed, among)
            bad[touches.frames[touches.room(posed) < 0]] = True
        for side, path in self.tasks.targets.feet.items():
            off = foot_points(self.tasks, side, posed) - path.places
            off[~path.pinned, :2] = 0.0
            off[:, 2] *= steers(self.tasks, side)
            firm = (path.rests != FREE) & ~path.tips
            bad |= firm & (np.linalg.norm(off, axis=1) > _SLIGHT)
        return bad

    def jumping(self, pose: Pose) -> Bool[np.ndarray, " frames"]:
        """(F,) frames from which a joint jumps to the next."""
        step = np.abs(np.diff(pose.joints[:, self.tasks.moving], axis=0))
        return np.append((step > self._jump).any(1), False)

    def energies(self, pose: Pose, posed: Posed) -> Float[np.ndarray, " frames"]:
        """The energy of each frame, but for touches: these are others each time."""
        joints = pose.joints[:, self.tasks.moving]
        beyond = np.minimum(joints - self._low, 0) + np.maximum(joints - self._high, 0)
        total = np.sum((beyond / _LIMIT) ** 2, 1)
        step = np.abs(np.diff(joints, axis=0))
        for most, unit in self._speeds:
            total[1:] += np.sum((np.maximum(step - most, 0) / unit) ** 2, 1)
        if self._is_bounded and len(pose) > 2:
            total[1:-1] += np.sum((self._bent(pose) / _BEND) ** 2, 1)
        if self.ground is not None:
            near = self.ground.near(posed, _GROUND_ROOM)
            squares = ((near.height - _GROUND_ROOM) * self.firmness / _GROUND) ** 2
            total += np.bincount(near.frames, squares, len(pose))
        return 0.5 * total

    def touching(self, posed: Posed) -> Float[np.ndarray, " frames"]:
        """The energy of each frame's touches."""
        frames = posed.places.shape[1]
        if self.touches is None:
            return np.zeros(frames)
        depth = np.minimum(self.touches.room(posed) - _BODY_ROOM, 0)
        squares = (depth * self.firmness / _BODY) ** 2
        return 0.5 * np.bincount(self.touches.frames, squares, frames)

    def rows(
        self, pose: Pose, posed: Posed, twists: Float[np.ndarray, "frames 6 unknowns"]
    ) -> list[Rows]:
        """What acts, or is near to acting, within frames."""
        joints = pose.joints[:, self.tasks.moving]
        room = np.concatenate([joints - self._low, self._high - joints], 1)
        room = np.where(room < _LIMIT_ZONE, room / _LIMIT, np.inf)
        found: list[Rows] = [Bounds(np.arange(len(pose)), room, _LIMIT)]
        moves = self.tasks.moves.astype(float)
        if self.ground is not None:
            near = self.ground.near(posed, _GROUND_ZONE + _GROUND_ROOM)
            points = posed.points(near.bodies, near.frames, near.corners)
            wrench = _wrench(points, np.broadcast_to(_UP, points.shape))
            found.append(
                self._contacts(
                    near.frames,
                    near.height - _GROUND_ROOM,
                    wrench,
                    moves[near.bodies],
                    twists,
                    _GROUND,
                )
            )
        if self.touches is not None:
            touches = self.touches
            points = posed.points(touches.second, touches.frames, touches.on_second)
            # What moves both bodies alike parts them by nothing.
            signs = moves[touches.second] - moves[touches.first]
            room = touches.room(posed) - _BODY_ROOM
            wrench = _wrench(points, touches.normal)
            found.append(self._contacts(touches.frames, room, wrench, signs, twists, _BODY))
        return found

    def speeds(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """(F - 1, n) pull against what is too fast between frames, and how stiff it is."""
        step = np.diff(pose.joints[:, self.tasks.moving], axis=0)
        pull, stiff = np.zeros((2, len(step), self.tasks.size))
        for most, unit in self._speeds:
            fast = np.sign(step) * np.maximum(np.abs(step) - most, 0)
            pull[:, 6:] += fast / unit**2
            stiff[:, 6:] += (fast != 0) / unit**2
        return pull, stiff

    def bends(self, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
        """(F - 2, n) pull against accelerations that are too great, and how stiff it is."""
        pull, stiff = np.zeros((2, max(len(pose) - 2, 0), self.tasks.size))
        if self._is_bounded:
            bent = self._bent(pose)
            pull[:, 6:] = bent / _BEND**2
            stiff[:, 6:] = (bent != 0) / _BEND**2
        return pull, stiff

    def _bent(self, pose: Pose) -> Float[np.ndarray, "inner moving"]:
        second = np.diff(pose.joints[:, self.tasks.moving], 2, axis=0)
        return np.sign(second) * np.maximum(np.abs(second) - self._bend, 0)

    def _contacts(
        self,
        frames: np.ndarray,
        room: np.ndarray,
        wrench: np.ndarray,
        signs: np.ndarray,
        twists: np.ndarray,
        unit: float,
    ) -> Contacts:
        stiff = self.firmness / unit
        return contacts_of(frames, room * stiff, wrench * stiff, signs, twists)


def _wrench(point: np.ndarray, way: np.ndarray) -> Float[np.ndarray, "some 6"]:
    """A force at a point: its moment about the world's origin, and itself."""
    return np.concatenate([cross(point, way), way], 1)
