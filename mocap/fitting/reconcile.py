"""People's sizes, the direction of up and the floor's height, made to agree.

A camera sees a large person far away and a small one nearby alike, and "up" is known to a degree or
two. Both matter for where feet are: with the people's rests on one floor, a small least-squares
problem settles everybody's size, a turn of "up" and the floor's height at once, each held by how
well it was known before. Rests far off the floor found (somebody stands on a box) lose their say
(Cauchy weights).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

#: Log-deviation of adults' statures.
_STATURE = 0.055
#: How far off the height of a rest commonly is: metres, and as a share of its distance.
_HEIGHT, _HEIGHT_SHARE = 0.03, 0.012
#: Deviations beyond which a rest counts less and less.
_OUTLIER = 2.0
#: Seconds of rest that are worth one look, and the most looks that a person's rests are worth:
#: what is wrong with one is wrong with all.
_LOOK, _LOOKS = 0.5, 4.0
_ITERATIONS = 30


@dataclass(frozen=True)
class Rests:
    """Where one person's foot points rest: places (R, 3), world metres, and for how long, s."""

    places: Float[np.ndarray, "rests 3"]
    seconds: Float[np.ndarray, " rests"]


@dataclass(frozen=True)
class Agreement:
    """What makes everybody's rests lie on one floor.

    Attributes:
        factors: (P,) by which people are larger, and farther from the camera.
        up: unit vector in the frame of the rests.
        floor: height of the floor along ``up``, metres.
        residuals: (P,) median distance of each person's rests from the floor, metres; NaN if none.
    """

    factors: Float[np.ndarray, " people"]
    up: Float[np.ndarray, "3"]
    floor: float
    residuals: Float[np.ndarray, " people"]


def agree(
    rests: Sequence[Rests],
    centre: Float[np.ndarray, "3"],
    up_sigma: float,
    floor: float,
    *,
    sizes_free: bool,
) -> Agreement:
    """Sizes, up and floor that agree best.

    Args:
        rests: of each person; +Y is the present guess of up.
        centre: of the camera.
        up_sigma: how far off that guess may be, radians; 0 if it is given.
        floor: a guess of the floor's height.
        sizes_free: whether sizes may change; they may not when statures are given.
    """
    people = len(rests)
    free = sizes_free and sum(len(one.places) > 0 for one in rests) > 1
    # Unknowns: log sizes, turns of up about x and z, the floor.
    x = np.zeros(people + 3)
    x[-1] = floor
    prior = np.concatenate(
        [
            np.full(people, 1.0 / _STATURE if free else 1e6),
            np.full(2, 1.0 / up_sigma if up_sigma > 1e-6 else 1e6),
            [1e-6],
        ]
    )
    start = x.copy()
    owner = np.concatenate([np.full(len(one.places), i) for i, one in enumerate(rests)]).astype(int)
    if not len(owner):
        return Agreement(np.ones(people), np.array([0.0, 1.0, 0.0]), floor, np.full(people, np.nan))
    arms = np.concatenate([one.places for one in rests]) - centre
    looks = np.sqrt(np.concatenate([_looks(one) for one in rests]))
    trust = looks / np.hypot(_HEIGHT, _HEIGHT_SHARE * np.linalg.norm(arms, axis=1))
    for _ in range(_ITERATIONS):
        heights, slopes = _heights(x, arms, centre, owner, people)
        error = trust * heights
        robust = 1.0 / np.sqrt(1.0 + (error / _OUTLIER) ** 2)
        rows = (robust * trust)[:, None] * slopes
        normal = rows.T @ rows + np.diag(prior**2)
        step = np.linalg.solve(normal, rows.T @ (robust * error) + prior**2 * (x - start))
        x = x - step
        if np.abs(step).max() < 1e-6:
            break
    heights, _ = _heights(x, arms, centre, owner, people)
    up = _up(x, people)
    return Agreement(
        np.exp(x[:people]),
        up / np.linalg.norm(up),
        float(x[-1] / np.linalg.norm(up)),
        np.array(
            [
                np.median(heights[owner == i]) if (owner == i).any() else np.nan
                for i in range(people)
            ]
        ),
    )


def _looks(one: Rests) -> np.ndarray:
    """How many independent looks each rest is worth."""
    looks = np.minimum(one.seconds / _LOOK, 1.0)
    return looks * min(1.0, _LOOKS / max(looks.sum(), 1e-9))


def _up(x: np.ndarray, people: int) -> np.ndarray:
    return np.array([x[people], 1.0, x[people + 1]])


def _heights(
    x: np.ndarray, arms: np.ndarray, centre: np.ndarray, owner: np.ndarray, people: int
) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the rests over the floor, and their derivatives by the unknowns."""
    up, sizes = _up(x, people), np.exp(x[:people])[owner]
    along = arms @ up
    heights = sizes * along + centre @ up - x[-1]
    slopes = np.zeros((len(arms), len(x)))
    slopes[np.arange(len(arms)), owner] = sizes * along
    turned = sizes[:, None] * arms + centre
    slopes[:, people : people + 2] = turned[:, [0, 2]]
    slopes[:, -1] = -1.0
    return heights, slopes
