"""AIST++ read as it lies on disk: values, names, units, and what is refused."""

import json
import pickle
import shutil

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.datasets.aistpp import (
    BAD_VIEWS,
    VIEWS,
    AistError,
    AistPlusPlus,
    dancer,
    sequence_name,
    video_name,
    write_replica,
)
from mocap.datasets.aistpp.clock import sample
from mocap.datasets.aistpp.files import seconds
from mocap.datasets.unpickling import read_arrays
from mocap.skeletons import COCO_17

from .dancers import dance

SEQUENCE = "gBR_sBM_cAll_d04_mBR0_ch01"
POINT = COCO_17.index


@pytest.fixture(scope="module")
def replica(body, tmp_path_factory):
    clips = [dance(body, name) for name in ("ann", "bea", "cia", "ann")]
    folder = tmp_path_factory.mktemp("replica")
    return write_replica(folder, clips, body, seconds=1.0, views=(), settings=2)


@pytest.fixture(scope="module")
def dataset(replica):
    return AistPlusPlus.open(replica.annotations)


@pytest.fixture
def copy(replica, tmp_path):
    """A replica to be damaged."""
    return shutil.copytree(replica.annotations, tmp_path / "annotations")


# Names


def test_videos_and_sequences_go_by_each_others_names():
    assert video_name(SEQUENCE, "c01") == "gBR_sBM_c01_d04_mBR0_ch01"
    assert sequence_name("gBR_sBM_c09_d04_mBR0_ch01") == (SEQUENCE, "c09")
    for view in VIEWS:
        assert sequence_name(video_name(SEQUENCE, view)) == (SEQUENCE, view)
    assert dancer(SEQUENCE) == "d04"
    assert dancer("walk") == "walk"


@pytest.mark.parametrize(
    "name", ["holiday", "gBR_sBM_cAll_d04", "c01", "a_c01_c02_b", "a_c10_b", ""]
)
def test_other_names_are_no_videos(name):
    with pytest.raises(AistError, match="no video of AIST"):
        sequence_name(name)


def test_other_cameras_and_sequences_are_refused():
    with pytest.raises(AistError, match="no camera 'c10'"):
        video_name(SEQUENCE, "c10")
    with pytest.raises(AistError, match="no sequence"):
        video_name("gBR_sBM_c01_d04_mBR0_ch01", "c01")


def test_the_two_known_bad_views_count_from_one_in_names():
    # AIST++'s processing leaves out indices 4 and 6.
    assert set(BAD_VIEWS) == {
        ("gBR_sBM_cAll_d04_mBR0_ch01", VIEWS[4]),
        ("gJB_sBM_cAll_d07_mJB3_ch05", VIEWS[6]),
    }


# Lists


def test_sequences_splits_and_settings(dataset, replica):
    assert dataset.sequences == tuple(sorted(replica.sequences))
    assert [dataset.settings[name] for name in replica.sequences] == ["setting1", "setting2"] * 2
    first, second, third, fourth = replica.sequences
    assert [dancer(name) for name in replica.sequences] == ["d01", "d02", "d03", "d01"]
    # No dancer is in two splits.
    assert set(dataset.of_split("train")) == {first, fourth}
    assert dataset.of_split("val") == (second,)
    assert dataset.of_split("test") == (third,)
    with pytest.raises(AistError, match="no split"):
        dataset.of_split("dev")


def test_ignored_sequences_are_in_no_split(copy, replica):
    first = replica.sequences[0]
    (copy / "ignore_list.txt").write_text(f"{first}\n")
    dataset = AistPlusPlus.open(copy)
    assert first not in dataset.of_split("train")
    assert first in dataset.sequences


# Values


def test_points_are_cocos_in_metres(dataset, replica):
    name = replica.sequences[0]
    on_disk = read_arrays(dataset.path("keypoints3d", name))
    assert on_disk["keypoints3d_optim"].shape == (60, 17, 3)
    points = dataset.keypoints3d(name)
    np.testing.assert_allclose(points, on_disk["keypoints3d_optim"] / 100, rtol=1e-6)
    raw = dataset.keypoints3d(name, optimised=False)
    np.testing.assert_allclose(raw, on_disk["keypoints3d"] / 100, rtol=1e-6)
    assert 0.001 < np.abs(raw - points).mean() < 0.02
    # Both ride on the pelvis; others lie beside the joints that they turn about.
    hips = np.linalg.norm(points[:, POINT("left_hip")] - points[:, POINT("right_hip")], axis=-1)
    np.testing.assert_allclose(hips, hips[0], atol=1e-4)
    thigh = np.linalg.norm(points[:, POINT("left_hip")] - points[:, POINT("left_knee")], axis=-1)
    assert 0.3 < thigh.min() <= thigh.max() < 0.5


