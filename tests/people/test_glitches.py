from dataclasses import replace

import numpy as np
import pytest

from mocap.people import GlitchConfig, doubt_glitches
from mocap.people.glitches import belief
from mocap.skeletons import COCO_17

from .bodies import SCALE, person_of, walking

SIZE = 1.6 * SCALE


def believed(xy, fps=30.0, frames=None):
    frames = np.arange(len(xy)) if frames is None else np.array(frames)
    return belief(xy, frames, SIZE, fps, GlitchConfig())


def walk(count=60, turn=0.5):
    return SCALE * walking(count, turn)[..., :2]


def test_somebody_who_walks_is_believed():
    for turn in (0.0, np.pi / 2, np.pi):
        assert believed(walk(turn=turn)).min() == 1.0


@pytest.mark.parametrize("frame", [0, 1, 2, 30, 57, 58, 59])
def test_a_pose_that_jumps_is_doubted_and_its_neighbours_are_not(frame):
    xy = walk()
    xy[frame] += 0.5 * SIZE
    told = believed(xy)
    assert told[frame].max() < 0.1
    assert np.delete(told, frame, 0).min() > 0.9


def test_two_frames_of_junk():
    xy, rng = walk(), np.random.default_rng(0)
    xy[[30, 31]] += rng.choice([-0.5, 0.5], (2, 33, 2)) * SIZE
    told = believed(xy)
    assert told[[30, 31]].mean() < 0.15
    assert np.delete(told, [30, 31], 0).mean() > 0.99


def test_only_the_points_that_jump_lose():
    xy = walk()
    xy[30, 15] += 0.3 * SIZE
    told = believed(xy)
    assert told[30, 15] < 0.1
    assert np.delete(told[30], 15).min() == 1.0


@pytest.mark.parametrize("fps", [20.0, 30.0, 60.0])
def test_a_hand_that_waves_and_a_jump_that_begins_are_believed(fps):
    time = np.arange(60) / fps
    xy = np.tile(walk(1), (60, 1, 1))
    xy[:, 15] += 0.25 * SIZE * np.sin(2 * np.pi * 2 * time)[:, None]
    assert believed(xy, fps).min() == 1.0
    xy = np.tile(walk(1), (60, 1, 1))
    # From rest to 3 m/s at once.
    xy[:, :, 1] -= (3.0 * SCALE * (time - time[30]).clip(0))[:, None]
    assert believed(xy, fps).min() > 0.9


def test_what_is_allowed_grows_with_the_time_between():
    frames = np.arange(0, 120, 2)
    assert believed(walk(120)[frames], 30.0, frames).min() > 0.5
    dense, sparse = walk(), walk()
    dense[30, 15] += 0.12 * SIZE
    sparse[30, 15] += 0.12 * SIZE
    assert believed(dense, 60.0)[30, 15] < believed(sparse, 15.0)[30, 15]


@pytest.mark.parametrize("count", [1, 2])
def test_nobody_is_doubted_on_nobodys_word(count):
    assert (believed(400 * np.random.default_rng(0).random((count, 33, 2))) == 1.0).all()


def test_confidence_of_a_person():
    bodies = walking(60, 0.5)
    bodies[20] += 0.7
    person = person_of(bodies)
    doubted, count = doubt_glitches(person, 30.0)
    assert count == 1
    assert doubted.keypoints2d.confidence[20].max() < 0.1
    np.testing.assert_array_equal(doubted.keypoints2d.xy, person.keypoints2d.xy)
    assert doubted.keypoints2d.confidence.dtype == np.float32
    rest = np.delete(doubted.keypoints2d.confidence, 20, 0)
    np.testing.assert_allclose(rest, 0.9, rtol=0.05)
    coco = replace(person, keypoints2d=replace(person.keypoints2d, skeleton=COCO_17.name))
    assert doubt_glitches(coco, 30.0) == (coco, 0)
