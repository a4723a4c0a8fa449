"""Straight edges: found where they are drawn, once, few frames held, people left out."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from mocap.scene import SegmentCollector

WIDTH, HEIGHT = 1280, 720


@dataclass(frozen=True)
class Picture:
    index: int
    image: np.ndarray


def picture(*boxes: tuple[int, int, int, int], width: int = WIDTH, height: int = HEIGHT):
    """Dark boxes x0 y0 x1 y1 on a light ground."""
    image = np.full((height, width, 3), 200, np.uint8)
    for x0, y0, x1, y1 in boxes:
        cv2.rectangle(image, (x0, y0), (x1, y1), (40, 40, 40), cv2.FILLED)
    return image


def found(*images: np.ndarray, people=()) -> np.ndarray:
    collector = SegmentCollector()
    for number, image in enumerate(images):
        collector.add(8 * number, image)
    return collector.segments(people)


def ends(segment: np.ndarray) -> list[list[float]]:
    """Both ends, to ten pixels, the one more to the left or top first."""
    return sorted(np.round(segment.reshape(2, 2), -1).tolist())


def test_edges_of_a_box_in_pixels_of_the_frame():
    segments = found(picture((300, 100, 700, 600)))
    assert len(segments) == 4
    sides = sorted(ends(segment) for segment in segments)
    corners = [300, 100], [300, 600], [700, 100], [700, 600]
    expected = [[corners[i], corners[j]] for i, j in ((0, 1), (0, 2), (1, 3), (2, 3))]
    assert sides == expected


def test_edges_are_where_the_corners_of_pixels_are():
    upright = found(picture((300, 100, 699, 599), width=960, height=640))[:, ::2]
    places = upright[np.ptp(upright, 1) < 1].mean(1)
    np.testing.assert_allclose(np.sort(places), [300, 700], atol=0.2)


@pytest.mark.parametrize("scale", [0.5, 2])
def test_pictures_of_any_size_show_the_same(scale):
    image = picture((300, 100, 700, 600))
    other = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    lengths = [
        np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
        for segments in (found(image), found(other))
    ]
    assert lengths[1] == pytest.approx(lengths[0] * scale, abs=8 * scale)


def test_a_camera_that_stands_still_shows_an_edge_once():
    image = picture((300, 100, 700, 600))
    assert len(found(image, image, image)) == len(found(image)) == 4


def test_what_is_seen_only_now_and_then_is_kept():
    one, other = picture((300, 100, 700, 600)), picture((100, 150, 1100, 300))
    assert len(found(one, other)) == 8


def test_short_edges_are_noise_and_long_ones_come_first():
    segments = found(picture((300, 100, 700, 600), (900, 300, 930, 330)))
    length = np.hypot(*(segments[:, 2:] - segments[:, :2]).T)
    assert len(length) == 4
    assert np.all(np.diff(length) <= 0)


def test_a_multitude_is_cut_to_the_longest():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(6):
        corner = rng.uniform(0, [WIDTH, HEIGHT], (150, 2)).astype(int)
        images.append(picture(*(np.c_[corner, corner + rng.integers(45, 110, (150, 2))].tolist())))
    segments = found(*images)
    assert segments.shape == (400, 4)


def test_edges_within_a_box_around_somebody_are_left_out_where_they_are():
    image = picture((300, 100, 700, 600), (900, 200, 1100, 500))
    around = np.array([[880.0, 180, 1120, 520], [np.nan] * 4])
    alone = found(image, people=[(np.array([0, 1]), around)])
    assert len(found(image)) == 8
    assert len(alone) == 4
    assert alone[:, 0::2].max() < 720
    # A box of another frame says nothing of this one.
    assert len(found(image, people=[(np.array([3, 4]), around)])) == 8


def test_nothing_to_see():
    assert found().shape == (0, 4)
    assert found(picture()).shape == (0, 4)


@pytest.mark.parametrize("count", [1, 7, 8, 41, 500])
def test_few_frames_spread_over_a_clip_of_any_length(count):
    collector = SegmentCollector()
    image = picture(width=32, height=18)
    passed = list(collector.passing(Picture(index, image) for index in range(count)))
    assert [frame.index for frame in passed] == list(range(count))
    held = sorted(collector._held)
    assert held[0] == 0
    assert len(held) <= 6
    assert len(held) >= min(3, (count + 7) // 8)
    assert len(set(np.diff(held))) <= 1
    assert count - held[-1] <= (held[1] if len(held) > 1 else 8)
