"""What the refiner is given, checked: points of COCO's 17, and how high the camera stands."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE, MEDIAPIPE_33

#: What an elevation is taken to be off by, radians, if nobody says.
USUAL_ELEVATION_SIGMA = math.radians(3.0)

# No elevation is told better than this, radians: nobody learned from better ones.
_SUREST = math.radians(1.0)
# The most an elevation can be, with rounding.
_STRAIGHT_UP = 0.5 * math.pi + 1e-3
# Nobody reaches farther, metres; confidences may be rounded.
_FARTHEST, _MOST = 10.0, 1 + 1e-3


class Given(NamedTuple):
    """One person's points of COCO's 17 in single precision, and what is known of the camera.

    Attributes:
        xy: pixels.
        xyz: metres from the hips' middle, facing axes.
        confidence: in [0, 1].
        elevation: the camera's, and its standard deviation, radians; NaN where unknown.
    """

    xy: Float[np.ndarray, "*frames 17 2"]
    xyz: Float[np.ndarray, "*frames 17 3"]
    confidence: Float[np.ndarray, "*frames 17"]
    elevation: Float[np.ndarray, "*frames 2"]


def checked(
    xy: np.ndarray,
    xyz: np.ndarray,
    confidence: np.ndarray,
    elevation: float | np.ndarray | None,
    elevation_sigma: float | np.ndarray,
) -> Given:
    """Points in COCO's order, and what is known of the camera, in single precision.

    Raises:
        ValueError: shapes do not fit, points are of neither known number, or units are others.
    """
    given = [np.asarray(part, np.float32) for part in (xy, xyz, confidence)]
    shape = given[2].shape
    fits = given[0].shape == (*shape, 2) and given[1].shape == (*shape, 3)
    if not fits or len(shape) not in (1, 2) or shape[-1] not in (len(COCO_17), len(MEDIAPIPE_33)):
        raise ValueError(
            f"xy {given[0].shape}, xyz {given[1].shape} and confidence {shape} are not "
            "([N,] points, 2), ([N,] points, 3) and ([N,] points), with 17 or 33 points"
        )
    if shape[-1] == len(MEDIAPIPE_33):
        axis = len(shape) - 1
        given = [np.take(part, COCO_OF_MEDIAPIPE, axis) for part in given]
    points = Given(given[0], given[1], given[2], _told_of(elevation, elevation_sigma, shape[:-1]))
    # Neither is true of NaN; and what is infinite counts as missing.
    far = np.isfinite(points.xyz) & (np.abs(points.xyz) > _FARTHEST)
    if far.any():
        worst = f"xyz holds {points.xyz[far][0]:g}, beyond {_FARTHEST:g} m"
        raise ValueError(f"{worst}; metres from the hips' middle are wanted")
    if np.any(points.confidence > _MOST):
        raise ValueError("confidence is above 1; it is wanted from 0 to 1")
    if np.any(points.confidence < 0):
        raise ValueError("confidence is below 0; it is wanted from 0 to 1")
    return points


def _told_of(
    elevation: float | np.ndarray | None, sigma: float | np.ndarray, shape: tuple[int, ...]
) -> Float[np.ndarray, "*frames 2"]:
    """An elevation and its standard deviation for every frame; NaN where unknown.

    Raises:
        ValueError: they are of other frames, or no angles in radians.
    """
    given = np.nan if elevation is None else elevation
    try:
        angle, sure = (np.broadcast_to(np.asarray(part, float), shape) for part in (given, sigma))
    except ValueError as error:
        raise ValueError(
            f"elevation {np.shape(given)} and elevation_sigma {np.shape(sigma)} are neither "
            f"single numbers nor of the {shape} poses"
        ) from error
    if np.any(np.abs(angle) > _STRAIGHT_UP):
        worst = np.nanmax(np.abs(angle))
        raise ValueError(f"elevation is {worst:g}; radians between -π/2 and π/2 are wanted")
    if np.any(sure < 0):
        raise ValueError("elevation_sigma is negative")
    return np.stack([angle, np.maximum(sure, _SUREST)], -1).astype(np.float32)
