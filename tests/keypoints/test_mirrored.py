import numpy as np
import pytest

from mocap.keypoints import Crop, MediaPipePose, SweepConfig
from mocap.keypoints.mirrored import look_in_mirror, unmirrored
from mocap.skeletons import MEDIAPIPE_33
from mocap.video import open_video

from .figures import figure


def test_unmirroring_twice_gives_back_what_was_seen():
    seen = figure((120.0, 200.0), 180.0, confidence=np.linspace(0.1, 0.9, 33))
    once = unmirrored(seen, 640.0)
    twice = unmirrored(once, 640.0)
    for name in ("xy", "xyz", "confidence"):
        np.testing.assert_allclose(getattr(twice, name), getattr(seen, name), rtol=1e-5, atol=1e-4)
    left, right = MEDIAPIPE_33.indices("left_wrist", "right_wrist")
    assert once.xy[left, 0] == pytest.approx(640.0 - seen.xy[right, 0])
    assert once.xy[left, 1] == seen.xy[right, 1]
    assert once.xyz[left, 0] == -seen.xyz[right, 0]
    assert once.confidence[left] == seen.confidence[right]


class Painted:
    """Finds a figure about the one white pixel of an image, facing the camera always."""

    skeleton, name = MEDIAPIPE_33, "painted"

    def __init__(self, height=100.0, offset=0.0):
        self.height, self.offset = height, offset

    def detect(self, image):
        rows, columns = np.nonzero(image.min(-1) > 200)
        return [
            figure((column + 0.5 + self.offset, row + 0.5), self.height)
            for row, column in zip(rows, columns, strict=True)
        ]

    def close(self):
        pass


def painted(*places):
    image = np.zeros((400, 500, 3), np.uint8)
    for x, y in places:
        image[y, x] = 255
    return image


def test_a_person_is_found_where_they_are_with_their_own_sides():
    person = figure((300.5, 150.5), 100.0)
    found = look_in_mirror(painted((300, 150)), person, Painted(), SweepConfig())
    np.testing.assert_allclose(found.xy, person.xy, atol=1e-3)


def test_of_two_people_the_right_one_and_nobody_else():
    person = figure((300.5, 150.5), 100.0)
    found = look_in_mirror(painted((330, 150), (300, 150)), person, Painted(), SweepConfig())
    np.testing.assert_allclose(found.xy, person.xy, atol=1e-3)
    assert look_in_mirror(painted((340, 150)), person, Painted(), SweepConfig()) is None
    assert look_in_mirror(painted(), person, Painted(), SweepConfig()) is None


def test_a_real_man_has_the_same_sides_in_the_mirror(demo_clip, pose_bundle):
    with open_video(demo_clip) as source:
        image = next(frame.image for frame in source if frame.index == 60)
    pose = MediaPipePose(pose_bundle, most=1)
    try:
        (person,) = Crop.around(np.array([636, 240]), 520).detect(image, pose)
        found = look_in_mirror(image, person, pose, SweepConfig())
    finally:
        pose.close()
    limbs = MEDIAPIPE_33.indices(
        *(f"{side}_{joint}" for side in ("left", "right") for joint in ("wrist", "hip", "knee"))
    )
    np.testing.assert_allclose(found.xy[limbs], person.xy[limbs], atol=25)
    np.testing.assert_allclose(found.xyz[limbs, :2], person.xyz[limbs, :2], atol=0.12)
