"""How good a refiner is on pairs, used as it is on a take: motion by motion."""

import numpy as np

from mocap.datasets.pairs import Pairs
from mocap.depth import DepthRefiner, RefinedPoses
from mocap.evaluate import DepthPoses, DepthReport, evaluate_depth
from mocap.progress import Progress, silent


def measure_refiner(
    refiner: DepthRefiner, pairs: Pairs, progress: Progress = silent
) -> DepthReport:
    """Refine pairs and compare with their truth.

    Args:
        refiner: what refines; frames of a sequence help each other if it looks at several.
        pairs: with the truth.
        progress: told of poses.

    Raises:
        MocapError: there are no pairs.
    """
    return evaluate_depth(
        DepthPoses(pairs.ground_truth, pairs.camera_relative),
        DepthPoses(pairs.corrupted),
        refined_poses(refiner, pairs, progress),
        sequence=pairs.sequence,
    )


def refined_poses(refiner: DepthRefiner, pairs: Pairs, progress: Progress = silent) -> DepthPoses:
    """What a refiner makes of pairs."""
    alone = refiner.network.config.frames == 1 or pairs.sequence is None or pairs.time is None
    xyz = np.zeros_like(pairs.ground_truth)
    camera, sigma = np.zeros_like(pairs.camera_relative), np.zeros_like(pairs.visibility)
    progress("refining", 0, len(pairs))
    for run in _portions(len(pairs)) if alone else pairs.runs():
        times = None if alone or pairs.time is None else pairs.time[run]
        if times is not None and not np.isfinite(times).all():
            # Put together with others that tell times, and told none themselves.
            times = None
        said: RefinedPoses = refiner.refine(
            pairs.pose_2d[run], pairs.corrupted[run], pairs.visibility[run], times
        )
        xyz[run], camera[run], sigma[run] = said.xyz, said.camera_relative, said.sigma
        progress("refining", run.stop, len(pairs))
    return DepthPoses(xyz, camera, sigma)


def _portions(count: int, size: int = 8192) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
