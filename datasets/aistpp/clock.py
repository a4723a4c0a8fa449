"""Annotations at the moments a video's frames were taken.

Annotations are sixty a second; a few videos are 59.94, so that the thousandth frame would be a
frame off if frames were counted. What counts is the container's own times.
"""

import numpy as np
from jaxtyping import Float

#: How far beyond the first and the last annotation a frame may be to have it still, in steps.
_BEYOND = 0.5
#: Annotations farther apart than this, in steps, tell nothing of what is between them.
_LONGEST_GAP = 3.5
#: Shares of a neighbour below which it has no say: a NaN there must not spoil an exact hit.
_NEGLIGIBLE = 1e-3


def sample(
    values: Float[np.ndarray, "annotations ..."],
    times: Float[np.ndarray, " annotations"],
    at: Float[np.ndarray, " frames"],
) -> Float[np.ndarray, "frames ..."]:
    """Values between the annotations' times, linearly; NaN outside, in gaps and next to NaN.

    Args:
        values: of each annotation; NaN where unknown.
        times: of the annotations, seconds, increasing.
        at: times of the video's frames, seconds.
    """
    if not len(times):
        return np.full((len(at), *values.shape[1:]), np.nan)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    known = (at >= times[0] - _BEYOND * step) & (at <= times[-1] + _BEYOND * step)
    place = np.interp(at, times, np.arange(len(times)))
    before = np.minimum(place.astype(int), len(times) - 1)
    after = np.minimum(before + 1, len(times) - 1)
    share = place - before
    between = (share >= _NEGLIGIBLE) & (share <= 1 - _NEGLIGIBLE)
    known &= ~between | (times[after] - times[before] <= _LONGEST_GAP * step)
    shape = (len(at),) + (1,) * (values.ndim - 1)
    mixed = values[before] * (1 - share).reshape(shape) + values[after] * share.reshape(shape)
    exact = values[np.round(place).astype(int)]
    mixed = np.where(np.isnan(mixed) & ~between.reshape(shape), exact, mixed)
    return np.where(known.reshape(shape), mixed, np.nan)