def test_the_world_has_y_up_and_dancers_face_z(dataset, replica):
    points = dataset.keypoints3d(replica.sequences[0])
    middle = points.mean(0)
    assert middle[POINT("nose"), 1] > middle[POINT("left_hip"), 1] + 0.4
    assert 0.0 < points[:, [POINT("left_ankle"), POINT("right_ankle")], 1].min() < 0.15
    assert middle[POINT("left_hip"), 0] > middle[POINT("right_hip"), 0] + 0.1
    assert middle[POINT("nose"), 2] > middle[POINT("left_ear"), 2] + 0.03
    assert np.abs(middle[[POINT("left_hip"), POINT("right_hip")]].mean(0)[[0, 2]]).max() < 0.02


def test_cameras_stand_as_in_the_real_rig(dataset, replica):
    for name, camera in dataset.cameras(replica.sequences[0]).items():
        x, y, z = -camera.R[0].T @ camera.t[0]
        # c02 to c08 go around by way of the dancer's right, c09 is in front as c01 is.
        expected = 0.0 if name == "c09" else -45.0 * VIEWS.index(name)
        off = (np.rad2deg(np.arctan2(x, z)) - expected + 180) % 360 - 180
        assert abs(off) < 10
        assert 4 < np.hypot(x, z) < 6
        assert 0.7 < y < 1.8
        assert camera.distortion is not None
        assert camera.gravity_given


def test_cameras_project_as_opencv_does_from_the_file(dataset, replica):
    name = replica.sequences[1]
    points = dataset.keypoints3d(name)
    entries = json.loads(dataset.setting(name).read_text())
    assert [entry["name"] for entry in entries] == list(VIEWS)
    for entry in entries:
        expected, _ = cv2.projectPoints(
            100 * points.reshape(-1, 3),
            np.array(entry["rotation"]),
            np.array(entry["translation"]),
            np.array(entry["matrix"]),
            np.array(entry["distortions"]),
        )
        camera = dataset.camera(name, entry["name"])
        found = camera.project(points, np.arange(len(points)))
        # OpenCV counts pixels from the middle of the first.
        np.testing.assert_allclose(found.reshape(-1, 2) - 0.5, expected.reshape(-1, 2), atol=1e-6)


def test_views_are_in_order_and_see_the_dancer(dataset, replica):
    name = replica.sequences[2]
    seen = dataset.keypoints2d(name)
    points = dataset.keypoints3d(name)
    for view, xy in zip(VIEWS, seen.xy, strict=True):
        gap = dataset.camera(name, view).project(points, np.arange(len(points))) - xy
        assert 0.5 < np.linalg.norm(gap, axis=-1).mean() < 4
    assert seen.confidence.shape == (9, 60, 17)
    assert seen.score.shape == (9, 60)
    np.testing.assert_allclose(seen.times, np.arange(60) / 60, atol=1e-6)


def test_motion_poses_the_body_that_was_annotated(dataset, replica, body64):
    name = replica.sequences[0]
    motion = dataset.motion(name)
    assert motion.poses.shape == (60, 24, 3)
    assert motion.scale == pytest.approx(1.0)
    assert not motion.poses[:, 22:].any()
    pose = BodyPose(
        betas=torch.tensor(dance(body64).betas),
        global_orient=torch.tensor(motion.poses[:, 0]),
        body_pose=torch.tensor(motion.poses[:, 1:22].reshape(60, -1)),
    )
    marks = body64.forward(pose, return_landmarks=True).landmarks.numpy()
    points = dataset.keypoints3d(name)
    for point in ("left_knee", "left_ankle", "right_wrist", "nose"):
        posed = marks[:, body64.landmark_names.index(point)]
        placed = motion.scale * posed + motion.transl
        np.testing.assert_allclose(placed, points[:, POINT(point)], atol=1e-4)


