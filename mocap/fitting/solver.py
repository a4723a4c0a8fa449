"""Levenberg-Marquardt over a whole clip, in time linear in its length.

Frames meet only through second differences of their unknowns, so the normal equations are banded
and solved by banded Cholesky. Long clips are solved in windows whose neighbours are held still;
the windows shift by half their length from one iteration to the next, so that no seam stays a
seam, and memory does not grow with the clip beyond the motion itself.
"""

import itertools
import logging
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, solveh_banded
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from mocap.fitting import terms
from mocap.fitting.freedom import SIZE
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig, shape_jacobian
from mocap.fitting.observations import Observations
from mocap.fitting.rig import Rig

logger = logging.getLogger(__name__)

#: Frames solved together, and frames whose derivatives are held at once.
_WINDOW, _CHUNK = 512, 64
#: Seconds over which the bound on a step eases off.
_EASING = 0.15
#: Frames' worth of evidence about shape, however long the clip: errors repeat from frame to frame.
_SHAPE_FRAMES = 40


@dataclass(frozen=True)
class Problem:
    """One person's fit: the rig, what was seen, how far to believe it, and the likeliest shape."""

    rig: Rig
    seen: Observations
    weights: terms.Weights
    usual_betas: Float[np.ndarray, " shape"]


def solve(
    problem: Problem,
    betas: np.ndarray,
    pose: Pose,
    *,
    iterations: int,
    free_shape: bool,
    ease: bool = True,
) -> tuple[np.ndarray, Pose]:
    """Minimise the energy from a starting point.

    Args:
        problem: what is fitted.
        betas: (B,) starting shape.
        pose: starting pose of every frame.
        iterations: at most; fewer when a step stops helping.
        free_shape: whether betas are solved for as well.
        ease: whether to write outliers off step by step, for a start that may be far off.

    Returns:
        The betas and the pose of least energy found.
    """
    # More threads make small banded solves tens of times slower, not faster.
    with threadpool_limits(limits=1, user_api="blas"):
        for iteration in range(iterations):
            before = pose
            eased = _eased(problem, iteration) if ease else problem
            for part in _windows(len(pose), iteration):
                pose = _window_step(eased, betas, pose, part)
            if free_shape and iteration % 2 == 1:
                betas = _shape_step(eased, betas, pose)
            moved = np.abs(pose.coordinates - before.coordinates).max()
            logger.debug("iteration %d: largest turn %.4f rad", iteration, moved)
            settled = eased.weights.outlier == problem.weights.outlier
            if moved < 2e-3 and settled:
                break
    return betas, pose


def _eased(problem: Problem, iteration: int) -> Problem:
    """The problem with outliers believed at first and less and less so.

    Graduated non-convexity (Blake and Zisserman, 1987): from a poor start everything looks like
    an outlier, and a point that is written off at once never pulls the pose home.
    """
    outlier = max(problem.weights.outlier, 16.0 * 0.7**iteration)
    return replace(problem, weights=replace(problem.weights, outlier=outlier))


def energy(problem: Problem, betas: np.ndarray, pose: Pose) -> float:
    """The energy of a pose of the whole clip, up to a constant."""
    return _data_energy(problem, betas, pose, slice(0, len(pose))) + float(
        0.5 * np.sum(_accelerations(problem, pose) ** 2)
    )


def _windows(frames: int, iteration: int) -> list[slice]:
    if frames <= _WINDOW:
        return [slice(0, frames)]
    first = _WINDOW if iteration % 2 == 0 else _WINDOW // 2
    cuts = [0, *range(first, frames, _WINDOW), frames]
    return [slice(a, b) for a, b in itertools.pairwise(cuts)]


