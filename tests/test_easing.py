"""Values that fade: by hand, and as properties."""

import numpy as np
import pytest

from mocap.easing import eased, smoothstep


def test_a_share_keeps_its_ends_and_middle_and_is_level_at_its_ends():
    np.testing.assert_array_equal(smoothstep(np.array([0.0, 0.5, 1.0])), [0.0, 0.5, 1.0])
    near = smoothstep(np.array([1e-4, 1.0 - 1e-4]))
    np.testing.assert_allclose(near, [3e-8, 1.0 - 3e-8], rtol=1e-4)


def test_shifts_fade_out_after_a_run_and_in_before_the_next():
    runs = np.array([1, 0, 0, 0, 0, 0, 0, 0, 2])
    shift = np.zeros((9, 3))
    shift[0], shift[-1] = [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]
    faded, held = eased(shift, runs, span=4)
    # Three quarters of the way, a half, a quarter.
    shares = np.array([1.0, 0.84375, 0.5, 0.15625, 0.0])
    np.testing.assert_allclose(faded[:5, 0], shares)
    np.testing.assert_allclose(faded[4:, 1], 2 * shares[::-1])
    np.testing.assert_allclose(held, [*shares, *shares[3::-1]])


def test_runs_that_are_near_share_what_is_between():
    shift = np.array([[1.0, 0, 0], [0, 0, 0], [3.0, 0, 0]])
    faded, held = eased(shift, np.array([1, 0, 2]), span=10)
    assert faded[1, 0] == pytest.approx(2.0)
    assert held[1] == 1.0


def test_what_is_within_runs_stays_and_no_run_holds_nothing():
    shift = np.random.default_rng(0).normal(size=(6, 3))
    faded, held = eased(shift, np.ones(6, int), span=3)
    np.testing.assert_array_equal(faded, shift)
    np.testing.assert_array_equal(held, np.ones(6))
    _, held = eased(0 * shift, np.zeros(6, int), span=3)
    np.testing.assert_array_equal(held, np.zeros(6))
