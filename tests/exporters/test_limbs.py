"""Limbs of two bones: where they end, how they bend, and that they are left alone."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mocap.exporters.rigs.limbs import reached

LOTS = np.random.default_rng(5)


def limbs(count: int) -> np.ndarray:
    """(N, 3, 3) hips, knees and ankles of bent legs of all kinds."""
    found = LOTS.normal(0, 0.1, (count, 3, 3))
    found[:, 1] += [0.0, -0.4, 0.2]
    found[:, 2] += [0.0, -0.8, 0.0]
    return found


def ends(limb: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle = limb[:, 0] + (upper @ (limb[:, 1] - limb[:, 0])[..., None])[..., 0]
    return middle, middle + (lower @ (limb[:, 2] - limb[:, 1])[..., None])[..., 0]


SIDEWAYS = np.tile([1.0, 0.0, 0.0], (200, 1))


def test_ends_are_where_they_should_be():
    limb = limbs(200)
    lengths = np.linalg.norm(np.diff(limb, axis=1), axis=2)
    reach = np.abs(lengths[:, 0] - lengths[:, 1]) + LOTS.uniform(0.05, 0.95, 200) * (
        2 * lengths.min(1)
    )
    way = LOTS.normal(size=(200, 3))
    goal = limb[:, 0] + reach[:, None] * way / np.linalg.norm(way, axis=1, keepdims=True)
    _, end = ends(limb, *reached(limb, goal, SIDEWAYS))
    assert np.abs(end - goal).max() < 1e-6


def test_what_is_out_of_reach_is_pointed_at():
    limb = limbs(200)
    goal = limb[:, 0] + [0.0, -3.0, 1.0]
    _, end = ends(limb, *reached(limb, goal, SIDEWAYS))
    way = (end - limb[:, 0]) / np.linalg.norm(end - limb[:, 0], axis=1, keepdims=True)
    np.testing.assert_allclose(way, np.tile(np.array([0, -3, 1]) / 10**0.5, (200, 1)), atol=1e-4)


def test_limbs_at_their_goals_stay():
    limb = limbs(200)
    limb[100:, 1] = (limb[100:, 0] + limb[100:, 2]) / 2  # Straight ones.
    for turn in reached(limb, limb[:, 2], SIDEWAYS):
        np.testing.assert_allclose(turn, np.tile(np.eye(3), (200, 1, 1)), atol=1e-3)
    middle, end = ends(limb, *reached(limb, limb[:, 2], SIDEWAYS))
    assert np.abs(end - limb[:, 2]).max() < 1e-6
    assert np.abs(middle - limb[:, 1])[:100].max() < 1e-7


@given(st.floats(0.3, 0.79))
@settings(deadline=None, max_examples=25)
def test_knees_of_straight_legs_bend_forward(length):
    leg = np.array([[[0.1, 0.8, 0.0], [0.1, 0.4, 0.0], [0.1, 0.0, 0.0]]])
    goal = leg[:, 0] - [0.0, length, 0.0]
    middle, end = ends(leg, *reached(leg, goal, np.array([[1.0, 0.0, 0.0]])))
    assert middle[0, 2] > 0.02
    assert abs(middle[0, 0] - 0.1) < 1e-9
    np.testing.assert_allclose(end, goal, atol=1e-6)
