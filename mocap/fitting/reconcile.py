"""The direction of up, people's sizes and the floor's height, made to agree with where feet rest.

"Up" is known to a few degrees; a person who walks about on a floor tells it better, by rests that
should be equally high. Then sizes: a camera sees a large person far away and a small one nearby
alike, and whoever stands on the same floor has the camera equally high above the feet. Each size
moves as far as it was doubtful, against how doubtful the heights of feet are. Who would have to
change too much stands somewhere else: on a box, on a stage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Log-deviation of adults' statures.
_STATURE = 0.055
#: Log-deviation of the camera's height over somebody's feet, but for what a wrong "up" adds.
_LEVEL = 0.03
#: The most, in deviations, by which two people may differ and be taken to stand on one floor.
_ODD = 2.5
#: Heights, metres, of the camera over feet that are told well enough.
_LOW = 0.3
#: How far off the height of a rest commonly is: metres, and as a share of its distance.
_HEIGHT, _HEIGHT_SHARE = 0.03, 0.012
#: Deviations beyond which a rest counts less and less.
_OUTLIER = 2.0
#: Seconds of rest that are worth one look, and the most looks that a person's rests are worth:
#: what is wrong with one is wrong with all.
_LOOK, _LOOKS = 0.5, 4.0
_ITERATIONS = 20
#: Width, metres, of the bump that a rest contributes to the search for the floor's height, and
#: the share of the highest that the floor's must reach.
_BUMP, _ENOUGH = 0.04, 0.35


@dataclass(frozen=True)
class Rests:
    """Where one person's foot points rest.

    Attributes:
        places: (R, 3) world metres.
        seconds: (R,) for how long.
        size: of the person in the picture, pixels: the floor is that of who the clip is about.
    """

    places: Float[np.ndarray, "rests 3"]
    seconds: Float[np.ndarray, " rests"]
    size: float = 1.0


@dataclass(frozen=True)
class Agreement:
    """What makes people's rests lie on one floor.

    Attributes:
        factors: (P,) by which people are larger, and farther from the camera.
        up: unit vector in the frame of the rests.
        floor: height of the floor along ``up``, metres; None if nobody's feet rest.
        levels: (P,) height over it of what each person stands on; NaN where feet never rest.
    """

    factors: Float[np.ndarray, " people"]
    up: Float[np.ndarray, "3"]
    floor: float | None
    levels: Float[np.ndarray, " people"]


def agree(
    rests: Sequence[Rests],
    centre: Float[np.ndarray, "3"],
    up_sigma: float,
    *,
    sizes_free: bool,
) -> Agreement:
    """Up, sizes and floor that agree best.

    Args:
        rests: of each person; +Y is the present guess of up.
        centre: of the camera.
        up_sigma: how far off that guess may be, radians; 0 if it is given.
        sizes_free: whether sizes may change; they may not when statures are given.
    """
    up = _tilted(rests, centre, up_sigma)
    factors = np.ones(len(rests))
    if sizes_free:
        factors = _sizes(rests, centre, up, up_sigma)
    heights = [
        centre @ up + factor * ((one.places - centre) @ up)
        for one, factor in zip(rests, factors, strict=True)
    ]
    floor = find_floor(heights, [_looks(one) * one.size**3 for one in rests])
    own = [find_floor([h], [one.seconds]) for h, one in zip(heights, rests, strict=True)]
    levels = [np.nan if one is None or floor is None else one - floor for one in own]
    return Agreement(factors, up, floor, np.array(levels))


def _tilted(
    rests: Sequence[Rests], centre: Float[np.ndarray, "3"], up_sigma: float
) -> Float[np.ndarray, "3"]:
    """Up, turned so that each person's rests are equally high; people may differ in level."""
    present = np.array([0.0, 1.0, 0.0])
    owner = np.repeat(np.arange(len(rests)), [len(one.places) for one in rests])
    if not len(owner) or up_sigma < 1e-6:
        return present
    arms = np.concatenate([one.places for one in rests]) - centre
    looks = np.concatenate([_looks(one) for one in rests])
    sigma = np.hypot(_HEIGHT, _HEIGHT_SHARE * np.linalg.norm(arms, axis=1))
    levels = (owner[:, None] == np.arange(len(rests))).astype(float)
    # Unknowns: turns about x and z, and everybody's level; heights are linear in them.
    slopes = np.concatenate([arms[:, [0, 2]], -levels], axis=1)
    prior = np.concatenate([np.full(2, up_sigma**-2), np.full(len(rests), 1e-6)])
    medians = [
        np.median(arms[owner == i, 1]) if (owner == i).any() else 0 for i in range(len(rests))
    ]
    x = np.concatenate([np.zeros(2), medians])
    for _ in range(_ITERATIONS):
        heights = arms[:, 1] + slopes @ x
        trust = looks / sigma**2 / (1.0 + (heights / sigma / _OUTLIER) ** 2) ** 2
        normal = (slopes.T * trust) @ slopes + np.diag(prior)
        step = np.linalg.solve(normal, -(slopes.T * trust) @ arms[:, 1]) - x
        x = x + step
        if np.abs(step).max() < 1e-6:
            break
    up = np.array([x[0], 1.0, x[1]])
    return up / np.linalg.norm(up)


