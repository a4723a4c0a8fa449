"""AIST++ to training pairs with the real detector, on a small replica."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mocap.datasets.aistpp import (
    VIEWS,
    AistError,
    AistPlusPlus,
    convert,
    sequence_name,
    video_name,
    write_replica,
)
from mocap.datasets.aistpp.dancer import nearest
from mocap.datasets.aistpp.inventory import (
    BAD_VIEW,
    IGNORED,
    NO_ANNOTATION,
    NO_KEYPOINTS,
    NO_SETTING,
    NO_SPLIT,
    take_inventory,
)
from mocap.datasets.pairs import Pairs, PairsError, PairStore, Sightings, pair_up, read_pairs
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.geometry import view_angles
from mocap.keypoints import Detection
from mocap.people import Sighting, Tracklet
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE
from mocap.video import VideoWriter, open_video

from .dancers import dance

SIZE = (480, 270)
HIPS = COCO_17.indices("left_hip", "right_hip")


def make_replica(body, folder, who=("ann",), **changes):
    options = {"seconds": 0.2, "fps": 15.0, "size": SIZE} | changes
    try:
        return write_replica(folder, [dance(body, name) for name in who], body, **options)
    except MocapError as error:
        if "OpenGL" in str(error) or "moderngl" in str(error):
            pytest.skip(str(error))
        raise


@pytest.fixture(scope="module")
def replica(body, tmp_path_factory):
    """Two sequences, eighteen videos of three frames."""
    return make_replica(body, tmp_path_factory.mktemp("replica"), ("ann", "bea"))


@pytest.fixture(scope="module")
def store(replica, pose_bundle, tmp_path_factory):
    """All of it, converted without a break."""
    out = tmp_path_factory.mktemp("pairs") / "store"
    done = convert(replica.annotations, replica.videos, out, workers=0, every=1)
    assert not done.outcome.failed
    assert not done.skipped
    return out


@pytest.fixture
def copy(replica, tmp_path):
    """A replica to be damaged; of two videos."""
    sequence = replica.sequences[0]
    annotations = shutil.copytree(replica.annotations, tmp_path / "annotations")
    videos = tmp_path / "videos"
    videos.mkdir()
    for view in ("c01", "c05"):
        shutil.copy(replica.videos / f"{video_name(sequence, view)}.mp4", videos)
    return replace(replica, annotations=annotations, videos=videos)


# The replica


def test_a_replica_has_the_layout_and_names_of_the_original(replica):
    first, second = replica.sequences
    assert first == "gBR_sBM_cAll_d01_mBR0_ch01"
    assert second == "gPO_sBM_cAll_d02_mPO1_ch02"
    files = {str(p.relative_to(replica.annotations)) for p in replica.annotations.rglob("*.*")}
    assert files == {
        "cameras/mapping.txt",
        "cameras/setting1.json",
        "ignore_list.txt",
        "splits/pose_train.txt",
        "splits/pose_val.txt",
        "splits/pose_test.txt",
        *(
            f"{kind}/{sequence}.pkl"
            for kind in ("motions", "keypoints2d", "keypoints3d")
            for sequence in replica.sequences
        ),
    }
    names = sorted(path.name for path in replica.videos.iterdir())
    assert names[:9] == [f"gBR_sBM_{view}_d01_mBR0_ch01.mp4" for view in VIEWS]
    assert len(names) == 18
    with open_video(replica.videos / names[0]) as video:
        assert (video.info.width, video.info.height, video.info.fps) == (*SIZE, 15.0)
        assert len(list(video)) == 3


def test_videos_are_sixty_a_second_unless_told(body, tmp_path):
    made = make_replica(body, tmp_path, views=("c03",), fps=60.0, seconds=0.1)
    (path,) = made.videos.iterdir()
    with open_video(path) as video:
        times = [frame.time for frame in video]
    np.testing.assert_allclose(times, np.arange(6) / 60, atol=1e-6)


# Conversion


def test_every_video_is_an_item(store, replica):
    keys = [video_name(name, view) for name in replica.sequences for view in VIEWS]
    kept = PairStore.open(store)
    assert list(kept.entries) == keys
    assert (kept.source, kept.parameters["every"]) == ("aistpp", 1)
    assert not kept.take_stock()
    pairs = read_pairs(store)
    # The detector sometimes sees nobody, and more often in so small a picture.
    assert 45 <= len(pairs) <= 54
    assert len(pairs.sequences) >= 15
    for name, split in zip(pairs.sequences, pairs.splits, strict=True):
        assert split == ("train" if keys.index(name) < 9 else "val")
    frames = pairs.time * 15
    np.testing.assert_allclose(frames, np.round(frames), atol=1e-5)
    assert set(np.round(frames).astype(int)) == {0, 1, 2}


def test_the_detector_found_the_dancer(store):
    pairs = read_pairs(store)
    # Of a person some 140 pixels tall.
    gap = np.linalg.norm(pairs.pose_2d - pairs.truth_2d, axis=-1)
    assert np.median(gap) < 4
    error = np.linalg.norm(pairs.corrupted - pairs.ground_truth, axis=-1)
    assert 0.03 < error[:, 5:].mean() < 0.2
    assert (pairs.image_size == SIZE).all()
    np.testing.assert_array_equal(pairs.landmarks_xy[:, COCO_OF_MEDIAPIPE], pairs.pose_2d)
    np.testing.assert_array_equal(pairs.landmarks_xyz[:, COCO_OF_MEDIAPIPE], pairs.corrupted)
    assert pairs.landmarks_confidence.shape == (len(pairs), 33)
    # And in the mirror, nearly always, with errors of its own.
    twice = np.isfinite(pairs.mirrored_xy).all((1, 2))
    assert twice.mean() > 0.7
    apart = np.linalg.norm(pairs.mirrored_xy - pairs.landmarks_xy, axis=-1)[twice]
    assert 0.1 < np.median(apart) < 6
    assert np.isfinite(pairs.mirrored_xyz[twice]).all()
    for points in (pairs.corrupted, pairs.ground_truth):
        np.testing.assert_allclose(points[:, HIPS].mean(1), 0, atol=1e-6)


def test_truth_and_views_are_those_of_the_rig(store, replica):
    pairs = read_pairs(store, splits=["train"])
    dataset, sequence = AistPlusPlus.open(replica.annotations), replica.sequences[0]
    every = dataset.keypoints3d(sequence)
    assert len(pairs.sequences) >= 7
    for name, run in zip(pairs.sequences, pairs.runs(), strict=True):
        view = sequence_name(name)[1]
        camera = dataset.camera(sequence, view)
        frames = np.round(pairs.time[run] * 60).astype(int)
        world = every[frames]
        hips = world[:, HIPS]
        np.testing.assert_allclose(pairs.truth_2d[run], camera.project(world, frames), atol=0.02)
        away = -camera.R[0].T @ camera.t[0] - hips.mean(1)
        left = hips[:, 0] - hips[:, 1]
        heading = np.arctan2(-left[:, 2], left[:, 0])
        np.testing.assert_allclose(pairs.heading[run], heading, atol=1e-4)
        about = np.arctan2(away[:, 0], away[:, 2]) - heading
        np.testing.assert_allclose(np.sin(pairs.azimuth[run] - about), 0, atol=1e-4)
        assert np.cos(pairs.azimuth[run] - about).min() > 0.99
        elevation = np.arctan2(away[:, 1], np.hypot(away[:, 0], away[:, 2]))
        np.testing.assert_allclose(pairs.elevation[run], elevation, atol=1e-4)
        told = view_angles(pairs.camera_relative[run])
        np.testing.assert_allclose(told, [pairs.azimuth[run], pairs.elevation[run]], atol=1e-5)
        # Depth in facing axes is distance from the camera, to first order.
        centre = -camera.R[0].T @ camera.t[0]
        depth = np.linalg.norm(world - centre, axis=-1)
        depth -= np.linalg.norm(hips.mean(1) - centre, axis=-1)[:, None]
        np.testing.assert_allclose(pairs.ground_truth[run][..., 2], depth, atol=0.12)


def test_converting_again_changes_nothing(store, replica):
    before = {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in (store / "items").iterdir()}
    done = convert(replica.annotations, replica.videos, store, workers=0, every=1)
    assert (done.outcome.made, done.outcome.kept) == ([], 18)
    after = {p.name: (p.stat().st_ino, p.stat().st_mtime_ns) for p in (store / "items").iterdir()}
    assert after == before


def test_another_every_is_refused(store, replica):
    with pytest.raises(PairsError, match="was made with every 1, not every 4"):
        convert(replica.annotations, replica.videos, store, workers=0)
    with pytest.raises(AistError, match="every 0th frame"):
        convert(replica.annotations, replica.videos, store, workers=0, every=0)


def test_videos_of_another_rate_are_sampled_by_time(body, pose_bundle, tmp_path):
    made = make_replica(body, tmp_path, views=("c02",), fps=50.0, seconds=0.3)
    convert(made.annotations, made.videos, tmp_path / "out", workers=0, every=4)
    pairs = read_pairs(tmp_path / "out")
    frames = np.round(pairs.time / 0.08).astype(int)
    np.testing.assert_allclose(pairs.time, frames * 0.08, atol=1e-6)
    assert len(frames) >= 2
    assert set(frames) <= {0, 1, 2, 3}
    dataset, sequence = AistPlusPlus.open(made.annotations), made.sequences[0]
    points = dataset.keypoints3d(sequence)
    expected = np.stack(
        [
            points[0],
            0.2 * points[4] + 0.8 * points[5],
            0.4 * points[9] + 0.6 * points[10],
            0.6 * points[14] + 0.4 * points[15],
        ]
    )
    xy = dataset.camera(sequence, "c02").project(expected[frames], frames)
    np.testing.assert_allclose(pairs.truth_2d, xy, atol=0.01)


def test_frames_without_truth_are_left_out(copy, pose_bundle, tmp_path):
    path = copy.annotations / "keypoints3d" / f"{copy.sequences[0]}.pkl"
    content = read_arrays(path)
    # Frames 0, 4 and 8 are the video's; the third lies beyond what is annotated.
    points = content["keypoints3d_optim"][:8]
    points[4, 9] = np.nan
    path.write_bytes(pickle.dumps({"keypoints3d_optim": points}, protocol=4))
    convert(copy.annotations, copy.videos, tmp_path / "out", workers=0, every=1)
    pairs = read_pairs(tmp_path / "out")
    assert 1 <= len(pairs) <= 2
    assert set(pairs.time.tolist()) == {0.0}


def test_a_video_that_fails_stops_no_other(copy, pose_bundle, tmp_path):
    first, second = sorted(copy.videos.iterdir())
    first.write_bytes(b"no video")
    done = convert(copy.annotations, copy.videos, tmp_path / "out", workers=0, every=1)
    assert list(done.outcome.failed) == [first.stem]
    assert done.outcome.made == [second.stem]
    assert first.name in done.outcome.failed[first.stem]
    assert first.stem in json.loads((tmp_path / "out" / "failed.json").read_text())


def test_pictures_the_cameras_are_not_of(copy, pose_bundle, tmp_path):
    first, second = sorted(copy.videos.iterdir())
    grey = np.full((120, 160, 3), 128, np.uint8)
    with VideoWriter(first, 160, 120, 60) as writer:
        writer.write(grey)
    second.unlink()
    done = convert(copy.annotations, copy.videos, tmp_path / "out", workers=0)
    assert (
        "is calibrated for 480×270 pixels, but the video has 160×120"
        in (done.outcome.failed[first.stem])
    )


def test_nobody_in_the_video(copy, pose_bundle, tmp_path):
    first, second = sorted(copy.videos.iterdir())
    second.unlink()
    with VideoWriter(first, *SIZE, 60) as writer:
        for _ in range(3):
            writer.write(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))
    done = convert(copy.annotations, copy.videos, tmp_path / "out", workers=0, every=1)
    assert done.outcome.made == [first.stem]
    assert done.outcome.pairs == 0


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork and SIGKILL")
def test_killed_ten_times_it_ends_as_if_it_had_not_been(replica, store, pose_bundle, tmp_path):
    out = tmp_path / "out"
    program = Path(__file__).with_name("convert_killed.py")
    command = [sys.executable, program, replica.annotations, replica.videos, out, "10"]
    told = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=True, timeout=300
    ).stdout.split()
    assert told[::2] == ["killed"] * 10
    counts = [int(count) for count in told[1::2]]
    # Nothing that was done is ever lost, and none of this was over before the last kill.
    assert counts == sorted(counts)
    assert 0 < counts[-1] < 18
    done_before = {p.name: p.stat().st_mtime_ns for p in (out / "items").glob("[!.]*.h5")}
    done = convert(replica.annotations, replica.videos, out, workers=1, every=1)
    assert done.outcome.kept == counts[-1]
    assert len(done.outcome.made) == 18 - counts[-1]
    assert not done.outcome.mended
    for name, written in done_before.items():
        assert (out / "items" / name).stat().st_mtime_ns == written
    assert sorted(p.name for p in (out / "items").iterdir()) == sorted(
        p.name for p in (store / "items").iterdir()
    )
    kept, whole = PairStore.open(out), PairStore.open(store)
    assert not kept.take_stock()
    assert list(kept.entries) == list(whole.entries)
    ours, theirs = read_pairs(out), read_pairs(store)
    assert ours.sequences == theirs.sequences
    for name in ours.present:
        # Threads add in another order.
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), atol=1e-3)


# What cannot be converted


def test_what_is_missing_is_said_before_anything_starts(copy, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(AistError, match="nowhere: no such folder; give that of the AIST Dance DB"):
        convert(copy.annotations, tmp_path / "nowhere", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AistError, match=r"empty: holds no \.mp4"):
        convert(copy.annotations, tmp_path / "empty", out)
    with pytest.raises(AistError, match=r"no cameras/mapping\.txt"):
        convert(tmp_path / "empty", copy.videos, out)
    with pytest.raises(AistError, match="no split is called 'dev'"):
        convert(copy.annotations, copy.videos, out, splits=["dev"])
    with pytest.raises(AistError, match="has no sequence 'gXX'; they are named like gBR"):
        convert(copy.annotations, copy.videos, out, sequences=["gXX"])
    with pytest.raises(AistError, match="none of its 2 videos is of the splits or sequences asked"):
        convert(copy.annotations, copy.videos, out, splits=["test"])
    (copy.annotations / "ignore_list.txt").unlink()
    with pytest.raises(AistError, match=r"ignore_list\.txt: is missing; download"):
        convert(copy.annotations, copy.videos, out)
    assert not out.exists()


def test_what_is_left_out_is_listed_with_the_reason(tmp_path):
    annotations, videos = tmp_path / "annotations", tmp_path / "videos"
    for name in ("cameras", "splits", "keypoints3d"):
        (annotations / name).mkdir(parents=True)
    videos.mkdir()
    good, bad = "gJB_sBM_cAll_d07_mJB3_ch05", "gBR_sBM_cAll_d04_mBR0_ch01"
    ignored, bare = "gWA_sBM_cAll_d01_mWA0_ch01", "gWA_sBM_cAll_d01_mWA0_ch02"
    unset, unsplit = "gWA_sBM_cAll_d01_mWA0_ch03", "gWA_sBM_cAll_d01_mWA0_ch04"
    every = [good, bad, ignored, bare, unset, unsplit]
    mapping = [f"{name} setting{2 if name == unset else 1}" for name in every]
    (annotations / "cameras" / "mapping.txt").write_text("\n".join(mapping))
    (annotations / "cameras" / "setting1.json").write_text("[]")
    (annotations / "ignore_list.txt").write_text(ignored)
    for split, names in (("train", [good, ignored, bare, unset]), ("val", []), ("test", [bad])):
        (annotations / "splits" / f"pose_{split}.txt").write_text("\n".join(names))
    for name in every:
        if name != bare:
            (annotations / "keypoints3d" / f"{name}.pkl").touch()
    for name, view in [(good, "c07"), (good, "c08"), (bad, "c04"), (bad, "c05")]:
        (videos / f"{video_name(name, view)}.mp4").touch()
    for name in (ignored, bare, unset, unsplit):
        (videos / f"{video_name(name, 'c01')}.mp4").touch()
    # The Dance DB has more videos than AIST++ annotates, and people put others beside them.
    (videos / "gMH_sGR_c01_d22_d23_d24_mMH0_ch01.mp4").touch()
    (videos / "holiday.mp4").touch()
    dataset = AistPlusPlus.open(annotations)
    found = take_inventory(dataset, videos)
    assert [(item.key, item.view, item.split) for item in found.items] == [
        ("gBR_sBM_c04_d04_mBR0_ch01", "c04", "test"),
        ("gJB_sBM_c08_d07_mJB3_ch05", "c08", "train"),
    ]
    assert found.skipped == {
        BAD_VIEW: ["gBR_sBM_c05_d04_mBR0_ch01", "gJB_sBM_c07_d07_mJB3_ch05"],
        IGNORED: ["gWA_sBM_c01_d01_mWA0_ch01"],
        NO_KEYPOINTS: ["gWA_sBM_c01_d01_mWA0_ch02"],
        NO_SETTING: ["gWA_sBM_c01_d01_mWA0_ch03"],
        NO_SPLIT: ["gWA_sBM_c01_d01_mWA0_ch04"],
        NO_ANNOTATION: ["gMH_sGR_c01_d22_d23_d24_mMH0_ch01", "holiday"],
    }
    only = take_inventory(dataset, videos, splits=["test"])
    assert [item.split for item in only.items] == ["test"]
    only = take_inventory(dataset, videos, sequences=[good])
    assert [item.sequence for item in only.items] == [good]
    assert only.skipped[BAD_VIEW] == ["gJB_sBM_c07_d07_mJB3_ch05"]
    with pytest.raises(AistError, match=r"can be converted: 1 because the .* ignore list"):
        take_inventory(dataset, videos, sequences=[ignored])


# The dancer among others


def person(middle: tuple[float, float], height: float = 100.0) -> Detection:
    """Somebody's 33 points, in the picture."""
    rng = np.random.default_rng(0)
    xy = np.array(middle) + rng.uniform(-0.5, 0.5, (33, 2)) * [0.4 * height, height]
    return Detection(xy.astype(np.float32), np.ones(33, np.float32), np.zeros((33, 3)), 1.0)


