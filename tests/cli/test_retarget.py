"""``mocap retarget``: what it writes, and what it refuses."""

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from made_keypoints import written as keypoints
from retarget.made_up import written
from takes import make_take

from mocap.retarget import Trajectory
from mocap.take import Take

from .conftest import Ended, cut, start
from .test_interrupt import interrupt_at

Run = Callable[..., Ended]


@pytest.fixture(scope="module")
def take_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    take = make_take(people=2, frames=20, still=True)
    return take.save(tmp_path_factory.mktemp("take") / "take.h5")


def test_everybody_gets_a_trajectory_and_a_report(
    mocap: Run, take_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = mocap("retarget", take_file, "--robot", written(tmp_path), "--out", out)
    assert ended.code == 0, ended.err
    for person in ("person-1", "person-2"):
        assert len(Trajectory.load(out / f"{person}.npz")) == 20
        report = json.loads((out / f"{person}-report.json").read_text())
        assert report["frames"]["count"] == 20
    again = mocap(
        *("retarget", take_file, "--robot", tmp_path / "made_up.xml", "--person", "person-2"),
        *("--correspondence", out / "correspondence.json", "--fps", 60, "--out", tmp_path / "b"),
    )
    assert again.code == 0, again.err
    assert Trajectory.load(tmp_path / "b" / "person-2.npz").fps == 60
    assert not (tmp_path / "b" / "person-1.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--robot", "r2d2"), "no robot of that name"),
        (("--robot", "nowhere.xml"), "no such robot model"),
        (("--robot", "made_up.xml", "--person", "nobody"), "not in this take"),
        (("--robot", "made_up.xml", "--correspondence", "c.json"), "cannot be read"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    mocap: Run,
    take_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    ended = mocap("retarget", take_file, "--out", tmp_path / "out", *arguments)
    assert ended.code == 1
    assert said in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


def test_keypoints_with_labels_are_followed(mocap: Run, tmp_path: Path) -> None:
    folder, robot, out = keypoints(tmp_path / "anna"), written(tmp_path), tmp_path / "out"
    ended = mocap("retarget", folder, "--robot", robot, "--out", out)
    assert ended.code == 0, ended.err
    assert "taken for 30 frames a second; --source-fps tells it" in ended.err
    assert Trajectory.load(out / "anna.npz").fps == pytest.approx(30)
    file = folder / "smpl_keypoints.npy"
    ended = mocap("retarget", file, "--robot", robot, "--source-fps", 60, "--out", out)
    assert ended.code == 0, ended.err
    assert "frames a second" not in ended.err
    trajectory = Trajectory.load(out / "smpl_keypoints.npz")
    assert trajectory.fps == pytest.approx(60)
    assert trajectory.contacts[:, :2].all()


def test_a_take_tells_its_own_times(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    ended = mocap(
        *("retarget", take_file, "--robot", written(tmp_path), "--out", tmp_path / "out"),
        *("--source-fps", 25),
    )
    assert ended.code == 2
    assert "a take tells its own times" in " ".join(ended.err.split())


def test_several_clips_get_a_folder_each(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    model, out = written(tmp_path), tmp_path / "out"
    other = make_take(people=1, frames=12, still=True).save(tmp_path / "other.h5")
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"nothing")
    ended = mocap("retarget", take_file, other, broken, "--robot", model, "--out", out)
    assert ended.code == 1
    assert "broken.h5" in ended.err
    assert "Traceback" not in ended.err
    assert "take/person-1" in ended.out
    assert len(Trajectory.load(out / "take" / "person-2.npz")) == 20
    assert len(Trajectory.load(out / "other" / "person-1.npz")) == 12
    assert not (out / "broken").exists()


def test_a_folder_of_motion_is_several_clips(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    ended = mocap("export", take_file, "--format", "bvh", "--out", clips)
    assert ended.code == 0, ended.err
    (clips / "notes.txt").write_text("nothing to see")
    out = tmp_path / "out"
    ended = mocap("retarget", clips, "--robot", written(tmp_path), "--out", out)
    assert ended.code == 0, ended.err
    assert len(Trajectory.load(out / "person-1" / "person-1.npz")) == 20
    assert len(Trajectory.load(out / "person-2" / "person-2.npz")) == 20
    (tmp_path / "empty").mkdir()
    ended = mocap("retarget", tmp_path / "empty", "--robot", "g1", "--out", out)
    assert ended.code == 1
    assert "holds no file of motion" in ended.err


def test_a_video_is_extracted_first(mocap: Run, demo_clip: Path, tmp_path: Path) -> None:
    video = cut(demo_clip, tmp_path / "clip.mp4", 20)
    out, model = tmp_path / "out", written(tmp_path)
    ended = mocap("retarget", video, "--robot", model, "--out", out)
    assert ended.code == 0, ended.err
    people = [name for name, one in Take.load(out / "take.h5").people.items() if one.body]
    assert people
    for name in people:
        assert (out / f"{name}-report.html").is_file()
        assert (out / f"{name}.bvh").is_file()
        assert np.isfinite(Trajectory.load(out / f"{name}.npz").joint_position).all()
    again = mocap("retarget", video, "--robot", model, "--out", out)
    assert again.code == 0, again.err
    assert "detection skipped" in again.err


def test_what_is_read_is_never_written_over(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    ended = mocap(
        "export", take_file, "--format", "amass", "--person", "person-1", "--out", tmp_path
    )
    assert ended.code == 0, ended.err
    [archive] = tmp_path.glob("*.npz")
    before = archive.read_bytes()
    ended = mocap("retarget", archive, "--robot", written(tmp_path), "--out", tmp_path)
    assert ended.code == 1
    assert "is what is to be put on the robot" in ended.err
    assert archive.read_bytes() == before


def test_the_file_is_named_that_is_wrong_and_not_its_motion(mocap: Run, tmp_path: Path) -> None:
    arguments = ("--robot", written(tmp_path), "--out", tmp_path / "out")
    folder = keypoints(tmp_path / "anna")
    file = folder / "smpl_keypoints.npy"
    for labels in folder.glob("*_contact.npy"):
        labels.unlink()
    np.save(file, np.load(file)[:1])
    ended = mocap("retarget", folder, *arguments)
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith(f"error: {file}: has one frame; a motion takes")
    # Of a take, who of the people is wrong is told as well.
    take = make_take(people=2, frames=20)
    fitted, other = take.people.values()
    people = {fitted.id: fitted, other.id: replace(other, body=None)}
    path = replace(take, people=people).save(tmp_path / "half.h5")
    ended = mocap("retarget", path, *arguments, "--person", "person-2")
    assert ended.code == 1
    assert f"error: {path}: person-2: has no body motion yet" in ended.err


def test_a_robot_that_is_none_is_told_once(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    other = make_take(people=1, frames=12, still=True).save(tmp_path / "other.h5")
    out = tmp_path / "out"
    ended = mocap("retarget", take_file, other, "--robot", "r2d2", "--out", out)
    assert ended.code == 1
    assert ended.err.count("no robot of that name") == 1
    assert not ended.out


def test_a_corrected_correspondence_is_used_again_and_kept(
    mocap: Run, take_file: Path, tmp_path: Path
) -> None:
    out, model = tmp_path / "out", written(tmp_path)
    arguments = ("retarget", take_file, "--person", "person-1", "--out", out, "--robot")
    assert mocap(*arguments, model).code == 0
    path = out / "correspondence.json"
    content = json.loads(path.read_text())
    content["limits"] = {"left_knee": {"low": 0.5}}
    path.write_text(json.dumps(content))
    before = path.read_bytes()
    ended = mocap(*arguments, model)
    assert ended.code == 0, ended.err
    assert path.read_bytes() == before
    trajectory = Trajectory.load(out / "person-1.npz")
    assert trajectory.joint_position[:, trajectory.joint_names.index("left_knee")].min() >= 0.5
    # Another robot's results are not written over it.
    content["robot"] = "another"
    path.write_text(json.dumps(content))
    ended = mocap(*arguments, model)
    assert ended.code == 1
    assert "holds what was made for another" in ended.err


def test_what_fails_is_told_in_words_and_ends_with_code_3_only_if_asked(
    mocap: Run, take_file: Path, tmp_path: Path
) -> None:
    model, out = written(tmp_path), tmp_path / "out"
    arguments = ("retarget", take_file, "--person", "person-1", "--robot", model, "--out", out)
    good = mocap(*arguments, "--strict")
    assert good.code == 0, good.err
    assert "person-1: left foot rests in " in good.out
    # Who cannot stretch a leg does not follow.
    path = out / "correspondence.json"
    content = json.loads(path.read_text())
    content["limits"] = {"left_knee": {"low": 2.2}}
    path.write_text(json.dumps(content))
    for options, code, word in (((), 0, "warning"), (("--strict",), 3, "error")):
        (out / "person-1.npz").unlink()
        ended = mocap(*arguments, *options)
        assert ended.code == code, ended.err
        report = json.loads((out / "person-1-report.json").read_text())
        assert not report["passed"]
        assert len(Trajectory.load(out / "person-1.npz")) == 20
        told = [line for line in ended.err.splitlines() if line.startswith(f"{word}: person-1")]
        assert told == [f"{word}: person-1 fails: {reason}" for reason in report["reasons"]]
        assert any("°, at most 30°" in line for line in told), told
        assert not any("_deg" in line or "_mm" in line for line in told)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_while_a_robot_is_filmed_its_report_is_there_already(
    tmp_path: Path, how: int, code: int
) -> None:
    take = make_take(people=1, frames=400, still=True).save(tmp_path / "take.h5")
    out = tmp_path / "out"
    process = start(
        *("retarget", take, "--robot", written(tmp_path), "--out", out, "--format", "gmr"),
        "--video",
    )
    _, err = interrupt_at(r"^filming the robot \.\.\.", process, how)
    assert process.returncode == code, err
    assert err == f"stopped; what was finished is in {out}, if anything was\n"
    # Hidden files would be temporary ones.
    assert sorted(path.name for path in out.iterdir()) == [
        *("correspondence.json", "person-1-gmr.pkl", "person-1-report.html"),
        *("person-1-report.json", "person-1.npz"),
    ]
    assert "<video" not in (out / "person-1-report.html").read_text()
