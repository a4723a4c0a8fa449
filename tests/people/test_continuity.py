import numpy as np
import pytest

from mocap.people.continuity import jerkiness, transition
from mocap.people.labelings import ALL, ARM_POINTS, ARMS, KEPT, LEG_POINTS, LEGS, ORDERS

from .bodies import SCALE, walking

SIZE = 1.6 * SCALE


def costs(xy, confidence=None, frames=None):
    """For each sighting the costs (4, 4, 4, 4) by the labels of it and the three before."""
    confidence = np.full(xy.shape[:2], 0.9) if confidence is None else confidence
    frames = np.arange(len(xy)) if frames is None else np.array(frames)
    return np.stack([transition(j) for j in jerkiness(xy, confidence, frames, SIZE)])


def walk(count=30, turn=0.4):
    return SCALE * walking(count, turn, noise=0.002)[..., :2]


def along_a_line(count, jump=0.0):
    """Somebody who flies across the picture, a third of their size a frame."""
    xy = np.tile(walk(1), (count, 1, 1))
    xy[..., 0] += SIZE / 3 * np.arange(count)[:, None]
    return xy


def test_the_first_sighting_costs_nothing():
    assert not costs(walk())[0].any()


def test_whoever_goes_on_as_they_went_costs_nothing():
    # At constant velocity but for momentum, which dies out with time.
    told = costs(along_a_line(10))[4:, KEPT, KEPT, KEPT, KEPT]
    assert told.max() < 0.1
    resting = costs(np.tile(walk(1), (10, 1, 1)))[4:, KEPT, KEPT, KEPT, KEPT]
    np.testing.assert_allclose(resting, 0.0, atol=1e-9)


@pytest.mark.parametrize("label", [ALL, LEGS, ARMS])
def test_a_story_and_its_opposite_cost_the_same(label):
    xy = walk()
    story = costs(xy)
    opposite = costs(xy[:, ORDERS[label]])
    for labels in ((KEPT, KEPT, KEPT, KEPT), (ALL, KEPT, KEPT, LEGS), (ARMS, ARMS, ALL, KEPT)):
        np.testing.assert_allclose(story[(..., *labels)], opposite[(..., *labels)], atol=1e-9)


def test_undoing_a_swap_costs_what_no_swap_does():
    xy = walk()
    swapped = xy.copy()
    swapped[20] = xy[20][ORDERS[LEGS]]
    true, told = costs(xy)[20], costs(swapped)[20]
    assert told[LEGS, KEPT, KEPT, KEPT] == pytest.approx(true[KEPT, KEPT, KEPT, KEPT])
    assert told[KEPT, KEPT, KEPT, KEPT] > told[LEGS, KEPT, KEPT, KEPT] + 0.05


def test_coming_back_the_same_way_costs_more_than_passing():
    # Two ankles pass each other in the picture; a swap would have them bounce.
    xy = np.tile(walk(1), (12, 1, 1))
    step = np.linspace(-1, 1, 12)[:, None] * 0.3 * SIZE
    left, right = LEG_POINTS[::2], LEG_POINTS[1::2]
    middle = (xy[:, left, 0] + xy[:, right, 0]) / 2
    xy[:, left, 0], xy[:, right, 0] = middle + step, middle - step
    xy[:, right, 1] = xy[:, left, 1]
    told = costs(xy)
    passing = told[6, KEPT, KEPT, KEPT, KEPT] + told[7, KEPT, KEPT, KEPT, KEPT]
    bouncing = told[6, LEGS, KEPT, KEPT, KEPT] + told[7, LEGS, LEGS, KEPT, KEPT]
    assert bouncing > passing + 0.05


def test_points_without_confidence_have_no_say():
    xy = walk()
    confidence = np.full(xy.shape[:2], 0.9)
    confidence[:, LEG_POINTS] = 0.0
    xy[20, LEG_POINTS] += 100.0
    told = costs(xy, confidence)
    np.testing.assert_allclose(told[20], costs(walk(), confidence)[20], atol=1e-9)
    assert np.isfinite(costs(xy, 0 * confidence)).all()


def test_a_limb_that_flies_costs_no_more_the_farther():
    near, far = walk(), walk()
    near[20, ARM_POINTS] += 0.6 * SIZE
    far[20, ARM_POINTS] += 6.0 * SIZE
    one, other = costs(near)[20, KEPT, KEPT, KEPT, KEPT], costs(far)[20, KEPT, KEPT, KEPT, KEPT]
    assert one == pytest.approx(other, rel=0.05)