def test_values_are_those_of_the_official_loader(dataset, replica):
    reason = "the official loader, google/aistplusplus_api, is not installed"
    official = pytest.importorskip("aist_plusplus.loader", reason=reason).AISTDataset
    theirs = official(str(replica.annotations))
    assert tuple(official.VIEWS) == VIEWS
    assert theirs.mapping_seq2env == dataset.settings
    for name in replica.sequences:
        for optimised in (True, False):
            points = official.load_keypoint3d(theirs.keypoint3d_dir, name, use_optim=optimised)
            np.testing.assert_allclose(
                dataset.keypoints3d(name, optimised=optimised), points / 100, rtol=1e-6, atol=1e-9
            )
        xy, score, stamps = official.load_keypoint2d(theirs.keypoint2d_dir, name)
        seen = dataset.keypoints2d(name)
        np.testing.assert_array_equal(np.concatenate([seen.xy, seen.confidence[..., None]], -1), xy)
        np.testing.assert_array_equal(seen.score, score)
        np.testing.assert_allclose(seen.times, stamps / 1e6)
        poses, scaling, trans = official.load_motion(theirs.motion_dir, name)
        motion = dataset.motion(name)
        np.testing.assert_array_equal(motion.poses.reshape(-1, 72), poses)
        assert motion.scale == pytest.approx(scaling[0] / 100)
        np.testing.assert_allclose(motion.transl, trans / 100, rtol=1e-6, atol=1e-9)
        rig = official.load_camera_group(theirs.camera_dir, theirs.mapping_seq2env[name])
        points = official.load_keypoint3d(theirs.keypoint3d_dir, name, use_optim=True)
        pixels = np.asarray(rig.project(points.astype(float))).reshape(9, -1, 17, 2)
        for view, expected in zip(VIEWS, pixels, strict=True):
            found = dataset.camera(name, view).project(
                dataset.keypoints3d(name), np.arange(len(points))
            )
            np.testing.assert_allclose(found, expected, atol=1e-4)
            video = official.get_video_name(name, view)
            assert video == video_name(name, view)
            assert official.get_seq_name(video) == sequence_name(video) == (name, view)


def test_a_genuine_motion(data_dir, tmp_path):
    name = "gWA_sFM_cAll_d27_mWA5_ch20"
    folder = tmp_path / "annotations"
    (folder / "cameras").mkdir(parents=True)
    (folder / "cameras" / "mapping.txt").write_text(f"{name} setting1\n")
    (folder / "motions").mkdir()
    shutil.copy(data_dir / "aistpp" / f"{name}.pkl", folder / "motions")
    motion = AistPlusPlus.open(folder).motion(name)
    assert motion.poses.shape == (720, 24, 3)
    # Centimetres and people: a body of SMPL's size within a few per cent, 1.8 m up in a world
    # whose floor is nowhere in particular.
    assert 0.85 < motion.scale < 1.05
    assert 1.6 < motion.transl[:, 1].mean() < 2.0
    turns = Rotation.from_rotvec(motion.poses[:, 0]).as_matrix()
    assert turns[:, 1, 1].mean() > 0.95
    assert turns[:, 2, 2].mean() > 0.9


# Time


