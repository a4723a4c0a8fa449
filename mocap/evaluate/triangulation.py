"""Points in space from what several calibrated cameras see at the same time.

Direct linear transform over the views that agree (Hartley and Zisserman, "Multiple View
Geometry", 2nd ed., 12.2), which are found by trying every pair of views; then Gauss-Newton on the
reprojection error with Huber's weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float

from mocap.evaluate.rigs import RigCamera

#: Pixels beyond which an error grows only linearly.
_HUBER = 4.0
_STEPS = 5


@dataclass(frozen=True)
class Triangulated:
    """Points in space and how well the views agree on them.

    Attributes:
        points: metres, the rig's world; NaN where fewer than two views agree.
        residual_px: root mean square distance over the views used, pixels.
        used: which views each point was made of.
    """

    points: Float[np.ndarray, "frames joints 3"]
    residual_px: Float[np.ndarray, "frames joints"]
    used: Bool[np.ndarray, "views frames joints"]


def projections(cameras: Sequence[RigCamera]) -> Float[np.ndarray, "views 3 4"]:
    """``K [R | t]`` of fixed cameras."""
    return np.stack(
        [one.camera.K[0] @ np.column_stack([one.camera.R[0], one.camera.t[0]]) for one in cameras]
    )


def straightened(
    cameras: Sequence[RigCamera], pixels: Float[np.ndarray, "views frames joints 2"]
) -> Float[np.ndarray, "views frames joints 2"]:
    """The pixels as lenses without distortion would show them."""
    frames = np.arange(pixels.shape[1])
    return np.stack(
        [one.camera.undistort(seen, frames) for one, seen in zip(cameras, pixels, strict=True)]
    )


def triangulate(
    cameras: Sequence[RigCamera],
    pixels: Float[np.ndarray, "views frames joints 2"],
    weights: Float[np.ndarray, "views frames joints"],
    *,
    tolerance: float = 30.0,
) -> Triangulated:
    """Points that at least two views agree on.

    Args:
        cameras: fixed, one a view.
        pixels: NaN where a view does not see the point.
        weights: trust in each, 0 where there is none.
        tolerance: pixels within which a view agrees.
    """
    P = projections(cameras)
    views, frames, joints = weights.shape
    seen = straightened(cameras, pixels).reshape(views, -1, 2)
    weight = np.where(np.isfinite(seen).all(-1), weights.reshape(views, -1), 0.0)
    seen = np.nan_to_num(seen)
    used = _agreeing(P, seen, weight, tolerance)
    trust = np.where(used, weight, 0.0)
    points = _refined(P, seen, trust, _linear(P, seen, trust))
    gaps = np.linalg.norm(_shown(P, points) - seen, axis=-1)
    gaps = np.where(used & np.isfinite(gaps), gaps, 0.0)
    count = used.sum(0)
    known = (count >= 2) & np.isfinite(points).all(-1)
    residual = np.sqrt((gaps**2).sum(0) / np.maximum(count, 1))
    known &= residual <= tolerance
    return Triangulated(
        np.where(known[:, None], points, np.nan).reshape(frames, joints, 3),
        np.where(known, residual, np.nan).reshape(frames, joints),
        (used & known).reshape(views, frames, joints),
    )


def _agreeing(P: np.ndarray, seen: np.ndarray, weight: np.ndarray, tolerance: float) -> np.ndarray:
    """(V, N) the views that agree with the pair of views that most others agree with."""
    best = np.full(weight.shape[1], -np.inf)
    used = np.zeros(weight.shape, bool)
    for pair in combinations(range(len(P)), 2):
        chosen = np.zeros(weight.shape)
        chosen[list(pair)] = weight[list(pair)]
        points = _linear(P, seen, chosen)
        gaps = np.linalg.norm(_shown(P, points) - seen, axis=-1)
        near = (gaps <= tolerance) & (weight > 0)
        near &= (chosen > 0).sum(0) == 2
        # Among pairs that as many agree with, the one they agree with better.
        score = np.sum(weight * near * (1 - 0.5 * (np.nan_to_num(gaps) / tolerance) ** 2), axis=0)
        better = (near.sum(0) >= 2) & (score > best)
        best[better] = score[better]
        used[:, better] = near[:, better]
    return used


def _linear(P: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(N, 3) points of least algebraic error; what fewer than two views see is arbitrary."""
    rows = seen[..., None] * P[:, None, None, 2] - P[:, None, :2]
    # Rows of like length, so that the algebraic error is nearly that in the picture.
    rows = rows / np.linalg.norm(P[:, 2, :3], axis=-1)[:, None, None, None]
    scale = np.linalg.norm(rows[..., :3], axis=-1, keepdims=True)
    rows = weight[..., None, None] * rows / np.maximum(scale, 1e-12)
    normal = np.einsum("vnri,vnrj->nij", rows, rows)
    homogeneous = np.linalg.eigh(normal)[1][..., 0]
    last = homogeneous[:, 3:]
    return homogeneous[:, :3] / np.where(np.abs(last) > 1e-12, last, np.nan)


def _shown(P: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(V, N, 2) pixels of points; NaN behind a camera."""
    image = np.einsum("vij,nj->vni", P[:, :, :3], points) + P[:, None, :, 3]
    depth = image[..., 2:]
    return image[..., :2] / np.where(depth > 1e-6, depth, np.nan)


def _refined(P: np.ndarray, seen: np.ndarray, weight: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points of least robust distance in the pictures."""
    for _ in range(_STEPS):
        image = np.einsum("vij,nj->vni", P[:, :, :3], points) + P[:, None, :, 3]
        depth = np.where(np.abs(image[..., 2:]) > 1e-6, image[..., 2:], np.nan)
        shown = image[..., :2] / depth
        slope = (P[:, None, :2, :3] - shown[..., None] * P[:, None, 2:, :3]) / depth[..., None]
        gap = seen - shown
        size = np.linalg.norm(gap, axis=-1)
        trust = weight * np.where(size > _HUBER, _HUBER / np.maximum(size, _HUBER), 1.0)
        trust, gap = np.nan_to_num(trust), np.nan_to_num(gap)
        slope = np.nan_to_num(slope)
        normal = np.einsum("vn,vnri,vnrj->nij", trust, slope, slope) + 1e-6 * np.eye(3)
        step = np.einsum("vn,vnri,vnr->ni", trust, slope, gap)
        points = points + np.linalg.solve(normal, step[..., None])[..., 0]
    return points
