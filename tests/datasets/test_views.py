"""Views by hand-made cases: who stands where is written down, and the angles are known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.datasets.pairs.views import (
    UP,
    camera_centres,
    facing_axes,
    facing_pose,
    heading_axes,
    headings,
    viewpoints,
)

#: A person at the origin who faces +Z has the left hip at +X.
FRONT = np.array([[[0.1, 0.9, 0.0], [-0.1, 0.9, 0.0]]])


def turned(degrees: float) -> np.ndarray:
    """The same person after a turn about +Y, to their left."""
    return FRONT @ Rotation.from_euler("y", degrees, degrees=True).as_matrix().T


@pytest.mark.parametrize(
    ("centre", "azimuth", "elevation"),
    [
        ([0.0, 0.9, 3.0], 0.0, 0.0),
        ([3.0, 0.9, 0.0], 90.0, 0.0),
        ([-3.0, 0.9, 0.0], -90.0, 0.0),
        ([0.0, 0.9, -3.0], 180.0, 0.0),
        ([3.0, 0.9, 3.0], 45.0, 0.0),
        ([0.0, 3.9, 3.0], 0.0, 45.0),
        ([0.0, -2.1, 3.0], 0.0, -45.0),
        ([0.0, 3.9, -3.0], 180.0, 45.0),
    ],
)
def test_cameras_about_somebody_who_faces_z(centre, azimuth, elevation):
    view = viewpoints(FRONT, UP, np.array([centre]))
    assert np.rad2deg(view.azimuth[0]) == pytest.approx(azimuth, abs=1e-9)
    assert np.rad2deg(view.elevation[0]) == pytest.approx(elevation, abs=1e-9)
    assert view.heading[0] == pytest.approx(0.0)
    np.testing.assert_allclose(view.camera_relative[0], np.array(centre) - [0, 0.9, 0], atol=1e-12)


@pytest.mark.parametrize("degrees", [0, 30, 90, 135, -60, -179])
def test_heading_is_the_persons_yaw_and_azimuth_is_told_from_it(degrees):
    view = viewpoints(turned(degrees), UP, np.array([[0.0, 0.9, 2.0]]))
    assert np.rad2deg(view.heading[0]) == pytest.approx(degrees)
    # Who turns to their left has the camera more on their right.
    assert np.rad2deg(view.azimuth[0]) == pytest.approx(-degrees)


def test_hips_that_tilt_keep_the_heading():
    tilted = FRONT @ Rotation.from_euler("z", 70, degrees=True).as_matrix().T
    view = viewpoints(tilted, UP, np.array([[0.0, 0.0, 2.0]]))
    assert view.heading[0] == pytest.approx(0.0, abs=1e-9)


def test_upright_hips_borrow_the_last_heading_and_the_first_before_it():
    tall = np.array([[[0.0, 1.1, 0.0], [0.01, 0.9, 0.0]]])
    missing = np.full((1, 2, 3), np.nan)
    hips = np.concatenate([tall, turned(30), tall, missing, turned(-50), tall])
    expected = [30, 30, 30, 30, -50, -50]
    np.testing.assert_allclose(np.rad2deg(headings(hips)), expected)
    view = viewpoints(hips, UP, np.array([[0.0, 1.0, 2.0]]))
    assert np.isnan(view.camera_relative[3]).all()
    assert np.isfinite(view.azimuth[[0, 1, 2, 4, 5]]).all()


def test_no_heading_is_borrowed_across_sequences():
    tall = np.array([[[0.0, 1.1, 0.0], [0.0, 0.9, 0.0]]])
    hips = np.concatenate([turned(30), tall, turned(60), tall])
    found = np.rad2deg(headings(hips, np.array([0, 1, 2, 2])))
    np.testing.assert_allclose(found, [30, np.nan, 60, 60])


def test_another_way_up():
    # The same scene in a world whose +Z is up.
    turn = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    np.testing.assert_allclose(turn @ UP, [0, 0, 1], atol=1e-12)
    hips, centre = turned(20), np.array([[1.0, 1.5, 2.0]])
    plain = viewpoints(hips, UP, centre)
    other = viewpoints(hips @ turn.T, turn @ UP, centre @ turn.T)
    for name in ("azimuth", "elevation", "camera_relative", "heading"):
        np.testing.assert_allclose(getattr(other, name), getattr(plain, name), atol=1e-12)


def test_heading_axes_are_the_persons():
    # The left hip is at +x of the person's own axes, whoever turns how.
    for degrees in (0.0, 75.0, -160.0):
        hips = turned(degrees)
        own = heading_axes(headings(hips))[0] @ (hips[0, 0] - hips[0].mean(0))
        np.testing.assert_allclose(own, [0.1, 0, 0], atol=1e-12)


def level_camera(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A camera at a place on the +Z side that looks level along -Z."""
    R = np.diag([1.0, -1.0, -1.0])
    return R[None], -(R @ place)[None]


def test_facing_axes_of_a_camera_that_looks_straight():
    R, t = level_camera(np.array([0.0, 0.9, 3.0]))
    np.testing.assert_allclose(camera_centres(R, t), [[0.0, 0.9, 3.0]])
    pelvis = np.array([[0.0, 0.9, 0.0]])
    np.testing.assert_allclose(facing_axes(pelvis, R, t), R, atol=1e-12)
    points = np.array([[[0.1, 0.9, 0.0], [0.0, 1.4, 0.0], [0.0, 0.9, 0.5]]])
    seen = facing_pose(points, pelvis, R, t)
    # To the right of the picture, up in it, and towards the camera.
    np.testing.assert_allclose(seen[0], [[0.1, 0, 0], [0, -0.5, 0], [0, 0, -0.5]], atol=1e-12)


def test_the_ray_to_the_hips_is_the_depth_axis_wherever_the_picture_has_them():
    R, t = level_camera(np.array([0.0, 0.9, 3.0]))
    pelvis = np.array([[2.0, 0.3, -1.0], [-1.0, 1.5, 0.0]])
    centre = np.array([0.0, 0.9, 3.0])
    away = pelvis - centre
    beyond = pelvis + 0.25 * away / np.linalg.norm(away, axis=-1, keepdims=True)
    seen = facing_pose(beyond[:, None], pelvis, R, t)
    np.testing.assert_allclose(seen[:, 0], [[0, 0, 0.25]] * 2, atol=1e-12)


def test_facing_poses_do_not_depend_on_where_the_world_has_its_origin():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(4, 17, 3))
    pelvis = points[:, 11:13].mean(1)
    R = Rotation.random(4, random_state=1).as_matrix()
    t = rng.normal(size=(4, 3)) + [0, 0, 6.0]
    turn, shift = Rotation.random(random_state=2).as_matrix(), rng.normal(size=3)
    moved_R = R @ turn.T
    moved_t = t - (moved_R @ shift)
    np.testing.assert_allclose(
        facing_pose(points @ turn.T + shift, pelvis @ turn.T + shift, moved_R, moved_t),
        facing_pose(points, pelvis, R, t),
        atol=1e-9,
    )


def test_missing_points_stay_missing_alone():
    R, t = level_camera(np.array([0.0, 0.9, 3.0]))
    points = np.array([[[0.1, 0.9, 0.0], [np.nan] * 3]])
    seen = facing_pose(points, np.array([[0.0, 0.9, 0.0]]), R, t)
    assert np.isfinite(seen[0, 0]).all()
    assert np.isnan(seen[0, 1]).all()
