"""Pixels dealt out to people: by what a segmenter says of each, and by where their bodies are.

Everybody claims pixels with a score, the logarithm of the odds. Whoever's is highest has the
pixel, if it is above 0; so no two people share one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float

from mocap.take import Mask

#: Metres beyond the fitted body that clothes and hair reach at most.
_BEYOND = 0.15
#: The same where the fit itself is in doubt.
_FAR_BEYOND = 0.5
#: Pieces of less than this share of a person's pixels are none of them.
_CRUMB = 0.01
#: What a segmenter that is quite sure has to say: odds of a hundred to one.
_SURE = float(np.log(99))
#: What the fitted body says of the pixels inside it, and metres inside from which on.
_INSIDE, _WELL_INSIDE = 2.0, 0.05


@dataclass(frozen=True)
class Claim:
    """What one person claims of a part of the picture.

    Attributes:
        x: of the part's left column, pixels.
        y: of its upper row, pixels.
        score: (H, W) of the part.
    """

    x: int
    y: int
    score: Float[np.ndarray, "height width"]


def score(
    sureness: Float[np.ndarray, "height width"] | None,
    seen: Mask,
    scale: float,
    *,
    believed: bool = True,
) -> Float[np.ndarray, "height width"]:
    """What somebody's body and a segmenter make of the pixels about them.

    The body speaks for what is inside it, and the more against the rest the farther away it is:
    at :data:`_BEYOND` the segmenter may be as sure as can be. Inside, it may be overruled: a tree
    may be in front of the person.

    Args:
        sureness: of the segmenter that a pixel shows the person, 0 to 1; None if it found nobody.
        seen: the part of the body's silhouette that nobody else's hides.
        scale: pixels a metre where the person is.
        believed: whether the body is where the person is; if not, it only says whereabouts.
    """
    outside = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_L2, 5)
    # Where nothing is seen, OpenCV's distance is the greatest number there is.
    outside = np.minimum(outside, sum(seen.shape)).astype(float)
    inside = cv2.distanceTransform(seen.astype(np.uint8), cv2.DIST_L2, 5)
    body = -_SURE * outside / ((_BEYOND if believed else _FAR_BEYOND) * scale)
    if believed:
        body += _INSIDE * np.minimum(inside / (_WELL_INSIDE * scale), 1.0)
    if sureness is None:
        return body
    least = 1 / (1 + np.exp(_SURE))
    share = np.clip(sureness, least, 1 - least)
    return body + np.log(share / (1 - share))


def deal_out(claims: Mapping[str, Claim], width: int, height: int) -> dict[str, Mask]:
    """Each claimant's pixels of a picture, no two sharing one, without crumbs."""
    best = np.zeros((height, width))
    owner = np.full((height, width), -1, np.int32)
    for number, claim in enumerate(claims.values()):
        rows, columns = claim.score.shape
        part = slice(claim.y, claim.y + rows), slice(claim.x, claim.x + columns)
        higher = claim.score > best[part]
        best[part][higher] = claim.score[higher]
        owner[part][higher] = number
    return {name: without_crumbs(owner == number) for number, name in enumerate(claims)}


def without_crumbs(mask: Mask) -> Mask:
    """A mask without its smallest pieces."""
    count, pieces, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    sizes = facts[:, cv2.CC_STAT_AREA]
    kept = sizes >= _CRUMB * sizes[1:].sum()
    # The first piece is all that is not the person.
    kept[0] = False
    return kept[pieces] if count > 2 else mask
