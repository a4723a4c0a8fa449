"""The parts of the command line by themselves."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from takes import make_take

from mocap.body import load_body
from mocap.calibration import Calibration
from mocap.cli import folders, progress
from mocap.cli.extraction import chosen_camera
from mocap.cli.folders import choose_folders, writable_folder
from mocap.cli.progress import StageProgress, duration
from mocap.cli.resume import as_detected, holds_camera, holds_detection, holds_fit
from mocap.errors import MocapError
from mocap.fitting import FitConfig
from mocap.fitting.fit import VERSION as FITTING_VERSION
from mocap.geometry import Camera
from mocap.pipeline import DETECTION_VERSION, ExtractConfig, with_camera
from mocap.take import StageRecord, Take


def test_folders_are_named_after_the_videos() -> None:
    assert choose_folders(["walk"], Path("out")) == [Path("out")]
    assert choose_folders(["walk"], None) == [Path("walk-mocap")]
    assert choose_folders(["walk", "run"], Path("out")) == [Path("out/walk"), Path("out/run")]
    clashing = choose_folders(["walk", "Walk", "walk-2", "walk"], Path("out"))
    assert clashing == [Path(f"out/{name}") for name in ("walk", "Walk-2", "walk-2-2", "walk-3")]


def test_an_empty_new_folder_is_removed_and_an_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(MocapError, match="nothing came"), writable_folder(tmp_path / "old/a/b"):
        raise MocapError("nothing came")
    assert (tmp_path / "old").is_dir()
    assert not (tmp_path / "old/a").exists()
    with writable_folder(tmp_path / "old"):
        pass
    assert (tmp_path / "old").is_dir()
    with writable_folder(tmp_path / "new/c") as folder:
        (folder / "result").touch()
    assert (tmp_path / "new/c/result").exists()


def test_little_space_is_warned_of(tmp_path: Path, monkeypatch, capsys) -> None:
    usage = type("Usage", (), {"free": 5e6})
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: usage)
    with writable_folder(tmp_path):
        pass
    assert "warning: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3723, "1:02:03")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_as_lines(monkeypatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with StageProgress() as report:
        for second, done in ((0, 0), (2, 20), (12, 100), (20, 200), (20, 200)):
            now[0] = second
            report("detection", done, 200)
        report("fetching demo_clip", 0, 9_000_000)
        now[0] = 22
        report("fetching demo_clip", 9_000_000, 9_000_000)
        report("batches", 0, 900)
        now[0] = 82
        report("batches", 9, 900)
        report("something new", 1, None)
    assert capsys.readouterr().err.splitlines() == [
        "finding people ...",
        "finding people: 100/200 frames (8.3 frames/s, 0:12 left)",
        "finding people: 200 frames in 20.0 s (10.0 frames/s)",
        "fetching demo_clip ...",
        "fetching demo_clip: 9.0 MB in 2.0 s (4.5 MB/s)",
        "rendering and detecting ...",
        "rendering and detecting: 9/900 batches (9.0 batches/min, 1:39:00 left)",
        "something new ...",
    ]


def test_quick_work_may_go_without_a_word(monkeypatch, capsys) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with StageProgress(patience=2.0) as report:
        report("files", 0, 2)
        now[0] = 1.9
        report("files", 2, 2)
        report("meshes", 0, 90)
        now[0] = 4.0
        report("meshes", 50, 90)
        now[0] = 5.9
        report("meshes", 90, 90)
    assert capsys.readouterr().err.splitlines() == [
        "writing meshes ...",
        "writing meshes: 90 frames in 4.0 s (22.5 frames/s)",
    ]


RIG = Calibration(
    "rig.json", "left", ((900.0, 0, 640), (0, 900.0, 360), (0, 0, 1)), (1280, 720), (0.1, 0, 0, 0)
)


def recorded(config: ExtractConfig, body_sha256: str) -> Take:
    detection = StageRecord(
        "detection", DETECTION_VERSION, {**asdict(config), "dropped": []}, 1.0, {}
    )
    fitting = StageRecord(
        "fitting",
        FITTING_VERSION,
        {**asdict(config.fitting), "refused": {}},
        1.0,
        {"body": body_sha256},
    )
    return replace(make_take(frames=3), provenance=(detection, fitting))


def test_what_is_kept_of_an_earlier_run(tmp_path: Path) -> None:
    config, body = ExtractConfig(), load_body()
    take = Take.load(recorded(config, body.sha256).save(tmp_path / "take.h5"))
    same = take.video.sha256
    assert holds_detection(take, same, config)
    assert holds_detection(take, same, replace(config, fitting=FitConfig(height=1.5)))
    assert not holds_detection(take, "1" * 64, config)
    assert not holds_detection(replace(take, video=replace(take.video, sha256="")), "", config)
    assert not holds_detection(take, same, replace(config, hands=False))
    assert holds_detection(take, same, replace(config, refine_depth=False))
    assert holds_detection(take, same, replace(config, field_of_view=1.0))
    assert holds_detection(take, same, replace(config, camera=RIG))
    assert not holds_detection(replace(take, provenance=()), same, config)
    older = tuple(replace(stage, version="0") for stage in take.provenance)
    assert not holds_detection(replace(take, provenance=older), same, config)

    assert holds_fit(take, config.fitting, body)
    assert not holds_fit(take, FitConfig(height=1.8), body)
    assert not holds_fit(take, config.fitting, replace(body, sha256="2" * 64))
    assert not holds_fit(replace(take, provenance=older), config.fitting, body)


def test_a_fit_is_taken_back_whole() -> None:
    take = recorded(ExtractConfig(), "0" * 64)
    turned = Camera(take.camera.K * 1.1, np.eye(3)[None], np.ones((1, 3)))
    before = as_detected(replace(take, camera=turned))
    assert before.world is None
    assert before.people["person-1"].body is None
    assert [stage.name for stage in before.provenance] == ["detection"]
    np.testing.assert_array_equal(before.camera.K, turned.K)
    np.testing.assert_array_equal(before.camera.R, take.camera.R)
    np.testing.assert_array_equal(before.camera.t, np.zeros((1, 3)))
    given = replace(turned, source="given")
    assert as_detected(replace(take, camera=given)).camera == given


def test_a_take_remembers_how_its_camera_was_chosen(tmp_path: Path) -> None:
    take = recorded(ExtractConfig(), "0" * 64)
    assert not holds_camera(take, ExtractConfig())
    for config in (ExtractConfig(), ExtractConfig(field_of_view=0.8), ExtractConfig(camera=RIG)):
        chosen = Take.load(with_camera(take, config).save(tmp_path / "take.h5"))
        assert holds_camera(chosen, config)
        assert not holds_camera(chosen, ExtractConfig(field_of_view=0.7))
        assert not holds_camera(chosen, ExtractConfig(camera=replace(RIG, name="right")))
        # Whatever a fit made of it is taken back, its focal length too.
        fitted = replace(chosen.camera, K=chosen.camera.K * 1.1, R=np.eye(3)[None])
        again = as_detected(replace(chosen, camera=fitted)).camera
        np.testing.assert_allclose(again.K, chosen.camera.K)
        np.testing.assert_allclose(again.R, chosen.camera.R)
        assert again.note == chosen.camera.note


def test_cameras_go_by_calibration_then_angle_then_file_then_guess() -> None:
    take = recorded(ExtractConfig(), "0" * 64)
    told = replace(take, video=replace(take.video, field_of_view=1.2))

    def chosen(take: Take, **wanted: object) -> tuple[float, str, str]:
        camera = with_camera(take, ExtractConfig(**wanted)).camera
        angle = 2 * np.arctan(640 / camera.K[0, 0, 0])
        return round(float(angle), 3), camera.source, camera.note

    assert chosen(take) == (1.047, "estimated", "field of view 60.0°, assumed")
    assert chosen(told) == (1.2, "estimated", "field of view 68.8°, told by the file")
    assert chosen(told, field_of_view=0.9) == (0.9, "given", "field of view 51.6°, given")
    calibrated = round(2 * np.arctan(640 / 900), 3)
    note = "calibration rig.json:left"
    assert chosen(told, field_of_view=0.9, camera=RIG) == (calibrated, "given", note)


def test_a_calibration_of_a_video_on_its_side() -> None:
    take = recorded(ExtractConfig(), "0" * 64)
    upright = replace(take, video=replace(take.video, width=720, height=1280, rotation=90))
    camera = with_camera(upright, ExtractConfig(camera=RIG)).camera
    np.testing.assert_allclose(camera.K[0, :2, 2], [719 - 360 + 0.5, 640.5])
    with pytest.raises(MocapError, match=r"1280×720.*720×1280"):
        with_camera(
            replace(upright, video=replace(upright.video, rotation=0)), ExtractConfig(camera=RIG)
        )


def test_a_file_and_a_name(tmp_path: Path) -> None:
    path = tmp_path / "rig.json"
    path.write_text('{"a": {"K": [500, 500, 320, 240]}, "b": {"K": [600, 600, 320, 240]}}')
    assert chosen_camera(f"{path}:b", "").matrix[0][0] == 600
    assert chosen_camera(str(path), "A").matrix[0][0] == 500
    for missing in (f"{path}:c", str(path), f"{path}x", f"{path}x:a"):
        with pytest.raises(MocapError, match=r"rig\.json"):
            chosen_camera(missing, "")
    colon = tmp_path / "rig:b"
    colon.write_text(path.read_text())
    assert chosen_camera(str(colon), "b").matrix[0][0] == 600
