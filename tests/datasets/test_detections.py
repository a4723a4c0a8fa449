from dataclasses import replace

import numpy as np
import pytest
import torch

from mocap.body import BodyPose
from mocap.datasets.detections import CLEAN, DETECTOR, Performance, detect
from mocap.geometry import Camera
from mocap.skeletons import MEDIAPIPE_33

CAMERA = Camera.assumed(1280, 720)
FRAMES = 60


def stander(body, x: float, z: float, name: str) -> Performance:
    pose = BodyPose(
        global_orient=torch.tensor([[0.0, np.pi, 0.0]] * FRAMES, dtype=torch.float64),
        transl=torch.tensor([[x, 0.0, z]] * FRAMES, dtype=torch.float64),
    )
    return Performance.of(body, pose, name)


def test_clean_detections_are_projections(body):
    alone = stander(body, 0.3, 4.0, "a")
    [person] = detect([alone], CAMERA, 30.0, CLEAN)
    expected = CAMERA.project(alone.points, np.arange(FRAMES))
    np.testing.assert_allclose(person.keypoints2d.xy, expected, atol=1e-3)
    assert person.observed.all()
    assert person.keypoints2d.confidence.min() > 0.5
    hips = MEDIAPIPE_33.indices("left_hip", "right_hip")
    assert np.abs(person.keypoints3d.xyz[:, hips].mean(1)).max() < 1e-6


def test_who_stands_behind_is_hidden_and_who_stands_before_is_not(body):
    near, far = stander(body, 0.0, 3.0, "near"), stander(body, 0.0, 5.0, "far")
    people = {p.id: p for p in detect([near, far], CAMERA, 30.0, replace(DETECTOR, lost=1.1))}
    shoulder = MEDIAPIPE_33.index("left_hip")
    assert people["near"].keypoints2d.confidence[:, shoulder].min() > 0.5
    assert people["far"].keypoints2d.confidence[:, shoulder].max() <= DETECTOR.hidden_confidence
    aside = stander(body, 2.0, 5.0, "far")
    people = {p.id: p for p in detect([near, aside], CAMERA, 30.0)}
    assert people["far"].keypoints2d.confidence[:, shoulder].min() > 0.5


def test_who_is_hidden_throughout_is_not_there(body):
    wall = [stander(body, x, 2.5, f"w{x}") for x in (-0.2, 0.0, 0.2)]
    ids = {p.id for p in detect([*wall, stander(body, 0.0, 9.0, "far")], CAMERA, 30.0)}
    assert "far" not in ids


def test_errors_are_as_large_as_they_are_said_to_be(body):
    alone = stander(body, 0.0, 4.0, "a")
    noise = replace(CLEAN, pixels=0.01, metres=0.05, hidden=1.0)
    [exact], [person] = (detect([alone], CAMERA, 30.0, n) for n in (CLEAN, noise))
    off = person.keypoints2d.xy - exact.keypoints2d.xy
    height = np.ptp(exact.keypoints2d.xy[0, :, 1])
    width = np.ptp(exact.keypoints2d.xy[0, :, 0])
    assert off.std() == pytest.approx(0.01 * max(height, width), rel=0.1)
    off3 = person.keypoints3d.xyz - exact.keypoints3d.xyz
    assert off3.std() == pytest.approx(0.05, rel=0.1)
    # Slow: from one frame to the next they hardly change.
    assert np.diff(off3, axis=0).std() < 0.5 * off3.std()


def test_depth_is_lost_and_the_body_leans(body):
    alone = stander(body, 0.0, 4.0, "a")
    noise = replace(CLEAN, depth_share=0.4, shear=0.1)
    [exact], [person] = (detect([alone], CAMERA, 30.0, n) for n in (CLEAN, noise))
    a, b = exact.keypoints3d.xyz, person.keypoints3d.xyz
    np.testing.assert_allclose(b[..., :2], a[..., :2], atol=1e-6)
    np.testing.assert_allclose(b[..., 2], 0.6 * a[..., 2] + 0.1 * a[..., 1], atol=1e-5)


def test_out_of_the_picture_means_no_confidence(body):
    half_out = stander(body, 1.9, 3.0, "a")
    [person] = detect([half_out], CAMERA, 30.0, replace(CLEAN, lost=1.1))
    across = CAMERA.project(half_out.points, np.arange(FRAMES))[..., 0]
    outside = (across < 0) | (across > 1280)
    assert 0 < outside.mean() < 1
    assert person.keypoints2d.confidence[outside].max() < 0.1


def test_the_same_seed_gives_the_same(body):
    alone = stander(body, 0.0, 4.0, "a")
    first, again, other = (detect([alone], CAMERA, 30.0, seed=s)[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(first.keypoints3d.xyz, again.keypoints3d.xyz)
    assert not np.allclose(first.keypoints3d.xyz, other.keypoints3d.xyz)
