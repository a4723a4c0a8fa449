"""Frames beside others."""

import numpy as np
from jaxtyping import Bool


def widened(chosen: Bool[np.ndarray, " frames"], by: int) -> Bool[np.ndarray, " frames"]:
    """Those frames, and as many as ``by`` before and after each."""
    near = np.convolve(chosen, np.ones(2 * by + 1, int))
    return near[by : by + len(chosen)] > 0
