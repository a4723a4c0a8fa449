"""Where people were detected: crops about them, and which of their points a mask has."""

import cv2
import numpy as np
from jaxtyping import Float

from mocap.keypoints import Crop
from mocap.take import Mask

#: Side of a person's crop over their extent, as in following people.
PADDING = 1.25
#: Points less sure than this are none.
SURE = 0.5


def crop_about(low: Float[np.ndarray, "2"], high: Float[np.ndarray, "2"]) -> Crop:
    """The crop about somebody between two corners, pixels."""
    return Crop.around((low + high) / 2, PADDING * float(max(high - low)))


def pixels_at(points: Float[np.ndarray, "*points 2"]) -> np.ndarray:
    """The pixels (…, 2), column and row, that points are in."""
    return np.floor(points).astype(int)


def share_on(mask: Mask, points: Float[np.ndarray, "points 2"], near: float, least: int) -> float:
    """Share of the points in the picture that lie on a mask or so many pixels from it at most.

    Args:
        mask: of the picture, or of the part that points count from.
        points: pixels.
        near: how far they may miss it, pixels.
        least: of fewer points there is nothing to say, and the share is 0.
    """
    at = pixels_at(points)
    at = at[((at >= 0) & (at < mask.shape[::-1])).all(1)]
    if len(at) < least:
        return 0.0
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    return float(np.mean(away[at[:, 1], at[:, 0]] <= near))