def _window_step(problem: Problem, betas: np.ndarray, pose: Pose, part: slice) -> Pose:
    """One accepted step for a window of frames, or the pose unchanged."""
    blocks, gradient = _normal_equations(problem, betas, pose, part)
    near = slice(max(0, part.start - 2), min(len(pose), part.stop + 2))
    start = _local_energy(problem, betas, pose, part, near)
    damping = 1e-4
    for _ in range(6):
        try:
            step = _solve_banded(problem, blocks, gradient, damping, len(pose), part)
        except LinAlgError:
            damping *= 100
            continue
        candidate = _replaced(pose, part, pose[part].moved(_bounded(step, problem.seen.fps)))
        if _local_energy(problem, betas, candidate, part, near) < start:
            return candidate
        damping *= 10
    return pose


def _bounded(step: np.ndarray, fps: float) -> np.ndarray:
    """A step that turns no joint by more than half a radian at once.

    The bound eases off over neighbouring frames: cutting one frame's step alone would tear it from
    its neighbours, and the smoother the motion must be, the less of such a step is of use.
    """
    largest = np.abs(step[:, 3:]).max(1)
    share = np.minimum(1.0, 0.5 / np.maximum(largest, 1e-9))
    reach = max(1, round(_EASING * fps))
    share = minimum_filter1d(share, 2 * reach + 1, mode="nearest")
    return step * gaussian_filter1d(share, reach / 2, mode="nearest", truncate=2.0)[:, None]


def _replaced(pose: Pose, part: slice, new: Pose) -> Pose:
    transl, root, coordinates = pose.transl.copy(), pose.root.copy(), pose.coordinates.copy()
    transl[part], root[part], coordinates[part] = new.transl, new.root, new.coordinates
    return Pose(transl, root, coordinates)


def _normal_equations(
    problem: Problem, betas: np.ndarray, pose: Pose, part: slice
) -> tuple[Float[np.ndarray, "frames m m"], Float[np.ndarray, "frames m"]]:
    """Hessian blocks and gradient of a window, the accelerations' gradient included."""
    frames = part.stop - part.start
    blocks, gradient = np.zeros((frames, SIZE, SIZE)), np.zeros((frames, SIZE))
    for start in range(part.start, part.stop, _CHUNK):
        chunk = slice(start, min(start + _CHUNK, part.stop))
        at = slice(start - part.start, chunk.stop - part.start)
        posed = pose_rig(problem.rig, betas, pose[chunk])
        jacobian = point_jacobian(problem.rig, pose[chunk], posed)
        for residuals in _data_terms(problem, posed.points, jacobian, problem.seen[chunk]):
            transposed = np.swapaxes(residuals.jacobian, -1, -2)
            blocks[at] += transposed @ residuals.jacobian
            gradient[at] += (transposed @ residuals.values[..., None])[..., 0]
    unusual, scale = terms.pose_prior(pose[part], problem.weights)
    beyond, slope = terms.joint_limits(pose[part], problem.weights)
    angles = np.arange(6, SIZE)
    blocks[:, angles, angles] += scale**2 + slope**2
    gradient[:, 6:] += unusual * scale + beyond * slope
    scales = terms.acceleration_scale(problem.seen.fps, problem.weights)
    gradient += _spread_back(_accelerations(problem, pose) * scales, len(pose))[part]
    return blocks, gradient


def _data_terms(
    problem: Problem, points: np.ndarray, jacobian: np.ndarray, seen: Observations
) -> tuple[terms.Residuals, terms.Residuals]:
    return (
        terms.reprojection(points, jacobian, seen, problem.weights),
        terms.metric(problem.rig, points, jacobian, seen, problem.weights),
    )


def _accelerations(problem: Problem, pose: Pose) -> Float[np.ndarray, "inner m"]:
    """Weighted second differences of every unknown, for frames 1 to F-2."""
    if len(pose) < 3:
        return np.zeros((0, SIZE))
    turns = Rotation.from_matrix(pose.root[1:] @ np.swapaxes(pose.root[:-1], -1, -2)).as_rotvec()
    second = np.concatenate(
        [np.diff(pose.transl, 2, axis=0), np.diff(turns, axis=0), np.diff(pose.coordinates, 2, 0)],
        axis=1,
    )
    return second * terms.acceleration_scale(problem.seen.fps, problem.weights)