def followed(sightings: dict[int, Detection]) -> Tracklet:
    track = Tracklet()
    for frame, body in sightings.items():
        track.add(frame, Sighting(body, {"left": None, "right": None}), np.zeros(3))
    return track


def test_the_sighting_nearest_to_the_truth_is_taken_frame_by_frame():
    truth = np.stack([person((100.0 + 10 * f, 200.0)).xy[COCO_OF_MEDIAPIPE] for f in range(5)])
    truth[3, 2] = np.nan
    # The dancer is lost after a frame and found again; somebody else stands near throughout.
    dancer = followed({0: person((103.0, 200.0))})
    again = followed({f: person((103.0 + 10 * f, 200.0)) for f in (2, 3, 4)})
    other = followed({f: person((190.0, 190.0)) for f in range(5)})
    found = nearest([other, dancer, again], truth)
    assert found.frames == [0, 2, 4]
    np.testing.assert_allclose(found.bodies[1].xy, person((123.0, 200.0)).xy)
    assert found.mirrored == [None, None, None]
    assert not len(nearest([], truth))


def test_nobody_seen_makes_no_pairs(replica):
    dataset = AistPlusPlus.open(replica.annotations)
    sequence = replica.sequences[0]
    world = dataset.keypoints3d(sequence)[:2]
    nobody = nearest([], world[..., :2])
    camera = dataset.camera(sequence, "c01")
    pairs = pair_up(nobody, world, np.arange(2) / 60, camera, SIZE, name="a", split="val")
    assert isinstance(pairs, Pairs)
    assert len(pairs.check()) == 0


