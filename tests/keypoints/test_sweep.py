import numpy as np
import pytest

from mocap.keypoints import Crop, SweepConfig, sweep
from mocap.keypoints.sweep import (
    containment,
    distance,
    distinct,
    extent,
    is_part,
    outline,
    person_crop,
)
from mocap.skeletons import MEDIAPIPE_33

from .figures import TEMPLATE, figure, mirrored, points

# Feet at 0.66 below the torso's middle, eyes 0.295 above; hands 0.27 to either side.
BOX = np.array([-0.27, 0.045 - 0.34, 0.27, 0.66])


def test_outline_and_extent():
    person = figure((300.0, 400.0), 100.0)
    np.testing.assert_allclose(outline(person), np.array([300, 400, 300, 400]) + 100 * BOX)
    centre, size = extent(person)
    np.testing.assert_allclose(centre, [300.0, 400 + 50 * (BOX[1] + BOX[3])], rtol=1e-6)
    assert size == pytest.approx(95.5)


def test_outline_leaves_out_what_is_not_trusted():
    hidden_legs = np.where(points("knee", "ankle", "heel", "foot"), 0.29, 0.31)
    person = figure((0.0, 0.0), 100.0, confidence=hidden_legs)
    assert outline(person)[3] == pytest.approx(100 * (0.51 - 0.34), abs=1e-4)
    assert outline(person, least_confidence=0.2)[3] == pytest.approx(66.0, abs=1e-4)


def test_outline_takes_all_points_where_hardly_any_is_trusted():
    nearly_nothing = np.where(points("eye_inner", "nose"), 0.9, 0.1)
    person = figure((0.0, 0.0), 100.0, confidence=nearly_nothing)
    np.testing.assert_allclose(outline(person), 100 * BOX, atol=1e-4)


def test_containment_is_the_share_of_the_inner_box():
    inner, outer = figure((0.0, 0.0), 100.0), figure((0.0, 0.0), 200.0)
    assert containment(inner, outer) == pytest.approx(1.0)
    assert containment(outer, inner) == pytest.approx(0.25)
    beside = figure((27.0, 0.0), 100.0)
    assert containment(beside, figure((0.0, 0.0), 100.0)) == pytest.approx(0.5, abs=1e-3)
    assert containment(figure((500.0, 0.0), 100.0), inner) == 0.0


def test_person_crop_is_padded_about_the_outline():
    assert person_crop(figure((300.0, 400.0), 200.0), 240 / 191) == Crop(180, 316, 240)


def test_distance_is_in_sizes_of_the_larger_person():
    a, b = figure((0.0, 0.0), 200.0), figure((95.5, 0.0), 200.0)
    assert distance(a, a) == 0.0
    assert distance(a, b) == pytest.approx(0.5)
    assert distance(b, a) == pytest.approx(0.5)
    assert distance(figure((0.0, 0.0), 100.0), figure((0.0, 300.0), 200.0)) == pytest.approx(
        300 / 191, abs=0.15
    )


def test_distance_looks_through_mistaken_sides():
    person = figure((0.0, 0.0), 200.0)
    swapped = mirrored(person)
    names = np.median(np.linalg.norm(person.xy - swapped.xy, axis=1)) / 191
    assert names > SweepConfig().same
    assert distance(person, swapped) == 0.0
    assert distance(person, mirrored(figure((38.2, 0.0), 200.0))) == pytest.approx(0.2, abs=1e-3)


def test_distance_is_of_points_both_trust():
    flying = TEMPLATE.copy()
    flying[~points("eye", "ear", "mouth", "nose", "shoulder")] += 2.0
    unsure = figure(shape=flying, confidence=np.where(np.abs(flying - TEMPLATE).any(1), 0.1, 0.9))
    assert distance(figure(), unsure) == 0.0
    assert distance(figure(), figure(shape=flying)) > 0.5


def test_distinct_keeps_the_surest_of_each_person():
    near, far = figure((20.0, 0.0), score=0.6), figure((400.0, 0.0), score=0.5)
    best = figure((0.0, 0.0), score=0.9)
    assert [d.score for d in distinct([near, far, best], 0.2)] == [0.9, 0.5]
    assert len(distinct([near, far, best], 0.01)) == 3
    assert distinct([], 0.2) == []


def test_a_part_is_small_and_inside():
    whole = figure((0.0, 0.0), 200.0)
    assert is_part(figure((0.0, 0.0), 118.0), whole)
    assert not is_part(figure((0.0, 0.0), 122.0), whole)
    assert not is_part(whole, figure((0.0, 0.0), 100.0))
    # A quarter of its box of 54 px may stick out.
    assert is_part(figure((40.0, 0.0), 100.0), whole)
    assert not is_part(figure((41.0, 0.0), 100.0), whole)
    assert not is_part(figure((500.0, 0.0), 100.0), whole)


