"""Anti-aliased lines, dots and labels that stay legible on bright and on dark pictures.

Everything is drawn with a dark halo, in place, on RGB pictures; coordinates are in pixels, the
middle of the first one at (0.5, 0.5).
"""

import cv2
import numpy as np
from jaxtyping import Float, UInt8

#: A red, green and blue of 0 to 255.
Colour = tuple[int, int, int]
Picture = UInt8[np.ndarray, "height width 3"]

HALO: Colour = (16, 16, 16)
WHITE: Colour = (255, 255, 255)

#: Of ``person-1``, ``person-2`` … in turn: apart from one another, also for the colour-blind.
_PALETTE: tuple[Colour, ...] = (
    (255, 128, 0),
    (0, 150, 255),
    (40, 200, 80),
    (235, 60, 190),
    (240, 205, 0),
    (0, 205, 205),
    (160, 100, 255),
    (235, 60, 50),
)

_FRACTION_BITS = 4
# OpenCV's own arithmetic overflows far beyond the picture, where nothing can be seen anyhow.
_FARTHEST = 30_000.0
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def person_colour(number: int) -> Colour:
    """The colour of the person who comes ``number``-th (from 0) in the take."""
    return _PALETTE[number % len(_PALETTE)]


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with a share (0 to 1) of another."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def pale(colour: Colour) -> Colour:
    """The colour of what was not seen but filled in."""
    return mixed(colour, WHITE, 0.6)


def draw_lines(
    picture: Picture, ends: Float[np.ndarray, "lines 2 2"], colour: Colour, width: int
) -> None:
    """Straight lines between pairs of points; those with a missing (NaN) end are left out."""
    for start, end in _fixed_point(ends):
        cv2.line(picture, start, end, colour, width, cv2.LINE_AA, _FRACTION_BITS)


def draw_dots(
    picture: Picture, points: Float[np.ndarray, "points 2"], colour: Colour, radius: float
) -> None:
    """Filled discs; missing (NaN) points are left out."""
    size = round(radius * 2**_FRACTION_BITS)
    for (point,) in _fixed_point(points[:, None]):
        cv2.circle(picture, point, size, colour, cv2.FILLED, cv2.LINE_AA, _FRACTION_BITS)


def _fixed_point(groups: Float[np.ndarray, "groups points 2"]) -> list[list[tuple[int, int]]]:
    # A comparison with NaN is false, so missing points fall out too.
    near = (np.abs(groups) < _FARTHEST).all((1, 2))
    # OpenCV's whole numbers are the middles of pixels.
    whole = np.rint((groups[near] - 0.5) * 2**_FRACTION_BITS).astype(int).tolist()
    return [[(x, y) for x, y in group] for group in whole]


def dashes(ends: Float[np.ndarray, "lines 2 2"], length: float) -> Float[np.ndarray, "dashes 2 2"]:
    """Lines cut into dashes about ``length`` pixels long, with gaps as long between them.

    Every line begins and ends with a dash, so that joints stay recognisable.
    """
    pieces = []
    for start, end in ends:
        span = float(np.linalg.norm(end - start))
        if not span < _FARTHEST:
            continue
        count = 2 * max(1, round(span / length / 2)) + 1
        cuts = start + (end - start) * np.linspace(0, 1, count + 1)[:, None]
        pieces.append(np.stack([cuts[:-1:2], cuts[1::2]], 1))
    return np.concatenate(pieces) if pieces else np.zeros((0, 2, 2))


def draw_label(
    picture: Picture, text: str, middle: float, bottom: float, colour: Colour, height: float
) -> None:
    """A line of text on a dark tag, moved into the picture where it would lie outside.

    Args:
        picture: to draw on.
        text: what to write.
        middle: x of the tag's middle, pixels.
        bottom: y of its lower edge, pixels.
        colour: of the letters.
        height: of the capital letters, pixels.
    """
    scale, stroke, margin = height / 21.0, max(1, round(height / 10)), round(0.45 * height)
    (wide, tall), descent = cv2.getTextSize(text, _FONT, scale, stroke)
    size = np.array([wide, tall + descent // 2]) + 2 * margin
    most = np.maximum(np.array(picture.shape[1::-1]) - size, 0)
    left, top = np.clip([middle - size[0] / 2, bottom - size[1]], 0, most).astype(int)
    tag = picture[top : top + size[1], left : left + size[0]]
    # A tag, not a halo of letters: OpenCV 5 sets bolder text wider, so the two would not match.
    cv2.addWeighted(tag, 0.25, np.full_like(tag, HALO), 0.75, 0, dst=tag)
    origin = (int(left + margin), int(top + margin + tall))
    cv2.putText(picture, text, origin, _FONT, scale, colour, stroke, cv2.LINE_AA)
