"""When feet rest and where, by feet whose motion is written down."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.fitting.contacts import (
    ContactConfig,
    Feet,
    contact_probability,
    in_contact,
    places_of_rest,
    resting_places,
)

USUAL = ContactConfig()
RATES = [25.0, 30.0, 60.0, 120.0]
#: Heel and toe of the left and the right foot of somebody who stands and looks along +Z.
STANCE = np.array([[0.1, 0, -0.08], [0.1, 0, 0.14], [-0.1, 0, -0.08], [-0.1, 0, 0.14]])


def feet(soles: np.ndarray, fps: float, *, lowest: np.ndarray | None = None) -> Feet:
    """Feet (F, 4, 3) seen for sure by a level camera four metres away that looks along +X."""
    frames = len(soles)
    return Feet(
        soles,
        soles[..., 1].min(1) if lowest is None else lowest,
        np.tile([1.0, 0.0, 0.0], (frames, 1)),
        np.full(frames, 4.0),
        np.ones((frames, 4)),
        fps,
    )


def standing(frames: int) -> np.ndarray:
    return np.tile(STANCE, (frames, 1, 1))


def moved(soles: np.ndarray, path: np.ndarray, foot: str) -> np.ndarray:
    """The soles with a path (F, 3) added to those of ``left``, ``right`` or ``both``."""
    chosen = {"left": slice(0, 2), "right": slice(2, 4), "both": slice(0, 4)}[foot]
    out = soles.copy()
    out[:, chosen] += path[:, None]
    return out


def walk(fps: float, steps: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Soles of somebody who walks along +Z, 0.7 m a step, and whether each foot is down (F, 2)."""
    step, swing = 0.6, 0.45
    times = np.arange(int(steps * step * fps)) / fps
    paths, down = [], []
    for foot in (0, 1):
        since = times - foot * step
        share = np.clip((since % (2 * step)) / swing, 0, 1)
        ahead = 1.4 * (np.floor(since / (2 * step)) + share**2 * (3 - 2 * share))
        paths.append(np.stack([0 * times, 0.12 * np.sin(np.pi * share), ahead], 1))
        down.append(share == 1)
    soles = moved(moved(standing(len(times)), paths[0], "left"), paths[1], "right")
    return soles, np.stack(down, 1)


@pytest.mark.parametrize("fps", RATES)
def test_whoever_stands_rests_on_all_four(fps):
    found = contact_probability(feet(standing(int(fps)), fps), USUAL)
    assert found.min() > 0.99


@pytest.mark.parametrize("fps", RATES)
def test_walking_feet_rest_in_turns(fps):
    soles, down = walk(fps)
    found = contact_probability(feet(soles, fps), USUAL)
    truth = np.repeat(down, 2, axis=1)
    # Lifting off and coming down take a moment.
    margin = max(2, round(0.07 * fps))
    sure = np.ones_like(truth)
    for frame, sole in zip(*np.nonzero(np.diff(truth, axis=0)), strict=True):
        sure[max(0, frame - margin + 1) : frame + margin + 1, sole] = False
    assert (in_contact(found) == truth)[sure].all()
    assert 0.3 < truth[sure].mean() < 0.9
    assert in_contact(found).any(1).mean() > 0.9


@pytest.mark.parametrize("down", [0.0, 30.0])
@pytest.mark.parametrize("fps", [*RATES, 240.0])
def test_a_jump_touches_nothing_not_even_at_its_top(fps, down):
    """At the top feet hardly move, and they are the body's lowest: only time tells."""
    times = np.arange(int(2 * fps)) / fps - 1.0
    height = np.clip(0.3 - 0.5 * 9.81 * times**2, 0.0, None)
    soles = moved(standing(len(times)), height[:, None] * [0, 1.0, 0], "both")
    angle = np.deg2rad(down)
    seen = replace(
        feet(soles, fps), sight=np.tile([np.cos(angle), -np.sin(angle), 0.0], (len(times), 1))
    )
    found = contact_probability(seen, USUAL)
    assert not in_contact(found)[height > 0.02].any()
    assert in_contact(found)[np.abs(times) > 0.35].all()


