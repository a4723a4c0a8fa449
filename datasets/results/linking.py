"""Who is who from picture to picture, where a system does not say."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

#: How far people go from one picture to the next, metres, and for how many they may be missing.
_STRIDE, _PATIENCE = 1.0, 30
_NEVER = 1e6


def linked(
    pictures: Sequence[Sequence[Float[np.ndarray, "points 3"]]],
) -> list[dict[int, int]]:
    """Each person's number in the pictures, by frame: the nearest of those left, each once.

    Args:
        pictures: everybody's points, metres, picture by picture.
    """
    tracks: list[dict[int, int]] = []
    for frame, people in enumerate(pictures):
        last = [
            pictures[max(track)][track[max(track)]].mean(0)
            if frame - max(track) <= _PATIENCE
            else np.full(3, np.inf)
            for track in tracks
        ]
        far = np.array([[np.linalg.norm(one.mean(0) - at) for at in last] for one in people])
        # Whom nobody can be is nobody's rival.
        far = np.where(far < _STRIDE, far, _NEVER)
        taken: dict[int, int] = {}
        if far.size:
            taken = dict(zip(*(side.tolist() for side in linear_sum_assignment(far)), strict=True))
        for i in range(len(people)):
            if i in taken and far[i, taken[i]] < _STRIDE:
                tracks[taken[i]][frame] = i
            else:
                tracks.append({frame: i})
    return tracks
