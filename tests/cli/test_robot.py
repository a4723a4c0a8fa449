"""``mocap robot`` and ``mocap retarget --format``: what they write, say, and refuse."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from datasets.robots.made_up import swinging
from retarget.made_up import written
from takes import make_take

from mocap.datasets.robots import FORMATS, read_trajectory
from mocap.retarget import Trajectory, read_robot

from .conftest import PATIENCE, Ended

Run = Callable[..., Ended]


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trajectory:
    """A folder of its own with a robot and its motion: `made_up.xml`, `walk.npz`."""
    monkeypatch.chdir(tmp_path)
    trajectory = swinging(read_robot(written(tmp_path)), fps=60.0)
    trajectory.save("walk.npz")
    return trajectory


def test_a_trajectory_goes_to_other_projects_and_comes_back(mocap: Run, walk: Trajectory) -> None:
    options = ("--robot", "made_up.xml")
    ended = mocap("robot", "convert", "walk.npz", "--to", "gmr", *options, "--out", "out/walk.pkl")
    assert ended.code == 0, ended.err
    assert ended.out == "out/walk.pkl\n"
    assert "resampled" not in ended.err
    ended = mocap("robot", "convert", "out/walk.pkl", "--to", "mocap", *options, "--out", "b.npz")
    assert ended.code == 0, ended.err
    again = Trajectory.load("b.npz")
    np.testing.assert_array_equal(again.joint_position, walk.joint_position)
    assert again.fps == 60


def test_a_rate_that_changes_is_told_and_can_be_kept(mocap: Run, walk: Trajectory) -> None:
    command = ("robot", "convert", "walk.npz", "--to", "unitree", "--out", "a.csv")
    ended = mocap(*command)
    assert ended.code == 0, ended.err
    assert "resampled from 60 to 30" in ended.err
    assert len(np.loadtxt("a.csv", delimiter=",")) == 20
    ended = mocap(*command, "--fps", "60")
    assert ended.code == 0, ended.err
    assert "resampled" not in ended.err
    assert len(np.loadtxt("a.csv", delimiter=",")) == 40
    back = ("--to", "mocap", "--robot", "made_up.xml", "--out", "b.npz")
    assert mocap("robot", "convert", "a.csv", *back, "--file-fps", "60").code == 0
    np.testing.assert_array_equal(Trajectory.load("b.npz").joint_position, walk.joint_position)


def test_retarget_writes_other_formats_beside_its_own(mocap: Run, tmp_path: Path) -> None:
    take = make_take(people=2, frames=20, still=True).save(tmp_path / "take.h5")
    formats = ("--format", "gmr", "--format", "beyondmimic")
    model = written(tmp_path)
    ended = mocap("retarget", take, "--robot", model, *formats, "--out", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "beyondmimic: resampled from 30 to 50" in ended.err
    robot = read_robot(model)
    for person in ("person-1", "person-2"):
        own = Trajectory.load(tmp_path / "out" / f"{person}.npz")
        other = read_trajectory(tmp_path / "out" / f"{person}-gmr.pkl", robot)
        np.testing.assert_array_equal(other.joint_position, own.joint_position)
        tracked = tmp_path / "out" / f"{person}-beyondmimic.npz"
        assert str(tracked) in ended.out
        assert read_trajectory(tracked, robot).fps == 50


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("run",)


def broken(name: str, walk: Trajectory) -> Path:
    """A file that cannot be converted."""
    good = ",".join(["1", "2", "0.8", "0", "0", "0", "1", *["0.5"] * 22])
    pickled = {
        "root_pos": walk.root_position,
        "root_rot": walk.root_quaternion,
        "dof_pos": walk.joint_position,
    }
    archive = FORMATS["holosoma"].write(walk, None)
    content: dict[str, bytes] = {
        "gap.csv": f"{good}\n{good.replace('0.5', 'nan', 1)}\n".encode(),
        "narrow.csv": f"{good[:-4]}\n{good[:-4]}\n".encode(),
        "ragged.csv": f"{good}\n{good},1\n".encode(),
        "one.csv": f"{good}\n".encode(),
        "long.csv": f"{good.replace('0,0,0,1', '0,0,0,2')}\n".encode() * 2,
        "degrees.csv": f"{good.replace('0.5', '40')}\n".encode() * 2,
        "named.csv": b"time,knee\n0,1\n1,2\n",
        "hostile.pkl": pickle.dumps({**pickled, "fps": Hostile()}),
        "short.pkl": pickle.dumps({**pickled, "fps": 30, "dof_pos": walk.joint_position[:-3]}),
        "flat.pkl": pickle.dumps({**pickled, "fps": 30, "root_pos": walk.root_position[0]}),
        "text.pkl": pickle.dumps({**pickled, "fps": "fast"}),
        "other.pkl": pickle.dumps({"poses": np.zeros((3, 72))}),
        "cut.npz": archive[: len(archive) // 2],
        "noise.npz": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "empty.csv": b"",
        "take.h5": b"\x89HDF\r\n\x1a\n",
    }
    Path(name).write_bytes(content[name])
    return Path(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gap.csv", "not a number in 1 frames, from frame 1 on"),
        ("narrow.csv", "has 21 joints, but made_up has 22; say by --robot"),
        ("ragged.csv", "number of columns"),
        ("one.csv", "has one frame; motion takes two at least"),
        ("long.csv", "no unit quaternions"),
        ("degrees.csv", "left_elbow goes to 40, made_up's from -2.6 to 0.05"),
        ("named.csv", "known are mocap, gmr"),
        ("hostile.pkl", "which no array needs"),
        ("short.pkl", "no sound gmr file"),
        ("flat.pkl", "root_pos has 1 axes, not 2"),
        ("text.pkl", "fps is no single number"),
        ("other.pkl", "it holds poses"),
        ("cut.npz", "no archive of arrays"),
        ("noise.npz", "holds no motion of a robot"),
        ("empty.csv", "neither an archive"),
        ("take.h5", "mocap retarget"),
    ],
)
def test_bad_files_are_one_line_and_leave_nothing(
    mocap: Run, walk: Trajectory, name: str, said: str
) -> None:
    broken(name, walk)
    before = sorted(Path.cwd().rglob("*"))
    for to, out in (("mocap", "out.npz"), ("beyondmimic", "out.npz"), ("unitree", "out.csv")):
        ended = mocap("robot", "convert", name, "--to", to, "--robot", "made_up.xml", "--out", out)
        refused(ended, said)
        assert name in ended.err
        assert sorted(Path.cwd().rglob("*")) == before


def refused(ended: Ended, said: str) -> None:
    assert ended.code == 1, ended.err
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""


@pytest.mark.parametrize("form", FORMATS)
def test_another_robots_motion_is_refused(mocap: Run, walk: Trajectory, form: str) -> None:
    # The same number of joints, elsewhere and by other names.
    text = Path("made_up.xml").read_text().replace("left", "port").replace('pos="0 0 -.4"', "")
    Path("other.xml").write_text(text)
    source = f"walk-{form}{FORMATS[form].suffix}"
    ours = ("--robot", "made_up.xml", "--out", source)
    assert mocap("robot", "convert", "walk.npz", "--to", form, *ours).code == 0
    theirs = ("--robot", "other.xml", "--out", "out.npz")
    ended = mocap("robot", "convert", source, "--to", "mujoco", *theirs)
    if form == "unitree":
        # Nothing in it tells whose it is, but the number of columns.
        assert ended.code == 0
        return
    refused(ended, "by --robot whose")
    assert not Path("out.npz").exists()


def test_what_is_needed_is_said(mocap: Run, walk: Trajectory) -> None:
    convert = ("robot", "convert", "walk.npz", "--to")
    refused(mocap(*convert, "beyondmimic", "--out", "a.npz"), "name the robot by --robot")
    refused(mocap(*convert, "mocap", "--out", "walk.npz"), "another name by --out")
    assert mocap(*convert, "gmr", "--out", "a.npz").code == 2
    assert mocap(*convert, "fbx", "--out", "a.fbx").code == 2
    assert mocap(*convert, "unitree", "--out", "a.csv").code == 0
    again = ("robot", "convert", "a.csv", "--to", "gmr", "--out", "a.pkl")
    refused(mocap(*again), "name the robot by --robot")
    refused(mocap(*again, "--robot", "r2d2"), "no robot of that name")
    refused(mocap("robot", "convert", "no.npz", *again[3:]), "no such file")
    assert not Path("a.npz").exists()
    assert not Path("a.pkl").exists()


def test_helps_with_examples(mocap: Run) -> None:
    for command in ("convert", "play"):
        ended = mocap("robot", command, "--help")
        assert ended.code == 0
        assert "Examples" in ended.out


def test_playing_needs_a_screen(
    mocap: Run, walk: Trajectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems have one")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    refused(mocap("robot", "play", "walk.npz", "--robot", "made_up.xml"), "no screen")


def test_motion_is_played(walk: Trajectory) -> None:
    if sys.platform != "linux" or not os.environ.get("DISPLAY"):
        pytest.skip("there is no screen to play on")
    command = ("robot", "play", "walk.npz", "--robot", "made_up.xml", "--seconds", "1")
    done = subprocess.run(
        [sys.executable, "-m", "mocap.cli", *command],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
