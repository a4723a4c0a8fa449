"""Windows over tracks of any rate and length, and what is said in several of them."""

import numpy as np
import pytest

from mocap.depth.windows import Blend, centre_weights, windows


def covered(chosen: np.ndarray) -> np.ndarray:
    return np.unique(chosen[chosen >= 0])


@pytest.mark.parametrize("frames", [1, 2, 8, 9, 10, 57])
@pytest.mark.parametrize("fps", [8, 15, 25, 30, 60])
def test_every_frame_is_in_a_window_of_about_the_rate(frames, fps):
    times = np.arange(frames) / fps
    chosen = windows(times, 9, 15.0)
    assert chosen.shape[1] == 9
    np.testing.assert_array_equal(covered(chosen), np.arange(frames))
    for row in chosen:
        inside = row[row >= 0]
        assert np.array_equal(row[: len(inside)], inside)
        beat = np.diff(times[inside])
        assert np.all(beat > 0)
        assert np.all(np.abs(beat - 1 / 15) < 0.03) or fps == 8


def test_a_slow_track_is_taken_as_it_is():
    chosen = windows(np.arange(9) / 8, 9, 15.0)
    np.testing.assert_array_equal(chosen, [np.arange(9)])


def test_streams_of_a_quick_track_take_turns():
    chosen = windows(np.arange(36) / 60, 9, 15.0)
    np.testing.assert_array_equal(chosen, [np.arange(9) * 4 + first for first in range(4)])


def test_long_tracks_overlap_by_three_quarters_and_end_whole():
    chosen = windows(np.arange(22) / 15, 8, 15.0)
    assert chosen[:, 0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert chosen[-1, -1] == 21
    assert np.all(chosen >= 0)


def test_short_tracks_fill_a_window_in_part():
    np.testing.assert_array_equal(windows(np.arange(3) / 15, 5, 15.0), [[0, 1, 2, -1, -1]])


def test_windows_do_not_reach_over_a_pause():
    times = np.concatenate([np.arange(10), 40 + np.arange(10)]) / 15
    chosen = windows(times, 8, 15.0)
    assert all(row.max() < 10 or row.min() >= 10 for row in chosen)
    np.testing.assert_array_equal(covered(chosen), np.arange(20))


def test_the_middle_counts_most():
    weight = centre_weights(np.array([[0, 1, 2, 3, 4], [7, 8, 9, -1, -1]]))
    np.testing.assert_allclose(weight[0], [0.1, 0.3, 0.5, 0.3, 0.1])
    np.testing.assert_allclose(weight[1], [1 / 6, 0.5, 1 / 6, 0, 0])


@pytest.mark.parametrize("fps", [15, 30])
def test_where_windows_agree_the_mean_is_what_they_say(fps):
    truth = np.random.default_rng(0).normal(size=(50, 3))
    chosen = windows(np.arange(50) / fps, 9, 15.0)
    mean = Blend(50, 3)
    for some in np.array_split(chosen, 3):
        said = truth[some]
        said[some < 0] = np.nan
        mean.add(said, some)
    np.testing.assert_allclose(mean.mean(), truth)


def test_where_they_do_not_it_is_weighted():
    chosen = np.array([[0, 1, 2], [1, 2, 3]])
    mean = Blend(4, 1)
    mean.add(np.array([[[0.0]] * 3, [[1.0]] * 3]), chosen)
    # Weights 1/6, 1/2, 1/6.
    np.testing.assert_allclose(mean.mean()[:, 0], [0, 0.25, 0.75, 1])
