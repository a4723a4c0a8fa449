"""How good a refiner is on pairs, used as it is on a take: motion by motion."""

import numpy as np
from jaxtyping import Float

from mocap.datasets.pairs import Pairs
from mocap.depth import DepthRefiner, RefinedPoses
from mocap.evaluate import DepthPoses, DepthReport, evaluate_depth
from mocap.progress import Progress, silent


def measure_refiner(
    refiner: DepthRefiner,
    pairs: Pairs,
    progress: Progress = silent,
    *,
    elevation_sigma: float | None = None,
) -> DepthReport:
    """Refine pairs and compare with their truth.

    Args:
        refiner: what refines; frames of a sequence help each other if it looks at several.
        pairs: with the truth.
        progress: told of poses.
        elevation_sigma: if given, the camera's elevation is told, with errors of that standard
            deviation, radians: one for each sequence, as gravity found in a clip has.

    Raises:
        MocapError: there are no pairs.
    """
    return evaluate_depth(
        DepthPoses(pairs.ground_truth, pairs.camera_relative),
        DepthPoses(pairs.corrupted),
        refined_poses(refiner, pairs, progress, elevation_sigma=elevation_sigma),
        sequence=pairs.sequence,
    )


def refined_poses(
    refiner: DepthRefiner,
    pairs: Pairs,
    progress: Progress = silent,
    *,
    elevation_sigma: float | None = None,
) -> DepthPoses:
    """What a refiner makes of pairs; arguments as for :func:`measure_refiner`."""
    alone = refiner.network.config.frames == 1 or pairs.sequence is None or pairs.time is None
    xyz = np.zeros_like(pairs.ground_truth)
    camera, sigma = np.zeros_like(pairs.camera_relative), np.zeros_like(pairs.visibility)
    told = np.full(len(pairs), np.nan)
    if elevation_sigma is not None:
        told = _as_found(pairs, elevation_sigma)
    progress("refining", 0, len(pairs))
    for run in _portions(len(pairs)) if alone else pairs.runs():
        times = None if alone or pairs.time is None else pairs.time[run]
        if times is not None and not np.isfinite(times).all():
            # Put together with others that tell times, and told none themselves.
            times = None
        said: RefinedPoses = refiner.refine(
            pairs.pose_2d[run],
            pairs.corrupted[run],
            pairs.visibility[run],
            times,
            elevation=told[run],
            elevation_sigma=elevation_sigma or 0.0,
        )
        xyz[run], camera[run], sigma[run] = said.xyz, said.camera_relative, said.sigma
        progress("refining", run.stop, len(pairs))
    return DepthPoses(xyz, camera, sigma)


def _as_found(pairs: Pairs, sigma: float) -> Float[np.ndarray, " frames"]:
    """Elevations of the cameras, off by the same angle in all of a sequence."""
    off = np.random.default_rng(0)
    runs = np.arange(len(pairs)) if pairs.sequence is None else pairs.sequence
    error = off.normal(0.0, sigma, int(runs.max(initial=0)) + 1)[runs]
    return np.clip(pairs.elevation + error, -0.5 * np.pi, 0.5 * np.pi)


def _portions(count: int, size: int = 8192) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
