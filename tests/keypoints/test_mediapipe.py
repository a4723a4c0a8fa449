"""The real models on real pictures."""

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from mocap.keypoints import Crop, MediaPipeHands, MediaPipePose, SweepConfig, detect_hands, sweep
from mocap.keypoints.sweep import extent
from mocap.skeletons import HAND_21, MEDIAPIPE_33
from mocap.video import open_video

TORSO = MEDIAPIPE_33.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")


def frame(clip, number):
    with open_video(clip) as source:
        return next(islice(source, number, None)).image


@pytest.fixture(scope="module")
def pose(pose_bundle):
    detector = MediaPipePose(pose_bundle)
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def hands(hand_bundle):
    detector = MediaPipeHands(hand_bundle)
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def two_people(demo_clip):
    """Frame 60: a man with his arms up at (636, 232), a woman at (1420, 682)."""
    return frame(demo_clip, 60)


@pytest.fixture(scope="module")
def man(two_people):
    return Crop.around(np.array([636, 240]), 520).cut(two_people)


def row(detection, name):
    return detection.xy[MEDIAPIPE_33.index(name)]


def test_pose_of_a_man_with_his_arms_up(pose, man):
    (found,) = pose.detect(man)
    assert found.score > 0.8
    assert found.xy.shape == (33, 2)
    assert found.confidence.shape == (33,)
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    np.testing.assert_allclose(found.xy[TORSO].mean(0), [636 - 376, 232 + 20], atol=25)
    for side in ("left", "right"):
        height = [
            row(found, f"{side}_{joint}")[1]
            for joint in ("wrist", "elbow", "shoulder", "hip", "knee", "ankle")
        ]
        assert height == sorted(height)
    # He faces the camera.
    assert row(found, "left_shoulder")[0] > row(found, "right_shoulder")[0] + 50


def test_metric_points_are_about_the_hips_and_as_long_as_a_man(pose, man):
    (found,) = pose.detect(man)
    hips = found.xyz[MEDIAPIPE_33.indices("left_hip", "right_hip")]
    np.testing.assert_allclose(hips.mean(0), 0.0, atol=0.02)
    shoulders = found.xyz[MEDIAPIPE_33.indices("left_shoulder", "right_shoulder")]
    assert 0.35 < np.linalg.norm(shoulders.mean(0)) < 0.65
    thigh = found.xyz[MEDIAPIPE_33.index("left_knee")] - hips[0]
    assert 0.3 < np.linalg.norm(thigh) < 0.55
    # y points down, as in the picture.
    assert shoulders[:, 1].max() < -0.3


def test_detection_is_the_same_twice(pose, man):
    first, second = pose.detect(man)[0], pose.detect(man)[0]
    for name in ("xy", "confidence", "xyz"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_the_order_of_pictures_does_not_matter(pose, man, two_people):
    first = pose.detect(man)[0]
    pose.detect(two_people[500:, 1200:1700])
    np.testing.assert_array_equal(pose.detect(man)[0].xy, first.xy)


def test_a_view_that_is_not_contiguous_reads_as_its_copy(pose, two_people):
    view = two_people[:, ::-1]
    for one, other in zip(pose.detect(view), pose.detect(view.copy()), strict=True):
        np.testing.assert_array_equal(one.xy, other.xy)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nobody_in_a_blank_picture(pose, hands, level):
    blank = np.full((300, 400, 3), level, np.uint8)
    assert pose.detect(blank) == []
    assert hands.detect(blank) == []
    assert sweep(blank, pose, SweepConfig()) == []


def test_sweep_finds_both_people_and_nobody_else(pose, two_people):
    found = sweep(two_people, pose, SweepConfig())
    centres = sorted((d.xy[TORSO].mean(0).tolist() for d in found), key=lambda xy: xy[0])
    np.testing.assert_allclose(centres, [(636, 232), (1420, 682)], atol=30)
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    assert all(330 < extent(d)[1] < 460 for d in found)


def test_hands_of_a_man_who_stands_near(pose, hands, four_camera_clip):
    image = frame(four_camera_clip / "cam03.mp4", 50)
    person = max(sweep(image, pose, SweepConfig()), key=lambda d: extent(d)[1])
    found = detect_hands(image, person, hands)
    assert any(found.values())
    for side, hand in found.items():
        if hand is None:
            continue
        wrist = hand.xy[HAND_21.index("wrist")]
        assert np.linalg.norm(wrist - row(person, f"{side}_wrist")) < 0.06 * extent(person)[1]
        assert np.ptp(hand.xy, axis=0).max() < 0.2 * extent(person)[1]
        # Relative to the hand's own centre, a hand's reach.
        assert 0.03 < np.linalg.norm(hand.xyz, axis=1).max() < 0.2


def test_the_library_is_silent(pose_bundle, demo_clip):
    code = f"""
from pathlib import Path
from mocap.keypoints import MediaPipePose
from mocap.video import open_video
pose = MediaPipePose(Path({str(pose_bundle)!r}))
with open_video({str(demo_clip)!r}) as source:
    assert pose.detect(next(iter(source)).image[:500, 400:900])
pose.close()
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