@pytest.mark.parametrize("fps", RATES)
def test_a_stop_shorter_than_the_shortest_is_none(fps):
    def rests(seconds: float, config: ContactConfig) -> float:
        """For how long a foot rests that comes at two metres a second, stops, and goes on."""
        times = np.arange(int(2 * fps)) / fps
        ahead = 2.0 * (np.minimum(times, 1.0) + np.maximum(times - 1.0 - seconds, 0.0))
        soles = moved(standing(len(times)), ahead[:, None] * [0, 0, 1.0], "left")
        found = in_contact(contact_probability(feet(soles, fps), config))
        assert found[:, 2:].all()
        return found[:, :2].sum() / 2 / fps

    assert rests(0.05, USUAL) == 0.0
    assert rests(0.25, USUAL) == pytest.approx(0.2, abs=0.06)
    assert rests(0.25, replace(USUAL, shortest=0.5)) == 0.0
    assert rests(0.7, replace(USUAL, shortest=0.5)) == pytest.approx(0.65, abs=0.06)


def test_a_foot_held_still_in_the_air_rests_on_nothing():
    soles = moved(standing(60), np.tile([0, 0.3, 0.1], (60, 1)), "left")
    found = contact_probability(feet(soles, 30.0), USUAL)
    assert found[:, :2].max() < 0.01
    assert found[:, 2:].min() > 0.99


def test_feet_of_a_handstand_rest_on_nothing():
    soles = standing(60) + [0, 1.9, 0]
    found = contact_probability(feet(soles, 30.0, lowest=np.zeros(60)), USUAL)
    assert found.max() < 0.01


def test_heels_may_rise_while_toes_rest():
    heels = np.zeros((60, 4, 3))
    heels[:, [0, 2], 1] = 0.15
    found = contact_probability(feet(standing(60) + heels, 30.0), USUAL)
    assert found[:, [0, 2]].max() < 0.2
    assert found[:, [1, 3]].min() > 0.99


@pytest.mark.parametrize(
    ("velocity", "probability"),
    [
        ((0.0, 0.0, 0.25), 0.5),
        ((0.0, 0.0, 0.5), 1 / 17),
        ((0.6, 0.0, 0.0), 0.5),
        ((0.3, 0.0, 0.0), 16 / 17),
        ((0.0, 0.0, 0.0), 1.0),
    ],
    ids=["across", "fast across", "in depth", "slowly in depth", "still"],
)  # fmt: skip
def test_at_its_speed_rest_is_as_likely_as_not_and_depth_is_told_less_well(velocity, probability):
    path = np.arange(60)[:, None] / 30.0 * velocity
    found = contact_probability(feet(moved(standing(60), path, "left"), 30.0), USUAL)
    np.testing.assert_allclose(found[5:-5, :2], probability, atol=1e-6)
    np.testing.assert_allclose(found[:, 2:], 1.0, atol=1e-9)


def test_at_its_lift_rest_is_as_likely_as_not():
    soles = moved(standing(30), np.tile([0, USUAL.lift, 0], (30, 1)), "right")
    found = contact_probability(feet(soles, 30.0), USUAL)
    np.testing.assert_allclose(found[:, 2:], 0.5)
    again = contact_probability(feet(soles, 30.0), replace(USUAL, lift=2 * USUAL.lift))
    np.testing.assert_allclose(again[:, 2:], 16 / 17)


def test_feet_hardly_seen_are_hardly_known_to_rest():
    still = feet(standing(30), 30.0)
    sure = contact_probability(still, USUAL)
    confidence = np.tile([0.9, 0.5, 0.3, 0.0], (30, 1))
    found = contact_probability(replace(still, confidence=confidence), USUAL)
    np.testing.assert_allclose(found, sure * [1.0, 1.0, 0.6, 0.0])


def test_feet_rest_as_they_move_where_they_were_not_seen_for_a_moment():
    soles, _ = walk(30.0)
    seen = feet(soles, 30.0)
    confidence = seen.confidence.copy()
    confidence[20:30] = np.nan
    found = contact_probability(replace(seen, confidence=confidence), USUAL)
    np.testing.assert_allclose(found, contact_probability(seen, USUAL))


