"""Better places for the cameras of a rig, from the points that they all see.

Bundle adjustment (Triggs et al. 2000) of the extrinsics, intrinsics kept: a few pixels of
calibration error are centimetres in depth. A prior that the calibration is nearly right keeps the
world's place, heading and scale, which pictures do not tell.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.sparse import csr_matrix, lil_matrix
from scipy.spatial.transform import Rotation

from mocap.evaluate.rigs import RigCamera
from mocap.evaluate.triangulation import straightened, triangulate

#: Points that are enough to place some cameras, and pixels beyond which one is doubted.
_MOST_POINTS = 1000
_DOUBTFUL = 4.0
#: How far off a calibration may be: radians and metres. Without this a rig seen by few points
#: turns about them.
_TURN, _SHIFT = np.deg2rad(1.0), 0.05
_LEAST_POINTS = 20


def refine_extrinsics(
    cameras: Sequence[RigCamera],
    pixels: Float[np.ndarray, "views frames joints 2"],
    weights: Float[np.ndarray, "views frames joints"],
    *,
    tolerance: float = 60.0,
) -> list[RigCamera]:
    """The rig with rotations and places that agree with what is seen.

    Args:
        cameras: fixed, one a view, roughly calibrated.
        pixels: NaN where a view does not see a point.
        weights: trust in each.
        tolerance: pixels within which views agree to begin with.

    Returns:
        The cameras anew; as they were where they agree on too few points.
    """
    rough = triangulate(cameras, pixels, weights, tolerance=tolerance)
    # Somebody whom only two views see still ties these two to each other.
    chosen = np.argwhere(np.isfinite(rough.points).all(-1))
    if len(chosen) < _LEAST_POINTS:
        return list(cameras)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), _MOST_POINTS)).astype(int)]
    frames, joints = chosen.T
    views, rows = np.nonzero(rough.used[:, frames, joints])
    seen = straightened(cameras, pixels)[:, frames, joints][views, rows]
    trust = np.sqrt(weights[:, frames, joints][views, rows])
    points = rough.points[frames, joints]
    R = np.stack([one.camera.R[0] for one in cameras])
    t = np.stack([one.camera.t[0] for one in cameras])
    K = np.stack([one.camera.K[0] for one in cameras])

    def unpacked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        moves = values[: 6 * len(cameras)].reshape(-1, 6)
        turned = Rotation.from_rotvec(moves[:, :3]).as_matrix() @ R
        return turned, t + moves[:, 3:], values[6 * len(cameras) :].reshape(-1, 3)

    def gaps(values: np.ndarray) -> np.ndarray:
        turned, shifted, places = unpacked(values)
        image = np.einsum("nij,nj->ni", turned[views], places[rows]) + shifted[views]
        image = np.einsum("nij,nj->ni", K[views], image)
        moves = values[: 6 * len(cameras)].reshape(-1, 6) / ([_TURN] * 3 + [_SHIFT] * 3)
        apart = trust[:, None] * (image[:, :2] / image[:, 2:] - seen)
        return np.concatenate([apart.ravel(), _DOUBTFUL * moves.ravel()])

    start = np.concatenate([np.zeros(6 * len(cameras)), points.ravel()])
    found = least_squares(
        gaps,
        start,
        jac_sparsity=_sparsity(views, rows, len(cameras), len(points)),
        loss="soft_l1",
        f_scale=_DOUBTFUL,
        x_scale="jac",
        max_nfev=40,
    )
    turned, shifted, _ = unpacked(found.x)
    return [
        replace(one, camera=replace(one.camera, R=R_new[None], t=t_new[None]))
        for one, R_new, t_new in zip(cameras, turned, shifted, strict=True)
    ]


def _sparsity(views: np.ndarray, rows: np.ndarray, cameras: int, points: int) -> csr_matrix:
    """Which numbers each residual depends on."""
    count = 2 * len(views)
    pattern = lil_matrix((count + 6 * cameras, 6 * cameras + 3 * points), dtype=np.int8)
    for residual, (view, row) in enumerate(zip(views, rows, strict=True)):
        both = slice(2 * residual, 2 * residual + 2)
        pattern[both, 6 * view : 6 * view + 6] = 1
        pattern[both, 6 * cameras + 3 * row : 6 * cameras + 3 * row + 3] = 1
    for move in range(6 * cameras):
        pattern[count + move, move] = 1
    return pattern.tocsr()
