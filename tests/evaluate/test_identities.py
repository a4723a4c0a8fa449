"""Who is who: matches, switches, and people whom nobody found."""

import numpy as np
import pytest

from mocap.evaluate.identities import Sightings, assign, follow, track_costs

FRAMES = 20


def sightings(distances):
    there = np.isfinite(distances)
    return Sightings(
        distances, np.ones(distances.shape[:2], bool), there.any(1).reshape(len(distances), -1)
    )


def crossing(far=5.0):
    distances = np.full((FRAMES, 2, 2), far)
    distances[:, [0, 1], [0, 1]] = 0.1
    return distances


def test_least_total_cost_within_the_limit():
    costs = np.array([[1.0, 2.0, np.nan], [1.1, 9.0, np.nan], [np.nan, np.nan, np.nan]])
    assert assign(costs, 5.0) == {0: 1, 1: 0}
    assert assign(costs, 1.5) in ({0: 0}, {1: 0})
    assert assign(np.zeros((0, 3)), 1.0) == {}


def test_nobody_switches():
    found = follow(sightings(crossing()), 1.0)
    assert (found.switches, found.matched_share, found.false_share) == (0, 1.0, 0.0)


def test_exchanged_identities_are_two_switches():
    distances = crossing()
    distances[10:] = distances[10:, :, ::-1]
    assert follow(sightings(distances), 1.0).switches == 2


def test_a_track_broken_in_two_is_one_switch():
    distances = np.full((FRAMES, 1, 2), np.nan)
    distances[:8, 0, 0] = 0.1
    distances[12:, 0, 1] = 0.1
    found = follow(sightings(distances), 1.0)
    assert found.switches == 1
    assert found.matched_share == pytest.approx(16 / 20)


def test_a_match_that_holds_is_kept():
    distances = crossing(far=0.05)
    distances[0] = [[0.1, 5.0], [5.0, 0.1]]
    assert follow(sightings(distances), 1.0).switches == 0


def test_a_passer_by_is_no_switch():
    distances = np.full((FRAMES, 1, 2), 5.0)
    distances[:, 0, 1] = 0.2
    found = follow(sightings(distances), 1.0)
    assert found.switches == 0
    assert found.false_share == pytest.approx(0.5)


def test_whoever_is_there_all_the_time_is_preferred_to_a_lucky_fragment():
    distances = np.full((FRAMES, 1, 2), np.nan)
    distances[:, 0, 0] = 0.3
    distances[:2, 0, 1] = 0.0
    costs = track_costs(sightings(distances), 1.0)
    assert costs[0, 0] == pytest.approx(0.3)
    assert costs[0, 1] == pytest.approx(0.9)
    assert assign(costs, 0.99) == {0: 0}


def test_who_never_meets_never_matches():
    assert np.isnan(track_costs(sightings(np.full((FRAMES, 1, 1), np.nan)), 1.0)).all()
