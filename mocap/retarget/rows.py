"""One-sided terms as a step of the solver sees them: straight, and nothing on their good side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int


class Rows(Protocol):
    """One-sided terms: nothing of those whose value after a step is positive."""

    @property
    def frames(self) -> Int[np.ndarray, " some"]:
        """(G,) when, each frame once."""

    @property
    def value(self) -> Float[np.ndarray, "some terms"]:
        """(G, M) in units of stiffness, negative where violated."""

    def after(self, step: Float[np.ndarray, "frames unknowns"]) -> np.ndarray:
        """(G, M) the values that a step leads to."""

    def push(
        self,
        normal: Float[np.ndarray, "chosen unknowns unknowns"],
        gradient: Float[np.ndarray, "chosen unknowns"],
        active: Bool[np.ndarray, "some terms"],
        place: Int[np.ndarray, " frames"],
    ) -> None:
        """Add what is active to frames' normal matrices and gradients.

        ``place`` tells where each frame's are, -1 where they are left out.
        """


@dataclass(frozen=True)
class Bounds:
    """Joint limits: the lower ones of all moving joints, then the upper ones.

    Attributes:
        frames: (F,) all of them.
        value: (F, 2 A) room in units of stiffness.
        unit: radians of that stiffness.
    """

    frames: Int[np.ndarray, " frames"]
    value: Float[np.ndarray, "frames bounds"]
    unit: float

    def after(self, step: Float[np.ndarray, "frames unknowns"]) -> np.ndarray:
        """(F, 2 A) the values that a step leads to."""
        joints = step[:, 6:] / self.unit
        return self.value + np.concatenate([joints, -joints], 1)

    def push(
        self, normal: np.ndarray, gradient: np.ndarray, active: np.ndarray, place: np.ndarray
    ) -> None:
        """Add what is active to frames' normal matrices and gradients."""
        chosen = np.flatnonzero(active.any(1) & (place >= 0))
        at, acts = place[chosen], active[chosen]
        pull = np.where(acts, self.value[chosen], 0.0)
        half = pull.shape[1] // 2
        gradient[at, 6:] += (pull[:, :half] - pull[:, half:]) / self.unit
        stiff = (acts[:, :half] + acts[:, half:]) / self.unit**2
        np.einsum("fmm->fm", normal)[at, 6:] += stiff


@dataclass(frozen=True)
class Contacts:
    """Places where a robot is near the ground or itself.

    Attributes:
        frames: (G,) when, each frame once.
        value: (G, M) room in units of stiffness; 1 where a frame has fewer places.
        slope: (G, M, n) how it changes with the unknowns; 0 where a frame has fewer.
    """

    frames: Int[np.ndarray, " some"]
    value: Float[np.ndarray, "some places"]
    slope: Float[np.ndarray, "some places unknowns"]

    def after(self, step: Float[np.ndarray, "frames unknowns"]) -> np.ndarray:
        """(G, M) the values that a step leads to."""
        return self.value + (self.slope @ step[self.frames][..., None])[..., 0]

    def push(
        self, normal: np.ndarray, gradient: np.ndarray, active: np.ndarray, place: np.ndarray
    ) -> None:
        """Add what is active to frames' normal matrices and gradients."""
        chosen = np.flatnonzero(active.any(1) & (place[self.frames] >= 0))
        if not len(chosen):
            return
        acts = active[chosen]
        first = np.argsort(~acts, axis=1, kind="stable")[:, : acts.sum(1).max()]
        rows = chosen[:, None]
        acts = np.take_along_axis(acts, first, 1)
        slope = self.slope[rows, first] * acts[..., None]
        pull = self.value[rows, first] * acts
        at = place[self.frames[chosen]]
        normal[at] += np.swapaxes(slope, 1, 2) @ slope
        gradient[at] += (pull[:, None] @ slope)[:, 0]


def contacts_of(
    frames: Int[np.ndarray, " places"],
    value: Float[np.ndarray, " places"],
    wrench: Float[np.ndarray, "places 6"],
    signs: Float[np.ndarray, "places unknowns"],
    twists: Float[np.ndarray, "frames 6 unknowns"],
) -> Contacts:
    """Places sorted by frame.

    Args:
        frames: when each is; a frame may come up more than once.
        value: room in units of stiffness.
        wrench: the direction of more room as a force of that stiffness at the place: its moment
            about the world's origin, and itself.
        signs: 1 of unknowns that move what is pushed, -1 of those that move what pushes.
        twists: of all unknowns.
    """
    order = np.argsort(frames, kind="stable")
    when, start, counts = np.unique(frames[order], return_index=True, return_counts=True)
    most = int(counts.max(initial=0))
    row = np.repeat(np.arange(len(when)), counts)
    slot = np.arange(len(frames)) - np.repeat(start, counts)
    values = np.ones((len(when), most))
    values[row, slot] = value[order]
    wrenches = np.zeros((len(when), most, 6))
    wrenches[row, slot] = wrench[order]
    slope = wrenches @ twists[when]
    slope[row, slot] *= signs[order]
    return Contacts(when, values, slope)
