import numpy as np
import pytest
from keypoints.figures import figure

from mocap.people import Sighting, Tracklet

LOOK = np.full((2, 4), 0.25)


def seen(places, score=0.9):
    """A tracklet of a figure at places by frame."""
    tracklet = Tracklet()
    for frame, place in places.items():
        body = figure(place, 200.0, score=score)
        tracklet.add(frame, Sighting(body, {"left": None, "right": None}), LOOK)
    return tracklet


def moved(tracklet, frame, from_frame):
    """By how much the person is expected to have moved since a sighting."""
    gap = tracklet.predict(frame).xy - tracklet.sightings[from_frame].body.xy
    np.testing.assert_allclose(gap, np.tile(gap[0], (33, 1)), atol=1e-3)
    return gap[0]


def test_frames_first_and_last_whatever_the_order():
    tracklet = seen({5: (0, 0), 7: (0, 0), 6: (0, 0), 3: (0, 0)})
    assert tracklet.frames == [3, 5, 6, 7]
    assert (tracklet.first, tracklet.last) == (3, 7)


def test_full_size_is_that_at_full_stretch():
    tracklet = seen({frame: (0, 0) for frame in range(20)})
    for frame in (3, 4, 5, 6):
        tracklet.sightings[frame] = Sighting(figure(height=80.0), {})
    tracklet.sightings[7] = Sighting(figure(height=600.0), {})
    assert tracklet.full_size() == pytest.approx(191, abs=0.1)


def test_score_is_the_mean():
    tracklet = seen({0: (0, 0)}, score=0.5)
    tracklet.add(1, Sighting(figure(score=0.9), {}), LOOK)
    assert tracklet.score == pytest.approx(0.7)


def test_the_remembered_appearance_follows_slowly():
    tracklet = seen({0: (0, 0)})
    red = np.tile([1.0, 0.0, 0.0, 0.0], (2, 1))
    tracklet.add(1, Sighting(figure(), {}), red)
    np.testing.assert_allclose(tracklet.appearance, LOOK + 0.05 * (red - LOOK))
    # What was given is not written to.
    np.testing.assert_array_equal(LOOK, 0.25)
    for frame in range(2, 80):
        tracklet.add(frame, Sighting(figure(), {}), red)
    np.testing.assert_allclose(tracklet.appearance, red, atol=0.02)


def test_one_sighting_stays_where_it_is():
    tracklet = seen({4: (50, 60)})
    for frame in (0, 3, 4, 5, 30):
        np.testing.assert_array_equal(moved(tracklet, frame, 4), 0.0)


def test_prediction_goes_on_with_the_velocity_in_both_directions():
    tracklet = seen({frame: (12 * frame, -3 * frame) for frame in range(10, 20)})
    share = 6 * (1 - np.exp(-1 / 6))
    np.testing.assert_allclose(moved(tracklet, 20, 19), share * np.array([12, -3]), rtol=1e-4)
    np.testing.assert_allclose(moved(tracklet, 9, 10), share * np.array([-12, 3]), rtol=1e-4)
    assert 0.9 < share < 1.0


def test_prediction_dies_out():
    tracklet = seen({frame: (12 * frame, 0) for frame in range(10)})
    far = [moved(tracklet, frame, 9)[0] for frame in range(10, 60)]
    assert (np.diff(far) > 0).all()
    assert far[-1] == pytest.approx(6 * 12, rel=1e-3)
    assert moved(tracklet, -50, 0)[0] == pytest.approx(-6 * 12, rel=1e-3)


def test_velocity_is_of_the_last_three_frames():
    places = {frame: (0, 0) for frame in range(10)} | {10: (4, 0), 11: (8, 0), 12: (12, 0)}
    share = 6 * (1 - np.exp(-1 / 6))
    assert moved(seen(places), 13, 12)[0] == pytest.approx(4 * share, rel=1e-4)


def test_velocity_over_missing_frames_counts_them():
    share = 6 * (1 - np.exp(-1 / 6))
    assert moved(seen({8: (0, 0), 10: (20, 0)}), 11, 10)[0] == pytest.approx(10 * share, rel=1e-4)
    # Too long ago to tell how fast somebody is.
    assert moved(seen({6: (0, 0), 10: (20, 0)}), 11, 10)[0] == 0.0


def test_a_flying_limb_does_not_carry_the_person_away():
    tracklet = seen({frame: (0, 0) for frame in range(5)})
    flung = figure((0, 0), 200.0)
    flung.xy[15:23] += 80.0
    tracklet.add(5, Sighting(flung, {}), LOOK)
    np.testing.assert_array_equal(moved(tracklet, 6, 5), 0.0)
