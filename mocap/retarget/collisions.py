"""Where a robot touches, or nearly touches, itself: MuJoCo's own answer on the model's own shapes.

Pairs of bodies that overlap at rest, or in most poses, are built so and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

from mocap.retarget.kinematics import Pose, Posed, at_rest
from mocap.retarget.robot import Robot

#: Poses that are tried for pairs that always touch, the share of limits they span, and the share
#: of poses in which built-in pairs do.
_TRIALS, _SPAN, _ALWAYS = 120, 0.3, 0.6
#: Overlap at rest that is built in, metres.
_BUILT_IN = -1e-4


@dataclass(frozen=True)
class Touches:
    """Places where two bodies of a robot are near each other.

    Attributes:
        frames: (K,) when, in order; a frame comes up once for each place.
        first: (K,) one body.
        second: (K,) the other, of a greater number.
        on_first: (K, 3) the nearest point in the first body's axes, metres.
        on_second: (K, 3) in the second's.
        normal: (K, 3) unit, from the first to the second, world.
    """

    frames: Int[np.ndarray, " some"]
    first: Int[np.ndarray, " some"]
    second: Int[np.ndarray, " some"]
    on_first: Float[np.ndarray, "some 3"]
    on_second: Float[np.ndarray, "some 3"]
    normal: Float[np.ndarray, "some 3"]

    def room(self, posed: Posed) -> Float[np.ndarray, " some"]:
        """Metres between the points along the normal, negative where bodies overlap."""
        ends = (
            posed.points(self.second, self.frames, self.on_second),
            posed.points(self.first, self.frames, self.on_first),
        )
        return np.sum((ends[0] - ends[1]) * self.normal, 1)

    def renewed(self, found: Touches, among: Bool[np.ndarray, " frames"]) -> Touches:
        """These, but others in some frames."""
        keep = ~among[self.frames]
        parts = zip(vars(self).values(), vars(found).values(), strict=True)
        joined = [np.concatenate([old[keep], new]) for old, new in parts]
        order = np.argsort(joined[0], kind="stable")
        return Touches(*(part[order] for part in joined))


class Collisions:
    """Finds where a robot touches itself.

    Args:
        robot: whose.
        margin: how near counts, metres.
    """

    def __init__(self, robot: Robot, margin: float = 0.012) -> None:
        self._contacts = _Contacts(robot, margin)
        self.built_in = built_in(robot)
        self._left_alone = np.eye(len(robot.bodies), dtype=bool)
        for first, second in self.built_in:
            self._left_alone[first, second] = True

    def find(
        self, pose: Pose, posed: Posed, among: Bool[np.ndarray, " frames"] | None = None
    ) -> Touches:
        """All touches of a motion, or of some of its frames."""
        frames, pairs, middle, normal, room = self._found(pose, among)
        first, second = pairs.T
        half = 0.5 * room[:, None] * normal
        return Touches(
            frames=frames,
            first=first,
            second=second,
            on_first=posed.locals(first, frames, middle - half),
            on_second=posed.locals(second, frames, middle + half),
            normal=normal,
        )

    def overlaps(self, pose: Pose) -> Bool[np.ndarray, " frames"]:
        """Frames in which bodies overlap."""
        frames, _, _, _, room = self._found(pose, None)
        found = np.zeros(len(pose), bool)
        found[frames[room < 0]] = True
        return found

    def _found(self, pose: Pose, among: Bool[np.ndarray, " frames"] | None) -> _Found:
        """What touches, without what is built so."""
        frames = np.arange(len(pose)) if among is None else np.flatnonzero(among)
        found = self._contacts.of(pose, frames)
        keep = ~self._left_alone[tuple(found.pairs.T)]
        return _Found(*(part[keep] for part in found))


class _Found(NamedTuple):
    """Contacts: when, between which bodies, where, and how far these are apart along a normal."""

    frames: Int[np.ndarray, " some"]
    pairs: Int[np.ndarray, "some 2"]
    middle: Float[np.ndarray, "some 3"]
    normal: Float[np.ndarray, "some 3"]
    room: Float[np.ndarray, " some"]


class _Contacts:
    """MuJoCo's contacts of a robot with itself."""

    def __init__(self, robot: Robot, margin: float) -> None:
        import mujoco

        self._robot, self._margin = robot, margin
        self._data = mujoco.MjData(robot.model)
        self._free = int(robot.in_qpos[0])
        self._places = robot.in_qpos[7:]

    def of(self, pose: Pose, frames: Int[np.ndarray, " some"]) -> _Found:
        """Contacts in some frames."""
        import mujoco

        model, data = self._robot.model, self._data
        qpos = np.tile(data.qpos, (len(frames), 1))
        turn = Rotation.from_matrix(pose.turn[frames]).as_quat(scalar_first=True)
        qpos[:, self._free : self._free + 3] = pose.place[frames]
        qpos[:, self._free + 3 : self._free + 7] = turn
        qpos[:, self._places] = pose.joints[frames]
        counts = np.zeros(len(frames), int)
        geoms, values = [np.zeros((0, 2), int)], [np.zeros((0, 7))]
        with self._margins():
            for row, position in enumerate(qpos):
                data.qpos[:] = position
                mujoco.mj_kinematics(model, data)
                mujoco.mj_collision(model, data)
                counts[row] = data.ncon
                if counts[row]:
                    near = data.contact
                    geoms.append(near.geom.copy())
                    parts = [near.pos, near.frame[:, :3], near.dist[:, None]]
                    values.append(np.concatenate(parts, 1))
        pairs = model.geom_bodyid[np.concatenate(geoms)] - self._robot.first
        value = np.concatenate(values)
        value[pairs[:, 0] > pairs[:, 1], 3:6] *= -1
        # What is not the robot's own has numbers before or after its bodies'.
        own = ((pairs >= 0) & (pairs < len(self._robot.bodies))).all(1)
        when, pairs, value = np.repeat(frames, counts)[own], np.sort(pairs[own], 1), value[own]
        return _Found(when, pairs, value[:, :3], value[:, 3:6], value[:, 6])

    @contextmanager
    def _margins(self) -> Iterator[None]:
        """The model as it is, but for how near counts: a copy would take longer than all else."""
        model = self._robot.model
        kept = model.geom_margin.copy(), model.geom_gap.copy()
        model.geom_margin[:], model.geom_gap[:] = self._margin, 0.0
        try:
            yield
        finally:
            model.geom_margin[:], model.geom_gap[:] = kept


