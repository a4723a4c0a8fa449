"""When feet rest, in cases worked out by hand."""

import numpy as np
import pytest

from mocap.feet import resting_probability, rests_of, smoothed, speeds


def test_rest_and_no_rest_are_equally_likely_at_the_bounds():
    assert resting_probability(np.zeros((1, 1)), np.zeros((1, 1)))[0, 0] == 1.0
    assert resting_probability(np.full((1, 1), 0.3), np.zeros((1, 1)))[0, 0] == pytest.approx(0.5)
    assert resting_probability(np.zeros((1, 1)), np.full((1, 1), 0.05))[0, 0] == pytest.approx(0.5)
    # Twice as fast is 16 times as bad.
    assert resting_probability(np.full((1, 1), 0.6), np.zeros((1, 1)))[0, 0] == pytest.approx(
        1 / 17
    )


def test_speed_is_metres_a_second_at_any_rate():
    for fps in (25.0, 120.0):
        time = np.arange(int(fps)) / fps
        points = time[:, None, None] * [0.3, 0.0, 0.4] + np.zeros((1, 4, 1))
        np.testing.assert_allclose(speeds(points, fps), 0.5)
        inner = slice(int(0.2 * fps), -int(0.2 * fps))
        np.testing.assert_allclose(smoothed(points, fps)[inner], points[inner], atol=1e-9)
    np.testing.assert_array_equal(speeds(np.ones((1, 4, 3)), 30.0), np.zeros((1, 4)))


def test_moments_of_rest_and_moments_of_none_do_not_count():
    likely = np.zeros((40, 2))
    likely[5:30, 0] = 1.0
    likely[15:17, 0] = 0.0
    likely[10:12, 1] = 1.0
    found = rests_of(likely, fps=30.0)
    np.testing.assert_array_equal(np.flatnonzero(found[:, 0]), np.arange(5, 30))
    assert not found[:, 1].any()
    # What goes on at the ends of a motion is no moment.
    assert rests_of(np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]), fps=30.0)[0, 0]
