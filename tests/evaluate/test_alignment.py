"""Laying points over points: known transforms come back, whatever is missing."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.evaluate.alignment import fit_heading, fit_similarity, root_relative


@pytest.fixture
def cloud():
    return np.random.default_rng(1).normal(size=(7, 12, 3))


def moved(points, scale, angles, shift):
    R = Rotation.from_rotvec(angles).as_matrix()
    return scale * points @ R.T + shift, R


def test_a_similarity_comes_back(cloud):
    target, R = moved(cloud, 1.7, [0.3, -1.1, 2.0], [1.0, 2.0, -3.0])
    lay = fit_similarity(cloud, target)
    np.testing.assert_allclose(lay.scale, 1.7)
    np.testing.assert_allclose(lay.R, np.broadcast_to(R, (7, 3, 3)), atol=1e-12)
    np.testing.assert_allclose(lay(cloud), target, atol=1e-12)


def test_without_scale_the_size_stays(cloud):
    target, R = moved(cloud[0], 2.0, [0.1, 0.2, 0.3], [0.0, 1.0, 0.0])
    lay = fit_similarity(cloud[0], target, scaled=False)
    assert lay.scale == 1.0
    np.testing.assert_allclose(lay.R, R, atol=1e-12)
    assert np.linalg.norm(lay(cloud[0]) - target, axis=-1).mean() > 0.5


def test_a_mirror_image_is_not_laid_over():
    points = np.random.default_rng(2).normal(size=(12, 3))
    lay = fit_similarity(points * [-1.0, 1.0, 1.0], points)
    assert np.linalg.det(lay.R) == pytest.approx(1.0)
    assert np.linalg.norm(lay(points * [-1.0, 1.0, 1.0]) - points, axis=-1).mean() > 0.3


def test_missing_points_are_left_out(cloud):
    target, _ = moved(cloud, 0.8, [0.0, 0.5, 0.0], [1.0, 0.0, 0.0])
    holey, source = target.copy(), cloud.copy()
    holey[:, 3], source[:, 5, 1] = np.nan, np.nan
    lay = fit_similarity(source, holey)
    np.testing.assert_allclose(lay(cloud), target, atol=1e-12)


def test_two_points_tell_no_rotation(cloud):
    target = cloud.copy()
    target[0, 2:] = np.nan
    lay = fit_similarity(cloud, target)
    assert np.isnan(lay.scale[0])
    assert np.isfinite(lay.scale[1:]).all()


def test_a_single_point_is_laid_on_the_middle():
    points = np.random.default_rng(3).normal(size=(12, 3))
    collapsed = np.ones((12, 3))
    np.testing.assert_allclose(
        fit_similarity(collapsed, points)(collapsed), np.tile(points.mean(0), (12, 1)), atol=1e-12
    )


@pytest.mark.parametrize("angle", [-2.9, -0.4, 0.0, 1.3, 3.0])
def test_heading_is_a_turn_about_up(angle):
    points = np.random.default_rng(4).normal(size=(50, 3))
    R = Rotation.from_rotvec([0.0, angle, 0.0]).as_matrix()
    np.testing.assert_allclose(fit_heading(points, points @ R.T), R, atol=1e-12)


def test_heading_leaves_tilt_alone():
    points = np.random.default_rng(5).normal(size=(500, 3))
    tilt = Rotation.from_rotvec([0.3, 0.0, 0.0]).as_matrix()
    heading = fit_heading(points, points @ tilt.T)
    np.testing.assert_allclose(heading @ [0, 1, 0], [0, 1, 0], atol=1e-12)
    assert np.arccos((np.trace(heading) - 1) / 2) < 0.1


def test_the_root_is_the_hips_middle(cloud):
    relative = root_relative(cloud, (3, 9))
    np.testing.assert_allclose(relative[:, 3] + relative[:, 9], 0.0, atol=1e-12)
    cloud[2, 9] = np.nan
    assert np.isnan(root_relative(cloud, (3, 9))[2]).all()
