"""``mocap evaluate`` and ``mocap benchmark``: what they print, write and refuse."""

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from takes import make_take

from .conftest import PATIENCE, Ended, cut, start

Run = Callable[..., Ended]


@pytest.fixture
def take_file(tmp_path: Path) -> Path:
    return make_take(people=2, frames=31).save(tmp_path / "take.h5")


@pytest.fixture
def frozen_file(tmp_path: Path) -> Path:
    return make_take(frames=31, still=True).save(tmp_path / "frozen.h5")


def refused(ended: Ended) -> str:
    """The one line with which a command refuses."""
    assert ended.code == 1
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ended.err
    assert "Traceback" not in ended.err
    return errors[0].removeprefix("error: ")


@pytest.mark.parametrize("command", ["evaluate", "benchmark"])
def test_help_has_examples(mocap: Run, command: str) -> None:
    ended = mocap(command, "--help")
    assert ended.code == 0
    assert "Examples" in ended.out


def test_without_truth(mocap: Run, take_file: Path) -> None:
    ended = mocap("evaluate", take_file)
    assert ended.code == 0
    assert re.search(r"plausible motion +yes +yes$", ended.out, re.M)
    assert "at 30 frames/s" in ended.out
    assert re.search(r"jitter, fit \(10 m/s³\) +[\d.]+ +[\d.]+$", ended.out, re.M)
    # The plain body has no soles: said, and not measured.
    assert re.search(r"foot slide in contact \(mm/frame\) +– +–$", ended.out, re.M)
    assert "--body" in ended.err


def test_against_a_take_with_json(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    figures = tmp_path / "deep" / "figures.json"
    ended = mocap("evaluate", take_file, "--truth", take_file, "--json", figures, "--window", 0.5)
    assert ended.code == 0
    assert re.search(r"PA-MPJPE \(mm\) +0\.0$", ended.out, re.M)
    assert re.search(r"W-MPJPE, windows of 15 frames \(mm\) +0\.0$", ended.out, re.M)
    assert "identities: 0 switches" in ended.out
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert [one["person"] for one in told["people"]] == ["person-1", "person-2"]
    assert told["comparison"]["group"]["people"] == 2
    world = told["comparison"]["people"][0]["world"]
    assert [one["window_frames"] for one in world] == [100, 15]


def test_one_person_only(mocap: Run, take_file: Path) -> None:
    ended = mocap("evaluate", take_file, "--person", "person-2")
    assert ended.code == 0
    assert "person-1" not in ended.out
    assert "nobody named person-9" in refused(mocap("evaluate", take_file, "--person", "person-9"))


def test_a_statue_is_no_success(mocap: Run, frozen_file: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    ended = mocap("evaluate", frozen_file, "--json", figures)
    assert "frozen" in refused(ended)
    assert re.search(r"plausible motion +NO$", ended.out, re.M)
    assert not re.search(r"jitter.* 0\.0", ended.out)
    told = json.loads(figures.read_text(encoding="utf-8"))["people"][0]
    assert told["plausible"] is False
    assert told["world_jitter_10m_per_s3"] is None


@pytest.mark.parametrize(
    ("content", "word"), [("{}", "joint_names"), ("oops", "neither"), (None, "cannot be read")]
)
def test_bad_truth(
    mocap: Run, take_file: Path, tmp_path: Path, content: str | None, word: str
) -> None:
    truth = tmp_path / "truth.json"
    if content is not None:
        truth.write_text(content, encoding="utf-8")
    message = refused(mocap("evaluate", take_file, "--truth", truth))
    assert str(truth) in message
    assert word in message


def test_bad_take_and_bad_camera(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    assert "no such take" in refused(mocap("evaluate", tmp_path / "none.h5"))
    message = refused(mocap("evaluate", take_file, "--truth", take_file, "--camera", "cam7"))
    assert "no camera cam7" in message


def test_json_that_cannot_be_written(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    message = refused(mocap("evaluate", take_file, "--json", tmp_path / "file" / "a.json"))
    assert "--json" in message


@pytest.mark.slow
def test_benchmark_on_a_piece_of_the_clip(
    mocap: Run,
    four_camera_clip: Path,
    pose_bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = tmp_path / "clip"
    clip.mkdir()
    (clip / "Calib.qca.txt").write_bytes((four_camera_clip / "Calib.qca.txt").read_bytes())
    for number in (1, 2, 3, 4):
        name = f"cam0{number}.mp4"
        cut(four_camera_clip / name, clip / name, 12)
    monkeypatch.setenv("MOCAP_FOUR_CAMERA_CLIP", str(clip))
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    arguments = ("benchmark", "--out", out, "--cameras", "cam03,cam04", "--json", figures)
    first = mocap(*arguments)
    assert first.code == 0, first.err
    assert re.search(r"fit PA-MPJPE \(mm\) +[\d.]+ +[\d.]+ +[\d.]+$", first.out, re.M)
    assert re.search(r"left wrist( +[\d.]+){6}$", first.out, re.M)
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert list(told["cameras"]) == ["cam03", "cam04"]
    assert 20 < told["mean"]["fit_mpjpe_mm"] < told["mean"]["detector_mpjpe_mm"] < 400
    truth = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    assert "own 2D keypoints" in truth["note"]
    assert np.array(truth["people"][0]["points"], float).shape[0] == 12

    # What is there is used again, and a damaged take is made again.
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.h5")}
    assert {path.relative_to(out).as_posix() for path in times} == {
        *(f"cam0{number}/take.h5" for number in (1, 2, 3, 4)),
        *(f"cam0{number}/detector.h5" for number in (3, 4)),
    }
    (out / "cam04" / "take.h5").write_bytes(b"cut short")
    second = mocap(*arguments)
    assert second.code == 0, second.err
    assert second.err.count("finding people ...") == 1
    changed = {path for path in times if path.stat().st_mtime_ns != times[path]}
    assert changed == {out / "cam04" / "take.h5"}
    # The seconds that the fit took aside, the figures are the same.
    again = json.loads(figures.read_text(encoding="utf-8"))
    for name, value in told["mean"].items():
        if "ms_per" not in name:
            assert again["mean"][name] == pytest.approx(value), name
    assert "no cam09" in refused(mocap("benchmark", "--out", out, "--cameras", "cam09"))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_stopped_benchmark_says_what_is_kept(
    four_camera_clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path: Path
) -> None:
    process = start("benchmark", "--out", tmp_path / "out")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("finding people ..."):
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert re.fullmatch(r"stopped; what was finished is in .*\n", err)
    assert out == ""
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(
    mocap: Run, four_camera_clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out" / "cam01"
    take = make_take(frames=5).save(folder / "take.h5")
    before = take.read_bytes()
    assert "another video" in refused(mocap("benchmark", "--out", tmp_path / "out"))
    assert take.read_bytes() == before


def test_figures_are_not_written_over_what_is_read(mocap: Run, tmp_path: Path) -> None:
    path = make_take(people=1).save(tmp_path / "take.h5")
    before = path.read_bytes()
    ended = mocap("evaluate", path, "--json", path)
    assert ended.code == 2
    assert "--json" in ended.err
    assert path.read_bytes() == before


def test_a_camera_is_the_truths(mocap: Run, tmp_path: Path) -> None:
    path = make_take(people=1).save(tmp_path / "take.h5")
    ended = mocap("evaluate", path, "--camera", "cam01")
    assert ended.code == 2
    assert "--truth" in ended.err
