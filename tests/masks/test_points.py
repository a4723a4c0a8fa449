"""Points held to masks: in the pixels that they are in, and near them."""

import numpy as np
import pytest

from mocap.masks.points import crop_about, pixels_at, share_on


def test_a_point_is_in_the_pixel_whose_corners_are_about_it():
    points = np.array([[0.0, 0.99], [10.5, 3.5], [10.99, 4.0], [-0.01, 0.0]])
    np.testing.assert_array_equal(pixels_at(points), [[0, 0], [10, 3], [10, 4], [-1, 0]])


def test_points_on_a_mask_and_near_it():
    mask = np.zeros((20, 30), bool)
    mask[5:10, 5:10] = True
    points = np.array([[5.1, 5.1], [9.9, 9.9], [10.1, 9.0], [13.5, 7.5], [40.0, 7.0]])
    # The last is not in the picture.
    assert share_on(mask, points, 0.0, least=1) == 0.5
    assert share_on(mask, points, 1.0, least=1) == 0.75
    assert share_on(mask, points, 4.2, least=4) == 1.0
    assert share_on(mask, points, 4.2, least=5) == 0.0


@pytest.mark.parametrize("middle", [(15.0, 10.0), (0.0, 0.0), (29.0, 19.0), (90.0, 10.0)])
def test_crops_say_where_they_lie_in_the_picture(middle):
    picture = np.arange(20 * 30 * 3).reshape(20, 30, 3) % 251 + 1
    extent = np.array([8.0, 16.0])
    crop = crop_about(middle - extent / 2, middle + extent / 2)
    assert crop.side == 20
    there, here = crop.within(30, 20)
    cut = crop.cut(picture.astype(np.uint8))
    np.testing.assert_array_equal(cut[here], picture[there])
    assert np.count_nonzero(cut) == picture[there].size
