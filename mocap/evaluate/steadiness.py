"""How smooth a motion is, and how rigid its bones are."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mocap.evaluate.averages import mean


def jitter(points: Float[np.ndarray, "frames joints 3"], fps: float) -> float:
    """Mean norm of the joints' third difference times fps³ / 10, as WHAM and GVHMR have it.

    In units of 10 m/s³. It grows with the frame rate at which noise is sampled, so that figures
    of clips of different rates do not compare. Stretches with a missing point are left out.

    Args:
        points: metres, at even times.
        fps: frames a second.
    """
    if len(points) < 4:
        return float("nan")
    return mean(np.linalg.norm(np.diff(points, 3, axis=0), axis=-1), times=fps**3 / 10)


def bone_variation(
    points: Float[np.ndarray, "frames joints 3"],
    names: Sequence[str],
    bones: Sequence[tuple[str, str]],
) -> float:
    """How much bones change their length: standard deviation over mean, mean of the bones.

    Args:
        points: metres.
        names: of the points.
        bones: pairs of names; those with a missing end are left out.
    """
    found = []
    for a, b in bones:
        if a not in names or b not in names:
            continue
        spans = points[:, list(names).index(a)] - points[:, list(names).index(b)]
        lengths = np.linalg.norm(spans, axis=-1)
        lengths = lengths[np.isfinite(lengths)]
        if len(lengths) >= 2 and lengths.mean() > 0:
            found.append(lengths.std() / lengths.mean())
    return mean(np.array(found))
