from dataclasses import replace

import numpy as np
import pytest

from mocap.datasets.motions import MotionClip
from mocap.errors import MocapError
from mocap.exporters import upright_axes
from mocap.geometry import Z_UP_TO_Y_UP

NAMES = ("left_hip", "right_hip", "left_ankle", "right_ankle", "neck")
STANDING = np.array([[0.1, 0, 0], [-0.1, 0, 0], [0.15, -0.8, 0], [-0.15, -0.8, 0], [0, 0.5, 0.0]])


def clip(frames: int = 10) -> MotionClip:
    joints = STANDING + np.arange(frames)[:, None, None] * [0.0, 0.0, 0.1]
    turns = np.full((frames, 5, 3, 3), np.nan)
    turns[:, 4] = np.eye(3)
    return MotionClip("c", "p", 30.0, NAMES, joints, turns, STANDING)


def test_upright_axes_follow_the_file():
    np.testing.assert_array_equal(upright_axes(STANDING, NAMES), np.eye(3))
    # x forward, z up: left is y.
    other = STANDING[:, [2, 0, 1]]
    axes = upright_axes(other, NAMES)
    np.testing.assert_array_equal(axes, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(other @ axes, STANDING)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_who_does_not_stand_has_no_axes():
    lying = STANDING.copy()
    lying[2:4] = [[0.1, 0, 0.8], [-0.1, 0, 0.8]]
    assert upright_axes(lying, NAMES) is None
    assert upright_axes(STANDING[:4], NAMES[:4]) is None


def test_turns_are_known_or_not():
    assert clip().turn("neck").shape == (10, 3, 3)
    assert clip().turn("left_hip") is None
    assert clip().turn("nose") is None
    assert clip().place("nose") is None


def test_the_world_turns_and_the_upright_person_does_not():
    turned = clip().turned(Z_UP_TO_Y_UP)
    np.testing.assert_allclose(turned.joints[0, 4], [0, 0.0, -0.5], atol=1e-12)
    np.testing.assert_allclose(turned.turn("neck")[0], Z_UP_TO_Y_UP)
    np.testing.assert_array_equal(turned.rest, STANDING)


def test_resampling_takes_frames_as_they_are():
    slower = clip(31).resampled(10)
    assert slower.fps == 10
    np.testing.assert_array_equal(slower.joints, clip(31).joints[::3])
    assert clip().resampled(60).fps == 30
    with pytest.raises(MocapError, match="rate"):
        clip().resampled(0)


def test_scaling_scales_lengths_only():
    larger = clip().scaled(2.0)
    np.testing.assert_allclose(larger.joints, 2 * clip().joints)
    np.testing.assert_allclose(larger.rest, 2 * STANDING)
    np.testing.assert_allclose(larger.turn("neck"), clip().turn("neck"))


def test_labels_of_contact_go_with_their_frames():
    labelled = replace(clip(), contacts=np.arange(10.0)[:, None].repeat(4, 1), fps_told=False)
    assert labelled[2:8:3].contacts[:, 0].tolist() == [2, 5]
    slow = labelled.resampled(10.0)
    assert slow.contacts[:, 3].tolist() == [0, 3, 6, 9]
    assert not slow.fps_told
