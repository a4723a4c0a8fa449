"""Depth of triangles, against a loop over triangles and pixels."""

import numpy as np
import pytest

from mocap.masks.depth_maps import depth_map

SQUARE = np.array([[0, 3, 2], [0, 2, 1]])


def looped(pixels, depth, faces, width, height) -> np.ndarray:
    """The same, one pixel of one triangle at a time."""
    nearest = np.full((height, width), np.inf)
    for face in faces:
        corners = np.vstack([pixels[face].T, np.ones(3)])
        if not np.isfinite(corners).all() or not np.linalg.det(corners) < 0:
            continue
        for y in range(height):
            for x in range(width):
                shares = np.linalg.solve(corners, [x, y, 1.0])
                if (shares >= 0).all():
                    nearest[y, x] = min(nearest[y, x], shares @ depth[face])
    return nearest


@pytest.mark.parametrize("spread", [3.0, 9.0, 40.0])
def test_random_triangles(spread):
    rng = np.random.default_rng(7)
    middles = rng.uniform(-5, 30, (40, 1, 2))
    pixels = (middles + rng.normal(0, spread, (40, 3, 2))).reshape(-1, 2)
    pixels[4] = np.nan
    depth = rng.uniform(1, 5, 120)
    faces = np.arange(120).reshape(-1, 3)
    found = depth_map(pixels, depth, faces, 27, 19)
    expected = looped(pixels, depth, faces, 27, 19)
    assert np.array_equal(np.isfinite(found), np.isfinite(expected))
    assert np.isfinite(expected).mean() > 0.02
    assert np.allclose(found, expected, atol=1e-5)


def test_a_square_covers_its_pixels_and_leans_back():
    corners = np.array([[2, 1], [6, 1], [6, 4], [2, 4.0]])
    found = depth_map(corners, np.array([1.0, 3.0, 3.0, 1.0]), SQUARE, 10, 8)
    covered = np.zeros((8, 10), bool)
    covered[1:5, 2:7] = True
    assert np.array_equal(np.isfinite(found), covered)
    assert found[2, 2:7] == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0])


def test_the_inside_of_a_surface_is_not_seen():
    corners = np.array([[2, 1], [6, 1], [6, 4], [2, 4.0]])
    assert np.isinf(depth_map(corners, np.ones(4), SQUARE[:, ::-1], 10, 8)).all()


def test_outside_the_picture_there_is_nothing():
    corners = np.array([[2, 1], [6, 1], [6, 4], [2, 4.0]])
    assert np.isinf(depth_map(corners - 20, np.ones(4), SQUARE, 10, 8)).all()
    assert np.isinf(depth_map(corners + 1e7, np.ones(4), SQUARE, 10, 8)).all()
