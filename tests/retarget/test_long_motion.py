"""Motion of awkward lengths and with holes: put on the robot, or refused in one line."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from mocap.errors import RetargetError
from mocap.retarget import (
    correspondence_of,
    human_motion,
    read_robot,
    retarget,
    robot_report,
)
from retarget.made_up import marching, written


@pytest.fixture(scope="module")
def robot(tmp_path_factory):
    return read_robot(written(tmp_path_factory.mktemp("robot")))


def peak(robot, frames):
    motion = marching(frames)
    tracemalloc.start()
    try:
        trajectory = retarget([motion], robot)[0]
        return tracemalloc.get_traced_memory()[1], trajectory, motion
    finally:
        tracemalloc.stop()


def test_memory_grows_by_little_more_than_the_motion_itself(robot):
    short, _, _ = peak(robot, 1600)
    long, trajectory, motion = peak(robot, 3200)
    # Half an hour at 30 frames a second is 54,000 frames.
    assert (long - short) / 1600 * 54_000 < 1.5e9
    report = robot_report(trajectory, motion, robot, correspondence_of(robot))
    assert report.passed, report.failures


def test_two_frames_pass_their_report(robot):
    motion = marching(2)
    trajectory = retarget([motion], robot)[0]
    report = robot_report(trajectory, motion, robot, correspondence_of(robot))
    assert not report.figures["frames"].get("not_finite")
    assert np.isfinite(trajectory.states()).all()


def test_frames_that_were_not_seen_are_followed_like_the_others(robot):
    motion = marching(60)
    seen = np.ones(60, bool)
    seen[20:40] = False
    holed = replace(motion, observed=seen)
    trajectory = retarget([holed], robot)[0]
    report = robot_report(trajectory, holed, robot, correspondence_of(robot))
    assert report.passed, report.failures


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (0, "has no frames; a motion takes two"),
        (1, "has one frame; a motion takes two"),
        (3, "no two frames that are numbers"),
    ],
)
def test_what_is_no_motion_is_refused_in_one_line(frames, said):
    nothing = np.full((frames, 22, 3), np.nan)
    with pytest.raises(RetargetError, match=said) as refused:
        human_motion("somebody", nothing, nothing, np.arange(frames) / 30)
    assert "\n" not in str(refused.value)


def test_holes_at_the_ends_are_filled_and_long_ones_told(robot):
    motion = marching(60)
    vectors, times = np.zeros((60, 22, 3)), np.arange(60) / 30
    joints = motion.joints.copy()
    joints[:5] = joints[-5:] = np.nan
    filled = human_motion("somebody", joints, vectors, times)
    assert len(filled) == 60
    assert np.isfinite(filled.joints).all()
    joints[:30] = np.nan
    with pytest.raises(RetargetError, match=r"is not a number for 1\.00 s from 0\.00 s on"):
        human_motion("somebody", joints, vectors, times)
