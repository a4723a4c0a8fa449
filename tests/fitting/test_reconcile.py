"""Up, sizes and floor that agree, where it is known what there is to find."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.fitting.reconcile import Rests, agree, find_floor

#: A camera at the height of a chest.
CENTRE = np.array([0.2, 1.5, -0.3])
UP = np.array([0.0, 1.0, 0.0])
DEGREE = np.deg2rad(1.0)
#: Of what two people's sizes differ by, how much is put down to their size: deviations of 5.5 %
#: of sizes and of 3 % of heights over feet.
SHARE = 0.055**2 / (0.055**2 + 0.03**2)


def around(x: float, z: float, rng: np.random.Generator, count: int = 12) -> np.ndarray:
    """Places (R, 3) on the floor y = 0 within a metre of one."""
    return np.array([x, 0.0, z]) + rng.uniform(-1, 1, (count, 3)) * [1.0, 0.0, 1.0]


def mistaken(places: np.ndarray, size: float, seconds: float = 1.0) -> Rests:
    """The rests of somebody taken for ``size`` times as large, and so as far away."""
    return Rests(CENTRE + size * (places - CENTRE), np.full(len(places), seconds))


NOBODY = Rests(np.zeros((0, 3)), np.zeros(0))


class TestSizes:
    """People on one floor have the camera equally high over their feet."""

    @pytest.mark.parametrize(
        "sizes", [(1.0, 1.0), (0.92, 1.1), (1.0, 0.85), (0.95, 1.0, 1.15), (1.1, 1.1, 1.1)]
    )
    def test_move_as_far_towards_each_other_as_they_are_doubtful(self, rng, sizes):
        """Only ratios of sizes are told: the geometric mean stays."""
        places = [around(x, z, rng) for x, z in ((-1, 4), (1.5, 6), (0, 9))[: len(sizes)]]
        rests = [mistaken(p, size) for p, size in zip(places, sizes, strict=True)]
        found = agree(rests, CENTRE, 0.0, sizes_free=True)
        mean = np.prod(sizes) ** (1 / len(sizes))
        np.testing.assert_allclose(found.factors, (mean / np.array(sizes)) ** SHARE, rtol=1e-9)
        np.testing.assert_array_equal(found.up, UP)

    def test_move_less_where_people_are_far_apart_and_up_is_doubtful(self, rng):
        def change(x: float, sigma: float) -> float:
            rests = [mistaken(around(-x, 5, rng), 0.95), mistaken(around(x, 5, rng), 1.05)]
            return abs(np.log(agree(rests, CENTRE, sigma, sizes_free=True).factors)).sum()

        together, apart = (change(x, 2 * DEGREE) for x in (0.3, 5.0))
        assert apart < 0.5 * together
        assert change(5.0, 0.0) > 0.7 * np.log(1.05 / 0.95)

    def test_bring_feet_to_one_floor_nearly(self, rng):
        rests = [mistaken(around(-1, 4, rng), 0.95), mistaken(around(1, 5, rng), 1.06)]
        found = agree(rests, CENTRE, 0.0, sizes_free=True)
        heights = [
            CENTRE[1] + factor * (one.places[:, 1].mean() - CENTRE[1])
            for factor, one in zip(found.factors, rests, strict=True)
        ]
        apart = np.ptp([one.places[:, 1].mean() for one in rests])
        assert apart > 0.15
        assert np.ptp(heights) < 0.25 * apart
        assert min(heights) - 0.01 < found.floor < max(heights) + 0.01

    def test_that_are_known_stay(self, rng):
        rests = [mistaken(around(-1, 4, rng), 0.95), mistaken(around(1, 5, rng), 1.06)]
        found = agree(rests, CENTRE, 0.0, sizes_free=False)
        np.testing.assert_array_equal(found.factors, 1.0)
        assert np.ptp(found.levels) == pytest.approx(CENTRE[1] * 0.11, abs=0.02)

    def test_are_not_told_by_one_person_nor_by_company_that_never_rests(self, rng):
        rests = [mistaken(around(0, 4, rng), 0.8), NOBODY]
        for people in (rests[:1], rests):
            found = agree(people, CENTRE, 0.0, sizes_free=True)
            np.testing.assert_array_equal(found.factors, 1.0)
            assert found.floor == pytest.approx(CENTRE[1] * 0.2, abs=0.011)
            assert found.levels[0] == pytest.approx(0.0, abs=1e-9)
        assert np.isnan(found.levels[1])

    def test_are_not_told_by_feet_as_high_as_the_camera(self, rng):
        """Who is seen along the floor is as large at any distance."""
        low = np.array([0.0, 0.1, 0.0])
        rests = [mistaken(around(x, 4, rng), size) for x, size in ((-1, 0.95), (1, 1.05))]
        rests = [replace(one, places=one.places - CENTRE + low) for one in rests]
        rests = [replace(one, places=one.places * [1, 0.1, 1]) for one in rests]
        found = agree(rests, low, 0.0, sizes_free=True)
        np.testing.assert_array_equal(found.factors, 1.0)

    def test_are_not_changed_for_a_box(self, rng):
        """One who stands half a metre higher does not drag the other."""
        places = [around(-1, 4, rng), around(1, 4.5, rng) + 0.5 * UP]
        for sigma in (0.0, 2 * DEGREE):
            found = agree([mistaken(p, 1.0) for p in places], CENTRE, sigma, sizes_free=True)
            np.testing.assert_array_equal(found.factors, 1.0)
            assert found.floor == pytest.approx(0.0, abs=0.02)
            np.testing.assert_allclose(found.levels, [0.0, 0.5], atol=0.02)
            assert angle(found.up, UP) < 0.2

    def test_of_those_on_the_floor_agree_beside_one_on_a_box(self, rng):
        places = [around(-1, 4, rng), around(0, 6, rng), around(1, 4.5, rng) + 0.8 * UP]
        rests = [mistaken(*one) for one in zip(places, (0.96, 1.04, 1.0), strict=True)]
        found = agree(rests, CENTRE, 0.0, sizes_free=True)
        wanted = (np.sqrt(0.96 * 1.04) / np.array([0.96, 1.04])) ** SHARE
        np.testing.assert_allclose(found.factors, [*wanted, 1.0], rtol=1e-9)

    def test_do_not_mind_a_bad_rest_among_good_ones(self, rng):
        rests = [mistaken(around(-1, 4, rng), 1.0), mistaken(around(1, 5, rng), 1.0)]
        rests[0].places[3, 1] += 0.9
        found = agree(rests, CENTRE, 0.0, sizes_free=True)
        np.testing.assert_allclose(found.factors, 1.0, rtol=1e-12)
        assert found.floor == pytest.approx(0.0, abs=0.011)


class TestUp:
    """Everybody's rests are equally high."""

    @pytest.mark.parametrize("axis", ["x", "z"])
    def test_is_turned_by_rests_all_over_the_floor(self, rng, axis):
        rests, up = tilted(rng, axis, 3.0)
        found = agree(rests, CENTRE, 4 * DEGREE, sizes_free=False)
        # Across the line of sight the floor is half as long.
        assert angle(found.up, up) < (0.5 if axis == "x" else 1.0)
        assert np.linalg.norm(found.up) == pytest.approx(1.0)
        # The floor is given along the up that was found.
        heights = np.concatenate([one.places for one in rests]) @ found.up
        assert found.floor == pytest.approx(np.median(heights), abs=0.03)

    def test_is_turned_the_less_the_surer_it_was(self, rng):
        rests, up = tilted(rng, "x", 3.0)
        turns = [
            angle(agree(rests, CENTRE, sigma, sizes_free=False).up, UP)
            for sigma in np.array([4.0, 1.0, 0.3, 0.1]) * DEGREE
        ]
        assert (np.diff(turns) < 0).all()
        assert turns[0] > 0.85 * angle(up, UP)
        assert turns[-1] < 0.3

    def test_that_is_given_is_not_turned(self, rng):
        rests, _ = tilted(rng, "x", 3.0)
        np.testing.assert_array_equal(agree(rests, CENTRE, 0.0, sizes_free=True).up, UP)

    def test_is_not_told_by_rests_in_one_place(self, rng):
        """A floor that rises is told by rests far from each other only."""
        place = np.array([[0.5, 0.0, 4.0]]) + 0.05 * rng.normal(size=(12, 3)) * [1, 0, 1]
        found = agree([mistaken(place, 1.0)], CENTRE, 4 * DEGREE, sizes_free=True)
        assert angle(found.up, UP) < 0.1
        assert found.floor == pytest.approx(0.0, abs=0.011)

    def test_is_not_told_by_one_who_stands_higher_than_another(self, rng):
        """A step, or another size: each tells by their own rests."""
        places = [around(-2, 4, rng), around(2, 4, rng) + 0.3 * UP]
        found = agree([mistaken(p, 1.0) for p in places], CENTRE, 4 * DEGREE, sizes_free=False)
        assert angle(found.up, UP) < 0.05

    def test_is_not_turned_for_a_stair(self, rng):
        """A few rests far off the others are outliers."""
        places = around(0, 4, rng, count=24)
        places[20:] += 0.6 * UP
        found = agree([mistaken(places, 1.0)], CENTRE, 3 * DEGREE, sizes_free=False)
        assert angle(found.up, UP) < 0.5

    def test_is_told_no_better_by_the_same_said_ten_times(self, rng):
        rests, _ = tilted(rng, "x", 3.0)
        often = [Rests(np.tile(o.places, (10, 1)), np.tile(o.seconds, 10)) for o in rests]
        once, again = (
            agree(people, CENTRE, 2 * DEGREE, sizes_free=True) for people in (rests, often)
        )
        np.testing.assert_allclose(once.up, again.up, atol=1e-6)