@pytest.mark.parametrize("unit", [1.0, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("fps", [60.0, 60000 / 1001])
def test_timestamps_of_any_unit_are_seconds(unit, fps):
    stamps = np.arange(100) / fps * unit
    np.testing.assert_allclose(seconds(stamps), np.arange(100) / fps)
    if unit > 1:
        np.testing.assert_allclose(seconds(stamps.astype(np.int64)), stamps / unit, atol=1e-3)


def test_timestamps_may_be_numbers_of_frames():
    np.testing.assert_allclose(seconds(np.arange(5)), np.arange(5) / 60)
    assert seconds(np.array([7])).tolist() == [0.0]


@pytest.mark.parametrize("stamps", [[0, 1, 1], [0, -1, 2], [0.0, 0.2, 0.4], [0, np.nan, 2]])
def test_timestamps_that_are_no_clock_are_refused(stamps):
    with pytest.raises(ValueError, match="timestamps"):
        seconds(np.array(stamps))


def test_frames_of_5994_a_second_are_sampled_by_time():
    # Somebody who walks 1.2 m/s: counted by frames, they would be 20 mm off after 1000.
    times = np.arange(1200) / 60
    place = 1.2 * times[:, None, None] * np.array([1.0, 0, 0])
    at = np.arange(1000) * 1001 / 60000
    found = sample(place, times, at)
    np.testing.assert_allclose(found[:, 0, 0], 1.2 * at, atol=1e-9)
    assert abs(place[999, 0, 0] - found[999, 0, 0]) > 0.019


def test_samples_between_beyond_and_beside_gaps():
    times = np.array([0.0, 1.0, 2.0, 3.0, 13.0, 14.0, 15.0]) / 60
    values = np.array([0.0, 10.0, np.nan, 30.0, 40.0, 50.0, 60.0])
    at = np.array([-0.6, -0.4, 0.5, 1.0, 1.5, 2.0, 3.0, 8.0, 13.0, 13.5, 15.4, 15.6]) / 60
    nan = np.nan
    expected = [nan, 0.0, 5.0, 10.0, nan, nan, 30.0, nan, 40.0, 45.0, 60.0, nan]
    np.testing.assert_allclose(sample(values, times, at), expected, atol=1e-9)


@pytest.mark.parametrize("count", [0, 1])
def test_samples_of_hardly_anything(count):
    found = sample(np.ones((count, 17, 3)), np.zeros(count), np.array([0.0, 1.0]))
    assert np.isfinite(found).all((1, 2)).tolist() == [count == 1, False]


def test_times_not_told_by_2d_keypoints_are_a_sixtieth_apart(copy, replica, caplog):
    name = replica.sequences[0]
    path = copy / "keypoints2d" / f"{name}.pkl"
    content = read_arrays(path)
    content["timestamps"] = content["timestamps"] + 1_000_000
    path.write_bytes(pickle.dumps(content, protocol=4))
    dataset = AistPlusPlus.open(copy)
    np.testing.assert_allclose(dataset.times(name, 60)[0], 1.0)
    np.testing.assert_allclose(dataset.times(name, 61), np.arange(61) / 60)
    assert not caplog.records
    content["timestamps"] = 7 * content["timestamps"]
    path.write_bytes(pickle.dumps(content, protocol=4))
    np.testing.assert_allclose(dataset.times(name, 60), np.arange(60) / 60)
    assert "which is a frame in no unit of time" in caplog.text
    path.unlink()
    np.testing.assert_allclose(dataset.times(name, 60), np.arange(60) / 60)


# What is wrong


def test_folders_that_are_none(tmp_path):
    with pytest.raises(AistError, match="no such folder"):
        AistPlusPlus.open(tmp_path / "nowhere")
    with pytest.raises(AistError, match=r"has no cameras/mapping\.txt; give the folder"):
        AistPlusPlus.open(tmp_path)


def test_damaged_lists(copy, replica):
    mapping = copy / "cameras" / "mapping.txt"
    whole = mapping.read_text()
    mapping.write_text(whole + "gBR_sBM_cAll_d04\n")
    with pytest.raises(AistError, match=r"mapping\.txt: line 5 is no sequence and setting"):
        AistPlusPlus.open(copy)
    mapping.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AistError, match=r"mapping\.txt: cannot be read"):
        AistPlusPlus.open(copy)
    mapping.write_text(whole)
    (copy / "splits" / "pose_test.txt").write_text(replica.sequences[0])
    with pytest.raises(AistError, match="is in the split train as well"):
        AistPlusPlus.open(copy)


def test_missing_and_damaged_cameras(copy, replica):
    name = replica.sequences[0]
    dataset = AistPlusPlus.open(copy)
    with pytest.raises(AistError, match="does not name gXX"):
        dataset.camera("gXX", "c01")
    with pytest.raises(AistError, match="holds no camera 'c10'"):
        dataset.camera(name, "c10")
    path = copy / "cameras" / "setting1.json"
    entries = json.loads(path.read_text())
    del entries[2]["rotation"]
    path.write_text(json.dumps(entries))
    dataset.camera(name, "c02")
    with pytest.raises(AistError, match=r"setting1\.json: c03 lacks its rotation"):
        dataset.camera(name, "c03")
    path.write_text(json.dumps(entries)[:300])
    with pytest.raises(AistError, match=r"setting1\.json: is damaged"):
        dataset.camera(name, "c02")
    path.unlink()
    with pytest.raises(AistError, match=r"setting1\.json: no such file"):
        dataset.camera(name, "c02")


class Hostile:
    def __reduce__(self):
        return print, ("this must not run",)


@pytest.mark.parametrize("kind", ["motions", "keypoints3d", "keypoints2d"])
def test_damaged_and_hostile_pickles(copy, replica, kind, capsys):
    name = replica.sequences[0]
    dataset = AistPlusPlus.open(copy)
    path = copy / kind / f"{name}.pkl"
    read = {"motions": "motion"}.get(kind, kind)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:3], b"", pickle.dumps(Hostile())):
        path.write_bytes(content)
        with pytest.raises(AistError, match=rf"{name}\.pkl: is not read.*download") as caught:
            getattr(dataset, read)(name)
        assert "\n" not in str(caught.value)
    for content in ([1, 2], {}, {next(iter(read_arrays_of(whole))): "text"}):
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(AistError, match="download the annotations again"):
            getattr(dataset, read)(name)
    path.unlink()
    with pytest.raises(AistError, match="cannot be read"):
        getattr(dataset, read)(name)
    assert "must not run" not in capsys.readouterr().out


