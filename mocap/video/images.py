"""A folder of images as a video."""

import math
import re
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from mocap.errors import VideoError
from mocap.video.lens import from_image
from mocap.video.source import Frame, VideoInfo, VideoSource

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"))


class ImageFolderSource(VideoSource):
    """The images of a folder in natural order (``2.png`` before ``10.png``), evenly timed.

    EXIF orientation is applied; 16-bit, grey and transparent images come as 8-bit RGB.

    Args:
        folder: Read without its subfolders; hidden files and other formats are passed over.
        fps: Frames per second.

    Raises:
        VideoError: If there is no image or one cannot be decoded; while reading, also if one
            differs in size from the first.
    """

    def __init__(self, folder: Path, fps: float) -> None:
        if not (math.isfinite(fps) and fps > 0):
            raise VideoError(f"{folder}: {fps} frames per second is not a rate; give one above 0")
        self._paths = list_images(folder)
        height, width = _read_image(self._paths[0]).shape[:2]
        count = len(self._paths)
        angle = from_image(self._paths[0], width, height)
        super().__init__(VideoInfo(str(folder), width, height, fps, count, count / fps, 0, angle))

    def _frames(self) -> Generator[Frame, None, None]:
        expected = (self.info.height, self.info.width)
        for index, path in enumerate(self._paths):
            image = _read_image(path)
            if image.shape[:2] != expected:
                raise VideoError(
                    f"{path}: is {image.shape[1]}×{image.shape[0]} pixels but the first image is "
                    f"{expected[1]}×{expected[0]}; remove or resize it"
                )
            yield Frame(index, index / self.info.fps, image)


def list_images(folder: Path) -> list[Path]:
    """The folder's images in natural order.

    Raises:
        VideoError: If there are none or the folder may not be read.
    """
    try:
        paths = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        ]
    except OSError as error:
        raise VideoError(f"{folder}: the folder cannot be read ({error.strerror})") from error
    if not paths:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise VideoError(
            f"{folder}: no images in this folder ({kinds}); give a video file or a folder of images"
        )
    return sorted(paths, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    parts = re.findall(r"(\d+)|(\D+)", path.name)
    key = [(0, int(digits), "") if digits else (1, 0, text.lower()) for digits, text in parts]
    return key, path.name


def _read_image(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    try:
        # cv2.imread cannot open names outside the code page on Windows.
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        image = None
    if image is None:
        raise VideoError(f"{path}: is not an image that can be read; remove or replace it")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)
