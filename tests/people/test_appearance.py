import numpy as np
import pytest
from keypoints.figures import figure

from mocap.people.appearance import describe, unlikeness

PERSON = figure((200.0, 200.0), 300.0)
# Below the hips of a figure of 300 px at (200, 200): the line between shirt and trousers.
WAIST = 200 + round(300 * (0.5 - 0.34)) - 3


def dressed(shirt, trousers, light=1.0):
    image = np.full((500, 400, 3), 128, np.uint8)
    image[:WAIST] = (np.array(shirt) * light).astype(np.uint8)
    image[WAIST:] = (np.array(trousers) * light).astype(np.uint8)
    return describe(image, PERSON)


def test_the_same_colours_are_alike():
    a = dressed((200, 40, 40), (30, 30, 80))
    assert unlikeness(a, a) == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(a.sum(-1), 1.0, rtol=1e-6)
    assert (a > 0).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((150, 60, 50), (60, 110, 60)),
        ((200, 200, 200), (30, 30, 30)),
        ((90, 90, 150), (150, 120, 60)),
    ],
)
def test_other_colours_are_not(one, other):
    assert unlikeness(dressed(one, one), dressed(other, other)) > 0.9


VIVID = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255)]


@pytest.mark.parametrize("one", range(4))
def test_vivid_colours_are_told_apart(one):
    looks = [dressed(colour, colour) for colour in VIVID]
    for other, look in enumerate(looks):
        assert (unlikeness(looks[one], look) > 0.8) == (one != other)


def test_torso_and_thighs_count_the_same():
    blue, red, grey = (40, 50, 130), (150, 50, 40), (120, 120, 120)
    half = unlikeness(dressed(red, grey), dressed(blue, grey))
    assert half == pytest.approx(0.5, abs=0.05)
    assert unlikeness(dressed(grey, red), dressed(grey, blue)) == pytest.approx(half, abs=0.05)
    # The same clothes worn the other way round are other clothes.
    assert unlikeness(dressed(red, blue), dressed(blue, red)) > 0.9


def test_a_little_shadow_is_not_another_person():
    bright, dim = dressed((150, 60, 50), (60, 60, 110)), dressed((150, 60, 50), (60, 60, 110), 0.8)
    assert unlikeness(bright, dim) < 0.75


def test_background_and_border_do_not_enter():
    image = np.full((500, 400, 3), (150, 60, 50), np.uint8)
    other = image.copy()
    other[:, :150], other[:, 250:] = 255, 0
    other[:130] = (10, 250, 10)
    assert unlikeness(describe(image, PERSON), describe(other, PERSON)) == pytest.approx(
        0, abs=1e-3
    )


def test_somebody_half_outside_is_told_by_the_visible_half():
    image = np.full((500, 400, 3), (150, 60, 50), np.uint8)
    inside = describe(image, PERSON)
    for centre in ((0.0, 200.0), (399.0, 200.0), (200.0, 0.0)):
        half = describe(image, figure(centre, 300.0))
        assert unlikeness(inside, half) < 0.1


def test_somebody_outside_the_picture_looks_like_nothing():
    image = np.full((500, 400, 3), (150, 60, 50), np.uint8)
    nothing = describe(image, figure((-2000.0, 200.0), 300.0))
    np.testing.assert_allclose(nothing, 1 / nothing.shape[1])
    assert unlikeness(nothing, describe(image, PERSON)) > 0.5
