"""Transforms that lay one set of points over another as well as they can.

Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
PAMI 13(4), 1991, with points that are missing in either set left out.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Points that a rotation in space needs.
_LEAST_POINTS = 3


@dataclass(frozen=True)
class Similarity:
    """Points x become ``scale * R @ x + t``; any leading axes. NaN where it is not determined."""

    scale: Float[np.ndarray, "*batch"]
    R: Float[np.ndarray, "*batch 3 3"]
    t: Float[np.ndarray, "*batch 3"]

    def __call__(self, points: Float[np.ndarray, "*batch points 3"]) -> np.ndarray:
        """Transform points."""
        turned = np.einsum("...ij,...pj->...pi", self.R, points)
        return self.scale[..., None, None] * turned + self.t[..., None, :]


def fit_similarity(
    source: Float[np.ndarray, "*batch points 3"],
    target: Float[np.ndarray, "*batch points 3"],
    *,
    scaled: bool = True,
) -> Similarity:
    """The least-squares similarity from source to target.

    Args:
        source: points to be moved; NaN is missing.
        target: where they belong; NaN is missing.
        scaled: whether the size may change; a rotation and a shift only if not.

    Returns:
        One transform for each leading index, NaN where fewer than three points are in both. A
        source that is one single point is laid on the target's middle.
    """
    known = np.isfinite(source).all(-1) & np.isfinite(target).all(-1)
    count = known.sum(-1)
    weight = known / np.maximum(count, 1)[..., None]
    a, b = (np.where(known[..., None], points, 0.0) for points in (source, target))
    middle_a, middle_b = (np.einsum("...p,...pi->...i", weight, points) for points in (a, b))
    a, b = a - middle_a[..., None, :], b - middle_b[..., None, :]
    U, S, Vt = np.linalg.svd(np.einsum("...p,...pi,...pj->...ij", weight, b, a))
    sign = np.ones_like(S)
    sign[..., 2] = np.where(np.linalg.det(U) * np.linalg.det(Vt) < 0, -1.0, 1.0)
    R = np.einsum("...ij,...j,...jk->...ik", U, sign, Vt)
    spread = np.einsum("...p,...pi,...pi->...", weight, a, a)
    scale = np.ones_like(spread)
    if scaled:
        scale = np.where(spread > 1e-12, (S * sign).sum(-1) / np.maximum(spread, 1e-12), 0.0)
    t = middle_b - scale[..., None] * np.einsum("...ij,...j->...i", R, middle_a)
    unknown = count < _LEAST_POINTS
    return Similarity(
        np.where(unknown, np.nan, scale),
        np.where(unknown[..., None, None], np.nan, R),
        np.where(unknown[..., None], np.nan, t),
    )


def fit_heading(
    source: Float[np.ndarray, "*points 3"], target: Float[np.ndarray, "*points 3"]
) -> Float[np.ndarray, "3 3"]:
    """The turn about +Y that brings vectors nearest to others; none if they tell nothing."""
    known = np.isfinite(source).all(-1) & np.isfinite(target).all(-1)
    a, b = source[known], target[known]
    sine = float(np.sum(b[:, 0] * a[:, 2] - b[:, 2] * a[:, 0]))
    cosine = float(np.sum(b[:, 0] * a[:, 0] + b[:, 2] * a[:, 2]))
    angle = np.arctan2(sine, cosine)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def root_relative(
    points: Float[np.ndarray, "*batch points 3"], root: tuple[int, int]
) -> Float[np.ndarray, "*batch points 3"]:
    """Points relative to the middle of two of them (the hips); NaN where either is missing."""
    return points - points[..., list(root), :].mean(-2, keepdims=True)