def _spread_back(second: np.ndarray, frames: int) -> np.ndarray:
    """The transpose of the second difference."""
    spread = np.zeros((frames, second.shape[1]))
    if frames >= 3:
        spread[:-2] += second
        spread[1:-1] -= 2 * second
        spread[2:] += second
    return spread


def _second_difference_bands(frames: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Diagonals 0, 1 and 2 of the second difference's normal matrix."""
    inner = np.zeros(frames)
    inner[1:-1] = 1.0
    before, after = np.roll(inner, -1), np.roll(inner, 1)
    before[-1] = after[0] = 0.0
    return before + 4 * inner + after, -2 * (inner + before)[:-1], before[:-2]


def _solve_banded(
    problem: Problem,
    blocks: np.ndarray,
    gradient: np.ndarray,
    damping: float,
    total: int,
    part: slice,
) -> Float[np.ndarray, "frames m"]:
    frames = len(blocks)
    band = np.zeros((2 * SIZE + 1, frames, SIZE))
    for offset in range(SIZE):
        columns = np.arange(offset, SIZE)
        band[2 * SIZE - offset, :, offset:] = blocks[:, columns - offset, columns]
    # Damped before the accelerations are added: against theirs, which grow with the fourth power
    # of the frame rate, any damping would stop slow change over many frames dead.
    band[2 * SIZE] *= 1 + damping
    band[2 * SIZE] += 1e-6
    scale = terms.acceleration_scale(problem.seen.fps, problem.weights) ** 2
    if total >= 3:
        here, one, two = _second_difference_bands(total)
        band[2 * SIZE] += here[part, None] * scale
        band[SIZE, 1:] += one[part.start : part.stop - 1, None] * scale
        band[0, 2:] += two[part.start : max(part.stop - 2, part.start), None] * scale
    flat = band.reshape(2 * SIZE + 1, -1)
    step = solveh_banded(flat, -gradient.ravel(), overwrite_ab=True, check_finite=False)
    return step.reshape(frames, SIZE)


def _local_energy(
    problem: Problem, betas: np.ndarray, pose: Pose, part: slice, near: slice
) -> float:
    accelerations = _accelerations(problem, pose[near])
    return _data_energy(problem, betas, pose, part) + float(0.5 * np.sum(accelerations**2))


def _data_energy(problem: Problem, betas: np.ndarray, pose: Pose, part: slice) -> float:
    seen, weights = problem.seen[part], problem.weights
    points = pose_rig(problem.rig, betas, pose[part]).points
    nothing = np.zeros((*points.shape, 0))
    total = terms.reprojection_energy(points, seen, weights)
    total += 0.5 * np.sum(terms.metric(problem.rig, points, nothing, seen, weights).values ** 2)
    total += 0.5 * np.sum(terms.pose_prior(pose[part], weights)[0] ** 2)
    return float(total + 0.5 * np.sum(terms.joint_limits(pose[part], weights)[0] ** 2))


def _shape_step(problem: Problem, betas: np.ndarray, pose: Pose) -> np.ndarray:
    """Betas that explain the points best while the pose is held, under their prior."""
    count = len(betas)
    prior = 1.0 / problem.weights.shape**2
    normal, gradient, used = np.zeros((count, count)), np.zeros(count), 0
    for start in range(0, len(pose), _CHUNK):
        chunk = slice(start, min(start + _CHUNK, len(pose)))
        posed = pose_rig(problem.rig, betas, pose[chunk])
        jacobian = shape_jacobian(problem.rig, count, posed)
        seen = problem.seen[chunk]
        used += int(seen.seen.sum())
        for residuals in _data_terms(problem, posed.points, jacobian, seen):
            rows = residuals.jacobian.reshape(-1, count)
            normal += rows.T @ rows
            gradient += rows.T @ residuals.values.ravel()
    share = min(1.0, _SHAPE_FRAMES / max(used, 1))
    normal = share * normal + prior * np.eye(count)
    return betas - np.linalg.solve(normal, share * gradient + prior * (betas - problem.usual_betas))
