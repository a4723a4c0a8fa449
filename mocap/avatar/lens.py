"""Pictures through a lens, and as a pinhole in its place would show them."""

from functools import lru_cache

import cv2
import numpy as np

from mocap.distortion import distort, undistort
from mocap.geometry import Camera


def pinhole_picture(picture: np.ndarray, camera: Camera, frame: int) -> np.ndarray:
    """What a camera without a distorting lens, but the same ``K``, would have seen.

    Args:
        picture: (H, W) or (H, W, 3) as the lens shows it; bool becomes 0 and 1.
        camera: that took it.
        frame: of the video.
    """
    picture = picture.astype(np.uint8) if picture.dtype == bool else picture
    if not camera.bends:
        return picture
    places = _through_lens(*_told(camera, frame), picture.shape[:2])
    how = cv2.INTER_LINEAR if picture.ndim == 3 else cv2.INTER_NEAREST
    return cv2.remap(picture, *places, how)


def lens_picture(
    picture: np.ndarray, camera: Camera, frame: int, border: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """The opposite of :func:`pinhole_picture`; empty where the pinhole saw nothing.

    Args:
        picture: (H, W) or (H, W, channels) of the pinhole.
        camera: whose lens it is to be seen through.
        frame: of the video.
        border: columns on either side, and rows, by which it is larger than the lens's picture is
            to be: :meth:`.Camera.border`.
    """
    if not camera.bends:
        return picture
    places = _without_lens(*_told(camera, frame), picture.shape[:2], border)
    return cv2.remap(picture, *places, cv2.INTER_LINEAR)


def _told(camera: Camera, frame: int) -> tuple[bytes, bytes, str]:
    """What a lens does, so that the places of its pixels are worked out once."""
    assert camera.distortion is not None
    K = camera.at(np.array([frame]))[0][0].astype(float)
    return K.tobytes(), camera.distortion.astype(float).tobytes(), camera.model


@lru_cache(maxsize=2)
def _through_lens(
    intrinsics: bytes, coefficients: bytes, model: str, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Where in the lens's picture each pixel of the pinhole's is."""
    focal, centre = _focal_and_centre(intrinsics)
    ideal = (_middles(*shape) - centre) / focal
    return _columns_and_rows(distort(ideal, np.frombuffer(coefficients), model) * focal + centre)


@lru_cache(maxsize=2)
def _without_lens(
    intrinsics: bytes,
    coefficients: bytes,
    model: str,
    shape: tuple[int, int],
    border: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Where in the pinhole's picture, of that shape, each pixel of the lens's is."""
    focal, centre = _focal_and_centre(intrinsics)
    seen = (_middles(shape[0] - 2 * border[1], shape[1] - 2 * border[0]) - centre) / focal
    places = undistort(seen, np.frombuffer(coefficients), model) * focal + centre
    return _columns_and_rows(places + border)


def _focal_and_centre(intrinsics: bytes) -> tuple[np.ndarray, np.ndarray]:
    K = np.frombuffer(intrinsics).reshape(3, 3)
    return K.diagonal()[:2], K[:2, 2]


def _middles(height: int, width: int) -> np.ndarray:
    """(H, W, 2) the pixels' middles; the first is at (0.5, 0.5)."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1) + 0.5


def _columns_and_rows(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels as OpenCV counts them; what is nowhere is far outside."""
    x, y = np.moveaxis(np.nan_to_num(places - 0.5, nan=-1e6), -1, 0).astype(np.float32)
    return x, y