class OneShape:
    """Sees the white rectangle if it is more than ``share`` of the square's side."""

    skeleton = MEDIAPIPE_33
    name = "white rectangle"

    def __init__(self, share, score=0.9):
        self.share, self.score, self.sides = share, score, []

    def detect(self, image):
        self.sides.append(image.shape[0])
        rows, columns = np.nonzero((image == 255).all(-1))
        if len(rows) == 0 or np.ptp(rows) + 1 < self.share * image.shape[0]:
            return []
        height = np.ptp(rows) + 1
        centre = (columns.mean(), rows.min() + 0.34 * height)
        score = self.score(height) if callable(self.score) else self.score
        return [figure(centre, height, score=score)]

    def close(self):
        pass


def white(height, x=700, y=150):
    image = np.zeros((480, 960, 3), np.uint8)
    image[y : y + height, x : x + height // 2] = 255
    return image


def test_sweep_finds_somebody_small_once():
    (found,) = sweep(white(80), OneShape(0.3), SweepConfig())
    assert outline(found)[3] == pytest.approx(150 + 80, abs=1.5)
    assert extent(found)[1] == pytest.approx(0.955 * 80, abs=1.5)


def test_sweep_looks_at_both_scales_and_again_at_each_person():
    detector = OneShape(0.3)
    sweep(white(80), detector, SweepConfig())
    assert set(detector.sides[:-1]) == {480, 240}
    assert detector.sides[-1] == pytest.approx(1.25 * 0.955 * 80, abs=2)
    missed = OneShape(0.3)
    assert sweep(white(80), missed, SweepConfig(scales=(1.0,))) == []


def test_sweep_refuses_what_a_second_look_does_not_confirm():
    detector = OneShape(0.0, score=lambda height: 0.49)
    assert sweep(white(80), detector, SweepConfig()) == []
    assert len(sweep(white(80), OneShape(0.0, score=0.51), SweepConfig())) == 1


def test_sweep_of_nothing():
    assert sweep(np.zeros((480, 960, 3), np.uint8), OneShape(0.0), SweepConfig()) == []


@pytest.mark.parametrize(("score", "count"), [(0.6, 1), (0.95, 2)])
def test_sweep_keeps_no_part_of_a_surer_person(monkeypatch, score, count):
    person = figure((300.0, 200.0), 300.0, score=0.9)
    legs = figure((300.0, 330.0), 110.0, score=score)
    monkeypatch.setattr(Crop, "detect", lambda crop, image, detector: [person, legs])
    found = sweep(np.zeros((480, 640, 3), np.uint8), OneShape(0.0), SweepConfig())
    assert len(found) == count
    assert sum(detection.score == 0.9 for detection in found) == 1


def test_sweep_passes_over_squares_that_a_known_person_fills():
    image = np.zeros((480, 480, 3), np.uint8)
    person = figure((240.0, 240.0), 480.0)
    everywhere, elsewhere = OneShape(0.1), OneShape(0.1)
    sweep(image, everywhere, SweepConfig())
    sweep(image, elsewhere, SweepConfig(), [person])
    # Arms reach over half of the outer columns; above the shoulders only the middle is filled.
    assert everywhere.sides == [480] + 9 * [240]
    assert elsewhere.sides == [480, 240, 240]


def test_sweep_takes_no_second_look_at_known_people(monkeypatch):
    person, newcomer = figure((100.0, 200.0), 100.0), figure((400.0, 200.0), 100.0)
    looks = []

    def detect(crop, image, detector):
        looks.append(crop)
        return [person, newcomer]

    monkeypatch.setattr(Crop, "detect", detect)
    image = np.zeros((480, 480, 3), np.uint8)
    sweep(image, OneShape(0.0), SweepConfig())
    assert looks[10:] == [person_crop(person, 1.25), person_crop(newcomer, 1.25)]
    looks.clear()
    sweep(image, OneShape(0.0), SweepConfig(), [person])
    assert looks[10:] == [person_crop(newcomer, 1.25)]


def test_sweep_finds_newcomers_beside_known_people():
    image = white(200, x=20, y=20)
    (person,) = sweep(image, OneShape(0.1), SweepConfig())
    image[300:460, 800:880] = 255
    image[20:220, 20:120] = 0
    (found,) = sweep(image, OneShape(0.1), SweepConfig(), [person])
    assert outline(found)[3] == pytest.approx(460, abs=2)
