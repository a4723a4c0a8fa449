"""Which way is up, and where the floor is.

Up is a compromise, weighted by how far off each usually is, between "cameras are held level" and
"people stand upright". The floor lies under the lowest feet that rest.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: How far, in radians, a camera is pitched and rolled, and a standing person leans, as a rule.
_CAMERA_PITCH, _CAMERA_ROLL, _LEAN = np.deg2rad([12.0, 4.0, 7.0])
#: Independent looks at a person's lean that a clip is worth, at most.
_LOOKS = 4.0
#: Share of resting foot points that may lie under the floor.
_BURIED = 0.05


@dataclass(frozen=True)
class Upright:
    """The up direction in the fit's frame, and where it came from."""

    up: Float[np.ndarray, "3"]
    source: str


def find_up(
    bodies: list[tuple[np.ndarray, np.ndarray]], level: Float[np.ndarray, "3 3"]
) -> Upright:
    """The likeliest up direction.

    Args:
        bodies: for each person, ankles' middles and necks, (F, 3) each, of observed frames.
        level: the axes right, up and forward of the frame in which the camera is level.

    Returns:
        A unit vector in the frame of the points.
    """
    right, up, forward = level
    leans = [_mean_lean(ankles, necks, up) for ankles, necks in bodies]
    told = [lean for lean in leans if lean is not None]
    if not told:
        return Upright(up, "the camera, taken as level")
    mean = np.mean(told, axis=0)
    weight = min(len(told) * 2.0, _LOOKS) / _LEAN**2
    # Small turns add: solve for pitch and roll apart.
    pitch = weight * (mean @ forward) / (weight + 1 / _CAMERA_PITCH**2)
    roll = weight * (mean @ right) / (weight + 1 / _CAMERA_ROLL**2)
    found = up + pitch * forward + roll * right
    return Upright(found / np.linalg.norm(found), "how people stand, and the camera nearly level")


def _mean_lean(ankles: np.ndarray, necks: np.ndarray, up: np.ndarray) -> np.ndarray | None:
    """The direction from feet to neck over the frames in which a person stands tall."""
    spans = necks - ankles
    lengths = np.linalg.norm(spans, axis=-1)
    directions = spans / np.maximum(lengths, 1e-6)[:, None]
    # Within 45 degrees of the camera's up and nearly at full stretch: standing, not bowing.
    tall = (lengths > 0.9 * np.percentile(lengths, 90)) & (directions @ up > 0.7)
    if tall.sum() < 5:
        return None
    median = np.median(directions[tall], axis=0)
    return median / np.linalg.norm(median)


def find_floor(feet: list[Float[np.ndarray, "frames points"]], fps: float) -> float | None:
    """The height of the floor under the lowest feet that rest.

    Args:
        feet: for each person the heights of foot points over time, metres; NaN where unobserved.
        fps: frames a second.

    Returns:
        Height in the same frame, None if nobody's feet rest.
    """
    resting = []
    for heights in feet:
        if not np.isfinite(heights).any():
            continue
        if len(heights) < 3:
            resting.append(heights.ravel())
            continue
        speed = np.abs(np.gradient(heights, axis=0)) * fps
        low = heights < np.nanpercentile(heights, 40)
        resting.append(heights[(speed < 0.25) & low])
    found = [part[np.isfinite(part)] for part in resting]
    floors = [np.percentile(part, 100 * _BURIED) for part in found if len(part)]
    return float(min(floors)) if floors else None
