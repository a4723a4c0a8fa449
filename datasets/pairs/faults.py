"""What pairs are refused for."""

import numpy as np

from mocap.errors import MocapError


class PairsError(MocapError):
    """Training pairs that are missing, damaged, of another format, or contradict themselves."""


# No person is larger, and what is beyond is likely in millimetres.
_FARTHEST = 10.0
_METRES = (-_FARTHEST, _FARTHEST, f"is beyond {_FARTHEST:g} m (metres are wanted)")
_SHARE = (0.0, 1.0, "is not between 0 and 1")
# Single precision rounds π up.
_ROUNDING = 1e-5
#: Between what the numbers of an array are, and what is said of others.
BOUNDS: dict[str, tuple[float, float, str]] = {
    "visibility": _SHARE,
    "landmarks_confidence": _SHARE,
    "mirrored_confidence": _SHARE,
    "corrupted": _METRES,
    "ground_truth": _METRES,
    "landmarks_xyz": _METRES,
    "mirrored_xyz": _METRES,
    "azimuth": (-np.pi - _ROUNDING, np.pi + _ROUNDING, "is beyond ±π (radians are wanted)"),
    "elevation": (
        -np.pi / 2 - _ROUNDING,
        np.pi / 2 + _ROUNDING,
        "is beyond ±π/2 (radians are wanted)",
    ),
}


def refuse_where(wrong: np.ndarray, name: str, fault: str) -> None:
    """Refuse an array that is wrong in places, naming the first frame that is.

    Raises:
        PairsError: there is such a frame.
    """
    frames = np.flatnonzero(wrong.any(tuple(range(1, wrong.ndim))))
    if len(frames):
        raise PairsError(f"{name} {fault} in {len(frames)} frames, first in frame {frames[0]}")
