"""The likelihood of "up": kinds of edges one by one, densities that are densities, and rooms."""

import numpy as np
import pytest
from rooms import intrinsics, room, up_of
from scipy.integrate import trapezoid

from mocap.geometry import viewing_rays
from mocap.scene import vertical_log_likelihood
from mocap.scene import verticals as module

K = intrinsics(60.0)


def towards(point: np.ndarray, starts: np.ndarray, length: float = 120.0) -> np.ndarray:
    """Segments from ``starts`` towards (or away from) a vanishing point in the plane."""
    way = point[:2] - point[2] * starts
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return np.concatenate([starts, starts + length * way], 1)


def likeliest(segments: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    return candidates[np.argmax(vertical_log_likelihood(segments, K, candidates))]


GRID = np.array([up_of(roll, pitch) for roll in range(-40, 41) for pitch in range(-40, 41)])


@pytest.mark.parametrize(("roll", "pitch"), [(0, 0), (0, -20), (15, -10), (-25, 12), (3, 35)])
def test_plumb_edges_meet_at_the_nadir(roll, pitch):
    rng = np.random.default_rng(0)
    segments = towards(K @ up_of(roll, pitch), rng.uniform(100, [1180, 620], (30, 2)))
    found = likeliest(segments, GRID)
    assert found @ up_of(roll, pitch) > np.cos(np.deg2rad(1.1))


def test_up_and_down_are_the_same_and_so_are_both_ends():
    rng = np.random.default_rng(1)
    segments = rng.uniform(0, 700, (40, 4))
    ups = rng.normal(size=(50, 3))
    ups /= np.linalg.norm(ups, axis=1, keepdims=True)
    told = vertical_log_likelihood(segments, K, ups)
    assert told == pytest.approx(vertical_log_likelihood(segments, K, -ups), abs=1e-4)
    turned = segments[:, [2, 3, 0, 1]]
    assert told == pytest.approx(vertical_log_likelihood(turned, K, ups), abs=1e-4)


def slants(centre: np.ndarray, count: int = 1440) -> tuple[np.ndarray, module._Edges]:
    """Edges of every slant at one place, short, and their angles."""
    middle = viewing_rays(centre, K)
    right = np.cross(middle, [0, 1.0, 0])
    right /= np.linalg.norm(right)
    angles = np.linspace(0, np.pi, count + 1)
    along = np.cos(angles)[:, None] * right + np.sin(angles)[:, None] * np.cross(right, middle)
    across = np.cross(middle, along)
    return angles, module._Edges(
        along, across, np.tile(middle, (count + 1, 1)), np.full(count + 1, 0.1)
    )


@pytest.mark.parametrize("centre", [(640, 700), (100, 360), (1200, 50)])
@pytest.mark.parametrize("up", [up_of(0, 0), up_of(20, -35), up_of(-5, 10)])
def test_densities_of_slants_integrate_to_one(centre, up):
    angles, edges = slants(np.array(centre, float))
    along, across, height = (axis @ up for axis in (edges.along, edges.across, edges.middle))
    level = module._level(along, across, np.abs(height), along**2 + across**2)
    assert trapezoid(level, angles) / np.pi == pytest.approx(1.0, abs=0.02)
    each = [module._log_likelihood(edges, w, up[None])[0] for w in np.eye(len(angles))]
    assert trapezoid(np.exp(each), angles) / np.pi == pytest.approx(1.0, abs=0.02)


def test_level_edges_at_random_slant_as_the_density_says():
    rng = np.random.default_rng(2)
    heading = rng.uniform(0, 2 * np.pi, 200_000)
    direction = np.stack([np.cos(heading), 0 * heading, np.sin(heading)], -1)
    # Seen 30 degrees below the horizon.
    middle = np.array([0.0, np.sin(np.pi / 6), np.cos(np.pi / 6)])
    upward = np.array([0.0, np.cos(np.pi / 6), -np.sin(np.pi / 6)])
    slant = np.arctan2(direction @ upward, direction[:, 0]) % np.pi
    counts, border = np.histogram(slant, 36, (0, np.pi), density=True)
    angle = 0.5 * (border[1:] + border[:-1])
    density = module._level(np.sin(angle), np.cos(angle), np.full(36, abs(middle[1])), np.ones(36))
    assert counts * np.pi == pytest.approx(density, rel=0.08)


def test_clutter_tells_nothing_for_long():
    rng = np.random.default_rng(3)
    start = rng.uniform(0, [1280, 720], (200, 2))
    angle = rng.uniform(0, np.pi, 200)
    segments = np.c_[start, start + 80 * np.stack([np.cos(angle), np.sin(angle)], -1)]
    told = vertical_log_likelihood(segments, K, GRID)
    # Never below what a scene of clutter alone would give, and a lucky peak is a low one.
    assert told.min() > np.log(1 / 3) - 1e-3
    assert told.max() < 4.0


def test_many_copies_of_an_edge_are_not_as_many_witnesses():
    segments = room(np.random.default_rng(5), 8.0, -12.0, found=0.9).segments
    once = np.ptp(vertical_log_likelihood(segments, K, GRID))
    often = np.ptp(vertical_log_likelihood(np.tile(segments, (20, 1)), K, GRID))
    assert often < 3 * once


def test_no_edges_and_points_for_edges():
    points = np.tile([[100.0, 100.0, 100.0, 100.0]], (3, 1))
    for segments in (np.zeros((0, 4)), points, np.full((2, 4), np.nan)):
        assert np.array_equal(vertical_log_likelihood(segments, K, GRID), np.zeros(len(GRID)))


def test_an_edge_right_above_takes_any_slant():
    middle = np.array([[600.0, 360.0, 680.0, 360.0]])
    told = vertical_log_likelihood(middle, K, np.array([[0.0, 0.0, 1.0]]))
    assert np.isfinite(told).all()
    assert abs(told[0]) < 1.5
