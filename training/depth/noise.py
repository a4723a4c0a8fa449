"""Errors drawn by lot in the place of a detector's own: what training on real errors is worth.

A Gaussian with full covariance over all coordinates of a frame, fitted to a detector's errors, with
their persistence in time. It has their sizes and how they go together, and knows nothing of what
they depend on: the pose, the view, and what hides what.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from mocap.datasets.pairs import Pairs
from mocap.training.depth.config import TrainingError

#: Coordinates of a frame: 17 points' 3D, then their 2D.
_DEEP = 17 * 3


@dataclass(frozen=True)
class FittedNoise:
    """Errors like a detector's.

    Attributes:
        mean: of metres, then of pixels as shares of the person's size.
        root: lower triangular root of the covariance.
        persistence: correlation of a frame's errors with those of the next one.
    """

    mean: Float[np.ndarray, " coordinates"]
    root: Float[np.ndarray, "coordinates coordinates"]
    persistence: float

    @classmethod
    def fit(cls, pairs: Pairs) -> "FittedNoise":
        """Fit to the errors in pairs.

        Raises:
            TrainingError: the pairs do not tell the true 2D, or are too few.
        """
        if pairs.truth_2d is None:
            raise TrainingError("the pairs do not tell the true 2D, which the noise is fitted to")
        flat = (pairs.pose_2d - pairs.truth_2d) / person_sizes(pairs)[:, None, None]
        deep = pairs.corrupted - pairs.ground_truth
        errors = np.concatenate([part.reshape(len(pairs), -1) for part in (deep, flat)], 1)
        errors = errors[np.isfinite(errors).all(1)].astype(float)
        if len(errors) < 2 * errors.shape[1]:
            raise TrainingError(f"{len(errors)} pairs are too few to fit noise to")
        mean = errors.mean(0)
        covariance = np.cov(errors.T)
        floor = 1e-6 * np.trace(covariance) / len(covariance)
        root = np.linalg.cholesky(covariance + floor * np.eye(len(covariance)))
        return cls(mean, root, _persistence(pairs))

    def on(self, pairs: Pairs, seed: int = 0) -> Pairs:
        """The same poses and views, seen with errors drawn by lot.

        Confidences are those of other frames: they tell nothing of these errors.
        """
        assert pairs.truth_2d is not None
        rng = np.random.default_rng(seed)
        draws = rng.normal(size=(len(pairs), len(self.mean)))
        keep = np.sqrt(1 - self.persistence**2)
        for run in pairs.runs():
            for frame in range(run.start + 1, run.stop):
                draws[frame] = self.persistence * draws[frame - 1] + keep * draws[frame]
        errors = self.mean + draws @ self.root.T
        flat = errors[:, _DEEP:].reshape(-1, 17, 2) * person_sizes(pairs)[:, None, None]
        return replace(
            pairs.without_landmarks(),
            corrupted=pairs.ground_truth + errors[:, :_DEEP].reshape(-1, 17, 3),
            pose_2d=pairs.truth_2d + flat,
            visibility=pairs.visibility[rng.permutation(len(pairs))],
        )


def person_sizes(pairs: Pairs) -> Float[np.ndarray, " frames"]:
    """The larger side of each person in the picture, by the truth, pixels."""
    assert pairs.truth_2d is not None
    return np.ptp(pairs.truth_2d, axis=1).max(-1)


def _persistence(pairs: Pairs) -> float:
    """Correlation of neighbouring frames' 3D errors; 0 where frames have no neighbours."""
    errors = (pairs.corrupted - pairs.ground_truth).reshape(len(pairs), -1)
    errors = errors - errors.mean(0)
    joined = np.ones(len(pairs), bool)
    joined[[run.start for run in pairs.runs()]] = False
    after = np.flatnonzero(joined)
    if pairs.sequence is None or not len(after):
        return 0.0
    together = np.mean(errors[after] * errors[after - 1])
    return float(np.clip(together / np.mean(errors**2), 0.0, 0.999))
