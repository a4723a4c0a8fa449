"""Set pictures upright as the container's display matrix asks.

The matrix ``[a b u; c d v; x y w]`` (ISO/IEC 14496-12, 6.2.2) sends a stored point (x, y) to
(a·x + c·y, b·x + d·y), y down. Only turns by right angles and mirrorings occur in practice;
anything between is taken for the nearest of them.
"""

import struct
from dataclasses import dataclass
from typing import cast

import av
import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from jaxtyping import UInt8


@dataclass(frozen=True)
class Orientation:
    """A transposition, then mirrorings: together the eight right-angled orientations."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def rotation(self) -> int:
        """Degrees clockwise, 0 to 270; of a mirrored picture, once it is mirrored back in x."""
        mirrored = self.transpose ^ self.flip_x ^ self.flip_y
        flip_x = self.flip_x ^ mirrored
        if self.transpose:
            return 90 if flip_x else 270
        return 180 if flip_x else 0

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the upright picture."""
        return (height, width) if self.transpose else (width, height)

    def apply(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The upright picture, C-contiguous; may share memory with ``image``."""
        if self.transpose and self.flip_x != self.flip_y:
            code = cv2.ROTATE_90_CLOCKWISE if self.flip_x else cv2.ROTATE_90_COUNTERCLOCKWISE
            return np.asarray(cv2.rotate(image, code))
        if self.transpose:
            image = np.asarray(cv2.transpose(image))
        if self.flip_x or self.flip_y:
            code = -1 if self.flip_x and self.flip_y else int(self.flip_x)
            return np.asarray(cv2.flip(image, code))
        return np.ascontiguousarray(image)


def from_matrix(matrix: tuple[int, ...]) -> Orientation:
    """Orientation nearest to a display matrix of nine numbers."""
    a, b, _, c, d = matrix[:5]
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transpose=True, flip_x=c < 0, flip_y=b < 0)
    return Orientation(flip_x=a < 0, flip_y=d < 0)


def of_frame(frame: av.VideoFrame) -> Orientation:
    """Orientation that a decoded frame carries; upright if it carries none."""
    # PyAV's stub knows only one of the kinds of side data.
    side_data = cast(SideDataContainer, frame.side_data)
    if Type.DISPLAYMATRIX not in side_data:
        return Orientation()
    return from_matrix(struct.unpack("=9i", bytes(side_data[Type.DISPLAYMATRIX])))
