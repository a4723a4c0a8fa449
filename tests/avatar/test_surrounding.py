"""What cameras around a sphere see of it, against the sphere itself."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from avatar.surfaces import gaussians_on, sphere
from mocap.avatar import View, render
from mocap.avatar.surrounding import evenly, pixels_around, sights
from mocap.geometry import unit_vectors

RADIUS, MIDDLE = 0.2, np.array([0.3, -0.4, 5.0])
BOX = MIDDLE + 0.22 * np.array([[-1.0], [1.0]])


@pytest.fixture(scope="module")
def cloud():
    # So sparse that a fifth of the front lets see what is behind.
    return gaussians_on(sphere(RADIUS, tuple(MIDDLE)), 6000, width=0.5)


def outward(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - MIDDLE, axis=-1) - RADIUS


def test_depth_is_that_of_the_surface_though_gaussians_let_see_through(cloud):
    for sight in sights(cloud, BOX, 5, 0.003):
        points = sight.points()
        seen = sight.cosines[~np.isnan(sight.depth)] > 0
        away = outward(points[seen])
        assert len(away) > 3000
        assert abs(away.mean()) < 4e-4
        assert np.percentile(np.abs(away), 95) < 2e-3
        # The mean depth, as pictures tell it, is farther off than a voxel.
        view = View(*(torch.from_numpy(part) for part in (sight.K, sight.R, sight.t)))
        mean = render(cloud, view, sight.depth.shape[::-1]).depth.numpy()
        assert np.abs(mean - sight.depth)[sight.cosines > 0].mean() > 5e-3


def test_planes_are_the_spheres_tangents(cloud):
    for sight in sights(cloud, BOX, 3, 0.003):
        seen = ~np.isnan(sight.depth)
        normals = unit_vectors((sight.points() - MIDDLE) @ sight.R.T)
        known = sight.cosines[seen] > 0
        cosines = np.einsum("ni,ni->n", sight.planes[seen][:, :3], normals)[known]
        assert np.median(cosines) > 0.98


def test_points_know_how_far_in_front_of_the_surface_they_are(cloud):
    (sight,) = sights(cloud, BOX, 1, 0.003)
    place = -sight.R.T @ sight.t
    ahead = (place - MIDDLE) / np.linalg.norm(place - MIDDLE)
    heights = np.array([-0.01, 0.0, 0.01, 0.02])
    points = (MIDDLE + (RADIUS + heights)[:, None] * ahead).astype(np.float32)
    _, distances = sight.pixels(points)
    np.testing.assert_allclose(distances, heights, atol=1.5e-3)
    # Beside the sphere there is nothing, and the picture says so.
    beside = MIDDLE + 0.22 * unit_vectors(np.cross(ahead, [0.0, 1.0, 0.0]))
    places, _ = sight.pixels(beside[None].astype(np.float32))
    assert sight.empty.ravel()[places].all()


def test_thick_gaussians_are_seen_in_front_of_their_middles():
    surface = sphere(RADIUS, tuple(MIDDLE))
    deviation = 0.6 * np.sqrt(surface.area / 6000)
    thick = gaussians_on(surface, 6000, thickness=0.6)
    means = [
        outward(sight.points()[sight.cosines[~np.isnan(sight.depth)] > 0]).mean()
        for sight in sights(thick, BOX, 4, 0.003)
    ]
    assert 0.2 * deviation < np.mean(means) < 1.0 * deviation


def test_threads_change_nothing_and_are_given_back(cloud):
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append([sight.planes for sight in sights(cloud, BOX, 5, 0.006)])
            assert torch.get_num_threads() == threads
            with ThreadPoolExecutor(1) as pool:
                assert pool.submit(torch.get_num_threads).result() == threads
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pixels_are_counted_before_there_are_any(cloud):
    pixels = sum(sight.depth.size for sight in sights(cloud, BOX, 5, 0.006))
    assert pixels_around(BOX, 5, 0.006) == pixels


@pytest.mark.parametrize("count", [1, 4, 48])
def test_cameras_stand_evenly(count):
    directions = evenly(count)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    np.testing.assert_allclose(directions.mean(0)[1], 0.0, atol=1e-12)
    if count > 1:
        apart = np.arccos((directions @ directions.T - 2 * np.eye(count)).max(1).clip(-1, 1))
        # As far as the sides of as many equal shares of the sphere, or nearly.
        assert apart.min() > 0.8 * np.sqrt(4 * np.pi / count)
