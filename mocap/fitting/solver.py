"""Levenberg-Marquardt over a whole clip, in time linear in its length.

Frames meet only through second differences of their unknowns, so the normal equations are banded
and solved by banded Cholesky. Long clips are solved in windows whose neighbours are held still;
the windows shift by half their length from one iteration to the next, so that no seam stays a
seam, and memory does not grow with the clip beyond the motion itself.
"""

import itertools
import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.linalg import LinAlgError, solveh_banded
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from threadpoolctl import threadpool_limits

from mocap.fitting import terms
from mocap.fitting.freedom import SIZE
from mocap.fitting.kinematics import Pose, pose_rig, shape_jacobian
from mocap.fitting.problem import (
    Problem,
    accelerations,
    data_energy,
    data_equations,
    evidence_terms,
)

logger = logging.getLogger(__name__)

#: Frames solved together, and frames whose derivatives are held at once.
_WINDOW, _CHUNK = 512, 64
#: Seconds over which the bound on a step eases off.
_EASING = 0.15
#: Frames' worth of evidence about shape, however long the clip: errors repeat from frame to frame.
_SHAPE_FRAMES = 40


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
            pose = Pose(pose.transl.copy(), pose.root.copy(), pose.coordinates.copy())
            eased = _eased(problem, iteration) if ease else problem
            for part in _windows(len(pose), iteration):
                _put(pose, part, _window_step(eased, betas, pose, part))
            if free_shape and iteration % 2 == 1:
                betas = _shape_step(eased, betas, pose)
            moved = max(
                np.abs(pose.coordinates - before.coordinates).max(),
                np.abs(pose.root - before.root).max(),
                np.abs(pose.transl - before.transl).max(),
            )
            logger.debug("iteration %d: largest change %.4f rad or m", iteration, moved)
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


def _windows(frames: int, iteration: int) -> list[slice]:
    if frames <= _WINDOW:
        return [slice(0, frames)]
    first = _WINDOW if iteration % 2 == 0 else _WINDOW // 2
    cuts = [0, *range(first, frames, _WINDOW), frames]
    return [slice(a, b) for a, b in itertools.pairwise(cuts)]


def _window_step(problem: Problem, betas: np.ndarray, pose: Pose, part: slice) -> Pose:
    """A window's frames after one accepted step, or as they were."""
    blocks, gradient = _normal_equations(problem, betas, pose, part)
    # Accelerations reach over the window's ends by two frames.
    near = slice(max(0, part.start - 2), min(len(pose), part.stop + 2))
    inside = slice(part.start - near.start, part.stop - near.start)
    around, local = pose[near], problem[near]
    start = _local_energy(local, betas, around, inside)
    damping = 1e-4
    for _ in range(6):
        try:
            step = _solve_banded(problem, blocks, gradient, damping, len(pose), part)
        except LinAlgError:
            damping *= 100
            continue
        candidate = pose[part].moved(_bounded(step, problem.seen.fps))
        if _local_energy(local, betas, _replaced(around, inside, candidate), inside) < start:
            return candidate
        damping *= 10
    return pose[part]


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
    changed = Pose(pose.transl.copy(), pose.root.copy(), pose.coordinates.copy())
    _put(changed, part, new)
    return changed


def _put(pose: Pose, part: slice, new: Pose) -> None:
    pose.transl[part], pose.root[part], pose.coordinates[part] = (
        new.transl,
        new.root,
        new.coordinates,
    )


def _normal_equations(
    problem: Problem, betas: np.ndarray, pose: Pose, part: slice
) -> tuple[Float[np.ndarray, "frames m m"], Float[np.ndarray, "frames m"]]:
    """Hessian blocks and gradient of a window, the accelerations' gradient included."""
    chunks = [
        slice(start, min(start + _CHUNK, part.stop))
        for start in range(part.start, part.stop, _CHUNK)
    ]
    found = [data_equations(problem[chunk], betas, pose[chunk]) for chunk in chunks]
    blocks, gradient = (np.concatenate(parts) for parts in zip(*found, strict=True))
    near = slice(max(0, part.start - 2), min(len(pose), part.stop + 2))
    scales = terms.acceleration_scale(problem.seen.fps, problem.weights)
    second = accelerations(problem, pose[near]) * scales
    spread = _spread_back(second, near.stop - near.start)
    gradient += spread[part.start - near.start : part.stop - near.start]
    return blocks, gradient


def _spread_back(second: np.ndarray, frames: int) -> np.ndarray:
    """The transpose of the second difference."""
    spread = np.zeros((frames, second.shape[1]))
    if frames >= 3:
        spread[:-2] += second
        spread[1:-1] -= 2 * second
        spread[2:] += second
    return spread


def _second_difference_bands(total: int, part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A window's share of diagonals 0, 1 and 2 of the second difference's normal matrix."""
    frames = np.arange(part.start - 1, part.stop + 1)
    inner = ((frames > 0) & (frames < total - 1)).astype(float)
    before, here, after = inner[2:], inner[1:-1], inner[:-2]
    return before + 4 * here + after, -2 * (here + before)[:-1], before[:-2]


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
        here, one, two = _second_difference_bands(total, part)
        band[2 * SIZE] += here[:, None] * scale
        band[SIZE, 1:] += one[:, None] * scale
        band[0, 2:] += two[:, None] * scale
    flat = band.reshape(2 * SIZE + 1, -1)
    step = solveh_banded(flat, -gradient.ravel(), overwrite_ab=True, check_finite=False)
    return step.reshape(frames, SIZE)


def _local_energy(problem: Problem, betas: np.ndarray, pose: Pose, part: slice) -> float:
    """What depends on some of the frames: their own energy, and all accelerations."""
    moving = accelerations(problem, pose)
    return data_energy(problem[part], betas, pose[part]) + float(0.5 * np.sum(moving**2))


def _shape_step(problem: Problem, betas: np.ndarray, pose: Pose) -> np.ndarray:
    """Betas that explain the points best while the pose is held, under their prior."""
    count = len(betas)
    prior = 1.0 / problem.weights.shape**2
    normal, gradient, used = np.zeros((count, count)), np.zeros(count), 0
    for start in range(0, len(pose), _CHUNK):
        chunk = slice(start, min(start + _CHUNK, len(pose)))
        posed = pose_rig(problem.rig, betas, pose[chunk])
        jacobian = shape_jacobian(problem.rig, count, posed)
        used += int(problem.seen[chunk].seen.sum())
        for residuals in evidence_terms(problem[chunk], posed.points, jacobian):
            rows = residuals.jacobian.reshape(-1, count)
            normal += rows.T @ rows
            gradient += rows.T @ residuals.values.ravel()
    share = min(1.0, _SHAPE_FRAMES / max(used, 1))
    normal = share * normal + prior * np.eye(count)
    return betas - np.linalg.solve(normal, share * gradient + prior * (betas - problem.usual_betas))
