import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mocap import Take
from mocap.exporters import SkeletalMotion, read_bvh
from mocap.skeletons import SMPLX_55
from mocap.video import open_video

from .conftest import Ended, cut

Run = Callable[..., Ended]


def test_results_of_a_clip(extracted: Path) -> None:
    assert sorted(path.name for path in extracted.iterdir()) == [
        "overlay.mp4",
        "person-1.bvh",
        "take.h5",
    ]
    take = Take.load(extracted / "take.h5")
    person = take.people["person-1"]
    assert person.body is not None
    motion = read_bvh(extracted / "person-1.bvh")
    assert len(motion) == len(person.frames) == 20
    order = [motion.names.index(name) for name in SMPLX_55.names]
    np.testing.assert_allclose(motion.joints()[:, order], person.body.joints, atol=1e-4)
    with open_video(extracted / "overlay.mp4") as overlay:
        times = [frame.time for frame in overlay]
    assert times == pytest.approx(take.video.timestamps, abs=1e-4)


def test_a_second_run_keeps_everything_and_says_so(extracted: Path, clip: Path, mocap: Run) -> None:
    before = {path.name: path.read_bytes() for path in extracted.iterdir()}
    ended = mocap("extract", clip, "--out", extracted)
    assert ended.code == 0
    for stage in ("detection", "fit", "overlay"):
        assert f"{stage} skipped" in ended.err
    assert re.search(r"person-1 +0–19 +0\.67 +\d+% +\d+% +person-1\.bvh", ended.out)
    assert {path.name: path.read_bytes() for path in extracted.iterdir()} == before


def test_another_height_is_fitted_without_detecting_again(
    extracted: Path, clip: Path, mocap: Run
) -> None:
    ended = mocap("extract", clip, "--out", extracted, "--height", 1.9)
    assert ended.code == 0
    assert "detection skipped" in ended.err
    assert "drawing overlay" in ended.err
    take = Take.load(extracted / "take.h5")
    assert take.world is not None
    assert "1.9" in take.world.scale_source
    assert [stage.name for stage in take.provenance] == ["detection", "camera", "depth", "fitting"]


def test_other_detection_parameters_detect_again(extracted: Path, clip: Path, mocap: Run) -> None:
    (extracted / "person-7.bvh").write_text("not ours")
    both = Take.load(extracted / "take.h5").provenance[0].parameters
    assert both["frames_averaged_with_the_mirror"]["person-1"] >= 15
    options = ("--no-hands", "--look-once", "--no-overlay")
    ended = mocap("extract", clip, "--out", extracted, *options)
    assert ended.code == 0
    assert "detecting again" in ended.err
    take = Take.load(extracted / "take.h5")
    assert take.people["person-1"].hands2d is None
    once = take.provenance[0].parameters
    assert once["frames_averaged_with_the_mirror"]["person-1"] == 0
    assert (extracted / "person-7.bvh").read_text() == "not ours"


@pytest.fixture
def calibration(extracted: Path, tmp_path: Path) -> Path:
    """Two cameras of the clip's size; the one called as the clip is has a strong lens."""
    video = Take.load(extracted / "take.h5").video
    width, height = video.width, video.height
    camera = {"size": [width, height], "K": [1.2 * width, 1.2 * width, width / 2, height / 2]}
    path = tmp_path / "rig.json"
    path.write_text(json.dumps({"walk": {**camera, "dist": [-0.2, 0, 0, 0]}, "other": camera}))
    return path


def test_another_camera_is_fitted_without_detecting_again(
    extracted: Path, clip: Path, calibration: Path, mocap: Run
) -> None:
    before = Take.load(extracted / "take.h5")
    detection = before.provenance[0]
    ended = mocap("extract", clip, "--out", extracted, "--camera", calibration, "--no-overlay")
    assert ended.code == 0
    assert "detection skipped" in ended.err
    assert "camera: calibration rig.json:walk" in ended.err
    take = Take.load(extracted / "take.h5")
    assert take.provenance[0] == detection
    assert take.camera.K[0, 0, 0] == pytest.approx(1.2 * take.video.width)
    assert take.camera.distortion == pytest.approx([-0.2, 0, 0, 0])
    assert take.camera.source == "given"

    again = mocap("extract", clip, "--out", extracted, "--camera", calibration, "--no-overlay")
    assert "fit skipped" in again.err
    ended = mocap("extract", clip, "--out", extracted, "--fov", 50, "--no-overlay")
    assert "detection skipped" in ended.err
    take = Take.load(extracted / "take.h5")
    assert take.camera.distortion is None
    assert take.camera.K[0, 0, 0] == pytest.approx(take.video.width / 2 / np.tan(np.deg2rad(25)))


def test_refitting_through_another_camera(extracted: Path, calibration: Path, mocap: Run) -> None:
    path = extracted / "take.h5"
    ended = mocap("fit", path, "--camera", f"{calibration}:other")
    assert ended.code == 0
    assert "drawing overlay" in ended.err
    first = Take.load(path)
    assert first.camera.note == "calibration rig.json:other"
    # Once given, it stays.
    assert mocap("fit", path, "--height", 1.8).code == 0
    second = Take.load(path)
    np.testing.assert_allclose(second.camera.K, first.camera.K)
    assert second.camera.source == "given"
    assert mocap("fit", path, "--fov", 70).code == 0
    third = Take.load(path)
    assert third.camera.note == "field of view 70.0°, given"