@lru_cache(maxsize=8)
def built_in(robot: Robot) -> frozenset[tuple[int, int]]:
    """Pairs of bodies that overlap at rest, or in most poses near it."""
    contacts, rest = _Contacts(robot, 0.0), robot.resting()
    rng = np.random.default_rng(0)
    low, high = np.maximum(robot.low, -np.pi), np.minimum(robot.high, np.pi)
    tried = rest + _SPAN * rng.uniform(-1, 1, (_TRIALS, len(low))) * (high - low)
    joints = np.concatenate([rest[None], np.clip(tried, low, high)])
    level = np.repeat(at_rest(robot).turns[0], len(joints), axis=0)
    pose = Pose(np.zeros((len(joints), 3)), level, joints)
    frames, pairs, _, _, room = contacts.of(pose, np.arange(len(joints)))
    counts = np.zeros((len(robot.bodies), len(robot.bodies)), int)
    overlap = np.unique(np.column_stack([frames, pairs])[(room < 0) & (frames > 0)], axis=0)
    np.add.at(counts, tuple(overlap[:, 1:].T), 1)
    always = np.argwhere(counts > _ALWAYS * _TRIALS)
    at_once = pairs[(frames == 0) & (room < _BUILT_IN)]
    found = {(int(a), int(b)) for a, b in np.concatenate([always, at_once])}
    # Neighbours but one in a chain share a joint's housing.
    near = robot.parents[np.maximum(robot.parents, 0)]
    housed = {(int(near[body]), body) for body in range(len(near)) if near[body] >= 0}
    return frozenset(found | housed)
