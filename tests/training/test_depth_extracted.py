"""Pairs put right as extraction puts keypoints right."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mocap.body import BodyPose, load_body
from mocap.datasets.pairs import Pairs
from mocap.datasets.synthetic.film import landmarks
from mocap.skeletons import COCO_OF_MEDIAPIPE, MEDIAPIPE_33, SMPLX_55
from mocap.training.depth.extracted import _person, as_extracted

COCO = COCO_OF_MEDIAPIPE
MIRROR = list(MEDIAPIPE_33.mirror)


@pytest.fixture
def pairs(stepping: tuple[np.ndarray, np.ndarray]) -> Pairs:
    """Somebody marching on the spot, detected without fault at 15 frames a second."""
    xy, xyz = stepping
    count = len(xy)
    zeros = np.zeros(count, np.float32)
    return Pairs(
        corrupted=xyz[:, COCO],
        ground_truth=xyz[:, COCO],
        visibility=np.ones((count, 17), np.float32),
        pose_2d=xy[:, COCO],
        azimuth=zeros,
        elevation=zeros,
        camera_relative=np.tile(np.float32([0, 0, 3]), (count, 1)),
        sequence=zeros.astype(np.int32),
        time=np.arange(count) / 15,
        landmarks_xy=xy,
        landmarks_xyz=xyz,
        landmarks_confidence=np.ones((count, 33), np.float32),
        sequences=("march",),
        splits=("train",),
    )


@pytest.fixture(scope="module")
def stepping() -> tuple[np.ndarray, np.ndarray]:
    """The picture's pixels and metric points of the 33 landmarks."""
    count, body = 40, load_body()
    pose = torch.zeros(count, 21, 3)
    phase = torch.sin(torch.arange(count) / 15 * 4.0)
    for side, sign in (("left", 1), ("right", -1)):
        lift = torch.clamp(sign * phase, min=0.0)
        pose[:, SMPLX_55.index(f"{side}_hip") - 1, 0] = -0.9 * lift
        pose[:, SMPLX_55.index(f"{side}_knee") - 1, 0] = 1.3 * lift
        pose[:, SMPLX_55.index(f"{side}_shoulder") - 1, 2] = -sign * 1.2
        pose[:, SMPLX_55.index(f"{side}_elbow") - 1, 1] = -sign * 0.6
    with torch.no_grad():
        posed = body.forward(
            BodyPose(global_orient=torch.zeros(count, 3), body_pose=pose.flatten(1)),
            return_landmarks=True,
        )
    # Seen from in front: the picture's x and y, and depth, all turn their sign.
    points = landmarks(body, posed) * np.array([1.0, -1.0, -1.0])
    hips = points[:, MEDIAPIPE_33.indices("left_hip", "right_hip")].mean(1, keepdims=True)
    xyz = (points - hips).astype(np.float32)
    return (500 + 300 * xyz[..., :2]).astype(np.float32), xyz


def test_what_is_right_stays(pairs):
    found = as_extracted(pairs)
    assert len(found) == len(pairs)
    np.testing.assert_allclose(found.corrupted, pairs.corrupted, atol=1e-6)
    np.testing.assert_allclose(found.pose_2d, pairs.pose_2d, atol=1e-4)
    assert found.landmarks_xyz is None


def test_what_is_seen_in_the_mirror_is_averaged_in(pairs):
    rng = np.random.default_rng(2)
    error, other = (0.02 * rng.normal(size=pairs.landmarks_xyz.shape) for _ in range(2))
    mirrored = pairs.landmarks_xyz + other
    mirrored[5] = np.nan
    seen = replace(
        pairs,
        corrupted=(pairs.landmarks_xyz + error)[:, COCO],
        landmarks_xyz=pairs.landmarks_xyz + error,
        mirrored_xy=np.where(np.isnan(mirrored[..., :2]), np.nan, pairs.landmarks_xy),
        mirrored_xyz=mirrored,
        mirrored_confidence=np.where(np.isnan(mirrored[..., 0]), np.nan, 1.0),
    )
    found = as_extracted(seen)
    assert found.mirrored_xyz is None
    # Single pictures as well, but only where there is a second look.
    for frame, count in ((3, 1), (5, 0)):
        alone = as_extracted(seen[frame : frame + 1])
        assert len(alone) == count
        if count:
            both = 0.5 * (seen.landmarks_xyz + seen.mirrored_xyz)[3, COCO]
            np.testing.assert_allclose(alone.corrupted[0], both, atol=1e-6)
    once = as_extracted(replace(seen, mirrored_xy=None))

    def off(told):
        return np.linalg.norm(told.corrupted - pairs.ground_truth, axis=-1).mean(1)

    there = np.arange(len(pairs)) != 5
    assert off(found)[there].mean() < 0.8 * off(once)[there].mean()
    np.testing.assert_allclose(found.corrupted[5], once.corrupted[5], atol=1e-6)


def test_exchanged_sides_are_put_back(pairs):
    xy, xyz = pairs.landmarks_xy.copy(), pairs.landmarks_xyz.copy()
    xy[18:21], xyz[18:21] = xy[18:21, MIRROR], xyz[18:21, MIRROR]
    wrong = replace(
        pairs,
        landmarks_xy=xy,
        landmarks_xyz=xyz,
        pose_2d=xy[:, COCO],
        corrupted=xyz[:, COCO],
    )
    found = as_extracted(wrong)
    assert np.abs(wrong.pose_2d - pairs.pose_2d).max() > 50
    np.testing.assert_allclose(found.pose_2d, pairs.pose_2d, atol=1e-3)
    np.testing.assert_allclose(found.ground_truth, pairs.ground_truth)


def test_gaps_are_kept(pairs):
    kept = np.r_[0:10, 14:40]
    found = as_extracted(pairs[kept])
    np.testing.assert_allclose(found.time, pairs.time[kept])
    np.testing.assert_allclose(found.corrupted, pairs.corrupted[kept], atol=1e-6)


@pytest.mark.parametrize("wobble", [0.0005, 0.012])
def test_frames_at_uneven_times_keep_what_was_seen_in_them(pairs, wobble):
    lots = np.random.default_rng(4)
    time = pairs.time + lots.uniform(-wobble, wobble, len(pairs)).astype(np.float32)
    found = as_extracted(replace(pairs, time=time))
    np.testing.assert_array_equal(found.time, time)
    np.testing.assert_allclose(found.corrupted, pairs.corrupted, atol=1e-6)
    person, rows, fps = _person(replace(pairs, time=time), slice(0, len(pairs)))
    assert len(rows) == len(set(rows.tolist())) == len(pairs)
    assert len(person.frames) <= 1.1 * len(pairs)
    assert fps == pytest.approx(15.0, rel=0.2)


def test_what_tells_no_motion_is_left_out(pairs):
    assert not len(as_extracted(pairs[:2]))
    for name in ("landmarks_xy", "landmarks_xyz", "landmarks_confidence"):
        assert not len(as_extracted(replace(pairs, **{name: None})))


def test_sequences_that_lack_times_or_confidence_are_left_out(pairs):
    count = len(pairs)
    for name in ("time", "landmarks_confidence"):
        unknown = np.full_like(getattr(pairs, name), np.nan)
        both = Pairs.concatenate([pairs, replace(pairs, **{name: unknown})]).check()
        found = as_extracted(both)
        assert len(found) == count
        np.testing.assert_array_equal(found.sequence, np.zeros(count))
        assert np.isfinite(found.visibility).all()
