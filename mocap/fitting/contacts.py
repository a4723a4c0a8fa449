"""When feet rest, and where.

A foot point rests while it hardly moves and nothing of the body is far below. What rests, rests in
one place: the mean of where the fit has it meanwhile, and on the floor, or on the level on which
that person stands, if it is near.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_dilation, gaussian_filter1d, label, median_filter

#: Confidence at which a foot is as good as seen; what one has that was seen a moment ago, and how
#: long a moment is, seconds: what feet do in a longer gap nobody knows.
_SURE, _FILLED, _MOMENT = 0.5, 0.6, 0.2


@dataclass(frozen=True)
class ContactConfig:
    """What counts as resting. Each is where rest and no rest are equally likely.

    Attributes:
        speed: of a foot point across and along the line of sight, m/s; depth is told less well.
        drift: from its place of rest, likewise, metres: beyond it a foot is sliding on.
        lift: height of a foot point over the body's lowest, metres.
        snap: how far from the floor's height a place is taken to be on the floor: metres, and as
            a share of how much nearer or farther that would be.
        shortest: time a foot rests at least, seconds.
    """

    speed: tuple[float, float] = (0.25, 0.6)
    drift: tuple[float, float] = (0.05, 0.15)
    lift: float = 0.06
    snap: tuple[float, float] = (0.1, 0.04)
    shortest: float = 0.1


@dataclass(frozen=True)
class Footing:
    """Where soles rest: places (F, 4, 3), world metres, and how probably they do (F, 4)."""

    places: Float[np.ndarray, "frames 4 3"]
    probability: Float[np.ndarray, "frames 4"]


@dataclass(frozen=True)
class Feet:
    """What tells whether feet rest.

    Attributes:
        soles: (F, 4, 3) heel and toe of the left, then of the right foot, metres, +Y up.
        lowest: (F,) height of the body's lowest point.
        sight: (F, 3) unit direction in which the person is seen, same axes.
        distance: (F,) from the camera, metres.
        confidence: (F, 4) of the keypoints that tell of the soles; NaN where filled in.
        fps: frames a second.
    """

    soles: Float[np.ndarray, "frames 4 3"]
    lowest: Float[np.ndarray, " frames"]
    sight: Float[np.ndarray, "frames 3"]
    distance: Float[np.ndarray, " frames"]
    confidence: Float[np.ndarray, "frames 4"]
    fps: float


def contact_probability(feet: Feet, config: ContactConfig) -> Float[np.ndarray, "frames 4"]:
    """How probably each foot point rests."""
    frames, fps = len(feet.soles), feet.fps
    if frames < 3:
        return np.zeros((frames, 4))
    smooth = gaussian_filter1d(feet.soles, max(0.03 * fps, 0.3), axis=0, mode="nearest")
    moving = _in_units(np.gradient(smooth, axis=0) * fps, feet.sight[:, None], config.speed)
    height = smooth[..., 1] - feet.lowest[:, None]
    seen = np.isfinite(feet.confidence)
    lately = binary_dilation(seen, np.ones((2 * round(_MOMENT * fps) + 1, 1)))
    seen = np.where(seen, feet.confidence, np.where(lately, _FILLED, 0.0))
    found = _falling(moving) * _falling(height / config.lift) * np.clip(seen / _SURE, 0.0, 1.0)
    # Single frames of rest or flight are noise.
    window = 2 * round(config.shortest * fps) + 1
    return median_filter(found, size=(window, 1), mode="nearest")


def places_of_rest(
    soles: Float[np.ndarray, "frames 4 3"], probability: Float[np.ndarray, "frames 4"]
) -> tuple[Float[np.ndarray, "rests 3"], Float[np.ndarray, " rests"]]:
    """Where foot points rest, one place for each unbroken rest, and for how many frames."""
    found = [
        (_place(soles[at, sole], probability[at, sole]), float(len(at)))
        for sole, at in _runs(probability)
    ]
    return (
        np.array([place for place, _ in found]).reshape(-1, 3),
        np.array([frames for _, frames in found]),
    )


def resting_places(
    feet: Feet, probability: Float[np.ndarray, "frames 4"], level: float, config: ContactConfig
) -> Footing:
    """Where foot points are to be held.

    Args:
        feet: of a motion; the floor is y = 0.
        probability: of rest.
        level: height of what the person stands on, metres.
        config: how near to it counts as on it.

    Returns:
        The places, and the probabilities; those of feet that slide on while "resting" are less.
    """
    places, sure = feet.soles.copy(), probability.copy()
    for sole, at in _runs(probability):
        place = _place(feet.soles[at, sole], probability[at, sole])
        away = _in_units(feet.soles[at, sole] - place, feet.sight[at], config.drift)
        # Depth is told badly; where the camera looks down, height is no better.
        depth = feet.distance[at].mean() * np.abs(feet.sight[at, 1]).mean()
        near = np.hypot(config.snap[0], config.snap[1] * depth)
        height = min(level, 0.0, key=lambda level: abs(place[1] - level))
        if abs(place[1] - height) < near:
            place[1] = height
        places[at, sole] = place
        sure[at, sole] *= _falling(away)
    # A foot that hardly rests is not held at all: where, would be a guess.
    return Footing(places, np.where(sure > 0.5, sure, 0.0))


def _in_units(
    vectors: np.ndarray, sight: np.ndarray, units: tuple[float, float]
) -> Float[np.ndarray, "..."]:
    """Lengths of vectors in units that differ across and along the line of sight."""
    along = np.sum(vectors * sight, -1, keepdims=True)
    across = np.linalg.norm(vectors - along * sight, axis=-1)
    return np.hypot(across / units[0], along[..., 0] / units[1])


def _runs(probability: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each unbroken rest: the foot point and the frames."""
    for sole in range(probability.shape[1]):
        runs, count = label(in_contact(probability[:, sole]))
        for run in range(1, count + 1):
            yield sole, np.flatnonzero(runs == run)


def _place(soles: np.ndarray, probability: np.ndarray) -> np.ndarray:
    return np.average(soles, axis=0, weights=probability)


def in_contact(probability: Float[np.ndarray, "*shape"]) -> Bool[np.ndarray, "*shape"]:
    """Which foot points rest, more likely than not."""
    return probability > 0.5


def _falling(value: np.ndarray) -> np.ndarray:
    """From 1 at zero over a half at 1 to 0."""
    return 1.0 / (1.0 + value**4)
