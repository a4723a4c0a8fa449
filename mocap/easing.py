"""From one value to another without a jolt."""

import numpy as np
from jaxtyping import Float, Int


def smoothstep(share: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """A share from 0 to 1 that starts and ends level, and so does not break a speed."""
    return share * share * (3.0 - 2.0 * share)


def eased(
    shift: Float[np.ndarray, "frames 3"], runs: Int[np.ndarray, " frames"], span: float
) -> tuple[Float[np.ndarray, "frames 3"], Float[np.ndarray, " frames"]]:
    """Shifts that fade out after each run of frames and in before the next.

    Args:
        shift: of each frame in a run, in any unit.
        runs: the number of the run that a frame is in, 0 outside.
        span: frames that fading takes.

    Returns:
        (F, 3) the shifts of all frames, those within runs unchanged; and (F,) how much they count,
        0 to 1.
    """
    frames = np.arange(len(shift))
    held = np.flatnonzero(runs)
    if not len(held):
        return shift, np.zeros(len(shift))
    after = np.searchsorted(held, frames)
    sides = np.maximum(after - 1, 0), np.minimum(after, len(held) - 1)
    total, weight = np.zeros_like(shift), np.zeros(len(shift))
    for side in sides:
        away = np.abs(frames - held[side]) / max(span, 1.0)
        share = smoothstep(np.clip(1.0 - away, 0.0, 1.0))
        total += share[:, None] * shift[held[side]]
        weight += share
    free = runs == 0
    faded = np.where(free[:, None], total / np.maximum(weight, 1.0)[:, None], shift)
    return faded, np.where(free, np.minimum(weight, 1.0), 1.0)
