"""Steps of the solver that mind the barriers they lead to, not only those where they begin.

A foot that is lifted at its heel would otherwise be pushed into the ground with its toe. Which
barriers act is found by trying: where a step runs into more of them, the frames around are solved
again with those, the others left as they are.
"""

import numpy as np
from jaxtyping import Float

from mocap.retarget.neighbours import widened
from mocap.retarget.rows import Rows
from mocap.retarget.ties import Ties

#: What keeps a frame where it is.
FROZEN = 1e12
#: How often frames are solved again, and which barriers that are run into count, in units of their
#: stiffness.
_SETTLE, _NOTICED = 4, 1.0
#: Frames around those that run into a barrier that are solved again; beyond this share, all are.
_AROUND, _MOST = 6, 0.6


def constrained_step(
    normal: Float[np.ndarray, "frames unknowns unknowns"],
    gradient: Float[np.ndarray, "frames unknowns"],
    ties: Ties,
    rows: list[Rows],
    damping: Float[np.ndarray, " frames"],
) -> Float[np.ndarray, "frames unknowns"]:
    """The step of least energy.

    Args:
        normal: of what pulls within frames.
        gradient: of the same.
        ties: between frames.
        rows: barriers.
        damping: of each frame.
    """
    step = np.zeros_like(gradient)
    again = np.ones(len(step), bool)
    acting = [row.value < 0 for row in rows]
    for _ in range(_SETTLE):
        at = np.flatnonzero(widened(again, 2))
        matrix, pull = normal[at], gradient[at]
        place = np.full(len(step), -1)
        place[at] = np.arange(len(at))
        for row, active in zip(rows, acting, strict=True):
            row.push(matrix, pull, active, place)
        # What is solved for is the change of the step so far.
        pull += (matrix @ step[at, :, None])[..., 0] + damping[at, None] * step[at]
        pull += ties.gradient(step)[at]
        firm = np.where(again[at], damping[at], FROZEN)
        change = ties.among(at).solved(matrix, pull, firm)
        step[at] += change * again[at, None]
        after = [row.after(step) for row in rows]
        again = np.zeros(len(step), bool)
        for row, value, active in zip(rows, after, acting, strict=True):
            again[row.frames[(~active & (value < -_NOTICED)).any(1)]] = True
        if not again.any():
            break
        again = widened(again, _AROUND)
        if again.mean() > _MOST:
            again[:] = True
        acting = [
            np.where(again[row.frames, None], value < 0, active)
            for row, value, active in zip(rows, after, acting, strict=True)
        ]
    return step