def test_a_heading_is_borrowed_from_frames_nobody_was_seen_in(replica):
    dataset = AistPlusPlus.open(replica.annotations)
    sequence = replica.sequences[0]
    world = dataset.keypoints3d(sequence)[:2].copy()
    # Hips above each other tell no heading; the frame before tells one.
    world[1, HIPS] = world[1, HIPS].mean(0) + np.array([[0, 0.1, 0], [0, -0.1, 0]])
    rng = np.random.default_rng(0)
    body = Detection(rng.normal(size=(33, 2)), np.ones(33), rng.normal(size=(33, 3)), 1.0)
    seen = Sightings([1], [body], [None])
    camera = dataset.camera(sequence, "c01")
    pairs = pair_up(seen, world, np.arange(2) / 60, camera, SIZE, name="a", split="val").check()
    left = world[0, HIPS[0]] - world[0, HIPS[1]]
    assert pairs.heading[0] == pytest.approx(np.arctan2(-left[2], left[0]), abs=1e-5)
    assert pairs.mirrored_xy is None


def test_frames_that_nobody_saw_in_the_mirror_are_unknown_there(replica):
    dataset = AistPlusPlus.open(replica.annotations)
    world = dataset.keypoints3d(replica.sequences[0])[:3]
    rng = np.random.default_rng(0)
    bodies = [
        Detection(rng.normal(size=(33, 2)), np.ones(33), rng.normal(size=(33, 3)), 1.0)
        for _ in range(4)
    ]
    seen = Sightings()
    for frame, mirrored in enumerate((None, bodies[3], None)):
        seen.add(frame, bodies[frame], mirrored)
    camera = dataset.camera(replica.sequences[0], "c01")
    pairs = pair_up(seen, world, np.arange(3) / 60, camera, SIZE, name="a", split="val").check()
    np.testing.assert_allclose(pairs.mirrored_xy[1], bodies[3].xy, rtol=1e-6)
    for name in ("mirrored_xy", "mirrored_xyz", "mirrored_confidence"):
        assert np.isnan(getattr(pairs, name)[[0, 2]]).all()


# And on


def test_what_was_converted_can_be_trained_on_and_measured(store, tmp_path):
    pytest.importorskip("lightning")
    from mocap.depth import DepthRefiner, NetworkConfig
    from mocap.training.depth import TrainConfig, measure_refiner, train

    model = train(
        TrainConfig(
            data=(str(store),),
            out=str(tmp_path / "run"),
            network=NetworkConfig(frames=3, width=16, layers=2, pose_width=32, hidden=1),
            epochs=2,
            batch=27,
            device="cpu",
        )
    )
    pairs = read_pairs(store)
    found = measure_refiner(DepthRefiner.load(model), pairs).overall.refined
    assert found is not None
    assert np.isfinite(found.mpjpe_mm)
    assert np.isfinite(found.camera_median_degrees)
