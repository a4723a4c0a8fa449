"""Masks compared: figures that can be worked out by hand."""

import numpy as np
import pytest

from mocap.evaluate.outlines import compare_masks, edge


def square(left: int, top: int, side: int, size: int = 60) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_mask_agrees_with_itself():
    found = compare_masks(square(10, 10, 20), square(10, 10, 20), margins=[0.0, 2.0])
    assert found.iou == found.widened[0] == 1.0
    assert found.distance_px == found.beyond_px == found.outside_share == 0.0
    # A ring of two pixels and no corners, which are farther away than that.
    assert found.widened[1] == pytest.approx(400 / (400 + 4 * 40 + 4 * 3), abs=0.01)


def test_beside_each_other():
    found = compare_masks(square(10, 10, 20), square(15, 10, 20))
    assert found.iou == pytest.approx(15 / 25)
    assert found.outside_share == found.unfilled_share == pytest.approx(0.25)
    apart = compare_masks(square(5, 10, 10), square(25, 10, 10))
    assert apart.iou == 0.0
    assert 10 < apart.distance_px < 20


def test_a_thin_body_in_a_wide_coat():
    found = compare_masks(square(20, 20, 20), square(17, 17, 26), margins=[0.0, 3.0, 6.0])
    assert found.iou == pytest.approx(400 / 676)
    assert np.argmax(found.widened) == 1
    assert found.widened[1] > 0.97
    assert found.beyond_px == pytest.approx(3.0, abs=0.3)
    assert found.distance_px == pytest.approx(3.0, abs=0.3)
    inside = compare_masks(square(17, 17, 26), square(20, 20, 20))
    assert inside.beyond_px == pytest.approx(-3.0, abs=0.3)


def test_unclear_pixels_do_not_count():
    ours, theirs = square(10, 10, 20), square(15, 10, 20)
    assert compare_masks(ours, theirs, ours ^ theirs).iou == 1.0
    assert compare_masks(ours, theirs, ours | theirs) is None
    assert compare_masks(np.zeros_like(ours), np.zeros_like(ours)) is None


def test_of_nobody_there_are_no_edges():
    found = compare_masks(square(10, 10, 20), np.zeros((60, 60), bool))
    assert found.iou == 0.0
    assert np.isnan(found.distance_px)
    assert np.isnan(found.outside_share)


def test_the_end_of_the_picture_is_no_edge():
    found = edge(square(0, 20, 10))
    assert not found[21:29, 0].any()
    assert found[20:30, 9].all()
    assert found[20, :10].all()


@pytest.mark.parametrize("cut", [False, True])
def test_the_end_of_what_is_clear_is_no_edge(cut):
    """Whether or not the masks have been cut there already."""
    ours, theirs = square(10, 10, 40), square(12, 10, 40)
    unclear = np.ones((60, 60), bool)
    unclear[24:32] = False
    # Of these rows only the sides are edges, two pixels apart.
    found = compare_masks(ours, theirs & ~unclear if cut else theirs, unclear, margins=[2.0])
    assert found.distance_px == pytest.approx(2.0, abs=0.01)
    assert found.beyond_px == pytest.approx(0.0, abs=0.01)
    assert found.iou == pytest.approx(38 / 42)
    # Wider by two on either side, from what is unclear too.
    assert found.widened[0] == pytest.approx(40 / 44)
    hidden = unclear.copy()
    hidden[:, 8:15] = hidden[:, 45:] = True
    nowhere = compare_masks(ours, theirs, hidden)
    assert nowhere.iou == 1.0
    assert np.isnan(nowhere.distance_px)