def read_arrays_of(content: bytes) -> dict:
    return pickle.loads(content)  # noqa: S301 - what this test has written itself


@pytest.mark.parametrize(
    ("kind", "array", "shape"),
    [
        ("keypoints3d", "keypoints3d_optim", (60, 16, 3)),
        ("keypoints3d", "keypoints3d_optim", (60, 17)),
        ("keypoints2d", "keypoints2d", (8, 60, 17, 3)),
        ("keypoints2d", "det_scores", (9, 59)),
        ("keypoints2d", "timestamps", (61,)),
        ("motions", "smpl_poses", (60, 71)),
        ("motions", "smpl_trans", (59, 3)),
        ("motions", "smpl_scaling", (2,)),
    ],
)
def test_arrays_of_other_shapes(copy, replica, kind, array, shape):
    name = replica.sequences[0]
    path = copy / kind / f"{name}.pkl"
    content = read_arrays(path)
    content[array] = np.ones(shape, np.float32)
    path.write_bytes(pickle.dumps(content, protocol=4))
    read = {"motions": "motion"}.get(kind, kind)
    with pytest.raises(AistError, match=f"its {array} are of shape"):
        getattr(AistPlusPlus.open(copy), read)(name)


def test_a_body_of_no_size(copy, replica):
    name = replica.sequences[0]
    path = copy / "motions" / f"{name}.pkl"
    content = read_arrays(path)
    content["smpl_scaling"] = np.zeros(1, np.float32)
    path.write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(AistError, match="scales the body by 0"):
        AistPlusPlus.open(copy).motion(name)


def test_points_that_are_unknown_stay_so(copy, replica):
    name = replica.sequences[0]
    path = copy / "keypoints3d" / f"{name}.pkl"
    content = read_arrays(path)
    content["keypoints3d_optim"][5] = np.nan
    content["keypoints3d_optim"][7, 3] = np.nan
    path.write_bytes(pickle.dumps(content, protocol=4))
    points = AistPlusPlus.open(copy).keypoints3d(name)
    assert np.isnan(points).any((1, 2)).nonzero()[0].tolist() == [5, 7]


@pytest.mark.parametrize(
    "name",
    [
        "cameras/setting1.json",
        "cameras/mapping.txt",
        "splits/pose_val.txt",
        "ignore_list.txt",
        f"keypoints3d/{SEQUENCE.replace('d04', 'd01')}.pkl",
    ],
)
def test_a_replica_that_cannot_be_written(body, tmp_path, name):
    blocked = tmp_path / "annotations" / name
    blocked.mkdir(parents=True)
    with pytest.raises(AistError, match=rf"{blocked.name}: cannot be written .*another folder"):
        write_replica(tmp_path, [dance(body, "ann")], body, seconds=0.1, views=())


def test_a_replica_where_no_folder_can_be(body, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AistError, match=r"videos: cannot be made .*another folder"):
        write_replica(tmp_path / "file", [dance(body, "ann")], body, seconds=0.1, views=())


def test_a_replica_of_nothing(body, tmp_path):
    with pytest.raises(AistError, match="no clips"):
        write_replica(tmp_path, [], body, seconds=1.0, views=())
