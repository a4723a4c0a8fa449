import numpy as np
import pytest
from keypoints.figures import figure

from mocap.keypoints import Detection
from mocap.keypoints.sweep import outline
from mocap.people import Sighting, Tracklet, person_record
from mocap.skeletons import MEDIAPIPE_33

LOOK = np.full((2, 4), 0.25)
SIDES = ("left", "right")


def hand(value):
    xy = np.full((21, 2), value, np.float32)
    return Detection(xy, np.full(21, 0.7, np.float32), np.full((21, 3), value / 1000), 0.7)


@pytest.fixture
def tracklet():
    """Frames 10, 11 and 14; a left hand in 11, both in 14."""
    found = Tracklet()
    hands = {
        14: {"left": hand(3), "right": hand(4)},
        10: {"left": None, "right": None},
        11: {"left": hand(2), "right": None},
    }
    for frame, both in hands.items():
        found.add(frame, Sighting(figure((10.0 * frame, 200.0), confidence=0.8), both), LOOK)
    return found


def test_frames_are_consecutive_and_unseen_ones_say_so(tracklet):
    person = person_record(tracklet, "person-2", MEDIAPIPE_33, "pose", "hands")
    assert (person.id, person.label) == ("person-2", "person-2")
    np.testing.assert_array_equal(person.frames, [10, 11, 12, 13, 14])
    np.testing.assert_array_equal(person.observed, [True, True, False, False, True])
    np.testing.assert_array_equal(np.isnan(person.box).all(1), ~person.observed)
    np.testing.assert_allclose(person.box[4], outline(tracklet.sightings[14].body))


def test_body_points_are_the_detections_and_nan_elsewhere(tracklet):
    person = person_record(tracklet, "a", MEDIAPIPE_33, "pose", None)
    body2d, body3d = person.keypoints2d, person.keypoints3d
    assert (body2d.skeleton, body2d.source) == ("mediapipe33", "pose")
    assert (body3d.skeleton, body3d.source) == ("mediapipe33", "pose")
    for row, frame in enumerate(person.frames):
        if person.observed[row]:
            body = tracklet.sightings[int(frame)].body
            np.testing.assert_array_equal(body2d.xy[row], body.xy)
            np.testing.assert_array_equal(body2d.confidence[row], body.confidence)
            np.testing.assert_array_equal(body3d.xyz[row], body.xyz)
        else:
            assert np.isnan(body2d.xy[row]).all()
            assert np.isnan(body3d.xyz[row]).all()
            np.testing.assert_array_equal(body2d.confidence[row], 0.0)


def test_hands_are_nan_where_not_found(tracklet):
    person = person_record(tracklet, "a", MEDIAPIPE_33, "pose", "palms")
    told = {"left": [np.nan, 2, np.nan, np.nan, 3], "right": [np.nan] * 4 + [4]}
    for side in SIDES:
        flat, metric = getattr(person.hands2d, side), getattr(person.hands3d, side)
        assert (flat.skeleton, flat.source) == ("hand21", "palms")
        np.testing.assert_array_equal(flat.xy[:, 5, 1], told[side])
        np.testing.assert_allclose(metric.xyz[:, 5, 1], np.array(told[side]) / 1000, rtol=1e-6)
        np.testing.assert_allclose(flat.confidence[:, 5], 0.7 * np.isfinite(told[side]))


def test_no_hands_where_nobody_looked(tracklet):
    person = person_record(tracklet, "a", MEDIAPIPE_33, "pose", None)
    assert person.hands2d is None
    assert person.hands3d is None
