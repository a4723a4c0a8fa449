"""Robots: the arrays that forward kinematics needs, and MuJoCo's model.

World of a robot: metres, **+Z up**. Joints turn about one axis or slide along one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    import mujoco


@dataclass(frozen=True, eq=False)
class Robot:
    """A robot whose base is free.

    Attributes:
        name: the model's.
        path: its file.
        model: MuJoCo's.
        bodies: (B,) names; the base comes first, parents before children. MuJoCo's body of
            index i is ``bodies[i - first]``.
        first: MuJoCo's index of the base.
        parents: (B,) -1 for the base.
        offsets: (B, 3) from the parent, in its axes, metres.
        turns: (B, 3, 3) from a body's axes to its parent's, at zero.
        joints: (J,) names, in MuJoCo's order.
        joint_body: (J,) the body that each moves.
        axes: (J, 3) unit, in that body's axes.
        anchors: (J, 3) a point of the axis, in that body's axes, metres.
        slides: (J,) whether it slides.
        low: (J,) least position, radians or metres; -inf without limit.
        high: (J,) greatest.
        speed: (J,) greatest speed, rad/s or m/s.
        locked: (J,) joints that cannot move, or only follow others.
        notes: what was made up or left out.
    """

    name: str
    path: Path
    model: mujoco.MjModel
    bodies: tuple[str, ...]
    first: int
    parents: Int[np.ndarray, " bodies"]
    offsets: Float[np.ndarray, "bodies 3"]
    turns: Float[np.ndarray, "bodies 3 3"]
    joints: tuple[str, ...]
    joint_body: Int[np.ndarray, " joints"]
    axes: Float[np.ndarray, "joints 3"]
    anchors: Float[np.ndarray, "joints 3"]
    slides: Bool[np.ndarray, " joints"]
    low: Float[np.ndarray, " joints"]
    high: Float[np.ndarray, " joints"]
    speed: Float[np.ndarray, " joints"]
    locked: Bool[np.ndarray, " joints"]
    notes: tuple[str, ...]

    @cached_property
    def _joints_of(self) -> tuple[tuple[int, ...], ...]:
        rows: list[list[int]] = [[] for _ in self.bodies]
        for joint, body in enumerate(self.joint_body):
            rows[body].append(joint)
        return tuple(map(tuple, rows))

    def joints_of(self, body: int) -> tuple[int, ...]:
        """The joints that move a body against its parent, the outermost last."""
        return self._joints_of[body]

    def above(self, body: int) -> tuple[int, ...]:
        """A body and its ancestors, the base first."""
        found = []
        while body >= 0:
            found.append(body)
            body = int(self.parents[body])
        return tuple(reversed(found))

    def joints_to(self, body: int) -> tuple[int, ...]:
        """The joints that move a body, from the base outwards."""
        return self._joints_to[body]

    @cached_property
    def _joints_to(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(j for link in self.above(body) for j in self.joints_of(link))
            for body in range(len(self.bodies))
        )

    @cached_property
    def in_qpos(self) -> Int[np.ndarray, " values"]:
        """(7 + J,) where MuJoCo's qpos has the base's place and quaternion, and each joint."""
        return self._rows(self.model.jnt_qposadr, 7)

    @cached_property
    def in_qvel(self) -> Int[np.ndarray, " values"]:
        """(6 + J,) where MuJoCo's qvel has the base's motion and turn, and each joint's speed."""
        return self._rows(self.model.jnt_dofadr, 6)

    def _rows(self, addresses: np.ndarray, base: int) -> np.ndarray:
        own = np.flatnonzero(self.model.body_rootid[self.model.jnt_bodyid] == self.first)
        free, *rest = addresses[own]
        return np.array([*range(free, free + base), *rest])

    def resting(self) -> Float[np.ndarray, " joints"]:
        """Zero, or the limit nearest to it."""
        return np.clip(np.zeros(len(self.joints)), self.low, self.high)
