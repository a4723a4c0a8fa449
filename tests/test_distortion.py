"""Lenses against OpenCV's own functions, and there and back."""

import cv2
import numpy as np
import pytest

from mocap.distortion import distort, reach, undistort

LENSES = {
    "mild": [-0.05, 0.02, 0.001, -0.0005],
    "barrel": [-0.28, 0.07, 0.0005, -0.0008, 0.0],
    "pincushion": [0.25, 0.1, 0.002, 0.003, 0.05],
    "webcam": [-0.0407, 1.372, -0.00278, 0.00118, -5.638],
    "rational": [0.6, 0.3, 0.0004, -0.0002, 0.02, 0.95, 0.55, 0.08],
}
FISHEYES = {"fisheye": [-0.02, 0.004, -0.002, 0.0003], "equidistant": [0.0, 0.0, 0.0, 0.0]}


def picture(half: float = 0.5, count: int = 21) -> np.ndarray:
    """Points all over a square picture, normalised."""
    side = np.linspace(-half, half, count)
    return np.stack(np.meshgrid(side, side), -1)


@pytest.mark.parametrize("name", LENSES)
def test_as_opencv_distorts(name):
    coefficients, points = np.array(LENSES[name]), picture(0.4)
    rays = np.concatenate([points, np.ones((*points.shape[:-1], 1))], -1).reshape(-1, 1, 3)
    expected, _ = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), np.eye(3), coefficients)
    found = distort(points, coefficients)
    np.testing.assert_allclose(found.reshape(-1, 2), expected[:, 0], atol=1e-12)


@pytest.mark.parametrize("name", LENSES)
def test_as_opencv_undistorts(name):
    coefficients, points = np.array(LENSES[name]), picture(0.35)
    enough = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-13)
    expected = cv2.undistortPoints(
        points.reshape(-1, 1, 2), np.eye(3), coefficients, criteria=enough
    )
    found = undistort(points, coefficients)
    np.testing.assert_allclose(found.reshape(-1, 2), expected[:, 0], atol=1e-8)


@pytest.mark.parametrize("name", FISHEYES)
def test_as_opencv_sees_through_a_fisheye(name):
    coefficients, points = np.array(FISHEYES[name]), picture(2.0)
    flat = points.reshape(-1, 1, 2)
    expected = cv2.fisheye.distortPoints(flat, np.eye(3), coefficients)
    bent = distort(points, coefficients, "fisheye")
    np.testing.assert_allclose(bent.reshape(-1, 2), expected[:, 0], atol=1e-12)
    back = cv2.fisheye.undistortPoints(expected, np.eye(3), coefficients)
    np.testing.assert_allclose(undistort(bent, coefficients, "fisheye"), points, atol=1e-8)
    np.testing.assert_allclose(back.reshape(points.shape), points, atol=1e-5)


@pytest.mark.parametrize(("name", "model"), [(n, "opencv") for n in LENSES] + [
    (n, "fisheye") for n in FISHEYES
])  # fmt: skip
def test_there_and_back_as_far_as_the_lens_reaches(name, model):
    coefficients = np.array((LENSES | FISHEYES)[name])
    farthest, _ = reach(coefficients, model)
    rng = np.random.default_rng(0)
    # Right at its end a lens squeezes everything together, and its tangential part cuts some off.
    radius = 0.97 * min(farthest, 3.0) * np.sqrt(rng.uniform(size=5000))
    angle = rng.uniform(0, 2 * np.pi, 5000)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    np.testing.assert_allclose(
        undistort(distort(points, coefficients, model), coefficients, model), points, atol=1e-6
    )


def test_a_barrel_does_not_show_twice_what_is_outside():
    barrel = np.array([-0.3, 0.0, 0.0, 0.0])
    # r (1 - 0.3 r²) grows up to r = 1 / sqrt(0.9).
    end = 1 / np.sqrt(0.9)
    farthest, shown = reach(barrel)
    assert farthest == pytest.approx(end, abs=1e-3)
    assert shown == pytest.approx(end * 2 / 3, abs=1e-6)
    inside, outside = distort(np.array([[end - 0.01, 0.0], [end + 0.01, 0.0]]), barrel)
    assert np.isfinite(inside).all()
    assert np.isnan(outside).all()
    assert np.isnan(undistort(np.array([0.0, end * 2 / 3 + 0.01]), barrel)).all()
    assert np.isnan(distort(np.array([[1e9, -1e9]]), barrel)).all()


@pytest.mark.parametrize("function", [distort, undistort])
@pytest.mark.parametrize(("name", "model"), [("barrel", "opencv"), ("fisheye", "fisheye")])
def test_missing_points_stay_missing_and_harm_nobody(function, name, model):
    coefficients = np.array((LENSES | FISHEYES)[name])
    points = np.array([[0.1, 0.2], [np.nan, 0.2], [np.nan, np.nan], [0.0, 0.0]])
    found = function(points, coefficients, model)
    assert np.isnan(found).any(-1).tolist() == [False, True, True, False]
    np.testing.assert_allclose(found[0], function(points[0], coefficients, model))
    np.testing.assert_allclose(found[3], 0.0, atol=1e-12)
    assert function(np.zeros((0, 5, 2)), coefficients, model).shape == (0, 5, 2)


def test_no_coefficients_worth_mentioning_change_nothing():
    points = picture(1.0)
    np.testing.assert_allclose(distort(points, np.zeros(5)), points, atol=1e-15)
    np.testing.assert_allclose(undistort(points, np.zeros(8)), points, atol=1e-9)