def tilted(rng: np.random.Generator, axis: str, degrees: float) -> tuple[list[Rests], np.ndarray]:
    """Two people's rests all over a floor a metre down, in a world that is tilted."""
    tilt = Rotation.from_euler(axis, degrees, degrees=True)
    places = [around(x, z, rng, 24) * [1.5, 1, 2] - UP for x, z in ((-1, 3.5), (1, 4))]
    rests = [Rests(tilt.apply(p - CENTRE) + CENTRE, np.ones(len(p))) for p in places]
    return rests, tilt.apply(UP)


def angle(one: np.ndarray, two: np.ndarray) -> float:
    """Degrees between unit vectors."""
    return float(np.rad2deg(np.arccos(np.clip(one @ two, -1, 1))))


@pytest.mark.parametrize("people", [1, 2])
def test_without_rests_all_stays_as_it_was(people):
    found = agree([NOBODY] * people, CENTRE, 0.1, sizes_free=True)
    np.testing.assert_array_equal(found.factors, np.ones(people))
    np.testing.assert_array_equal(found.up, UP)
    assert found.floor is None
    assert np.isnan(found.levels).all()
    assert found.levels.shape == (people,)


def test_the_floor_is_that_of_who_the_clip_is_about(rng):
    """Somebody large in the picture on a stage, and passers-by below: the stage is the floor."""
    star, passer = mistaken(around(0, 4, rng) + 0.8 * UP, 1.0), mistaken(around(1, 6, rng), 1.0)
    for sizes, floor in (((900.0, 300.0), 0.8), ((300.0, 900.0), 0.0)):
        people = [replace(one, size=size) for one, size in zip((star, passer), sizes, strict=True)]
        found = agree(people, CENTRE, 0.0, sizes_free=True)
        assert found.floor == pytest.approx(floor, abs=0.011)
        np.testing.assert_allclose(found.levels, [0.8 - floor, -floor], atol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_neither_order_nor_place_nor_direction_matters(seed):
    rng = np.random.default_rng(seed)
    sizes = rng.uniform(0.92, 1.08, 3)
    rests = [mistaken(around(x, 4 + x, rng), s) for x, s in zip((-1, 0, 1), sizes, strict=True)]
    found = agree(rests, CENTRE, 2 * DEGREE, sizes_free=True)
    turn = Rotation.from_euler("y", rng.uniform(0, 360), degrees=True)
    shift = rng.normal(0, 10, 3) * [1, 0, 1]
    moved = [Rests(turn.apply(one.places) + shift, one.seconds) for one in rests[::-1]]
    again = agree(moved, turn.apply(CENTRE) + shift, 2 * DEGREE, sizes_free=True)
    # Medians of places are taken axis by axis, which is not quite the same in all directions.
    np.testing.assert_allclose(again.factors[::-1], found.factors, atol=1e-3)
    np.testing.assert_allclose(again.up, turn.apply(found.up), atol=1e-5)
    assert np.abs(found.factors - 1).max() > 0.005


class TestFloor:
    """The height at which feet rest."""

    def test_is_where_they_rest(self):
        heights = np.array([0.31, 0.29, 0.3, 0.3])
        assert find_floor([heights], [np.ones(4)]) == pytest.approx(0.3, abs=0.01)

    def test_is_the_lowest_level_that_lasts(self):
        """Ten seconds on a box and four on the floor: it is the floor, though they were shorter."""
        heights = np.array([0.5, 0.5, 0.0, 0.01])
        found = find_floor([heights], [np.array([5.0, 5.0, 2.0, 2.0])])
        assert found == pytest.approx(0.005, abs=0.01)

    def test_is_not_where_a_foot_stops_by(self):
        """A glitch below the floor lasts for a moment."""
        heights, seconds = np.array([0.0, 0.0, -0.6, 0.4]), np.array([4.0, 4.0, 0.5, 1.0])
        assert find_floor([heights], [seconds]) == pytest.approx(0.0, abs=0.01)

    def test_is_everybodys(self):
        heights = [np.array([0.02, 0.02]), np.zeros(0), np.array([-0.02, 0.7])]
        seconds = [np.array([3.0, 3.0]), np.zeros(0), np.array([6.0, 9.0])]
        assert find_floor(heights, seconds) == pytest.approx(0.0, abs=0.011)

    def test_is_as_high_as_they_are(self, rng):
        heights, seconds = rng.normal(0, 0.01, 30), rng.uniform(0.2, 2, 30)
        low = find_floor([heights], [seconds])
        assert low == pytest.approx(np.average(heights, weights=seconds), abs=0.011)
        assert find_floor([heights - 7.0], [seconds]) == pytest.approx(low - 7.0, abs=1e-6)

    @pytest.mark.parametrize("people", [0, 1, 3])
    def test_is_not_known_without_rests(self, people):
        assert find_floor([np.zeros(0)] * people, [np.zeros(0)] * people) is None

    def test_one_rest_is_enough(self):
        assert find_floor([np.array([-0.83])], [np.array([0.1])]) == pytest.approx(-0.83, abs=0.006)
