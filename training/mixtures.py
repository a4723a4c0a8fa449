"""Fitting mixtures of full-covariance Gaussians, and of Student's t, to weighty data.

Expectation-maximisation; covariances are shrunk towards a common diagonal, as if some samples of
that had been seen by every component. For Student's t the latent scale of every sample is part of
the expectation (Peel and McLachlan, "Robust mixture modelling using the t distribution", 2000),
with degrees of freedom given.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_triangular
from scipy.special import gammaln, logsumexp


@dataclass(frozen=True)
class Mixture:
    """A mixture of K components in C dimensions.

    Attributes:
        means: (K, C).
        covariances: (K, C, C); of Student's t the scale matrices.
        weights: (K,) shares, summing to 1.
        freedom: degrees of freedom; infinite for Gaussians.
    """

    means: Float[np.ndarray, "components dimensions"]
    covariances: Float[np.ndarray, "components dimensions dimensions"]
    weights: Float[np.ndarray, " components"]
    freedom: float = np.inf

    def precision_roots(self) -> Float[np.ndarray, "components dimensions dimensions"]:
        """Lower triangular R with RᵀR the precision: the inverted Cholesky factors."""
        eye = np.eye(self.means.shape[1])
        return np.stack(
            [solve_triangular(np.linalg.cholesky(c), eye, lower=True) for c in self.covariances]
        )

    def distances(self, samples: np.ndarray) -> Float[np.ndarray, "samples components"]:
        """Squared distances in each component's deviations."""
        roots = self.precision_roots()
        found = [
            np.sum(((samples - mean) @ root.T) ** 2, axis=1)
            for mean, root in zip(self.means, roots, strict=True)
        ]
        return np.stack(found, 1)

    def log_joint(self, samples: np.ndarray) -> Float[np.ndarray, "samples components"]:
        """Logarithm of each component's density times its share."""
        size = samples.shape[1]
        volume = np.log(np.einsum("kii->ki", self.precision_roots())).sum(1)
        distances = self.distances(samples)
        if np.isfinite(self.freedom):
            nu = self.freedom
            start = gammaln((nu + size) / 2) - gammaln(nu / 2) - size / 2 * np.log(nu * np.pi)
            density = start - 0.5 * (nu + size) * np.log1p(distances / nu)
        else:
            density = -0.5 * size * np.log(2 * np.pi) - 0.5 * distances
        return density + volume + np.log(self.weights)

    def log_likelihood(self, samples: np.ndarray) -> Float[np.ndarray, " samples"]:
        """Logarithm of the density at each sample."""
        return logsumexp(self.log_joint(samples), axis=1)


def fit_mixture(
    samples: Float[np.ndarray, "samples dimensions"],
    components: int,
    *,
    freedom: float = np.inf,
    floor: Float[np.ndarray, " dimensions"],
    strength: float = 100.0,
    iterations: int = 60,
    seed: int = 0,
) -> Mixture:
    """Fit a mixture by expectation-maximisation.

    Args:
        samples: (N, C).
        components: how many.
        freedom: degrees of freedom of Student's t; infinite for Gaussians.
        floor: (C,) deviations of the diagonal that covariances are shrunk towards; no component
            is much narrower.
        strength: samples' worth of that diagonal in every component.
        iterations: at most.
        seed: of the start.
    """
    rng = np.random.default_rng(seed)
    belonging = _start(samples, components, rng)
    scales = np.ones_like(belonging)
    mixture, last = None, -np.inf
    for _ in range(iterations):
        mixture = _maximised(samples, belonging, scales, freedom, floor, strength)
        joint = mixture.log_joint(samples)
        total = logsumexp(joint, axis=1)
        belonging = np.exp(joint - total[:, None])
        if np.isfinite(freedom):
            size = samples.shape[1]
            scales = (freedom + size) / (freedom + mixture.distances(samples))
        now = float(total.mean())
        if now - last < 1e-4:
            break
        last = now
    assert mixture is not None
    return mixture


def _start(samples: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray:
    """Each sample's component after a few rounds of k-means, from spread-out seeds."""
    scaled = samples / samples.std(0)
    centres = scaled[[rng.integers(len(scaled))]]
    for _ in range(components - 1):
        gaps = _squared_gaps(scaled, centres).min(1)
        centres = np.concatenate([centres, scaled[[rng.choice(len(scaled), p=gaps / gaps.sum())]]])
    for _ in range(15):
        nearest = _squared_gaps(scaled, centres).argmin(1)
        centres = np.stack(
            [
                scaled[nearest == k].mean(0) if np.any(nearest == k) else centres[k]
                for k in range(components)
            ]
        )
    return np.eye(components)[nearest] + 1e-12


def _squared_gaps(samples: np.ndarray, centres: np.ndarray) -> np.ndarray:
    gaps = np.sum(samples**2, 1)[:, None] - 2 * samples @ centres.T + np.sum(centres**2, 1)
    return np.maximum(gaps, 0.0)


def _maximised(
    samples: np.ndarray,
    belonging: np.ndarray,
    scales: np.ndarray,
    freedom: float,
    floor: np.ndarray,
    strength: float,
) -> Mixture:
    counts = belonging.sum(0)
    pulled = belonging * scales
    means = (pulled.T @ samples) / pulled.sum(0)[:, None]
    covariances = []
    for k, mean in enumerate(means):
        gaps = samples - mean
        scatter = (gaps * pulled[:, k : k + 1]).T @ gaps + strength * np.diag(floor**2)
        covariances.append(scatter / (counts[k] + strength))
    return Mixture(means, np.stack(covariances), counts / counts.sum(), freedom)
