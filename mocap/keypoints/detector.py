"""What a keypoint detector gives, and what one must offer to be plugged in."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from jaxtyping import Float, UInt8

from mocap.skeletons import Skeleton

Image = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Detection:
    """One person (or one hand) in one image.

    Attributes:
        xy: (J, 2) pixels of the image it was found in; points may lie outside.
        confidence: (J,) in [0, 1], the detector's own word that the point is visible.
        xyz: (J, 3) metres relative to the hips' middle (the hand's own centre), camera axes.
        score: a single figure for the whole detection, the mean confidence of its main points.
    """

    xy: Float[np.ndarray, "points 2"]
    confidence: Float[np.ndarray, " points"]
    xyz: Float[np.ndarray, "points 3"]
    score: float

    def moved(self, offset: np.ndarray) -> "Detection":
        """The detection in an image whose origin lies ``-offset`` pixels from this one's."""
        return replace(self, xy=self.xy + np.asarray(offset, dtype=self.xy.dtype))


class PointDetector(Protocol):
    """Finds instances of a skeleton in an image.

    Implementations load their model once, are used from one thread, and are closed.
    """

    skeleton: Skeleton
    name: str

    def detect(self, image: Image) -> list[Detection]:
        """All instances in an RGB image, most confident first, in its pixels."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
