"""What cannot be a camera is refused: better one line now than a motion that makes no sense.

Every check raises ``ValueError`` with the half of a sentence that :func:`read_calibration` begins.
"""

from typing import Any

import numpy as np

from mocap.calibration.layouts import is_fisheye
from mocap.distortion import COEFFICIENTS, reach

#: Focal lengths, as multiples of the picture's longer side: 157 degrees to 1.1.
_SHORTEST, _LONGEST = 0.1, 50.0
#: Share of the longer side that a lens must show around its middle.
_LEAST_REACH = 0.2
_ORDINARY = {
    "opencv", "pinhole", "plumbbob", "radtan", "radialtangential", "brown", "brownconrady",
    "rationalpolynomial", "standard", "perspective", "normal", "none",
}  # fmt: skip


def checked_size(given: Any) -> tuple[int, int] | None:
    """Width and height in pixels; None if none are given."""
    if given is None:
        return None
    size = np.array(given, float).ravel()
    if size.shape != (2,) or not np.isfinite(size).all() or size.min() < 1:
        raise ValueError(f"its picture's size is {np.array(given).tolist()}")
    return round(size[0]), round(size[1])


def checked_matrix(given: Any, size: tuple[int, int] | None) -> np.ndarray:
    """(3, 3) intrinsics out of such a matrix, nine numbers, or fx fy cx cy."""
    numbers = np.array(given, float).ravel()
    if numbers.size == 4:
        fx, fy, cx, cy = numbers
        numbers = np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1])
    if numbers.size != 9:
        raise ValueError(f"its intrinsics are {numbers.size} numbers, not a 3×3 matrix")
    if not np.isfinite(numbers).all():
        raise ValueError("its intrinsics are not all numbers")
    K = numbers.reshape(3, 3)
    if abs(K[2, 2] - 1) > 1e-6 or np.abs(K[[1, 2, 2], [0, 0, 1]]).max() > 1e-6:
        raise ValueError("its matrix is not of the form fx 0 cx / 0 fy cy / 0 0 1")
    fx, fy, cx, cy = K[0, 0], K[1, 1], K[0, 2], K[1, 2]
    if min(fx, fy) <= 0:
        raise ValueError(f"its focal length is {min(fx, fy):g} px")
    if abs(K[0, 1]) > 0.01 * fx:
        raise ValueError(f"its pixels are skewed ({K[0, 1]:g})")
    if not 0.5 < fx / fy < 2:
        raise ValueError(f"its focal lengths are {fx:g} and {fy:g} px: too different")
    width, height = size or (2 * cx, 2 * cy)
    longer = max(width, height)
    if not _SHORTEST * longer <= min(fx, fy) <= max(fx, fy) <= _LONGEST * longer:
        raise ValueError(f"its focal length of {fx:g} px does not go with {longer:g} px of picture")
    if not (-0.5 * width < cx < 1.5 * width and -0.5 * height < cy < 1.5 * height):
        raise ValueError(f"its principal point ({cx:g}, {cy:g}) is far outside the picture")
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


#: Rational models reach some tens.
_MOST_DISTORTION = 1000.0


def checked_distortion(
    given: Any, model: str | None, K: np.ndarray, size: tuple[int, int] | None
) -> tuple[str, np.ndarray]:
    """The lens' model and as many coefficients as it takes; none where all are zero."""
    fisheye = is_fisheye(model)
    plain = "".join(filter(str.isalnum, (model or "opencv").lower()))
    if not fisheye and plain not in _ORDINARY:
        raise ValueError(f"lenses of model {model!r} are not known here")
    numbers = np.zeros(0) if given is None else np.array(given, float).ravel()
    if not np.isfinite(numbers).all():
        raise ValueError("its distortion coefficients are not all numbers")
    if (np.abs(numbers) > _MOST_DISTORTION).any():
        raise ValueError(f"no lens has distortion coefficients beyond {_MOST_DISTORTION:.0f}")
    if fisheye:
        if numbers.size != 4:
            raise ValueError(f"a fisheye lens has 4 distortion coefficients, not {numbers.size}")
        model, kept = "fisheye", numbers
    else:
        model, kept = "opencv", _ordinary(numbers)
    if kept.size:
        longer = max(size or (2 * K[0, 2], 2 * K[1, 2]))
        if reach(kept, model)[1] * min(K[0, 0], K[1, 1]) < _LEAST_REACH * longer:
            raise ValueError("its distortion folds the picture onto itself close to the middle")
    return model, kept


def _ordinary(numbers: np.ndarray) -> np.ndarray:
    """Coefficients k1 k2 p1 p2 [k3 [k4 k5 k6]]."""
    if np.any(numbers[8:]):
        raise ValueError("its distortion has prism or tilt terms, which are not known here")
    numbers = numbers[:8]
    if not np.any(numbers):
        return np.zeros(0)
    # OpenCV's own files leave out what was not solved for.
    if numbers.size in (1, 2):
        numbers = np.pad(numbers, (0, 4 - numbers.size))
    if numbers.size not in COEFFICIENTS["opencv"]:
        raise ValueError(f"it has {numbers.size} distortion coefficients, not 4, 5 or 8")
    return numbers
