"""Where a robot touches, or nearly touches, itself: MuJoCo's own answer on the model's own shapes.

Pairs of bodies that overlap at rest, or in most poses, are built so and are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

from mocap.retarget.kinematics import Pose, Posed, at_rest
from mocap.retarget.robot import Robot

if TYPE_CHECKING:
    import mujoco

#: Poses that are tried for pairs that always touch, the share of limits they span, and the share
#: of poses in which built-in pairs do.
_TRIALS, _SPAN, _ALWAYS = 120, 0.3, 0.6
#: Overlap at rest that is built in, metres.
_BUILT_IN = -1e-4


@dataclass(frozen=True)
class Touch:
    """Two bodies near each other, in some frames.

    Attributes:
        first: one body.
        second: the other.
        frames: (K,) when; a frame comes up once for each place where they are near.
        on_first: (K, 3) the nearest point in the first body's axes, metres.
        on_second: (K, 3) in the second's.
        normal: (K, 3) unit, from the first to the second, world.
    """

    first: int
    second: int
    frames: Int[np.ndarray, " some"]
    on_first: Float[np.ndarray, "some 3"]
    on_second: Float[np.ndarray, "some 3"]
    normal: Float[np.ndarray, "some 3"]

    def room(self, posed: Posed) -> Float[np.ndarray, " some"]:
        """Metres between the points along the normal, negative where bodies overlap."""
        ends = []
        for body, local in ((self.second, self.on_second), (self.first, self.on_first)):
            turned = np.einsum("fab,fb->fa", posed.turns[body][self.frames], local)
            ends.append(posed.places[body][self.frames] + turned)
        return np.sum((ends[0] - ends[1]) * self.normal, 1)


class Collisions:
    """Finds where a robot touches itself.

    Args:
        robot: whose.
        margin: how near counts, metres.
    """

    def __init__(self, robot: Robot, margin: float = 0.012) -> None:
        import copy

        import mujoco

        self._robot = robot
        self._model: mujoco.MjModel = copy.copy(robot.model)
        self._model.geom_margin[:] = margin
        self._model.geom_gap[:] = 0.0
        self._data = mujoco.MjData(self._model)
        self._free = self._free_address()
        self._places = [int(self._model.joint(name).qposadr[0]) for name in robot.joints]
        self.built_in: frozenset[tuple[int, int]] = frozenset()
        self.built_in = self._built_in()

    def find(
        self, pose: Pose, posed: Posed, among: Bool[np.ndarray, " frames"] | None = None
    ) -> list[Touch]:
        """All touches of a motion, or of some of its frames."""
        rows: dict[tuple[int, int], list[tuple[int, np.ndarray]]] = {}
        quaternions = Rotation.from_matrix(pose.turn).as_quat(scalar_first=True)
        frames = range(len(pose)) if among is None else np.flatnonzero(among).tolist()
        for frame in frames:
            for pair, contact in self._contacts(
                pose.place[frame], quaternions[frame], pose.joints[frame]
            ):
                rows.setdefault(pair, []).append((frame, contact))
        found = []
        for (first, second), some in rows.items():
            when = np.array([frame for frame, _ in some])
            values = np.array([contact for _, contact in some])
            middle, normal, room = values[:, :3], values[:, 3:6], values[:, 6:]
            locals_ = []
            for body, sign in ((first, -0.5), (second, 0.5)):
                away = middle + sign * room * normal - posed.places[body][when]
                locals_.append(np.einsum("fba,fb->fa", posed.turns[body][when], away))
            found.append(Touch(first, second, when, locals_[0], locals_[1], normal))
        return found

    def overlaps(self, pose: Pose, depth: float) -> list[set[tuple[int, int]]]:
        """For each frame the pairs of bodies that overlap by more than ``depth`` metres."""
        found = []
        quaternions = Rotation.from_matrix(pose.turn).as_quat(scalar_first=True)
        for frame in range(len(pose)):
            contacts = self._contacts(pose.place[frame], quaternions[frame], pose.joints[frame])
            found.append({pair for pair, contact in contacts if contact[6] < -depth})
        return found

    def _contacts(
        self, place: np.ndarray, quaternion: np.ndarray, joints: np.ndarray
    ) -> list[tuple[tuple[int, int], np.ndarray]]:
        import mujoco

        data, model, first = self._data, self._model, self._robot.first
        data.qpos[self._free : self._free + 3] = place
        data.qpos[self._free + 3 : self._free + 7] = quaternion
        data.qpos[self._places] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_collision(model, data)
        count = data.ncon
        if not count:
            return []
        contact = data.contact
        bodies = model.geom_bodyid[contact.geom[:count]] - first
        values = np.concatenate(
            [contact.pos[:count], contact.frame[:count, :3], contact.dist[:count, None]], 1
        )
        found = []
        for (a, b), value in zip(bodies.tolist(), values, strict=True):
            if a >= 0 and b >= 0 and (min(a, b), max(a, b)) not in self.built_in:
                if a > b:
                    value = value.copy()
                    value[3:6] *= -1
                found.append(((min(a, b), max(a, b)), value))
        return found

    def _free_address(self) -> int:
        import mujoco

        kinds = [int(kind) for kind in self._model.jnt_type]
        return int(self._model.jnt_qposadr[kinds.index(int(mujoco.mjtJoint.mjJNT_FREE))])

    def _built_in(self) -> frozenset[tuple[int, int]]:
        """Pairs that overlap at rest, or in most poses near it."""
        robot = self._robot
        rest = robot.resting()
        level = Rotation.from_matrix(at_rest(robot).turns[0, 0]).as_quat(scalar_first=True)
        found = {pair for pair, c in self._contacts(np.zeros(3), level, rest) if c[6] < _BUILT_IN}
        rng = np.random.default_rng(0)
        low, high = np.maximum(robot.low, -np.pi), np.minimum(robot.high, np.pi)
        counts: dict[tuple[int, int], int] = {}
        for _ in range(_TRIALS):
            joints = np.clip(rest + _SPAN * rng.uniform(-1, 1, len(low)) * (high - low), low, high)
            contacts = self._contacts(np.zeros(3), level, joints)
            for pair in {pair for pair, c in contacts if c[6] < 0}:
                counts[pair] = counts.get(pair, 0) + 1
        found |= {pair for pair, count in counts.items() if count > _ALWAYS * _TRIALS}
        # Neighbours but one in a chain share a joint's housing.
        near = {
            (min(a, b), max(a, b))
            for body in range(len(robot.bodies))
            for chain in [robot.above(body)]
            for (a, _), (_, b) in pairwise(pairwise(chain))
        }
        return frozenset(found | near)
