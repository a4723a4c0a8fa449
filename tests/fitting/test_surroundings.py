"""The terms of floor, rests and others: where they are zero, what they cost, how they change."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.fitting import terms
from mocap.fitting.balance import Balance
from mocap.fitting.freedom import SIZE
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig
from mocap.fitting.problem import Problem
from mocap.fitting.terms import Residuals, Weights

from .problems import small, surrounded

ZERO = np.zeros(10)
WEIGHTS = Weights(rest=0.02, floor=0.005, apart=0.04)


@pytest.fixture(scope="module")
def crowded(body64, rig, flesh):
    problem, truth = small(body64, rig, frames=6)
    return surrounded(problem, truth, flesh)


def evaluated(term: str, problem: Problem, pose: Pose) -> Residuals:
    around = problem.around
    flesh = around.flesh
    posed = pose_rig(flesh.rig, ZERO, pose)
    points, jacobian = posed.points, point_jacobian(flesh.rig, pose, posed)
    if term == "above_floor":
        return terms.above_floor(points, jacobian, flesh.clearance, WEIGHTS)
    if term == "resting":
        soles = flesh.soles
        return terms.resting(
            points[:, soles], jacobian[:, soles], around.places, around.probability, WEIGHTS
        )
    balls = flesh.balls
    return terms.apart(
        points[:, balls],
        jacobian[:, balls],
        flesh.radii,
        around.others,
        around.their_radii,
        WEIGHTS,
    )


@pytest.mark.parametrize("term", ["resting", "above_floor", "apart"])
def test_derivatives(crowded, term):
    problem, pose = crowded
    found = evaluated(term, problem, pose)
    assert (found.values != 0).sum() > 10, "the test wants points that touch"
    numeric = np.empty_like(found.jacobian)
    for unknown in range(SIZE):
        step = np.zeros((len(pose), SIZE))
        step[:, unknown] = 1e-6
        ahead = evaluated(term, problem, pose.moved(step)).values
        behind = evaluated(term, problem, pose.moved(-step)).values
        numeric[..., unknown] = (ahead - behind) / 2e-6
    np.testing.assert_allclose(found.jacobian, numeric, atol=2e-4)
    assert np.abs(numeric).max() > 5


def points_of(*places: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Points of one frame, and their derivative by their own coordinates."""
    points = np.array(places, float)[None]
    return points, np.eye(points.size).reshape(1, *points.shape[1:], points.size)


class TestResting:
    def test_nothing_is_wrong_where_feet_rest(self):
        points, jacobian = points_of((0.1, 0.0, 3.0), (0.2, 0.5, 3.1))
        found = terms.resting(points, jacobian, points, np.ones((1, 2)), WEIGHTS)
        assert not found.values.any()

    def test_costs_deviations_from_the_place_in_every_direction(self):
        points, jacobian = points_of((0.1, 0.2, 3.0), (0.0, 0.0, 0.0))
        places = points - [[[0.02, -0.04, 0.01], [0.0, 0.0, 0.06]]]
        found = terms.resting(points, jacobian, places, np.ones((1, 2)), WEIGHTS)
        np.testing.assert_allclose(found.values, [[1.0, -2.0, 0.5, 0.0, 0.0, 3.0]])
        np.testing.assert_allclose(found.jacobian[0], np.eye(6) / 0.02)

    def test_probability_multiplies_the_energy(self):
        points, jacobian = points_of((0.1, 0.2, 3.0), (0.0, 0.0, 0.0))
        sure = terms.resting(points, jacobian, points + 0.03, np.array([[1.0, 1.0]]), WEIGHTS)
        half = terms.resting(points, jacobian, points + 0.03, np.array([[0.5, 0.0]]), WEIGHTS)
        assert np.sum(half.values**2) == pytest.approx(0.25 * np.sum(sure.values**2))
        assert not half.values[0, 3:].any()
        assert not half.jacobian[0, 3:].any()


class TestAboveFloor:
    def test_costs_nothing_above_and_deviations_below(self):
        points, jacobian = points_of((0, 0.3, 2), (1, 0.0, 2), (2, -0.01, 0), (3, 0.02, 0))
        clearance = np.array([0.1, 0.0, 0.0, 0.05])
        found = terms.above_floor(points, jacobian, clearance, WEIGHTS)
        np.testing.assert_allclose(found.values, [[0.0, 0.0, -2.0, -6.0]])
        wanted = np.zeros((4, 12))
        wanted[2, 7] = wanted[3, 10] = 1 / 0.005
        np.testing.assert_allclose(found.jacobian[0], wanted)

    def test_only_height_matters(self, rng):
        points = rng.normal(0, 0.1, (5, 7, 3))
        aside = points + [3.0, 0.0, -40.0]
        nothing = np.zeros((5, 7, 3, 0))
        one, two = (
            terms.above_floor(p, nothing, np.zeros(7), WEIGHTS).values for p in (points, aside)
        )
        np.testing.assert_array_equal(one, two)
        assert one.min() < -10


