"""How well two masks of one person agree: what they share, and how far apart their edges are."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from mocap.take import Mask

#: Neighbours, those at a corner included, are as far apart, pixels.
_BESIDE = 1.5


@dataclass(frozen=True)
class Agreement:
    """A claimed silhouette against the mask that the picture tells, in one frame.

    Attributes:
        iou: pixels in both over pixels in either.
        widened: (M,) the same where the silhouette is wider by each of some margins.
        distance_px: between the edges, the mean of both ways; NaN where either has none.
        beyond_px: by how much the mask's edge lies outside the silhouette's; negative inside.
        outside_share: share of the mask that the silhouette lacks.
        unfilled_share: share of the silhouette that the mask lacks.
    """

    iou: float
    widened: Float[np.ndarray, " margins"]
    distance_px: float
    beyond_px: float
    outside_share: float
    unfilled_share: float


def compare_masks(
    claimed: Mask,
    seen: Mask,
    unclear: Mask | None = None,
    margins: Sequence[float] = (),
) -> Agreement | None:
    """Compare a silhouette with a mask; None where neither has a pixel.

    Args:
        claimed: (H, W) where somebody is said to be.
        seen: (H, W) where the picture shows them.
        unclear: (H, W) pixels of which the picture does not tell; they do not count, nor do edges
            beside them.
        margins: by how many pixels the silhouette is made wider, for each ``widened``.
    """
    reach = int(np.ceil(max(margins, default=0))) + 2
    part = _part(claimed | seen, reach)
    if part is None:
        return None
    claimed, seen = claimed[part], seen[part]
    known = np.ones_like(seen) if unclear is None else ~unclear[part]
    if not ((claimed | seen) & known).any():
        return None
    outside, inside = _distance(~claimed), _distance(claimed)
    # Where masks end at what is unclear they have no edge: both would have the same.
    clear = _distance(known) > _BESIDE
    ours, theirs = edge(claimed) & clear, edge(seen) & clear
    apart = beyond = float("nan")
    if ours.any() and theirs.any():
        to_ours, to_theirs = _distance(~ours), _distance(~theirs)
        apart = float(to_ours[theirs].mean() + to_theirs[ours].mean()) / 2
        signed = np.where(claimed, -np.maximum(inside - 1, 0), outside)
        beyond = float(signed[theirs].mean())
    claimed, seen = claimed & known, seen & known
    wider = [overlap((outside <= margin) & known, seen) for margin in margins]
    return Agreement(
        iou=overlap(claimed, seen),
        widened=np.array(wider),
        distance_px=apart,
        beyond_px=beyond,
        outside_share=_share(seen & ~claimed, seen),
        unfilled_share=_share(claimed & ~seen, claimed),
    )


def overlap(one: Mask, other: Mask) -> float:
    """Pixels in both masks over pixels in either; NaN where there are none."""
    return _share(one & other, one | other)


def edge(mask: Mask) -> Bool[np.ndarray, "height width"]:
    """A mask's outermost pixels; where the picture ends, a mask has no edge."""
    wider = np.pad(mask, 1, mode="edge")
    neighbours = [wider[:-2, 1:-1], wider[2:, 1:-1], wider[1:-1, :-2], wider[1:-1, 2:]]
    return mask & ~np.logical_and.reduce(neighbours)


def _share(part: Mask, whole: Mask) -> float:
    count = np.count_nonzero(whole)
    return np.count_nonzero(part) / count if count else float("nan")


def _distance(away: Mask) -> np.ndarray:
    """(H, W) pixels from the nearest that is not ``away``; large where all are."""
    found = cv2.distanceTransform(away.astype(np.uint8), cv2.DIST_L2, 5)
    # Where there is none, OpenCV's distance is the greatest number there is.
    return np.minimum(found, sum(away.shape)).astype(float)


def _part(mask: Mask, reach: int) -> tuple[slice, slice] | None:
    """The part of the picture that holds a mask and so many pixels about it."""
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return (
        slice(max(0, rows[0] - reach), rows[-1] + 1 + reach),
        slice(max(0, columns[0] - reach), columns[-1] + 1 + reach),
    )
