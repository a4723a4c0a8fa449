"""What ties neighbouring frames: accelerations and speeds, each unknown by itself.

The normal matrix of all frames has dense blocks along its diagonal and plain diagonals beside
them, so that it is solved as a banded one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg.lapack import dpbsv


@dataclass(frozen=True)
class Ties:
    """Terms between frames, as far as a step is a straight one.

    Attributes:
        weights: (n,) of second differences.
        seconds: (F - 2, n) second differences before the step.
        bent: (F - 2, n) pull against accelerations that are too great.
        rigid: (F - 2, n) weights of second differences where these are.
        fast: (F - 1, n) pull against speeds before the step.
        stiff: (F - 1, n) weights of steps from frame to frame, of speeds that are too high.
    """

    weights: Float[np.ndarray, " unknowns"]
    seconds: Float[np.ndarray, "inner unknowns"]
    bent: Float[np.ndarray, "inner unknowns"]
    rigid: Float[np.ndarray, "inner unknowns"]
    fast: Float[np.ndarray, "between unknowns"]
    stiff: Float[np.ndarray, "between unknowns"]

    def gradient(self, step: Float[np.ndarray, "frames unknowns"]) -> np.ndarray:
        """(F, n) what a step leaves of the gradient."""
        found = np.zeros_like(step)
        change = np.diff(step, 2, axis=0)
        bent = self.weights * (self.seconds + change) + self.bent + self.rigid * change
        found[:-2] += bent
        found[1:-1] -= 2 * bent
        found[2:] += bent
        hurried = self.fast + self.stiff * np.diff(step, axis=0)
        found[:-1] -= hurried
        found[1:] += hurried
        return found

    def among(self, at: Int[np.ndarray, " some"]) -> Ties:
        """The ties of some frames with each other; only their stiffness means anything."""
        between, inner = at[:-1], at[:-2]
        return replace(
            self,
            bent=self.bent[inner],
            rigid=self.rigid[inner],
            fast=self.fast[between],
            stiff=self.stiff[between],
        )

    def solved(
        self,
        normal: Float[np.ndarray, "frames unknowns unknowns"],
        gradient: Float[np.ndarray, "frames unknowns"],
        damping: Float[np.ndarray, " frames"],
    ) -> Float[np.ndarray, "frames unknowns"]:
        """The step that makes a gradient vanish.

        Raises:
            numpy.linalg.LinAlgError: the matrix is not positive.
        """
        frames, size = gradient.shape
        band = max(min(2, frames - 1) * size, size - 1)
        # Columns of the upper triangle, each from its top down to the diagonal, as LAPACK has them.
        columns = np.zeros((frames, size, band + 1))
        for column in range(size):
            columns[:, column, band - column :] = normal[:, column, : column + 1]
        diagonal = columns[..., band]
        if frames > 2:
            weights = self.weights + self.rigid
            diagonal[:-2] += weights
            diagonal[1:-1] += 4 * weights
            diagonal[2:] += weights
            columns[1:-1, :, band - size] -= 2 * weights
            columns[2:, :, band - size] -= 2 * weights
            columns[2:, :, band - 2 * size] += weights
        diagonal[:-1] += self.stiff
        diagonal[1:] += self.stiff
        if frames > 1:
            columns[1:, :, band - size] -= self.stiff
        diagonal += damping[:, None] + 1e-9 * diagonal
        _, step, failed = dpbsv(
            columns.reshape(frames * size, band + 1).T,
            -gradient.ravel(),
            overwrite_ab=True,
            overwrite_b=True,
        )
        if failed:
            frame = (failed - 1) // size
            raise np.linalg.LinAlgError(f"its equations have no solution in frame {frame}")
        return step.reshape(frames, size)
