from dataclasses import replace

import numpy as np
import pytest

from mocap.people import DepthConfig, undo_depth_flips
from mocap.people.depths import best_readings, readings
from mocap.skeletons import COCO_17

from .bodies import LEG, MIRROR, person_of, walking

ALL_BACK, ALL, LEGS, NEGATED = 0, 1, 2, 4
ASIDE = np.pi / 2


def read(bodies):
    return best_readings(bodies, DepthConfig())


def given_to_the_other_side(bodies, frames, which):
    """Depths exchanged between left and right for some points, in some frames."""
    changed = bodies.copy()
    changed[frames, :, 2] = np.where(which, bodies[frames][:, MIRROR, 2], bodies[frames, :, 2])
    return changed


@pytest.mark.parametrize("turn", np.radians([0, 45, 90, 135, 180, 270]))
def test_nothing_is_changed_where_nothing_is_wrong(turn):
    assert not read(walking(90, turn)).any()


@pytest.mark.parametrize("turn", [ASIDE, -ASIDE, 1.2])
@pytest.mark.parametrize("frames", [[10], [30, 31, 32, 33, 60], [0], [89]])
def test_legs_that_took_each_others_depth(turn, frames):
    told = given_to_the_other_side(walking(90, turn), frames, LEG)
    expected = np.zeros(90, int)
    expected[frames] = LEGS
    np.testing.assert_array_equal(read(told), expected)


@pytest.mark.parametrize("turn", np.radians([0, 30, 180]))
def test_a_body_turned_front_to_back(turn):
    frames = [20, 21, 22, 50]
    told = walking(90, turn)
    told[frames, :, 2] *= -1
    found = np.flatnonzero(read(told))
    np.testing.assert_array_equal(found, frames)
    assert (read(told)[frames] == NEGATED).all()


def test_undoing_gives_back_the_depths_and_leaves_the_picture():
    bodies, frames = walking(60, ASIDE), [20, 21, 22]
    told = person_of(given_to_the_other_side(bodies, frames, LEG))
    person, count = undo_depth_flips(told)
    assert count == 3
    np.testing.assert_allclose(person.keypoints3d.xyz, bodies, atol=1e-6)
    np.testing.assert_array_equal(person.keypoints2d.xy, told.keypoints2d.xy)
    assert undo_depth_flips(person)[1] == 0


def test_most_frames_wrong_and_right_in_the_end():
    bodies = walking(90, ASIDE)
    frames = np.flatnonzero(np.arange(90) % 10 < 8)
    told = given_to_the_other_side(bodies, frames, LEG)
    np.testing.assert_array_equal(np.flatnonzero(read(told)), frames)


def test_the_first_reading_is_as_told():
    bodies = walking(3, 0.4)
    np.testing.assert_array_equal(readings(bodies)[:, 0], bodies)


def test_gaps_and_other_skeletons_are_left_alone():
    bodies, seen = walking(60, ASIDE), [f for f in range(60) if f not in range(20, 45)]
    person = person_of(bodies[seen], seen)
    changed, count = undo_depth_flips(person)
    assert count == 0
    assert np.isnan(changed.keypoints3d.xyz[20:45]).all()
    coco = replace(person, keypoints2d=replace(person.keypoints2d, skeleton=COCO_17.name))
    for other in (coco, replace(person, keypoints3d=None)):
        assert undo_depth_flips(other) == (other, 0)
