"""Lens distortion: from where a pinhole would show a point to where the lens shows it, and back.

Everything is in normalised image coordinates, x/z and y/z in the camera's frame, and after the two
models of OpenCV (https://docs.opencv.org/5.x, "Camera Calibration and 3D Reconstruction"):

``"opencv"``
    k1 k2 p1 p2 [k3 [k4 k5 k6]]: radial and tangential (Brown 1966), rational with eight.
``"fisheye"``
    k1 k2 k3 k4: a polynomial in the angle off the axis (Kannala & Brandt 2006).

A polynomial is a lens only as far out as it grows: beyond, it would fold the picture back onto
itself. Points from there are NaN, both ways.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

#: How many coefficients each model takes.
COEFFICIENTS = {"opencv": (4, 5, 8), "fisheye": (4,)}

#: No lens of these models sees farther off its axis.
_WIDEST = np.deg2rad(89.0)
_SAMPLES = 4096
_STEPS = 10
#: Normalised; a ten-thousandth of a pixel with the longest of lenses.
_TOLERANCE = 1e-8


def distort(
    ideal: Float[np.ndarray, "*points 2"], coefficients: np.ndarray, model: str = "opencv"
) -> Float[np.ndarray, "*points 2"]:
    """Where the lens shows what a pinhole would show at ``ideal``; NaN beyond its reach."""
    farthest, _ = reach(coefficients, model)
    within = np.sum(ideal**2, -1, keepdims=True) <= farthest**2
    return _bent(np.where(within, ideal, np.nan), coefficients, model)


def undistort(
    seen: Float[np.ndarray, "*points 2"], coefficients: np.ndarray, model: str = "opencv"
) -> Float[np.ndarray, "*points 2"]:
    """The inverse of :func:`distort`, by Newton's method; NaN where no point is seen."""
    radii, shown = _profile(tuple(coefficients.tolist()), model)
    radius = np.linalg.norm(seen, axis=-1, keepdims=True)
    # Without the tangential part the answer can be looked up.
    start = np.interp(radius, shown, 0.99 * radii)
    ideal = seen * np.where(radius > 1e-12, start / np.maximum(radius, 1e-12), 1.0)
    for _ in range(_STEPS):
        ideal = _kept_within(ideal - _step(ideal, seen, coefficients, model), radii[-1])
    gap = np.abs(_bent(ideal, coefficients, model) - seen).max(-1, keepdims=True)
    return np.where(gap < _TOLERANCE, ideal, np.nan)


def reach(coefficients: np.ndarray, model: str = "opencv") -> tuple[float, float]:
    """How far from the picture's middle the lens reaches: in a pinhole's picture, and in its own.

    Both are normalised radii.
    """
    radii, shown = _profile(tuple(coefficients.tolist()), model)
    return float(radii[-1]), float(shown[-1])


def _bent(points: np.ndarray, coefficients: np.ndarray, model: str) -> np.ndarray:
    x, y = points[..., 0], points[..., 1]
    square = x * x + y * y
    if model == "fisheye":
        factor = _fisheye_factor(np.sqrt(square), coefficients)
        return points * factor[..., None]
    factor = _radial_factor(square, coefficients)
    p1, p2 = coefficients[2:4]
    return np.stack(
        [
            x * factor + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * factor + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        -1,
    )


def _radial_factor(square: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    k1, k2, _, _, k3, k4, k5, k6 = np.pad(coefficients, (0, 8 - len(coefficients)))
    above = 1 + square * (k1 + square * (k2 + square * k3))
    below = 1 + square * (k4 + square * (k5 + square * k6))
    # A denominator of zero is far outside any lens' reach, which the profile finds.
    return above / np.where(np.abs(below) > 1e-9, below, np.nan)


def _fisheye_factor(radius: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    angle = np.arctan(radius)
    square = angle * angle
    k1, k2, k3, k4 = coefficients
    bent = angle * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
    return np.where(radius > 1e-9, bent / np.maximum(radius, 1e-9), 1.0)


@lru_cache(maxsize=64)
def _profile(coefficients: tuple[float, ...], model: str) -> tuple[np.ndarray, np.ndarray]:
    """Radii of a pinhole's picture and where the lens shows them, as far as both grow."""
    radii = np.tan(np.linspace(0, _WIDEST, _SAMPLES))
    given = np.array(coefficients)
    factor = (
        _fisheye_factor(radii, given) if model == "fisheye" else _radial_factor(radii**2, given)
    )
    shown = radii * factor
    falling = ~(np.diff(shown) > 0)
    last = int(np.argmax(falling)) if falling.any() else _SAMPLES - 1
    return radii[: last + 1], shown[: last + 1]


def _step(points: np.ndarray, seen: np.ndarray, coefficients: np.ndarray, model: str) -> np.ndarray:
    """Newton's step towards the points that are shown at ``seen``."""
    size = 1e-6
    ahead = [
        (_bent(points + shift, coefficients, model) - _bent(points - shift, coefficients, model))
        / (2 * size)
        for shift in (np.array([size, 0.0]), np.array([0.0, size]))
    ]
    (a, c), (b, d) = (np.moveaxis(part, -1, 0) for part in ahead)
    u, v = np.moveaxis(_bent(points, coefficients, model) - seen, -1, 0)
    determinant = a * d - b * c
    determinant = np.where(np.abs(determinant) > 1e-9, determinant, np.nan)
    return np.stack([d * u - b * v, a * v - c * u], -1) / determinant[..., None]


def _kept_within(points: np.ndarray, radius: float) -> np.ndarray:
    distance = np.linalg.norm(points, axis=-1, keepdims=True)
    return points * np.minimum(1.0, radius / np.maximum(distance, 1e-12))
