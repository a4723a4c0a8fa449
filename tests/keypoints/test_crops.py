import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.keypoints import Crop, Detection
from mocap.keypoints.crops import tiles
from mocap.skeletons import MEDIAPIPE_33

from .figures import figure


def plane(width, height):
    """An image whose every pixel says where it is: red the column, green the row, blue 255."""
    image = np.full((height, width, 3), 255, np.uint8)
    image[..., 0] = np.arange(width)
    image[..., 1] = np.arange(height)[:, None]
    return image


class FindsWhite:
    """Reports each pixel of (255, 255, 255) as a person all of whose points are there."""

    skeleton = MEDIAPIPE_33
    name = "white pixels"

    def detect(self, image):
        rows, columns = np.nonzero((image == 255).all(-1))
        places = np.stack([columns, rows], 1).astype(np.float32)
        return [
            Detection(np.tile(place, (33, 1)), np.ones(33), np.zeros((33, 3)), 1.0)
            for place in places
        ]

    def close(self):
        pass


def test_cut_inside_the_image_is_those_pixels():
    image = plane(100, 80)
    np.testing.assert_array_equal(Crop(30, 20, 40).cut(image), image[20:60, 30:70])


# A crop of 40 px that reaches beyond each border and corner of an image of 100 x 80.
BEYOND = [(-10, 20), (80, 20), (30, -15), (30, 60), (-10, -15), (80, 60), (-10, 60), (80, -15)]


@pytest.mark.parametrize(("x", "y"), BEYOND)
def test_every_pixel_of_a_padded_crop_is_the_images_or_black(x, y):
    image = plane(100, 80)
    cut = Crop(x, y, 40).cut(image)
    assert cut.shape == (40, 40, 3)
    for row in range(40):
        for column in range(40):
            inside = 0 <= x + column < 100 and 0 <= y + row < 80
            told = (x + column, y + row, 255) if inside else (0, 0, 0)
            assert tuple(cut[row, column]) == told


def test_crop_larger_than_the_image_holds_all_of_it():
    image = plane(30, 20)
    cut = Crop(-5, -10, 64).cut(image)
    np.testing.assert_array_equal(cut[10:30, 5:35], image)
    assert np.count_nonzero(cut[..., 2]) == 30 * 20


@pytest.mark.parametrize(("x", "y"), [(100, 0), (-40, 0), (0, 80), (0, -40), (500, -500)])
def test_crop_beside_the_image_is_black_and_overlaps_nothing(x, y):
    image = plane(100, 80)
    assert not Crop(x, y, 40).cut(image).any()
    assert not Crop(x, y, 40).overlaps(image)


@pytest.mark.parametrize(("x", "y"), [(99, 79), (-39, -39), (0, 0), (-39, 79)])
def test_one_shared_pixel_is_an_overlap(x, y):
    crop = Crop(x, y, 40)
    assert crop.overlaps(plane(100, 80))
    assert crop.cut(plane(100, 80))[..., 2].any()


def test_around_has_the_centre_in_its_middle():
    assert Crop.around(np.array([50.0, 40.0]), 20) == Crop(40, 30, 20)
    assert Crop.around(np.array([50.4, 39.6]), 20.2) == Crop(40, 30, 20)
    assert Crop.around(np.array([-50.0, 10.0]), 30.0) == Crop(-65, -5, 30)


def test_around_is_never_too_small_to_look_at():
    assert Crop.around(np.array([50.0, 40.0]), 0.0) == Crop(42, 32, 16)


@pytest.mark.parametrize(("x", "y"), [(10, 7), *BEYOND])
def test_detections_come_back_in_the_images_pixels(x, y):
    image = np.zeros((80, 100, 3), np.uint8)
    crop = Crop(x, y, 40)
    column, row = np.clip(x + 21, 0, 99), np.clip(y + 17, 0, 79)
    image[row, column] = 255
    (found,) = crop.detect(image, FindsWhite())
    np.testing.assert_array_equal(found.xy, np.tile([column, row], (33, 1)))


def test_moved_shifts_image_points_only():
    here = figure((10.0, 20.0))
    there = here.moved(np.array([3.5, -7.0]))
    np.testing.assert_allclose(there.xy, here.xy + [3.5, -7.0], rtol=1e-6)
    assert there.xy.dtype == here.xy.dtype
    assert there.xyz is here.xyz
    assert there.confidence is here.confidence
    assert there.score == here.score
    np.testing.assert_allclose(here.xy.mean(0), figure((10.0, 20.0)).xy.mean(0))


def test_share_of_a_crop_that_a_box_covers():
    crop = Crop(10, 20, 40)
    assert crop.share_of(np.array([0.0, 0.0, 100.0, 100.0])) == 1.0
    assert crop.share_of(np.array([30.0, 0.0, 100.0, 100.0])) == pytest.approx(0.5)
    assert crop.share_of(np.array([20.0, 30.0, 40.0, 50.0])) == pytest.approx(0.25)
    assert crop.share_of(np.array([60.0, 70.0, 90.0, 90.0])) == 0.0


@given(
    width=st.integers(16, 400),
    height=st.integers(16, 400),
    share=st.floats(0.1, 1.0),
    overlap=st.floats(0.0, 0.8),
)
def test_tiles_cover_every_pixel_and_overlap(width, height, share, overlap):
    side = max(16.0, share * max(width, height))
    crops = list(tiles(width, height, side, overlap))
    covered = np.zeros((height, width), bool)
    for crop in crops:
        covered[max(0, crop.y) : crop.y + crop.side, max(0, crop.x) : crop.x + crop.side] = True
    assert covered.all()
    columns, rows = sorted({c.x for c in crops}), sorted({c.y for c in crops})
    assert len(crops) == len(columns) * len(rows)
    for starts in (columns, rows):
        # Each start is rounded to a whole pixel.
        assert all(crops[0].side - step > overlap * side - 1 for step in np.diff(starts).tolist())


@given(length=st.integers(160, 2000), share=st.floats(0.1, 0.99), overlap=st.floats(0.0, 0.7))
def test_tiles_are_no_more_than_needed(length, share, overlap):
    side = math.ceil(share * length)
    most = math.ceil((length - side) / (side * (1 - overlap)) + 1e-6) + 1
    assert len(list(tiles(length, 16, share * length, overlap))) <= most


def test_one_tile_where_the_square_holds_the_image():
    assert list(tiles(100, 60, 120, 0.4)) == [Crop(-10, -30, 120)]
