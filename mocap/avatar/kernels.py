"""The loops of the rasteriser, compiled by numba: splats to tiles, tiles to pixels, and back.

Within a tile, splats are gone through from front to back, and of each only the pixels where it is
not too faint: the ellipse within which its alpha is at least :data:`LEAST_ALPHA`. What is seen of a
pixel does not depend on tiles. Everything is in double precision, whatever comes in. Nothing here
holds Python's lock, and no two tiles write to the same place: the caller may go through them in any
order, in as many threads as it likes, and gets the same numbers.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from mocap.avatar.projection import LEAST_ALPHA

#: Pixels along a tile's side.
TILE = 16
#: Of a splat's features: red, green, blue and depth.
FEATURES = 4
#: What :func:`pull_back` says of a splat: gradients of mean, conic, opacity and features.
PARTIALS = 6 + FEATURES
#: No splat hides all of what is behind it: its alpha would have no derivative.
MOST_ALPHA = 0.999
#: A pixel that would let less through than this is finished, without the splat that would do it.
LEAST_TRANSMITTANCE = 1e-4
#: Pixels by which ellipses are taken for larger, against rounding; what is too faint is left out.
_SLACK = 1e-6


def _compiled(function: Callable) -> Any:
    """Machine code, kept beside the source or in the user's cache; made anew where neither can be.

    Compiled when first called.
    """
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:
        return numba.njit(function, nogil=True, error_model="numpy")


@_compiled
def deal(
    order: np.ndarray, means: np.ndarray, radii: np.ndarray, columns: int, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which splats each tile has, in the order given.

    Args:
        order: (M,) splats from front to back.
        means: (M, 2) pixels.
        radii: (M, 2) pixels.
        columns: of tiles in the picture.
        rows: of tiles in the picture.

    Returns:
        (columns * rows + 1,) where each tile's splats start, row after row; and splats, tile after
        tile.
    """
    count = len(order)
    bounds = np.empty((count, 4), np.int64)
    starts = np.zeros(columns * rows + 1, np.int64)
    for s in range(count):
        for axis, most in ((0, columns), (1, rows)):
            low = math.floor((means[s, axis] - radii[s, axis]) / TILE)
            high = math.ceil((means[s, axis] + radii[s, axis]) / TILE)
            bounds[s, 2 * axis] = min(max(low, 0), most)
            bounds[s, 2 * axis + 1] = min(max(high, 0), most)
        for row in range(bounds[s, 2], bounds[s, 3]):
            for column in range(bounds[s, 0], bounds[s, 1]):
                starts[row * columns + column + 1] += 1
    starts = np.cumsum(starts)
    dealt = np.empty(starts[-1], np.int32)
    ends = starts[:-1].copy()
    for s in order:
        for row in range(bounds[s, 2], bounds[s, 3]):
            for column in range(bounds[s, 0], bounds[s, 1]):
                tile = row * columns + column
                dealt[ends[tile]] = s
                ends[tile] += 1
    return starts, dealt


@_compiled
def _ellipse(xx: float, xy: float, yy: float, opacity: float) -> tuple[float, float, float]:
    """Where a splat is not too faint.

    Returns:
        ``room`` and ``determinant``: in the row dy from its middle, it reaches
        ``sqrt(room - determinant * dy**2) / xx`` pixels to either side. And how many it reaches up
        and down.
    """
    room = xx * max(2 * math.log(opacity / LEAST_ALPHA), 0.0)
    determinant = xx * yy - xy * xy
    # The conic of a needle can be none, for rounding: then it has no end.
    return room, determinant, math.sqrt(room / determinant) if determinant > 0 else math.inf


@_compiled
def _pixels(middle: float, reach: float, first: int, end: int) -> tuple[int, int]:
    """Of the pixels from first to end, those whose middles are within reach."""
    low, high = np.ceil(middle - reach - 0.5 - _SLACK), np.floor(middle + reach + 0.5 + _SLACK)
    return int(min(max(low, first), end)), int(max(min(high, end), first))


