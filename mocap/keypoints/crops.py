"""Square crops of an image, padded with black where they reach beyond it.

A crop is cut at whole pixels without resampling, so coordinates in it and in the image differ by
a whole-pixel offset and by nothing else.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.keypoints.detector import Detection, Image, PointDetector

#: Rows and columns.
Part = tuple[slice, slice]


@dataclass(frozen=True)
class Crop:
    """A square of ``side`` pixels whose upper left corner is pixel (``x``, ``y``)."""

    x: int
    y: int
    side: int

    @classmethod
    def around(cls, centre: np.ndarray, side: float) -> "Crop":
        """The crop of a given side (pixels) about a centre (x, y)."""
        whole = max(16, round(float(side)))
        return cls(round(float(centre[0]) - whole / 2), round(float(centre[1]) - whole / 2), whole)

    def cut(self, image: Image) -> Image:
        """The crop's pixels, (side, side, 3)."""
        there, here = self.within(image.shape[1], image.shape[0])
        part = image[there]
        if part.shape[:2] == (self.side, self.side):
            return part
        padded = np.zeros((self.side, self.side, 3), np.uint8)
        padded[here] = part
        return padded

    def within(self, width: int, height: int) -> tuple[Part, Part]:
        """The part of it that lies in an image of a size: where in the image, and in the crop."""
        corner = np.array([self.y, self.x])
        low, high = (np.clip(end, 0, [height, width]) for end in (corner, corner + self.side))
        return _part(low, high), _part(low - corner, high - corner)

    def overlaps(self, image: Image) -> bool:
        """Whether any of the crop lies inside the image."""
        height, width = image.shape[:2]
        return self.x < width and self.y < height and self.x > -self.side and self.y > -self.side

    def share_of(self, box: Float[np.ndarray, "4"]) -> float:
        """Share of the crop that a box x0 y0 x1 y1 covers."""
        low = np.maximum(box[:2], [self.x, self.y])
        high = np.minimum(box[2:], [self.x + self.side, self.y + self.side])
        return float(np.prod(np.maximum(high - low, 0.0))) / self.side**2

    def detect(self, image: Image, detector: PointDetector) -> list[Detection]:
        """What a detector finds in the crop, in the image's pixels."""
        offset = np.array([self.x, self.y], np.float32)
        return [found.moved(offset) for found in detector.detect(self.cut(image))]


def _part(low: np.ndarray, high: np.ndarray) -> Part:
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def tiles(width: int, height: int, side: float, overlap: float) -> Iterator[Crop]:
    """Squares of a given side that cover an image, neighbours sharing ``overlap`` of theirs.

    Args:
        width: image width, pixels.
        height: image height, pixels.
        side: of a square, pixels; at most the larger image side.
        overlap: least shared fraction of neighbouring squares.
    """
    # A crop's side is whole; one rounded down would leave seams.
    side = math.ceil(side)
    for y in _centres(height, side, overlap):
        for x in _centres(width, side, overlap):
            yield Crop.around(np.array([x, y]), side)


def _centres(length: int, side: float, overlap: float) -> np.ndarray:
    if side >= length:
        return np.array([length / 2])
    count = int(np.ceil((length - side) / (side * (1 - overlap)))) + 1
    return np.linspace(side / 2, length - side / 2, count)
