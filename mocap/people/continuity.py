"""How steadily the points of a body move under each way of telling its sides apart.

A point goes on as it went: where it is now is compared with where the last three sightings would
have it, at constant velocity. Velocity matters, because somebody who turns fast changes places in
the picture without any swap, and a swap in the right frame would make them come back the same way.
Each sighting of the three has a say of its own, so that one of junk does not cut the thread.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mocap.people.labelings import (
    ARM_POINTS,
    LEG_POINTS,
    MOVES_ARMS,
    MOVES_LEGS,
    ORDERS,
)

#: How many sightings back continuity is asked for.
MEMORY = 3
#: Residual, in person sizes, beyond which farther is not worse: a limb that flies is no swap.
_FARTHEST = 0.33
#: What staying in place must be better by than going on, in person sizes, to explain a point.
_RESTING = 0.04
#: Frames after which most of a velocity is forgotten.
_MOMENTUM = 6.0


@dataclass(frozen=True)
class _Group:
    """Points that change places together.

    Attributes:
        points: (n,) which they are.
        counterpart: (n,) position in ``points`` of each point's other side.
        moved: (4,) whether each labeling exchanges them.
    """

    points: np.ndarray
    counterpart: np.ndarray
    moved: np.ndarray


def _group(points: np.ndarray, moved: np.ndarray) -> _Group:
    return _Group(points, np.searchsorted(points, ORDERS[1][points]), moved.astype(int))


_GROUPS = (_group(ARM_POINTS, MOVES_ARMS), _group(LEG_POINTS, MOVES_LEGS))


def _relative(group: _Group) -> np.ndarray:
    """For labels (now, 1, 2, 3 sightings ago) which of eight ways a group was exchanged since.

    Exchanging a group in all four sightings changes nothing, so only differences count.
    """
    now, *before = np.meshgrid(*(group.moved,) * (1 + MEMORY), indexing="ij")
    return sum((now ^ then) << bit for bit, then in enumerate(before))


_RELATIVE = [_relative(group) for group in _GROUPS]


def jerkiness(
    xy: Float[np.ndarray, "sightings 33 2"],
    confidence: Float[np.ndarray, "sightings 33"],
    frames: Int[np.ndarray, " sightings"],
    size: float,
) -> Float[np.ndarray, "sightings 2 8"]:
    """What each way of exchanging arms and legs costs, in person sizes.

    Args:
        xy: points of consecutive sightings, pixels.
        confidence: of the points.
        frames: video frame of each sighting.
        size: of the person, pixels.

    Returns:
        For each sighting, for arms and legs, for each way of having been exchanged between it and
        the three sightings before (bit k: between it and the one k + 1 ago): the residual, already
        weighted by the group's share of the confidence.
    """
    costs, shares = [], []
    for group in _GROUPS:
        points, trust = xy[:, group.points] / size, confidence[:, group.points]
        costs.append(_residuals(points, trust, frames, group.counterpart))
        shares.append((trust * _earlier(trust, 1)).sum(1))
    share = np.stack(shares, 1)
    share /= np.maximum(share.sum(1, keepdims=True), 1e-6)
    return np.stack(costs, 1) * share[:, :, None]


def transition(jerk: Float[np.ndarray, "2 8"]) -> Float[np.ndarray, "4 4 4 4"]:
    """One sighting's costs by its labeling and those of the three sightings before it."""
    return sum(cost[ways] for cost, ways in zip(jerk, _RELATIVE, strict=True))


def _earlier(values: np.ndarray, lag: int) -> np.ndarray:
    """Values of so many sightings ago; the first one's where there are none."""
    return values[np.maximum(np.arange(len(values)) - lag, 0)]


def _residuals(
    points: np.ndarray, trust: np.ndarray, frames: np.ndarray, counterpart: np.ndarray
) -> np.ndarray:
    """Residuals (sightings, 8) of one group; see :func:`jerkiness`."""
    past = [
        # Axes: exchanged or not, sighting, point, x y.
        np.stack([_earlier(points, lag), _earlier(points, lag)[:, counterpart]])
        for lag in range(1, MEMORY + 1)
    ]
    trusted = [
        trust * np.stack([_earlier(trust, lag), _earlier(trust, lag)[:, counterpart]])
        for lag in range(1, MEMORY + 1)
    ]
    since = [(frames - _earlier(frames, lag)).astype(float) for lag in range(1, MEMORY + 1)]

    def resting(lag: int) -> np.ndarray:
        """(2, sightings): the point is where it was."""
        return _mean_gap(points - past[lag - 1], trusted[lag - 1])

    def going_on(near: int, far: int) -> np.ndarray:
        """(2, 2, sightings), nearer sighting's exchange first: it goes on as between the two."""
        apart = np.maximum(since[far - 1] - since[near - 1], 1.0)
        steps = _MOMENTUM * (1.0 - np.exp(-since[near - 1] / _MOMENTUM)) / apart
        here, there = past[near - 1][:, None], past[far - 1][None]
        expected = here + steps[:, None, None] * (here - there)
        return _mean_gap(points - expected, trusted[near - 1][:, None])

    rest = {lag: resting(lag) for lag in range(1, MEMORY + 1)}
    on = {pair: going_on(*pair) for pair in ((1, 2), (1, 3), (2, 3))}
    cost = np.zeros((len(points), 8))
    index = np.arange(len(points))
    for way in range(8):
        one, two, three = way & 1, way >> 1 & 1, way >> 2 & 1
        far = np.inf
        v12 = np.where(index >= 2, on[1, 2][one, two], far)
        v13 = np.where(index >= 3, on[1, 3][one, three], far)
        v23 = np.where(index >= 3, on[2, 3][two, three], far)
        # Who has been seen too briefly to have a velocity may stay in place for nothing.
        d1 = rest[1][one] + _RESTING * (index >= 2)
        d2 = rest[2][two] + _RESTING * (index >= 3)
        d3 = rest[3][three] + _RESTING
        cost[:, way] = np.where(index >= 1, np.minimum(np.minimum(v12, v13), d1), 0.0)
        cost[:, way] += np.where(index >= 2, np.minimum(v23, d2), 0.0) / 2
        cost[:, way] += np.where(index >= 3, np.minimum(v13, d3), 0.0) / 3
    return cost


def _mean_gap(difference: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean length of differences (…, sightings, points, 2), one figure a sighting."""
    gap = np.minimum(np.linalg.norm(difference, axis=-1), _FARTHEST)
    return (weight * gap).sum(-1) / np.maximum(weight.sum(-1), 1e-6)
