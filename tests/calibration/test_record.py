"""Calibrations of pictures that were scaled, cut and turned."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.calibration import Calibration
from mocap.errors import CalibrationError
from mocap.geometry import FROM_OPENCV, Camera
from mocap.video.rotation import Orientation

MATRIX = ((1400.0, 0.0, 960.0), (0.0, 1410.0, 530.0), (0.0, 0.0, 1.0))
LENS = (-0.1, 0.02, 0.004, -0.003, 0.001)
LANDSCAPE = Calibration("rig.toml", "left", MATRIX, (1920, 1080), LENS)
POSED = Calibration(
    "rig.toml", "left", MATRIX, (1920, 1080), LENS, "opencv",
    Rotation.from_rotvec([0.2, 2.9, 0.1]).as_matrix().tolist(), (0.3, 1.0, 4.0),
)  # fmt: skip
POINTS = np.random.default_rng(0).uniform([-0.8, -0.5, -1.0], [0.8, 0.5, 1.0], (1, 50, 3))


def pixels(calibration: Calibration) -> np.ndarray:
    """As OpenCV counts them."""
    return calibration.camera().project(POINTS, np.array([0]))[0] - 0.5


def test_becomes_a_given_camera():
    camera = POSED.camera()
    np.testing.assert_array_equal(camera.K[0], np.array(MATRIX) + FROM_OPENCV)
    np.testing.assert_array_equal(camera.distortion, LENS)
    np.testing.assert_allclose(camera.t, [[0.3, 1.0, 4.0]])
    assert (camera.source, camera.gravity_given) == ("given", True)
    assert camera.note == "calibration rig.toml:left"


def test_sees_points_half_a_pixel_beside_where_opencv_counts_them():
    seen, _ = cv2.projectPoints(
        POINTS[0],
        cv2.Rodrigues(np.array(POSED.rotation))[0],
        np.array(POSED.translation),
        np.array(MATRIX),
        np.array(LENS),
    )
    found = POSED.camera().project(POINTS, np.array([0]))[0]
    np.testing.assert_allclose(found, seen[:, 0] + 0.5, atol=1e-6)


def test_stands_level_at_the_origin_where_nothing_is_known():
    camera = LANDSCAPE.camera()
    np.testing.assert_array_equal(camera.R, Camera.assumed(4, 3).R)
    np.testing.assert_array_equal(camera.t, np.zeros((1, 3)))
    assert not camera.gravity_given
    assert not LANDSCAPE.has_gravity


def test_survives_a_takes_record():
    for one in (LANDSCAPE, POSED, Calibration("a", "", MATRIX)):
        assert Calibration(**json.loads(json.dumps(asdict(one)))) == one


def test_scaled_with_the_picture():
    """Where a pixel's middle comes to is what resizing does with pictures."""
    half = POSED.fitted(960, 540)
    np.testing.assert_allclose(pixels(half), (pixels(POSED) + 0.5) / 2 - 0.5, atol=1e-9)
    assert half.size == (960, 540)
    # Sides come rounded to even numbers.
    assert POSED.fitted(854, 480).matrix[0][0] == pytest.approx(1400 * 854 / 1920)


@pytest.mark.parametrize("rotation", [90, 270])
def test_turned_with_the_picture(rotation):
    """A point comes to where the decoder's own turning takes the pixel that showed it."""
    upright = POSED.fitted(1080, 1920, rotation)
    before, after = pixels(POSED), pixels(upright)
    turning = {90: Orientation(True, True, False), 270: Orientation(True, False, True)}[rotation]
    assert turning.rotation == rotation
    for (x, y), (u, v) in zip(before.round().astype(int), after, strict=True):
        if not (0 <= x < 1920 and 0 <= y < 1080):
            continue
        picture = np.zeros((1080, 1920, 3), np.uint8)
        picture[y, x] = 255
        row, column = np.argwhere(turning.apply(picture)[..., 0])[0]
        assert abs(column - u) <= 0.51
        assert abs(row - v) <= 0.51


def test_a_turned_lens_is_the_same_lens():
    upright = POSED.fitted(1080, 1920, 90)
    np.testing.assert_allclose(
        pixels(upright), (pixels(POSED) * [1, -1] + [0, 1079])[:, ::-1], atol=1e-9
    )
    assert upright.distortion == (-0.1, 0.02, -0.003, -0.004, 0.001)


def test_turned_and_scaled():
    upright = POSED.fitted(540, 960, 90)
    np.testing.assert_allclose(
        pixels(upright), (pixels(POSED.fitted(1080, 1920, 90)) + 0.5) / 2 - 0.5, atol=1e-9
    )


def test_four_quarters_are_none():
    one = POSED
    for _ in range(4):
        one = one.fitted(*one.size[::-1], 90)
    np.testing.assert_allclose(pixels(one), pixels(POSED), atol=1e-9)
    np.testing.assert_allclose(one.distortion, POSED.distortion)


def test_a_fisheye_turns_too():
    eye = Calibration("a", "", MATRIX, (1920, 1080), (0.1, -0.02, 0.003, 0.001), "fisheye")
    turned = eye.fitted(1080, 1920, 270)
    rays = np.array([[0.5, -0.3, 1.0], [-0.9, 0.2, 1.0]])
    seen = cv2.fisheye.distortPoints(
        rays[:, None, :2].copy(), np.array(MATRIX), np.array(eye.distortion)
    )[:, 0]
    quarter = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])
    points = rays @ quarter.T
    level = turned.camera()
    found = level.project((points @ level.R[0])[None], np.array([0]))[0] - 0.5
    np.testing.assert_allclose(found, np.stack([seen[:, 1], 1919 - seen[:, 0]], -1), atol=1e-6)


def test_the_upright_pictures_own_size_goes_first():
    """Calibrated on upright pictures: whatever turning brought them there is no concern."""
    for rotation in (0, 90, 180, 270):
        assert LANDSCAPE.fitted(1920, 1080, rotation) == LANDSCAPE


@pytest.mark.parametrize("size", [(1920, 1088), (1912, 1080)])
def test_cut_to_whole_blocks(size):
    assert LANDSCAPE.fitted(*size).matrix == MATRIX
    assert LANDSCAPE.fitted(*size).size == size


def test_without_a_size_it_is_for_any():
    assert Calibration("a", "", MATRIX).fitted(640, 480).size == (640, 480)


@pytest.mark.parametrize(
    ("size", "rotation", "said"),
    [((1440, 1080), 0, "1920×1080.*1440×1080"), ((1080, 1920), 0, "1080×1920.*turned"),
     ((1080, 1920), 180, "turned"), ((1080, 1080), 90, "1920×1080.*1080×1080")],
)  # fmt: skip
def test_pictures_of_another_shape_are_refused(size, rotation, said):
    with pytest.raises(CalibrationError, match=f"rig.toml:left: .*{said}"):
        LANDSCAPE.fitted(*size, rotation)