@_compiled
def composite(
    first: int,
    end: int,
    starts: np.ndarray,
    dealt: np.ndarray,
    means: np.ndarray,
    conics: np.ndarray,
    opacities: np.ndarray,
    features: np.ndarray,
    picture: np.ndarray,
    transmittance: np.ndarray,
    last: np.ndarray,
) -> None:
    """Draw the tiles from first to end.

    Args:
        first: of the tiles.
        end: one beyond the last of them.
        starts: of :func:`deal`.
        dealt: of :func:`deal`.
        means: (M, 2) pixels.
        conics: (M, 3) per square pixel.
        opacities: (M,).
        features: (M, 4).
        picture: (H, W, 4) zeros, to which features are added.
        transmittance: (H, W) ones, which become what is let through.
        last: (H, W) anything; becomes one beyond the place in ``dealt`` of each pixel's last splat.
    """
    height, width = transmittance.shape
    columns = (width + TILE - 1) // TILE
    for tile in range(first, end):
        left, top = (tile % columns) * TILE, (tile // columns) * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        finished = np.zeros((TILE, TILE), np.bool_)
        unfinished = (right - left) * (bottom - top)
        last[top:bottom, left:right] = starts[tile]
        for place in range(starts[tile], starts[tile + 1]):
            if unfinished == 0:
                break
            s = dealt[place]
            x, y = means[s]
            xx, xy, yy = conics[s]
            opacity = opacities[s]
            room, determinant, tall = _ellipse(xx, xy, yy, opacity)
            for i in range(*_pixels(y, tall, top, bottom)):
                dy = y - (i + 0.5)
                half = math.sqrt(max(room - determinant * dy * dy, 0.0)) / xx
                for j in range(*_pixels(x + xy / xx * dy, half, left, right)):
                    if finished[i - top, j - left]:
                        continue
                    dx = x - (j + 0.5)
                    power = 0.5 * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
                    alpha = min(MOST_ALPHA, opacity * math.exp(-power))
                    if power < 0 or alpha < LEAST_ALPHA:
                        continue
                    through = transmittance[i, j] * (1 - alpha)
                    if through <= LEAST_TRANSMITTANCE:
                        finished[i - top, j - left] = True
                        unfinished -= 1
                        continue
                    weight = alpha * transmittance[i, j]
                    for k in range(FEATURES):
                        picture[i, j, k] += weight * features[s, k]
                    transmittance[i, j] = through
                    last[i, j] = place + 1


@_compiled
def pull_back(
    first: int,
    end: int,
    starts: np.ndarray,
    dealt: np.ndarray,
    means: np.ndarray,
    conics: np.ndarray,
    opacities: np.ndarray,
    features: np.ndarray,
    last: np.ndarray,
    of_picture: np.ndarray,
    transmittance: np.ndarray,
    behind: np.ndarray,
    partials: np.ndarray,
) -> None:
    """What the tiles from first to end pass back to their splats, from back to front.

    Args:
        first: of the tiles.
        end: one beyond the last of them.
        starts: of :func:`deal`.
        dealt: of :func:`deal`.
        means: (M, 2) pixels.
        conics: (M, 3) per square pixel.
        opacities: (M,).
        features: (M, 4).
        last: (H, W) of :func:`composite`.
        of_picture: (H, W, 4) the gradient of :func:`composite`'s picture.
        transmittance: (H, W) of :func:`composite`; undone to ones.
        behind: (H, W) the gradient of the transmittance, times it; used up.
        partials: (places in ``dealt``, 10) zeros, which become gradients.
    """
    height, width = transmittance.shape
    columns = (width + TILE - 1) // TILE
    for tile in range(first, end):
        left, top = (tile % columns) * TILE, (tile // columns) * TILE
        right, bottom = min(left + TILE, width), min(top + TILE, height)
        for place in range(last[top:bottom, left:right].max() - 1, starts[tile] - 1, -1):
            s = dealt[place]
            x, y = means[s]
            xx, xy, yy = conics[s]
            opacity = opacities[s]
            room, determinant, tall = _ellipse(xx, xy, yy, opacity)
            for i in range(*_pixels(y, tall, top, bottom)):
                dy = y - (i + 0.5)
                half = math.sqrt(max(room - determinant * dy * dy, 0.0)) / xx
                for j in range(*_pixels(x + xy / xx * dy, half, left, right)):
                    if place >= last[i, j]:
                        continue
                    dx = x - (j + 0.5)
                    power = 0.5 * (xx * dx * dx + yy * dy * dy) + xy * dx * dy
                    shape = math.exp(-power)
                    alpha = min(MOST_ALPHA, opacity * shape)
                    if power < 0 or alpha < LEAST_ALPHA:
                        continue
                    before = transmittance[i, j] / (1 - alpha)
                    weight = alpha * before
                    shown = 0.0
                    for k in range(FEATURES):
                        shown += features[s, k] * of_picture[i, j, k]
                        partials[place, 6 + k] += weight * of_picture[i, j, k]
                    of_alpha = before * shown - behind[i, j] / (1 - alpha)
                    behind[i, j] += weight * shown
                    transmittance[i, j] = before
                    if opacity * shape > MOST_ALPHA:
                        continue
                    of_power = -alpha * of_alpha
                    partials[place, 0] += of_power * (xx * dx + xy * dy)
                    partials[place, 1] += of_power * (xy * dx + yy * dy)
                    partials[place, 2] += 0.5 * of_power * dx * dx
                    partials[place, 3] += of_power * dx * dy
                    partials[place, 4] += 0.5 * of_power * dy * dy
                    partials[place, 5] += shape * of_alpha


@_compiled
def gather(dealt: np.ndarray, partials: np.ndarray, count: int) -> np.ndarray:
    """Gradients (count, 10) of splats from those of their places, always summed in one order."""
    gradients = np.zeros((count, partials.shape[1]))
    for place in range(len(dealt)):
        for k in range(partials.shape[1]):
            gradients[dealt[place], k] += partials[place, k]
    return gradients
