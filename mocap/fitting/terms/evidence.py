"""What was seen: keypoints in the picture, and the detector's 3D points."""

import numpy as np
from jaxtyping import Float

from mocap.fitting.observations import Observations
from mocap.fitting.rig import Rig
from mocap.fitting.terms.weights import Residuals, Weights


def reprojection(
    points: Float[np.ndarray, "frames points 3"],
    jacobian: Float[np.ndarray, "frames points 3 unknowns"],
    seen: Observations,
    weights: Weights,
) -> Residuals:
    """Where the body's points fall in the picture against where they were seen."""
    camera, focal, error = _reprojected(points, seen, weights)
    depth = camera[..., 2:]
    robust = 1.0 / (1.0 + np.sum(error**2, -1) / weights.outlier**2)
    factor = np.sqrt(seen.weight) * robust
    by_camera = np.zeros((*points.shape[:2], 2, 3))
    by_camera[..., 0, 0], by_camera[..., 1, 1] = np.moveaxis(focal / depth, -1, 0)
    by_camera[..., 2] = -camera[..., :2] / depth**2 * focal
    by_world = by_camera @ seen.R[:, None] / (weights.reprojection * seen.size)
    derivative = (factor[..., None, None] * by_world) @ jacobian
    frames, unknowns = len(points), jacobian.shape[-1]
    return Residuals(
        (factor[..., None] * error).reshape(frames, -1),
        derivative.reshape(frames, 2 * points.shape[1], unknowns),
    )


def reprojection_energy(
    points: Float[np.ndarray, "frames points 3"], seen: Observations, weights: Weights
) -> float:
    """The robust energy whose reweighted residuals :func:`reprojection` gives."""
    squared = np.sum(_reprojected(points, seen, weights)[2] ** 2, -1)
    return float(0.5 * np.sum(seen.weight * squared / (1.0 + squared / weights.outlier**2)))


def _reprojected(
    points: np.ndarray, seen: Observations, weights: Weights
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in the camera's frame (depth kept positive), focal lengths, errors in deviations."""
    camera = np.einsum("fij,fpj->fpi", seen.R, points) + seen.t[:, None]
    camera[..., 2] = np.maximum(camera[..., 2], 0.1)
    focal = np.stack([seen.K[:, 0, 0], seen.K[:, 1, 1]], -1)[:, None]
    pixels = camera[..., :2] / camera[..., 2:] * focal + seen.K[:, None, :2, 2]
    return camera, focal, (pixels - seen.pixels) / (weights.reprojection * seen.size)


def metric(
    rig: Rig,
    points: Float[np.ndarray, "frames points 3"],
    jacobian: Float[np.ndarray, "frames points 3 unknowns"],
    seen: Observations,
    weights: Weights,
) -> Residuals:
    """The 3D keypoints: bones along the viewing ray, points relative to the hips across it."""
    across = _across(seen)
    along = np.einsum("fji,fj->fi", seen.R, seen.rays)
    start, end = rig.bone_ends
    told = ((seen.metric[:, end] - seen.metric[:, start]) @ seen.rays[..., None])[..., 0]
    is_now = ((points[:, end] - points[:, start]) @ along[..., None])[..., 0]
    doubt = np.sqrt(0.5 * (seen.doubt[:, start] ** 2 + seen.doubt[:, end] ** 2))
    trust = np.sqrt(np.minimum(seen.weight[:, start], seen.weight[:, end])) / doubt / weights.depth
    frames, unknowns = len(points), jacobian.shape[-1]
    by_bone = (along[:, None, None] @ (jacobian[:, end] - jacobian[:, start]))[:, :, 0]
    hips = [rig.point("left_hip"), rig.point("right_hip")]
    centred = points - points[:, hips].mean(1, keepdims=True)
    by_point = jacobian - jacobian[:, hips].mean(1, keepdims=True)
    seen_hips = np.minimum.reduce(seen.weight[:, hips], axis=1)
    sure = np.sqrt(np.minimum(seen.weight, seen_hips[:, None])) / seen.doubt / weights.lateral
    told_across = seen.metric @ np.swapaxes(across[0], -1, -2)
    is_across = centred @ np.swapaxes(across[1], -1, -2)
    by_across = (sure[..., None, None] * across[1][:, None]) @ by_point
    return Residuals(
        np.concatenate(
            [
                trust * (is_now - told),
                (sure[..., None] * (is_across - told_across)).reshape(frames, -1),
            ],
            1,
        ),
        np.concatenate(
            [
                trust[..., None] * by_bone,
                by_across.reshape(frames, 2 * points.shape[1], unknowns),
            ],
            1,
        ),
    )


def _across(seen: Observations) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors (F, 2, 3) across each ray, in camera and in world axes."""
    right = np.cross(np.array([0.0, 1.0, 0.0]), seen.rays)
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    down = np.cross(seen.rays, right)
    camera = np.stack([right, down], 1)
    return camera, camera @ seen.R
