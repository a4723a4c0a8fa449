from dataclasses import replace

import numpy as np
import pytest

from mocap.keypoints import Crop, Detection, detect_hands
from mocap.keypoints.hands import LEAST_CROP, hand_crop
from mocap.skeletons import HAND_21, MEDIAPIPE_33

from .figures import figure

IMAGE = np.zeros((600, 600, 3), np.uint8)


def place(person, **where):
    """The person with some points elsewhere."""
    xy = person.xy.copy()
    for name, at in where.items():
        xy[MEDIAPIPE_33.index(name)] = at
    return replace(person, xy=xy)


def doubt(person, name, confidence):
    told = person.confidence.copy()
    told[MEDIAPIPE_33.index(name)] = confidence
    return replace(person, confidence=told)


def arm_out(person):
    """The left arm 100 px long below the elbow, knuckles 20 px beyond the wrist."""
    return place(
        person,
        left_elbow=(350, 300),
        left_wrist=(450, 300),
        left_index=(470, 295),
        left_pinky=(470, 305),
    )


class Hands:
    """Finds hands at given places of the image, if their wrist is inside the crop."""

    skeleton = HAND_21
    name = "scripted hands"

    def __init__(self, *wrists):
        self.wrists = [np.array(wrist, np.float32) for wrist in wrists]
        self.crop = None

    def detect(self, image):
        raise AssertionError("crops are looked at through the patched Crop.detect")


@pytest.fixture
def see(monkeypatch):
    """Let crops tell the scripted hands where they are."""

    def detect(crop, image, detector):
        inside = [
            w for w in detector.wrists if (w >= [crop.x, crop.y]).all()
            and (w < [crop.x + crop.side, crop.y + crop.side]).all()
        ]  # fmt: skip
        return [
            Detection(
                (w + np.linspace(0, 30, 21)[:, None]).astype(np.float32),
                np.full(21, 0.8, np.float32),
                np.zeros((21, 3), np.float32),
                0.8,
            )
            for w in inside
        ]

    monkeypatch.setattr(Crop, "detect", detect)


def test_hand_crop_is_beyond_the_wrist_and_as_large_as_the_forearm_tells():
    crop = hand_crop(arm_out(figure((300.0, 300.0), 200.0)), "left")
    # 1.6 forearms; centred 1.2 of the way from the wrist to the knuckles.
    assert crop == Crop.around(np.array([450 + 1.2 * 20, 300]), 160)


def test_hand_crop_of_an_arm_towards_the_camera_goes_by_the_torso():
    person = place(figure((300.0, 300.0), 250.0), left_elbow=(440, 300), left_wrist=(440, 302),
                   left_index=(440, 304), left_pinky=(440, 304))  # fmt: skip
    torso = np.hypot(0.03, 0.32) * 250
    crop = hand_crop(person, "left")
    assert crop.side == round(0.6 * torso)
    assert crop == Crop.around(np.array([440, 302 + 1.2 * 2]), 0.6 * torso)


def test_no_hand_crop_where_the_wrist_is_not_seen():
    person = arm_out(figure((300.0, 300.0), 200.0))
    assert hand_crop(doubt(person, "left_wrist", 0.29), "left") is None
    assert hand_crop(doubt(person, "left_wrist", 0.31), "left") is not None
    assert hand_crop(doubt(person, "left_wrist", 0.29), "right") is not None


def test_no_hand_crop_of_somebody_far_away():
    forearm = np.hypot(0.05, 0.13)
    height = LEAST_CROP / max(1.6 * forearm, 0.6 * np.hypot(0.03, 0.32))
    assert hand_crop(figure(height=0.98 * height), "left") is None
    assert hand_crop(figure(height=1.02 * height), "left").side == pytest.approx(LEAST_CROP, abs=2)


@pytest.mark.usefixtures("see")
def test_hands_are_those_at_the_arms():
    person = figure((300.0, 300.0), 400.0)
    left, right = person.xy[MEDIAPIPE_33.indices("left_wrist", "right_wrist")]
    hands = detect_hands(IMAGE, person, Hands(right + 3, left + 3))
    np.testing.assert_allclose(hands["left"].xy[0], left + 3)
    np.testing.assert_allclose(hands["right"].xy[0], right + 3)


@pytest.mark.usefixtures("see")
def test_the_nearest_hand_is_taken_and_none_that_is_far():
    person = arm_out(figure((300.0, 300.0), 200.0))
    hands = detect_hands(IMAGE, person, Hands((480, 300), (455, 303)))
    np.testing.assert_allclose(hands["left"].xy[0], (455, 303))
    # 0.3 of a crop of 160 px.
    assert detect_hands(IMAGE, person, Hands((450 + 49, 300)))["left"] is None
    assert detect_hands(IMAGE, person, Hands((450 + 47, 300)))["left"] is not None


@pytest.mark.usefixtures("see")
def test_one_hand_does_not_hang_on_two_arms():
    person = place(
        arm_out(figure((300.0, 300.0), 200.0)),
        right_elbow=(550, 310),
        right_wrist=(465, 310),
        right_index=(445, 310),
        right_pinky=(445, 310),
    )
    hands = detect_hands(IMAGE, person, Hands((462, 309)))
    assert hands["left"] is None
    np.testing.assert_allclose(hands["right"].xy[0], (462, 309))
    both = detect_hands(IMAGE, person, Hands((449, 300), (466, 309)))
    np.testing.assert_allclose(both["left"].xy[0], (449, 300))
    np.testing.assert_allclose(both["right"].xy[0], (466, 309))


@pytest.mark.usefixtures("see")
def test_hands_beyond_the_picture_are_not_looked_for():
    away = arm_out(figure((300.0, 300.0), 200.0)).moved(np.array([600.0, 0.0]))
    assert detect_hands(IMAGE, away, Hands((1050, 300))) == {"left": None, "right": None}
