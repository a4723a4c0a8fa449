"""How usual a pose is: a mixture of Gaussians, or of Student's t, over the fit's coordinates.

Angles go together: a raised knee bends, arms swing against legs, a twisted spine turns the
shoulders. A full covariance knows that, a mixture of them knows that standing, sitting and dancing
are different things. Of a mixture only the component that explains a frame best counts there
(Olson and Agarwal, "Inference on networks of mixtures for robust robot mapping", 2013): what is
left is a sum of squares, which least squares can use. With Student's t, poses far from all that
is known cost only the logarithm of their distance, and each frame's residuals carry the weight of
iteratively reweighted least squares.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Int

from mocap.errors import FitError
from mocap.fitting.freedom import COORDINATES


@dataclass(frozen=True)
class PosePrior:
    """A mixture over poses.

    Attributes:
        means: (K, C) radians.
        roots: (K, C, C) square roots of the precisions, per radian: a component's squared
            distance is that of ``roots @ (coordinates - mean)``.
        log_weights: (K,) logarithms of the components' shares.
        freedom: degrees of freedom of Student's t; infinite for Gaussians.
    """

    means: Float[np.ndarray, "components coordinates"]
    roots: Float[np.ndarray, "components coordinates coordinates"]
    log_weights: Float[np.ndarray, " components"]
    freedom: float = np.inf

    @classmethod
    @lru_cache(maxsize=1)
    def load(cls) -> "PosePrior":
        """The prior that comes with the package; ``data/README.md`` says how it was made.

        Raises:
            FitError: the file was made for other coordinates than the fit has now.
        """
        with (
            (files("mocap.fitting.data") / "pose_prior.npz").open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            names = tuple(str(name) for name in arrays["coordinates"])
            if names != coordinate_names():
                raise FitError(
                    "pose_prior.npz was made for other coordinates than the fit has; make it "
                    "again with python -m mocap.training.pose_prior"
                )
            return cls(
                arrays["means"].astype(float),
                arrays["roots"].astype(float),
                arrays["log_weights"].astype(float),
                float(arrays["freedom"]),
            )

    @cached_property
    def offsets(self) -> Float[np.ndarray, " components"]:
        """What each component's energy begins with: 0 for the one that can be likeliest."""
        _, volume = np.linalg.slogdet(self.roots)
        peak = self.log_weights + volume
        return peak.max() - peak

    def distances(
        self, coordinates: Float[np.ndarray, "frames coordinates"]
    ) -> Float[np.ndarray, "frames components"]:
        """Squared distances from every component, in its own deviations."""
        # |R x - R m|^2 by one product for all components and frames.
        stacked = self.roots.reshape(-1, self.means.shape[1])
        apart = (coordinates @ stacked.T).reshape(len(coordinates), *self.means.shape)
        apart -= np.einsum("kij,kj->ki", self.roots, self.means)
        return np.einsum("fki,fki->fk", apart, apart)

    def energies(
        self, coordinates: Float[np.ndarray, "frames coordinates"]
    ) -> Float[np.ndarray, "frames components"]:
        """What each component says a pose costs: minus its log likelihood, up to a constant."""
        return self.offsets + self._cost(self.distances(coordinates))

    def nearest(
        self, coordinates: Float[np.ndarray, "frames coordinates"]
    ) -> tuple[Int[np.ndarray, " frames"], Float[np.ndarray, " frames"]]:
        """The component that explains each pose best, and the squared distance from it."""
        distances = self.distances(coordinates)
        chosen = np.argmin(self.offsets + self._cost(distances), axis=1)
        return chosen, distances[np.arange(len(chosen)), chosen]

    def _cost(self, distances: np.ndarray) -> np.ndarray:
        if not np.isfinite(self.freedom):
            return 0.5 * distances
        return 0.5 * (self.freedom + self.means.shape[1]) * np.log1p(distances / self.freedom)

    def trust(self, distances: np.ndarray) -> np.ndarray:
        """Weights of reweighted least squares: twice the cost's slope by the squared distance."""
        if not np.isfinite(self.freedom):
            return np.ones_like(distances)
        return (self.freedom + self.means.shape[1]) / (self.freedom + distances)


def pose_prior(
    pose_coordinates: Float[np.ndarray, "frames coordinates"], prior: PosePrior, weight: float
) -> tuple[
    Float[np.ndarray, "frames coordinates"], Float[np.ndarray, "frames coordinates coordinates"]
]:
    """Residuals of a pose and their derivative by its coordinates.

    The gradient of :func:`pose_prior_energy` is the product of the two, exactly, wherever no two
    components explain a pose equally well.

    Args:
        pose_coordinates: (F, C) radians.
        prior: the mixture.
        weight: factor on the energy: how much the prior counts against what was seen.

    Returns:
        Residuals (F, C) and their derivative (F, C, C).
    """
    chosen, distances = prior.nearest(pose_coordinates)
    factor = np.sqrt(weight * prior.trust(distances))
    jacobian = prior.roots[chosen] * factor[:, None, None]
    gap = pose_coordinates - prior.means[chosen]
    return (jacobian @ gap[..., None])[..., 0], jacobian


def pose_prior_energy(
    coordinates: Float[np.ndarray, "frames coordinates"], prior: PosePrior, weight: float
) -> float:
    """The energy whose reweighted residuals :func:`pose_prior` gives; radians."""
    return float(weight * prior.energies(coordinates).min(axis=1).sum())


def coordinate_names() -> tuple[str, ...]:
    """One name for each coordinate of the fit, by which a file tells what it was made for."""
    return tuple(f"{'+'.join(c.joints)}:{'xyz'[c.axis]}" for c in COORDINATES)
