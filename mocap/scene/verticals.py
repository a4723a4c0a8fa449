"""How well a picture's straight edges agree with a direction taken for "up".

Things people build stand plumb and lie level. Seen under a candidate "up", an edge is therefore one
of three: plumb, and then its plane through the camera holds "up"; level, in whatever compass
direction; or clutter, in any direction at all. Each kind says how edges at a given place in the
picture should slant, and their mixture is the likelihood.

The idea of taking every edge for one of few kinds, without deciding which, is that of Coughlan and
Yuille, "Manhattan World" (ICCV 1999); level edges of any compass direction instead of two are that
of Schindler and Dellaert, "Atlanta World" (CVPR 2004). All angles are measured on the sphere of
viewing directions, where a picture's edges do not slant more towards its border.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.geometry import viewing_rays

#: How far off plumb or level a built edge is, with what a lens bends: one standard deviation.
_PLUMB = float(np.deg2rad(1.0))
#: How far off an edge's end is found, as a share of the focal length: under a pixel of a picture
#: of a thousand.
_END = 8e-4
#: Shares of plumb and of level edges among all, the rest being clutter, indoors or in town and in
#: places half overgrown. A third kind of scene, as likely as either, is all clutter.
_SCENES = ((0.3, 0.4), (0.1, 0.15))
#: Edges come in families (the slats of a blind, both sides of a frame) that are right or wrong
#: together: however many there are, they are worth no more than this many independent ones.
_MOST_FAMILIES = 60.0
#: Square of a sine that is nothing, in single precision.
_POINT = 1e-8
#: Candidates looked at together, which bounds memory.
_CHUNK = 2048


@dataclass(frozen=True)
class _Edges:
    """Edges on the sphere of viewing directions, an orthonormal frame each.

    Attributes:
        along: (S, 3) the direction of the edge in its middle.
        across: (S, 3) the normal of the plane through the camera and the edge.
        middle: (S, 3) the direction in which the middle is seen.
        span: (S,) the angle the edge takes up, radians.
    """

    along: Float[np.ndarray, "segments 3"]
    across: Float[np.ndarray, "segments 3"]
    middle: Float[np.ndarray, "segments 3"]
    span: Float[np.ndarray, " segments"]

    @classmethod
    def seen(
        cls, segments: Float[np.ndarray, "segments 4"], K: Float[np.ndarray, "3 3"]
    ) -> "_Edges":
        """The edges of a picture, those without length left out."""
        segments = segments[np.hypot(*(segments[:, 2:] - segments[:, :2]).T) > 1e-6]
        start, end = viewing_rays(segments[:, :2], K), viewing_rays(segments[:, 2:], K)
        normal, middle = np.cross(start, end), start + end
        length = np.linalg.norm(normal, axis=-1)
        span = np.arctan2(length, np.sum(start * end, -1))
        across = normal / length[:, None]
        middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
        return cls(np.cross(across, middle), across, middle, span)


def vertical_log_likelihood(
    segments: Float[np.ndarray, "segments 4"],
    K: Float[np.ndarray, "3 3"],
    candidates: Float[np.ndarray, "candidates 3"],
) -> Float[np.ndarray, " candidates"]:
    """Log-likelihood of each candidate "up" under a picture's edges, 0 if all were clutter.

    Args:
        segments: x0 y0 x1 y1, pixels.
        K: intrinsics, pixels.
        candidates: unit vectors, camera axes; a direction and its opposite are the same.
    """
    edges = _Edges.seen(np.asarray(segments, float), K)
    if not len(edges.span):
        return np.zeros(len(candidates))
    weights = _weights(edges.span)
    parts = np.array_split(candidates, max(1, -(-len(candidates) // _CHUNK)))
    return np.concatenate([_log_likelihood(edges, weights, part) for part in parts])


def _weights(span: Float[np.ndarray, " segments"]) -> Float[np.ndarray, " segments"]:
    """How many independent edges each edge is worth: in proportion to its length."""
    share = span / span.sum()
    # Edges of equal length that would weigh as much as these do (Kish, 1965).
    number = 1.0 / np.sum(share**2)
    return share * number / (1.0 + number / _MOST_FAMILIES)


def _log_likelihood(
    edges: _Edges, weights: np.ndarray, ups: Float[np.ndarray, "candidates 3"]
) -> Float[np.ndarray, " candidates"]:
    """Of the slants of all edges, relative to slants left to chance."""
    along, across, height = (
        (axis @ ups.T).astype(np.float32) for axis in (edges.along, edges.across, edges.middle)
    )
    # Where the edge is seen right above or below, "up" has no direction in the picture.
    square = along**2 + across**2 + _POINT
    sine = np.sqrt(square)
    ends = (np.sqrt(2.0) * _END / edges.span).astype(np.float32)[:, None]
    # Plumb: "up" lies in the plane of camera and edge, but for how plumb things are and, the more
    # the shorter the edge, for where its ends were found.
    sigma = np.sqrt(_PLUMB**2 + (sine * ends) ** 2)
    plumb = float(np.sqrt(np.pi / 2)) * sine / sigma * np.exp(-0.5 * (across / sigma) ** 2)
    level = _level(along, across, np.abs(height), square)
    plumb -= 1.0
    level -= 1.0
    kinds = [weights @ np.log1p(a * plumb + b * level) for a, b in _SCENES]
    return np.logaddexp.reduce([np.zeros(len(ups)), *kinds], axis=0) - np.log(len(kinds) + 1)


def _level(
    along: np.ndarray, across: np.ndarray, height: np.ndarray, square: np.ndarray
) -> np.ndarray:
    """Relative density of the slant of level edges whose compass directions are left to chance.

    Where the camera looks straight down they slant as they please; on the horizon all lie along
    it. In between the slant's double follows a wrapped Cauchy distribution with concentration
    (1 - h) / (1 + h) at a sine of elevation h.
    """
    blurred = (1.0 - height) / (1.0 + height) * float(np.exp(-2.0 * _PLUMB))
    narrow = (1.0 - blurred) / (1.0 + blurred)
    return narrow * square / ((narrow * across) ** 2 + along**2 + narrow * _POINT)
