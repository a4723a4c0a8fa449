"""How quickly frames follow one another."""

import numpy as np
from jaxtyping import Float


def frame_rate(times: Float[np.ndarray, " frames"], nominal: float) -> float:
    """Frames a second between the first and the last time; the nominal rate if there is but one.

    Args:
        times: of frames, seconds.
        nominal: frames a second, as the container says.
    """
    spent = float(times[-1] - times[0]) if len(times) > 1 else 0.0
    return (len(times) - 1) / spent if spent > 0 else nominal