class TestBalanced:
    """One frame each; the centre of mass is asked for along a direction, within a reach."""

    def one(self, off: float, *, trust: float = 1.0, outlier: float = 1e9):
        weights = replace(WEIGHTS, balance=0.05, outlier=outlier)
        direction = np.array([[0.6, 0.0, 0.8]])
        asked = Balance(direction, np.array([1.5]), np.array([0.1]), np.array([trust]))
        centre = (1.5 + off) * direction + [[0.0, 0.9, 0.0]] + 0.7 * np.array([[0.8, 0.0, -0.6]])
        found = terms.balanced(centre, np.eye(3)[None], asked, weights)
        return found, terms.balance_energy(centre, asked, weights)

    @pytest.mark.parametrize("off", [-0.1, -0.03, 0.0, 0.0999])
    def test_within_reach_it_costs_nothing(self, off):
        found, energy = self.one(off * 0.999)
        assert not found.values.any()
        assert not found.jacobian.any()
        assert energy == 0.0

    @pytest.mark.parametrize("off", [-0.4, -0.15, 0.2, 0.35])
    def test_beyond_it_costs_deviations_along_the_line_of_sight(self, off):
        found, energy = self.one(off)
        wanted = np.sign(off) * (abs(off) - 0.1) / 0.05
        np.testing.assert_allclose(found.values, [[wanted]])
        np.testing.assert_allclose(found.jacobian, [[[12.0, 0.0, 16.0]]])
        assert energy == pytest.approx(0.5 * wanted**2)

    def test_trust_multiplies_the_energy(self):
        (found, energy), (half, less) = self.one(0.3), self.one(0.3, trust=0.5)
        np.testing.assert_allclose(half.values**2, 0.5 * found.values**2)
        assert less == pytest.approx(0.5 * energy)
        assert self.one(0.3, trust=0.0)[1] == 0.0

    def test_whoever_hangs_from_something_is_not_dragged(self):
        """Geman and McClure: far off, nothing pulls, and the cost ends at half the square."""
        assert self.one(50.0, outlier=3.0)[1] == pytest.approx(4.5, rel=1e-3)
        pulls = [
            float((found.values[0] * found.jacobian[0, 0, 2])[0])
            for found, _ in (self.one(off, outlier=3.0) for off in (0.2, 3.0))
        ]
        assert pulls[1] < 0.01 * pulls[0]

    def test_the_energy_falls_as_its_residuals_say(self):
        for off in (-0.5, 0.2, 0.31):
            found, _ = self.one(off, outlier=3.0)
            ahead, behind = (self.one(off + step, outlier=3.0)[1] for step in (1e-6, -1e-6))
            pull = found.values[0, 0] * found.jacobian[0, 0] @ [0.6, 0.0, 0.8]
            assert pull == pytest.approx((ahead - behind) / 2e-6, rel=1e-5)


class TestApart:
    def one(self, mine, theirs, radii=(0.1,), their_radii=(0.05,)) -> Residuals:
        points, jacobian = points_of(*mine)
        others = np.reshape(theirs, (1, -1, 3))
        return terms.apart(
            points, jacobian, np.array(radii), others, np.array(their_radii), WEIGHTS
        )

    @pytest.mark.parametrize("gap", [0.1501, 0.5, 1e6])
    def test_balls_that_do_not_touch_cost_nothing(self, gap):
        found = self.one([(0.0, 1.0, 3.0)], [(gap, 1.0, 3.0)])
        assert not found.values.any()
        assert not found.jacobian.any()

    def test_costs_deviations_of_depth_and_pushes_straight_away(self):
        found = self.one([(0.0, 1.0, 3.0)], [(0.03, 1.0, 3.04)])
        assert found.values[0, 0] == pytest.approx((0.15 - 0.05) / 0.04)
        np.testing.assert_allclose(found.jacobian[0, 0], np.array([0.6, 0.0, 0.8]) / 0.04)

    def test_only_the_deepest_overlap_counts(self):
        theirs = [(0.1, 1.0, 3.0), (0.0, 1.0, 3.05), (0.0, 5.0, 3.0)]
        alone = self.one([(0.0, 1.0, 3.0)], [theirs[1]])
        found = self.one([(0.0, 1.0, 3.0)], theirs, their_radii=(0.05, 0.05, 0.05))
        np.testing.assert_allclose(found.values, alone.values)
        np.testing.assert_allclose(found.jacobian, alone.jacobian)

    def test_a_large_ball_farther_away_may_be_the_deepest(self):
        theirs = [(0.05, 1.0, 3.0), (0.0, 1.0, 3.2)]
        found = self.one([(0.0, 1.0, 3.0)], theirs, their_radii=(0.05, 0.4))
        assert found.values[0, 0] == pytest.approx(0.3 / 0.04)
        np.testing.assert_allclose(found.jacobian[0, 0], np.array([0.0, 0.0, 1.0]) / 0.04)

    def test_centres_in_one_place_are_parted_somehow(self):
        """There is no direction apart, and none must not mean not a number, or no push at all."""
        found = self.one([(0.2, 1.0, 3.0)], [(0.2, 1.0, 3.0)])
        assert found.values[0, 0] == pytest.approx(0.15 / 0.04)
        assert np.linalg.norm(found.jacobian[0, 0]) == pytest.approx(1 / 0.04)

    @given(
        st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=3),
        st.floats(0.01, 0.3),
        st.floats(0.01, 0.3),
    )
    def test_a_step_against_the_derivative_parts_them(self, offset, mine, theirs):
        place = np.array([0.3, 1.0, 2.0])
        found = self.one([place], [place + offset], (mine,), (theirs,))
        overlap = max(mine + theirs - float(np.linalg.norm(offset)), 0.0)
        assert found.values[0, 0] == pytest.approx(overlap / 0.04, abs=1e-9)
        if overlap > 1e-6:
            step = -found.jacobian[0, 0] / np.linalg.norm(found.jacobian[0, 0]) * overlap
            after = self.one([place + step], [place + offset], (mine,), (theirs,))
            assert after.values[0, 0] < 1e-5

    def test_who_is_absent_in_some_frames_does_not_matter_in_them(self, crowded):
        """The absent are kept very far away: nothing may come of it, not even rounding."""
        problem, pose = crowded
        found = evaluated("apart", problem, pose)
        assert not found.values[0].any()
        assert not found.jacobian[0].any()
        alone = replace(problem, around=problem.around[1:])
        later = evaluated("apart", alone, pose[1:])
        np.testing.assert_array_equal(later.values, found.values[1:])
