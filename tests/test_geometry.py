"""Cameras and rotations against cases worked out by hand, and as properties."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mocap.geometry import (
    Camera,
    frame_along,
    local_rotations,
    project_camera,
    rotation_between,
    rotation_matrices,
    unit_vectors,
    view_angles,
    viewing_rays,
    world_rotations,
)

K = np.array([[1000.0, 0.0, 640.0], [0.0, 800.0, 360.0], [0.0, 0.0, 1.0]])

numbers = st.floats(-1.0, 1.0)
vectors = (
    st.tuples(numbers, numbers, numbers)
    .map(np.array)
    .filter(lambda v: np.linalg.norm(v) > 1e-3)
    .map(lambda v: v / np.linalg.norm(v))
)


def moving_camera(frames: int) -> Camera:
    """A camera that turns about an axis askew and slides along X."""
    turns = Rotation.from_rotvec([[0.05 * i, 0.1 * i, -0.03 * i] for i in range(frames)])
    slides = np.stack([np.arange(frames), np.zeros(frames), np.full(frames, 4.0)], -1)
    return Camera(K[None], turns.as_matrix() @ np.diag([-1.0, -1.0, 1.0]), slides)


class TestCamera:
    def test_assumed_sees_the_longer_side_under_its_angle(self):
        for width, height in ((1920, 1080), (1080, 1920)):
            camera = Camera.assumed(width, height, field_of_view=np.pi / 2)
            assert camera.K[0, 0, 0] == camera.K[0, 1, 1] == pytest.approx(960.0)
            assert tuple(camera.K[0, :2, 2]) == (width / 2, height / 2)
        assert Camera.assumed(1000, 500).K[0, 0, 0] == pytest.approx(500 / np.tan(np.pi / 6))
        assert camera.source == "estimated"

    def test_assumed_looks_along_z_with_up_above_and_left_of_the_world_at_the_right(self):
        camera = Camera.assumed(640, 480, field_of_view=np.pi / 2)
        assert np.linalg.det(camera.R[0]) == pytest.approx(1.0)
        ahead, above, aside = camera.project(
            np.array([[[0, 0, 2.0], [0, 1, 2.0], [1, 0, 2.0]]]), np.array([0])
        )[0]
        assert ahead == pytest.approx([320, 240])
        assert above == pytest.approx([320, 240 - 160])
        # Who looks along +Z with +Y up has +X at the left hand.
        assert aside == pytest.approx([320 - 160, 240])

    def test_projection_worked_out_by_hand(self):
        camera = Camera(K[None], np.eye(3)[None], np.array([[0.0, 0.0, 3.0]]))
        [[pixel]] = camera.project(np.array([[[0.5, -0.25, 2.0]]]), np.array([7]))
        assert pixel == pytest.approx([640 + 1000 * 0.1, 360 - 800 * 0.05])

    def test_behind_and_in_the_camera_is_nan(self):
        camera = Camera(K[None], np.eye(3)[None], np.zeros((1, 3)))
        points = np.array([[[0, 0, -1.0], [1, 1, 0.0], [np.nan, 0, 1], [0, 0, 1.0]]])
        pixels = camera.project(points, np.array([0]))[0]
        assert np.isnan(pixels[:2]).all()
        assert np.isnan(pixels[2, 0])
        assert pixels[3] == pytest.approx([640, 360])

    def test_every_frame_has_its_own_pose(self):
        camera = moving_camera(6)
        points = np.random.default_rng(0).uniform(-1, 1, (3, 4, 2, 3))
        frames = np.array([5, 0, 2])
        pixels = camera.project(points, frames)
        assert pixels.shape == (3, 4, 2, 2)
        for row, frame in enumerate(frames):
            for index in np.ndindex(4, 2):
                x = camera.R[frame] @ points[row][index] + camera.t[frame]
                assert pixels[row][index] == pytest.approx((K @ x)[:2] / x[2])

    @pytest.mark.parametrize("varying", ["K", "R", "t"])
    def test_only_one_part_may_change_over_time(self, varying):
        parts = {"K": K[None], "R": np.eye(3)[None], "t": np.zeros((1, 3))}
        parts[varying] = np.stack([parts[varying][0] + i for i in range(4)])
        found = dict(zip("KRt", Camera(**parts).at(np.array([0, 3, 9])), strict=True))
        for name, part in found.items():
            assert len(part) == 3
            step = 3.0 if name == varying else 0.0
            np.testing.assert_array_equal(part[1] - part[0], np.full_like(part[0], step))
            np.testing.assert_array_equal(part[2], part[1])

    def test_no_frames_and_no_points(self):
        camera = moving_camera(3)
        assert camera.project(np.zeros((0, 5, 3)), np.arange(0)).shape == (0, 5, 2)
        assert camera.project(np.zeros((2, 0, 3)), np.arange(2)).shape == (2, 0, 2)


class TestLens:
    LENS = np.array([-0.2, 0.05, 0.001, -0.002, 0.01])

    def points(self) -> np.ndarray:
        return np.random.default_rng(3).uniform([-1, -0.7, 2.5], [1, 0.7, 4], (2, 40, 3))

    def test_projection_is_opencvs(self):
        turn, shift = np.array([0.1, -0.2, 0.05]), np.array([0.1, 0.2, 0.3])
        R = Rotation.from_rotvec(turn).as_matrix()
        camera = Camera(K[None], R[None], shift[None], "given", self.LENS)
        pixels = camera.project(self.points(), np.array([0, 7]))
        for found, points in zip(pixels, self.points(), strict=True):
            expected, _ = cv2.projectPoints(points, turn, shift, K, self.LENS)
            np.testing.assert_allclose(found, expected[:, 0], atol=1e-9)

    @pytest.mark.parametrize("model", ["opencv", "fisheye"])
    def test_undistorted_pixels_are_a_pinholes(self, model):
        bare = moving_camera(2)
        lens = Camera(bare.K, bare.R, bare.t, "given", self.LENS[[0, 1, 2, 3]], model)
        frames = np.array([0, 1])
        points = self.points().reshape(2, 8, 5, 3) * [1, 1, 0.25]
        seen, pinhole = lens.project(points, frames), bare.project(points, frames)
        assert np.nanmax(np.abs(seen - pinhole)) > 10
        np.testing.assert_allclose(lens.undistort(seen, frames), pinhole, atol=1e-6)

    @pytest.mark.parametrize(
        ("lens", "model"), [([-0.25, 0.05, 0.0, 0.0], "opencv"), ([0.1, 0.0, 0.0, 0.0], "fisheye")]
    )
    def test_with_a_border_a_pinhole_shows_all_that_a_barrel_does(self, lens, model):
        camera = Camera(K[None], np.eye(3)[None], np.zeros((1, 3)), "given", np.array(lens), model)
        x, y = np.meshgrid(np.linspace(0, 1280, 301), np.linspace(0, 720, 173))
        places = camera.undistort(np.stack([x, y], -1)[None], np.array([0]))[0]
        columns, rows = camera.border(1280, 720, 0)
        assert places[..., 0].min() < 0
        np.testing.assert_allclose(places.min((0, 1)), [-columns, -rows], atol=1.1)
        np.testing.assert_allclose(places.max((0, 1)), [1280 + columns, 720 + rows], atol=1.1)

    def test_borders_are_as_large_as_need_be(self):
        def border(lens, model="opencv"):
            told = None if lens is None else np.array(lens)
            place = np.eye(3)[None], np.zeros((1, 3))
            short = np.array([[160.0, 0, 256], [0, 160, 144], [0, 0, 1]])
            return Camera(short[None], *place, "given", told, model).border(512, 288, 0)

        assert border(None) == border([0.0] * 4) == border([0.1, 0.0, 0.0, 0.0]) == (0, 0)
        # What is a quarter turn aside is in no pinhole's picture.
        assert border([0.0] * 4, "fisheye") == (256, 144)

    def test_without_a_lens_pixels_stay(self):
        pixels = np.array([[[1.0, 2.0], [np.nan, 3.0]]], np.float32)
        np.testing.assert_array_equal(moving_camera(1).undistort(pixels, np.array([0])), pixels)

    def test_missing_pixels_stay_missing(self):
        camera = Camera(K[None], np.eye(3)[None], np.zeros((1, 3)), "given", self.LENS)
        pixels = np.array([[[600.0, 300.0], [np.nan, np.nan]]])
        found = camera.undistort(pixels, np.array([0]))
        assert np.isfinite(found[0, 0]).all()
        assert np.isnan(found[0, 1]).all()

    @pytest.mark.parametrize(("model", "count"), [("opencv", 3), ("fisheye", 5), ("mirror", 4)])
    def test_lenses_that_are_none(self, model, count):
        with pytest.raises(ValueError, match=model):
            Camera(
                K[None], np.eye(3)[None], np.zeros((1, 3)), distortion=np.zeros(count), model=model
            )


class TestRays:
    @given(st.floats(-500, 2000), st.floats(-500, 2000), st.floats(0.1, 50))
    def test_inverse_of_projection(self, x, y, distance):
        pixel = np.array([x, y])
        ray = viewing_rays(pixel, K)
        assert np.linalg.norm(ray) == pytest.approx(1.0)
        [[seen]] = project_camera((ray * distance)[None, None], K[None])
        np.testing.assert_allclose(seen, pixel, atol=1e-7)

    def test_known_directions(self):
        pixels = np.array([[[640.0, 360.0], [1640.0, 360.0]], [[640.0, 1160.0], [np.nan, 0.0]]])
        rays = viewing_rays(pixels, K)
        np.testing.assert_allclose(rays[0, 0], [0, 0, 1])
        np.testing.assert_allclose(rays[0, 1], np.array([1, 0, 1]) / np.sqrt(2))
        np.testing.assert_allclose(rays[1, 0], np.array([0, 1, 1]) / np.sqrt(2))
        assert np.isnan(rays[1, 1]).all()


class TestRotationBetween:
    @given(vectors, vectors)
    def test_takes_start_to_end_by_the_shortest_way(self, start, end):
        rotation = rotation_between(start, end)
        np.testing.assert_allclose(rotation @ start, end, atol=1e-9)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1.0)
        angle = Rotation.from_matrix(rotation).magnitude()
        between = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
        assert angle == pytest.approx(between, abs=1e-7)

    @given(vectors, vectors)
    def test_back_is_the_inverse(self, start, end):
        there, back = rotation_between(start, end), rotation_between(end, start)
        # Between opposite vectors there are many shortest ways.
        if start @ end > -0.999:
            np.testing.assert_allclose(there @ back, np.eye(3), atol=1e-9)

    @given(vectors, vectors)
    def test_leaves_what_is_square_to_both_alone(self, start, end):
        axis = np.cross(start, end)
        if np.linalg.norm(axis) > 1e-3:
            np.testing.assert_allclose(rotation_between(start, end) @ axis, axis, atol=1e-9)

    @given(vectors)
    def test_equal_and_opposite_vectors(self, vector):
        np.testing.assert_allclose(rotation_between(vector, vector), np.eye(3), atol=1e-9)
        turned = rotation_between(vector, -vector)
        np.testing.assert_allclose(turned @ vector, -vector, atol=1e-9)
        assert np.linalg.det(turned) == pytest.approx(1.0)

    @pytest.mark.parametrize("offset", [1e-12, 1e-9, 1e-8, 1e-6, 1e-4])
    def test_almost_opposite_vectors(self, offset):
        start = np.array([0.0, 0.0, 1.0])
        end = np.array([np.sin(offset), 0.0, -np.cos(offset)])
        np.testing.assert_allclose(rotation_between(start, end) @ start, end, atol=1e-8)

    def test_quarter_turn(self):
        turn = rotation_between(np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
        np.testing.assert_allclose(turn, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-15)

    def test_batches_broadcast(self):
        ends = np.array([[[1.0, 0, 0], [0, 1.0, 0]], [[0, 0, 1.0], [0, 0, -1.0]]])
        start = np.array([0.0, 1.0, 0.0])
        turns = rotation_between(start, ends)
        assert turns.shape == (2, 2, 3, 3)
        np.testing.assert_allclose(turns @ start, ends, atol=1e-12)
        assert rotation_between(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3, 3)


def test_view_angles_of_a_place():
    azimuth, elevation = view_angles(np.array([[1.0, np.sqrt(2.0), 1.0]]))
    assert np.rad2deg(azimuth[0]) == pytest.approx(45.0)
    assert np.rad2deg(elevation[0]) == pytest.approx(45.0)


class TestDirections:
    def test_what_has_no_length_stays_zero(self):
        found = unit_vectors(np.array([[3.0, 0.0, -4.0], [0.0, 0.0, 0.0]]))
        np.testing.assert_allclose(found, [[0.6, 0.0, -0.8], [0.0, 0.0, 0.0]])

    @given(vectors, vectors)
    def test_frames_go_along_the_first_and_lean_to_the_second(self, first, second):
        assume(np.linalg.norm(np.cross(first, second)) > 1e-3)
        frame = frame_along(2.0 * first, 3.0 * second)
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(frame) == pytest.approx(1.0)
        np.testing.assert_allclose(frame[:, 0], first, atol=1e-9)
        assert frame[:, 1] @ second > 0
        assert frame[:, 2] @ second == pytest.approx(0.0, abs=1e-9)


#: A root, two chains from it, and a second root.
PARENTS = (-1, 0, 1, 0, -1)


class TestTreesOfRotations:
    def test_turns_add_up_along_a_chain_and_along_no_other(self):
        about_z = rotation_matrices(np.deg2rad([[0, 0, 10], [0, 0, 20], [0, 0, 30]] * 2)[None])
        world = world_rotations(about_z[:, :5], PARENTS)
        angles = np.rad2deg(Rotation.from_matrix(world[0]).as_rotvec())
        np.testing.assert_allclose(angles[:, 2], [10, 30, 60, 20, 20], atol=1e-9)
        np.testing.assert_allclose(angles[:, :2], 0.0, atol=1e-9)

    def test_the_parents_turn_comes_last(self):
        local = rotation_matrices(np.array([[[0, 0, np.pi / 2], [np.pi / 2, 0, 0]]]))
        # Up in the child's axes is ahead in the parent's, and there the parent turns no further.
        world = world_rotations(local, (-1, 0))[0, 1]
        np.testing.assert_allclose(world @ [0, 1, 0], [0, 0, 1], atol=1e-12)
        np.testing.assert_allclose(world @ [1, 0, 0], [0, 1, 0], atol=1e-12)

    def test_there_and_back(self):
        local = Rotation.random(15, random_state=0).as_matrix().reshape(3, 5, 3, 3)
        given = local.copy()
        back = local_rotations(world_rotations(local, PARENTS), PARENTS)
        np.testing.assert_allclose(back, local, atol=1e-12)
        np.testing.assert_array_equal(local, given)