def _looks(one: Rests) -> np.ndarray:
    """How many independent looks each rest is worth."""
    looks = np.minimum(one.seconds / _LOOK, 1.0)
    return looks * min(1.0, _LOOKS / max(looks.sum(), 1e-9))


def _sizes(
    rests: Sequence[Rests],
    centre: Float[np.ndarray, "3"],
    up: Float[np.ndarray, "3"],
    up_sigma: float,
) -> Float[np.ndarray, " people"]:
    """Factors on people's sizes at which those on one floor stand on it, as far as is likely."""
    factors = np.ones(len(rests))
    told = [i for i, one in enumerate(rests) if len(one.places)]
    arms = {i: np.median(rests[i].places, axis=0) - centre for i in told}
    drops = {i: -_typical((rests[i].places - centre) @ up, rests[i].seconds) for i in told}
    known = [i for i in told if drops[i] > _LOW]
    if len(known) < 2:
        return factors
    logs = np.log([drops[i] for i in known])
    places = np.array([arms[i] - (arms[i] @ up) * up for i in known])
    apart = np.linalg.norm(places - places.mean(0), axis=1)
    level = np.hypot(_LEVEL, apart * up_sigma / np.exp(logs))
    # The floor that most stand on, or the lowest of two.
    most = np.argmin([np.abs(logs - one).sum() - 1e-9 * one for one in logs])
    doubt = np.sqrt(2 * _STATURE**2 + level**2 + level[most] ** 2)
    same = np.abs(logs - logs[most]) < _ODD * doubt
    weight = 1.0 / (_STATURE**2 + level[same] ** 2)
    common = np.average(logs[same], weights=weight)
    share = _STATURE**2 / (_STATURE**2 + level[same] ** 2)
    factors[np.array(known)[same]] = np.exp(share * (common - logs[same]))
    return factors


def _typical(heights: np.ndarray, seconds: np.ndarray) -> float:
    """The height at which feet rest half of the time below and half above."""
    order = np.argsort(heights)
    passed = np.cumsum(seconds[order])
    return float(heights[order][np.searchsorted(passed, 0.5 * passed[-1])])


def find_floor(
    heights: Sequence[Float[np.ndarray, " rests"]], weights: Sequence[Float[np.ndarray, " rests"]]
) -> float | None:
    """The height of the lowest level on which feet rest for long; None if they never do.

    Args:
        heights: for each person, of the places of rest, metres.
        weights: for each person, how much each counts.
    """
    places = np.concatenate([*heights, np.zeros(0)])
    counts = np.concatenate([*weights, np.zeros(0)])
    if not len(places):
        return None
    levels = np.arange(places.min() - _BUMP, places.max() + 2 * _BUMP, _BUMP / 4)
    bumps = np.exp(-0.5 * ((levels[:, None] - places) / _BUMP) ** 2) @ counts
    high = bumps >= _ENOUGH * bumps.max()
    peaks = high & (bumps >= np.roll(bumps, 1)) & (bumps >= np.roll(bumps, -1))
    return float(levels[np.argmax(peaks)])
