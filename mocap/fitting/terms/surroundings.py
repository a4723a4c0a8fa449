"""What is around: the ground that feet rest on and nobody sinks into, and other people."""

import numpy as np
from jaxtyping import Float

from mocap.fitting.balance import Balance
from mocap.fitting.terms.weights import Residuals, Weights


def resting(
    points: Float[np.ndarray, "frames soles 3"],
    jacobian: Float[np.ndarray, "frames soles 3 unknowns"],
    places: Float[np.ndarray, "frames soles 3"],
    probability: Float[np.ndarray, "frames soles"],
    weights: Weights,
) -> Residuals:
    """How far foot points that rest are from the places they rest on."""
    factor = np.sqrt(probability)[..., None] / weights.rest
    frames = len(points)
    return Residuals(
        (factor * (points - places)).reshape(frames, -1),
        (factor[..., None] * jacobian).reshape(frames, 3 * points.shape[1], jacobian.shape[-1]),
    )


def above_floor(
    points: Float[np.ndarray, "frames points 3"],
    jacobian: Float[np.ndarray, "frames points 3 unknowns"],
    clearance: Float[np.ndarray, " points"],
    weights: Weights,
) -> Residuals:
    """How far points are under the floor, each with so much flesh about it."""
    under = np.minimum(points[..., 1] - clearance, 0.0)
    return Residuals(
        under / weights.floor,
        np.where(under < 0, 1.0 / weights.floor, 0.0)[..., None] * jacobian[:, :, 1],
    )


def balanced(
    centre: Float[np.ndarray, "frames 3"],
    jacobian: Float[np.ndarray, "frames 3 unknowns"],
    balance: Balance,
    weights: Weights,
) -> Residuals:
    """How far the centre of mass is from where it is in balance, along the line of sight.

    Robust: who leans on something, or hangs from it, is not in balance over the feet.
    """
    off = np.sum(centre * balance.direction, -1) - balance.target
    beyond = np.sign(off) * np.maximum(np.abs(off) - balance.reach, 0.0) / weights.balance
    factor = np.sqrt(balance.trust) / (1.0 + (beyond / weights.outlier) ** 2)
    slope = np.where(beyond != 0, factor / weights.balance, 0.0)
    along = (balance.direction[:, None] @ jacobian)[:, 0]
    return Residuals((factor * beyond)[:, None], (slope[:, None] * along)[:, None])


def balance_energy(
    centre: Float[np.ndarray, "frames 3"], balance: Balance, weights: Weights
) -> float:
    """The robust energy whose reweighted residuals :func:`balanced` gives."""
    off = np.sum(centre * balance.direction, -1) - balance.target
    squared = (np.maximum(np.abs(off) - balance.reach, 0.0) / weights.balance) ** 2
    return float(0.5 * np.sum(balance.trust * squared / (1.0 + squared / weights.outlier**2)))


def apart(
    centres: Float[np.ndarray, "frames balls 3"],
    jacobian: Float[np.ndarray, "frames balls 3 unknowns"],
    radii: Float[np.ndarray, " balls"],
    others: Float[np.ndarray, "frames others 3"],
    their_radii: Float[np.ndarray, " others"],
    weights: Weights,
) -> Residuals:
    """How deep one body's balls are in another's, which holds still; one residual a ball."""
    gaps = centres[:, :, None] - others[:, None]
    distance = np.linalg.norm(gaps, axis=-1)
    depth = np.maximum(radii[:, None] + their_radii - distance, 0.0)
    # Only the deepest overlap of a ball: the others say the same of it.
    deepest = depth.argmax(2)[..., None]
    away = np.take_along_axis(gaps, deepest[..., None], 2)[:, :, 0]
    length = np.take_along_axis(distance, deepest, 2)
    depth = np.take_along_axis(depth, deepest, 2)[..., 0]
    # Two centres in one place have no direction apart: any will do.
    away = np.where(length > 1e-6, away / np.maximum(length, 1e-6), [1.0, 0.0, 0.0])
    slope = np.where(depth > 0, -1.0 / weights.apart, 0.0)
    return Residuals(
        depth / weights.apart,
        slope[..., None] * (away[:, :, None] @ jacobian)[:, :, 0],
    )
