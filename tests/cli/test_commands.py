"""The commands that only read or export, and what they all have in common."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from takes import make_take

import mocap as package
from mocap.cli import checks
from mocap.exporters import read_bvh
from mocap.take import StageRecord

from .conftest import Ended

Run = Callable[..., Ended]


@pytest.fixture
def take_file(tmp_path: Path) -> Path:
    take = make_take(people=2, frames=31, fps=30.0)
    people = dict(take.people)
    observed = np.arange(31) < 28
    people["person-2"] = replace(people["person-2"], observed=observed, body=None)
    stage = StageRecord("detection", "1", {"hands": True}, 12.5, {"body": "made up"})
    return replace(take, people=people, provenance=(stage,)).save(tmp_path / "take.h5")


def test_help_and_version_are_quick_and_import_no_stage() -> None:
    code = (
        "import sys; from mocap.cli import main\n"
        "assert main(['--help']) == 0 and main(['extract', '--help']) == 0\n"
        "print(*(set(sys.modules) & {'torch', 'mediapipe', 'cv2', 'av'}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "--height" in done.stdout


def test_version(mocap: Run) -> None:
    assert mocap("--version") == Ended(0, f"mocap {package.__version__}\n", "")


@pytest.mark.parametrize("command", ["", "extract", "demo", "info", "export", "fit", "doctor"])
def test_every_command_helps(mocap: Run, command: str) -> None:
    ended = mocap(*command.split(), "--help")
    assert ended.code == 0
    assert "Examples" in ended.out


@pytest.mark.parametrize("arguments", [["dance"], ["extract"], ["info"], ["info", "a", "b"]])
def test_wrong_calls_are_told_apart_from_failures(mocap: Run, arguments: list[str]) -> None:
    ended = mocap(*arguments)
    assert ended.code == 2
    assert "Usage" in ended.err


def test_info_for_people(mocap: Run, take_file: Path) -> None:
    ended = mocap("info", take_file)
    assert ended.code == 0
    assert re.search(r"clip\.mp4, 1280×720, 31 frames, 1\.00 s, 30\.00 frames/s", ended.out)
    assert "field of view 60°" in ended.out
    assert re.search(r"person-1 \(Person 1\) +0–30 +1\.03 +100% +0% +plain$", ended.out, re.M)
    assert re.search(r"person-2 \(Person 2\) +0–30 +1\.03 +90% +0% +none$", ended.out, re.M)
    assert "detection 12.5 s" in ended.out


def test_info_for_programs(mocap: Run, take_file: Path) -> None:
    facts = json.loads(mocap("info", take_file, "--json").out)
    assert facts["video"]["frames"] == 31
    assert facts["camera"]["field_of_view_degrees"] == pytest.approx(60)
    assert facts["bytes"] == take_file.stat().st_size
    one, two = facts["people"]
    assert one["body"]["model"] == "plain"
    assert (two["body"], two["seen"]) == (None, pytest.approx(28 / 31))
    assert facts["stages"][0]["parameters"] == {"hands": True}


def test_info_tells_how_the_camera_stands(mocap: Run, tmp_path: Path) -> None:
    take = make_take(frames=3)
    down = np.deg2rad(10)
    tilt = np.array([[1, 0, 0], [0, np.cos(down), -np.sin(down)], [0, np.sin(down), np.cos(down)]])
    R = tilt @ take.camera.R[0]
    camera = replace(take.camera, R=R[None], t=(-R @ [0.0, 1.5, 0.0])[None])
    path = replace(take, camera=camera).save(tmp_path / "take.h5")
    facts = json.loads(mocap("info", path, "--json").out)["camera"]
    assert facts["height_above_ground"] == pytest.approx(1.5)
    assert facts["tilt_down_degrees"] == pytest.approx(10)


@pytest.mark.parametrize(
    "command", [["info"], ["fit"], ["export", "--format", "bvh", "--out", "x"]]
)
def test_no_take_and_not_a_take(mocap: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "text.h5").write_text("no take")
    for name in ("none.h5", "text.h5"):
        ended = mocap(*command, tmp_path / name)
        assert ended.code == 1
        assert ended.err.startswith(f"error: {tmp_path / name}: ")
        assert len(ended.err.splitlines()) == 1


def test_export_of_everybody_with_a_motion(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    ended = mocap("export", take_file, "--format", "bvh", "--out", out, "--units", "m", "--fps", 60)
    assert ended == Ended(0, f"{out / 'person-1.bvh'}\n", ended.err)
    assert "person-2 has no fitted motion" in ended.err
    motion = read_bvh(out / "person-1.bvh", units="m")
    assert motion.fps == pytest.approx(60)
    assert len(motion) == 61
    assert motion.root_position[0, 2] == pytest.approx(3.0, abs=0.5)


def test_export_of_somebody_chosen(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    export = ("export", take_file, "--format", "bvh", "--out", tmp_path / "out", "--person")
    ended = mocap(*export, "person-3")
    assert ended.code == 1
    assert "nobody named person-3; there are person-1, person-2" in ended.err
    ended = mocap(*export, "person-2")
    assert ended.code == 1
    assert "person-2" in ended.err
    assert not (tmp_path / "out").exists()
    assert mocap(*export, "person-1").code == 0


def test_unknown_formats_are_wrong_calls(mocap: Run, take_file: Path, tmp_path: Path) -> None:
    ended = mocap("export", take_file, "--format", "maya", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "bvh" in ended.err


def test_body_info(mocap: Run, tmp_path: Path) -> None:
    ended = mocap("body", "info")
    assert ended.code == 0
    assert re.search(r"^joints +55$", ended.out, re.M)
    assert "CC0" in ended.out
    (tmp_path / "bad.npz").write_text("no body")
    assert mocap("body", "info", tmp_path / "bad.npz").code == 1


def test_doctor_of_a_sound_installation(mocap: Run) -> None:
    ended = mocap("doctor")
    assert ended.code == 0, ended.out
    for name in (
        "Python",
        "torch",
        "mediapipe",
        "torch device",
        "body model",
        "depth refiners",
        "H.264 encoder",
    ):
        assert re.search(rf"^ok +{re.escape(name)}: ", ended.out, re.M)
    assert "non-commercial" in ended.out
    assert ended.err == ""


def test_doctor_names_what_is_missing_and_what_does_not_work(mocap: Run, monkeypatch) -> None:
    whole = checks._version
    monkeypatch.setattr(checks, "_version", lambda name: None if name == "av" else whole(name))

    def run(code: str) -> tuple[bool, str]:
        return (False, "OSError: libgomp.so.1 not found") if "torch" in code else (True, __file__)

    monkeypatch.setattr(checks, "_run", run)
    ended = mocap("doctor")
    assert ended.code == 1
    assert re.search(r"^FAILS +av: is not installed: pip install", ended.out, re.M)
    assert re.search(r"^FAILS +torch: .*libgomp", ended.out, re.M)
    assert re.search(r"^3 of \d+ checks failed: torch, av, torch device", ended.out, re.M)


def test_a_refiner_that_was_damaged_is_found(mocap: Run, monkeypatch, tmp_path: Path) -> None:
    def run(code: str) -> tuple[bool, str]:
        return (
            (False, "CheckpointError: is damaged") if "DepthRefiner" in code else (True, __file__)
        )

    monkeypatch.setattr(checks, "_run", run)
    assert "FAILS   depth refiners: CheckpointError" in mocap("doctor").out


def test_as_a_module_it_ends_with_the_same_code() -> None:
    for arguments, code in ((["info", "nowhere.h5"], 1), (["info"], 2), (["--version"], 0)):
        done = subprocess.run([sys.executable, "-m", "mocap", *arguments], capture_output=True)
        assert done.returncode == code


def test_a_probe_survives_whatever_it_probes() -> None:
    assert checks._run("import os; os.abort()")[0] is False
    assert checks._run("raise ValueError('broken')") == (False, "ValueError: broken")
    assert checks._run("print('fine')") == (True, "fine")


def test_errors_of_the_machine_are_one_line_and_bugs_are_not(mocap: Run, monkeypatch) -> None:
    def fail(error: Exception) -> Callable[..., None]:
        def load(path: Path) -> None:
            raise error

        return load

    full = OSError(28, "No space left on device", "/mnt/take.h5")
    monkeypatch.setattr(package.Take, "load", fail(full))
    ended = mocap("info", "take.h5")
    assert (ended.code, ended.err) == (1, "error: /mnt/take.h5: No space left on device\n")
    monkeypatch.setattr(package.Take, "load", fail(OSError(5, "Input/output error")))
    with pytest.raises(OSError, match="Input/output"):
        mocap("info", "take.h5")