def test_what_feet_do_in_a_long_gap_nobody_knows():
    """What the fit fills in stands still if anything does: that is no rest seen."""
    still = feet(standing(60), 30.0)
    confidence = still.confidence.copy()
    confidence[20:50, :2] = np.nan
    found = contact_probability(replace(still, confidence=confidence), USUAL)
    # A fifth of a second on either side is no long gap.
    expected = np.ones((60, 4))
    expected[26:44, :2] = 0.0
    np.testing.assert_allclose(found, expected, atol=0.01)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_fewer_than_three_frames_tell_no_rest(frames):
    found = contact_probability(feet(standing(frames), 30.0), USUAL)
    np.testing.assert_array_equal(found, np.zeros((frames, 4)))
    places, lasting = places_of_rest(standing(frames), found)
    assert places.shape == (0, 3)
    assert lasting.shape == (0,)


@pytest.mark.parametrize("seed", range(3))
def test_neither_place_nor_direction_nor_the_sense_of_time_matters(seed):
    rng = np.random.default_rng(seed)
    soles, _ = walk(30.0)
    seen = feet(soles + 0.005 * rng.normal(size=soles.shape), 30.0)
    found = contact_probability(seen, USUAL)
    turn = Rotation.from_euler("y", rng.uniform(0, 360), degrees=True).as_matrix()
    elsewhere = replace(
        seen,
        soles=seen.soles @ turn.T + [3.0, 7.0, -40.0],
        lowest=seen.lowest + 7.0,
        sight=seen.sight @ turn.T,
    )
    np.testing.assert_allclose(contact_probability(elsewhere, USUAL), found, atol=1e-9)
    backwards = replace(seen, soles=seen.soles[::-1], lowest=seen.lowest[::-1])
    np.testing.assert_allclose(contact_probability(backwards, USUAL), found[::-1], atol=1e-9)
    assert 0.2 < in_contact(found).mean() < 0.9


class TestPlacesOfRest:
    def test_one_for_each_unbroken_rest_with_its_frames(self):
        soles = np.arange(20 * 12, dtype=float).reshape(20, 4, 3)
        probability = np.zeros((20, 4))
        probability[2:7, 0] = probability[10:20, 0] = 0.9
        probability[0:3, 3] = 0.8
        probability[5:9, 2] = 0.5
        places, frames = places_of_rest(soles, probability)
        np.testing.assert_array_equal(frames, [5.0, 10.0, 3.0])
        wanted = [soles[2:7, 0].mean(0), soles[10:20, 0].mean(0), soles[0:3, 3].mean(0)]
        np.testing.assert_allclose(places, wanted)

    def test_what_rests_more_surely_tells_more_of_the_place(self):
        soles = np.zeros((4, 4, 3))
        soles[:, 1, 0] = [0.0, 0.0, 1.0, 1.0]
        probability = np.zeros((4, 4))
        probability[:, 1] = [0.6, 0.6, 0.9, 0.9]
        places, _ = places_of_rest(soles, probability)
        np.testing.assert_allclose(places, [[0.6, 0.0, 0.0]])

    def test_none_at_all(self):
        places, frames = places_of_rest(standing(9), np.full((9, 4), 0.4))
        assert places.shape == (0, 3)
        assert frames.shape == (0,)

    def test_a_walk_has_a_place_for_each_step(self):
        soles, _ = walk(30.0)
        places, frames = places_of_rest(soles, contact_probability(feet(soles, 30.0), USUAL))
        heels = places[np.abs(places[:, 0] - 0.1) < 0.01]
        np.testing.assert_allclose(np.diff(np.unique(heels[:, 2].round(1))).min(), 0.2, atol=0.05)
        assert np.abs(places[:, 1]).max() < 0.02
        # Three steps of a foot, heel and toe each, and what the clip's ends cut short.
        assert (frames > 15).sum() == 12


