"""What ties neighbouring frames: accelerations and speeds, each unknown by itself.

The normal matrix of all frames has dense blocks along its diagonal and plain diagonals beside
them, so that it is solved as a banded one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solveh_banded


@dataclass(frozen=True)
class Ties:
    """Terms between frames, as far as a step is a straight one.

    Attributes:
        weights: (n,) of second differences.
        seconds: (F - 2, n) second differences before the step.
        fast: (F - 1, n) pull against speeds before the step.
        stiff: (F - 1, n) weights of steps from frame to frame, of speeds that are too high.
    """

    weights: Float[np.ndarray, " unknowns"]
    seconds: Float[np.ndarray, "inner unknowns"]
    fast: Float[np.ndarray, "between unknowns"]
    stiff: Float[np.ndarray, "between unknowns"]

    def gradient(self, step: Float[np.ndarray, "frames unknowns"]) -> np.ndarray:
        """(F, n) what a step leaves of the gradient."""
        found = np.zeros_like(step)
        bent = self.weights * (self.seconds + np.diff(step, 2, axis=0))
        found[:-2] += bent
        found[1:-1] -= 2 * bent
        found[2:] += bent
        hurried = self.fast + self.stiff * np.diff(step, axis=0)
        found[:-1] -= hurried
        found[1:] += hurried
        return found

    def among(self, at: Int[np.ndarray, " some"]) -> Ties:
        """The ties of some frames with each other; only their stiffness means anything."""
        return replace(self, fast=self.fast[at[:-1]], stiff=self.stiff[at[:-1]])

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
        band = min(2, frames - 1) * size
        upper = np.zeros((band + 1, frames, size))
        for above in range(min(size, band + 1)):
            upper[band - above, :, above:] = np.diagonal(normal, above, 1, 2)
        if frames > 2:
            upper[band, :-2] += self.weights
            upper[band, 1:-1] += 4 * self.weights
            upper[band, 2:] += self.weights
            upper[band - size, 1:-1] -= 2 * self.weights
            upper[band - size, 2:] -= 2 * self.weights
            upper[band - 2 * size, 2:] += self.weights
        upper[band, :-1] += self.stiff
        upper[band, 1:] += self.stiff
        if frames > 1:
            upper[band - size, 1:] -= self.stiff
        upper[band] += damping[:, None] + 1e-9 * upper[band]
        return solveh_banded(
            upper.reshape(band + 1, frames * size),
            -gradient.ravel(),
            overwrite_ab=True,
            overwrite_b=True,
            check_finite=False,
        ).reshape(frames, size)