def test_a_calibration_of_another_picture_is_refused_before_work_begins(
    clip: Path, tmp_path: Path, mocap: Run
) -> None:
    path = tmp_path / "calib.json"
    path.write_text(json.dumps({"K": [900, 900, 320, 240], "size": [640, 480]}))
    ended = mocap("extract", clip, "--out", tmp_path / "out", "--camera", path)
    assert ended.code == 1
    assert re.match(r"error: calib\.json: is calibrated for 640×480 pixels, but .*\d×", ended.err)
    assert not (tmp_path / "out").exists()
    missing = mocap("extract", clip, "--out", tmp_path / "out", "--camera", tmp_path / "none.toml")
    assert missing.code == 1
    assert "none.toml: no such file" in missing.err
    assert mocap("extract", clip, "--camera", path, "--fov", 50).code == 2


def test_a_take_of_another_video_is_not_replaced(
    extracted: Path, demo_clip: Path, tmp_path: Path, mocap: Run
) -> None:
    before = (extracted / "take.h5").read_bytes()
    other = cut(demo_clip, tmp_path / "other.mp4", 15, first=60)
    ended = mocap("extract", other, "--out", extracted)
    assert ended.code == 1
    assert re.match(r"error: .*take\.h5: is of another video \(.*walk\.mp4\).*--force", ended.err)
    assert (extracted / "take.h5").read_bytes() == before
    assert mocap("extract", other, "--out", extracted, "--force", "-q").code == 0
    assert Take.load(extracted / "take.h5").video.path == str(other)


def test_a_damaged_take_is_replaced_by_force_only(extracted: Path, clip: Path, mocap: Run) -> None:
    take = extracted / "take.h5"
    take.write_bytes(take.read_bytes()[:5000])
    ended = mocap("extract", clip, "--out", extracted)
    assert ended.code == 1
    assert "take.h5" in ended.err
    assert "--force" in ended.err


def test_files_of_people_who_are_no_more_are_removed(
    extracted: Path, clip: Path, mocap: Run
) -> None:
    take = Take.load(extracted / "take.h5")
    twice = {**take.people, "person-2": replace(take.people["person-1"], id="person-2")}
    Take(take.video, take.camera, twice, take.world).save(extracted / "take.h5")
    shutil.copy(extracted / "person-1.bvh", extracted / "person-2.bvh")
    ended = mocap("extract", clip, "--out", extracted, "--no-overlay")
    assert ended.code == 0
    assert "removed" in ended.err
    assert not (extracted / "person-2.bvh").exists()


def test_one_failing_video_does_not_stop_the_others(clip: Path, tmp_path: Path, mocap: Run) -> None:
    (tmp_path / "a").mkdir()
    bad = tmp_path / "a" / "walk.mp4"
    bad.write_text("no video")
    ended = mocap("extract", bad, clip, "--out", tmp_path / "out", "--no-overlay", "--no-hands")
    assert ended.code == 1
    assert ended.err.count("error: ") == 2
    assert f"1 of 2 videos failed: {bad}" in ended.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["walk-2"]
    assert (tmp_path / "out" / "walk-2" / "person-1.bvh").exists()


def test_an_image_folder_at_its_rate(clip: Path, tmp_path: Path, mocap: Run, monkeypatch) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    with open_video(clip) as video:
        for frame in video:
            if frame.index < 10:
                picture = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
                cv2.imwrite(str(folder / f"{frame.index}.jpg"), picture)
    monkeypatch.chdir(tmp_path)
    assert mocap("extract", folder, "--fps", 50, "--no-hands").code == 0
    take = Take.load(tmp_path / "shots-mocap" / "take.h5")
    assert take.video.timestamps == pytest.approx(np.arange(10) / 50)
    assert mocap("extract", clip, "--fps", 50).code == 2


def test_quiet_leaves_only_results(extracted: Path, clip: Path, mocap: Run) -> None:
    ended = mocap("extract", clip, "--out", extracted, "-q")
    assert ended.code == 0
    assert ended.err == ""
    assert "person-1.bvh" in ended.out


def test_refitting_gives_what_extracting_gave(extracted: Path, mocap: Run) -> None:
    first = Take.load(extracted / "take.h5")
    (extracted / "person-1.bvh").unlink()
    assert mocap("fit", extracted / "take.h5").code == 0
    again = Take.load(extracted / "take.h5")
    assert not (extracted / "person-1.bvh").exists()
    for name in ("joints", "body_pose", "betas"):
        one, other = (getattr(take.people["person-1"].body, name) for take in (first, again))
        np.testing.assert_allclose(other, one, atol=1e-6)
    np.testing.assert_allclose(again.camera.t, first.camera.t, atol=1e-9)


def test_refitting_with_a_height_renews_the_motion(extracted: Path, mocap: Run) -> None:
    before = read_bvh(extracted / "person-1.bvh")
    shown = (extracted / "overlay.mp4").read_bytes()
    assert mocap("fit", extracted / "take.h5", "--height", 2.1).code == 0
    assert (extracted / "overlay.mp4").read_bytes() != shown
    # What was said before is not forgotten.
    ended = mocap("fit", extracted / "take.h5")
    assert ended.code == 0
    assert "the height stays 2.1 m" in ended.err
    after = read_bvh(extracted / "person-1.bvh")

    def thigh(motion: SkeletalMotion) -> float:
        return float(np.linalg.norm(motion.rest_offsets[motion.names.index("left_knee")]))

    assert thigh(after) > 1.1 * thigh(before)
