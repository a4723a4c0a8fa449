"""Distances that are fused from pictures of a sphere, against the sphere's."""

import numpy as np
import pytest

from avatar.surfaces import gaussians_on, sphere
from mocap.avatar.fusion import CELL, Grid, fuse
from mocap.avatar.surrounding import sights
from mocap.geometry import unit_vectors
from mocap.progress import silent

RADIUS = 0.2
GRID = Grid.over(0.23 * np.array([[-1.0] * 3, [1.0] * 3]), 0.008)


def distances() -> np.ndarray:
    steps = np.moveaxis(np.indices(GRID.shape), 0, -1)
    return np.linalg.norm(GRID.origin + GRID.spacing * steps, axis=-1) - RADIUS


@pytest.fixture(scope="module")
def seen():
    return list(sights(gaussians_on(sphere(RADIUS), 6000), GRID.box, 16, 0.006))


def test_a_grid_covers_its_box_evenly():
    box = np.array([[0.0, 1.0, -2.0], [0.3, 1.017, -1.0]])
    grid = Grid.over(box, 0.005)
    assert all(length % CELL == 0 for length in grid.shape)
    beyond = np.array([[1.0], [-1.0]]) * (box - grid.box)
    np.testing.assert_allclose(beyond[0], beyond[1], atol=1e-12)
    assert (beyond > -0.005).all()
    assert (beyond < CELL * 0.005).all()


def test_distances_are_those_from_the_sphere(seen):
    told, truth = fuse(seen, GRID, progress=silent), distances()
    near = np.abs(truth) < GRID.spacing
    assert np.abs(told - truth)[near].mean() < 1e-3
    assert abs((told - truth)[near].mean()) < 5e-4
    far = np.abs(truth) > GRID.spacing
    assert (np.sign(told) == np.sign(truth))[far].all()


def test_a_ball_that_one_camera_sees_is_closed_behind(seen):
    told, truth = fuse(seen[:1], GRID, progress=silent), distances()
    assert (told[truth < -0.02] < 0).all()
    # Where the camera looks past it there is nothing.
    place = -seen[0].R.T @ seen[0].t
    rays = GRID.origin + GRID.spacing * np.moveaxis(np.indices(GRID.shape), 0, -1) - place
    beside = np.linalg.norm(np.cross(unit_vectors(rays), place), axis=-1) > 0.23
    assert beside.any()
    assert (told[beside] > 0).all()


def test_progress_ends_where_it_should(seen):
    calls = []
    fuse(seen[:2], GRID, progress=lambda *call: calls.append(call))
    stage, done, total = calls[-1]
    assert (stage, done) == ("surface", total)
    assert [call[1] for call in calls] == sorted(call[1] for call in calls)
