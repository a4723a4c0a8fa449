"""Jitter and bone lengths on motions whose figures are known."""

import numpy as np
import pytest

from mocap.evaluate.angles import bend_angles, rotation_errors
from mocap.evaluate.steadiness import bone_variation, jitter
from mocap.take import frame_rate


@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_jitter_of_a_cubic_is_its_third_derivative(fps):
    times = np.arange(40) / fps
    points = np.zeros((40, 5, 3))
    points[..., 1] = 7.0 * times[:, None] ** 3 / 6
    assert jitter(points, fps) == pytest.approx(0.7)


def test_jitter_of_steady_motion_is_none_at_all():
    times = np.arange(40)[:, None, None] / 30
    assert jitter(times * [1.0, 2.0, 3.0] + times**2, 30.0) == pytest.approx(0, abs=1e-6)


def test_jitter_of_noise_grows_with_the_rate_cubed():
    noise = np.random.default_rng(0).normal(scale=0.001, size=(500, 12, 3))
    # A third difference of independent noise has variance (1 + 9 + 9 + 1) of it.
    expected = 0.001 * np.sqrt(20) * np.sqrt(8 / np.pi) * 30**3 / 10
    assert jitter(noise, 30.0) == pytest.approx(expected, rel=0.03)
    assert jitter(noise, 60.0) == pytest.approx(8 * jitter(noise, 30.0))


def test_jitter_leaves_gaps_out():
    times = np.arange(40)[:, None, None] / 30
    points = np.broadcast_to(times**3 / 6 * 10, (40, 2, 3)).copy()
    whole = jitter(points, 30.0)
    points[20, 1] = np.nan
    assert jitter(points, 30.0) == pytest.approx(whole)
    assert np.isnan(jitter(points[:3], 30.0))
    assert np.isnan(jitter(np.full((9, 2, 3), np.nan), 30.0))


def test_bone_variation():
    names = ["a", "b", "c"]
    points = np.zeros((100, 3, 3))
    points[:, 1, 0] = 0.5
    points[:, 2, 0] = 0.5 + np.where(np.arange(100) % 2, 0.9, 1.1)
    assert bone_variation(points, names, [("a", "b")]) == 0.0
    assert bone_variation(points, names, [("b", "c")]) == pytest.approx(0.1)
    assert bone_variation(points, names, [("a", "b"), ("b", "c")]) == pytest.approx(0.05)
    points[10, 0] = np.nan
    assert bone_variation(points, names, [("a", "b"), ("a", "nowhere")]) == 0.0
    assert np.isnan(bone_variation(points, names, []))


def test_frame_rate_comes_from_the_times():
    assert frame_rate(np.arange(31) / 30.0, 25.0) == pytest.approx(30.0)
    assert frame_rate(np.zeros(1), 25.0) == 25.0


def test_rotation_errors():
    true = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.0], [np.nan, 0.0, 0.0], [0, 0, 3.1]])
    found = np.array([[0.0, 0.0, np.pi / 6], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0, 0, -3.1]])
    errors = rotation_errors(found, true)
    np.testing.assert_allclose(errors[:2], [30.0, 0.0], atol=1e-6)
    assert np.isnan(errors[2])
    assert errors[3] == pytest.approx(360 - np.rad2deg(6.2))


def test_bends():
    names = ["hip", "knee", "ankle"]
    points = np.array([[[0, 2, 0], [0, 1, 0], [0, 0, 0]], [[0, 2, 0], [0, 1, 0], [1, 1, 0]]], float)
    angles = bend_angles(points, names, {"knee": ("hip", "knee", "ankle"), "no": ("a", "b", "c")})
    np.testing.assert_allclose(angles[:, 0], [0.0, 90.0], atol=1e-9)
    assert np.isnan(angles[:, 1]).all()