class TestRestingPlaces:
    def held(self, height: float, **changed):
        seen = replace(feet(standing(30) + [0, height, 0], 30.0), **changed)
        return seen, resting_places(seen, np.full((30, 4), 0.9), 0.0, USUAL)

    @pytest.mark.parametrize("height", [-0.07, 0.0, 0.03, 0.07])
    def test_near_the_floor_is_on_the_floor(self, height):
        seen, found = self.held(height)
        wanted = seen.soles.copy()
        wanted[..., 1] = 0.0
        np.testing.assert_allclose(found.places, wanted, atol=1e-12)
        np.testing.assert_allclose(found.probability, 0.9)

    @pytest.mark.parametrize("height", [-0.3, 0.11, 0.5])
    def test_on_a_box_or_in_a_pit_is_where_it_is(self, height):
        seen, found = self.held(height)
        np.testing.assert_allclose(found.places, seen.soles, atol=1e-12)
        np.testing.assert_allclose(found.probability, 0.9)

    @pytest.mark.parametrize(
        ("height", "held"), [(0.55, 0.5), (0.45, 0.5), (0.04, 0.0), (0.25, 0.25), (0.9, 0.9)]
    )
    def test_of_somebody_on_a_box_are_on_the_box_or_on_the_floor(self, height, held):
        seen = feet(standing(30) + [0, height, 0], 30.0)
        found = resting_places(seen, np.full((30, 4), 0.9), 0.5, USUAL)
        np.testing.assert_allclose(found.places[..., 1], held)

    def test_far_from_a_camera_that_looks_down_more_is_near(self):
        """There a height is as uncertain as the distance."""
        sight = np.tile([np.sqrt(0.75), -0.5, 0.0], (30, 1))
        for distance, on_floor in ((2.0, False), (6.0, True)):
            _, found = self.held(0.12, sight=sight, distance=np.full(30, distance))
            assert (found.places[..., 1] == 0).all() == on_floor

    def test_a_rest_has_one_place(self):
        rng = np.random.default_rng(0)
        soles = standing(30) + 0.01 * rng.normal(size=(30, 4, 3))
        found = resting_places(feet(soles, 30.0), np.ones((30, 4)), 0.0, USUAL)
        np.testing.assert_allclose(found.places, np.tile(found.places[0], (30, 1, 1)))
        np.testing.assert_allclose(found.places[0][:, [0, 2]], soles.mean(0)[:, [0, 2]])
        # Being a centimetre off is no sliding.
        assert found.probability.min() > 0.85

    def test_sliding_feet_are_let_go(self):
        """Slowly enough to rest by its speed, but on and on."""
        path = np.arange(60)[:, None] / 30.0 * [0.0, 0.0, 0.15]
        seen = feet(moved(standing(60), path, "left"), 30.0)
        resting = contact_probability(seen, USUAL)
        assert in_contact(resting).all()
        found = resting_places(seen, resting, 0.0, USUAL)
        away = np.abs(path[:, 2] - path[:, 2].mean())
        held = found.probability[:, 0] > 0
        assert not held[away > 0.055].any()
        assert held[away < 0.03].all()
        assert (found.probability[:, 2:] > 0.9).all()

    def test_in_depth_they_may_seem_to_slide_farther(self):
        path = np.arange(60)[:, None] / 30.0 * [0.1, 0.0, 0.0]
        seen = feet(moved(standing(60), path, "left"), 30.0)
        found = resting_places(seen, contact_probability(seen, USUAL), 0.0, USUAL)
        assert (found.probability > 0.5).all()
        aside = replace(seen, sight=np.tile([0.0, 0.0, 1.0], (60, 1)))
        found = resting_places(aside, contact_probability(aside, USUAL), 0.0, USUAL)
        assert not found.probability[[0, -1], :2].any()

    def test_a_foot_that_hardly_rests_is_not_held(self):
        probability = np.tile([0.5, 0.51, 0.2, 0.0], (30, 1))
        found = resting_places(feet(standing(30), 30.0), probability, 0.0, USUAL)
        np.testing.assert_allclose(found.probability, np.tile([0.0, 0.51, 0.0, 0.0], (30, 1)))
