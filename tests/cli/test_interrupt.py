"""Ctrl-C at any moment: no damaged files, no traceback, and the next run goes on from there."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mocap import Take
from mocap.cli.console import starting

from .conftest import PATIENCE, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

#: Tabs and line ends aside, what only a terminal should be sent.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x9b]")


def interrupt_at(
    line_pattern: str, process: subprocess.Popen[str], how: int = signal.SIGINT
) -> tuple[str, str]:
    """Send Ctrl-C, or another signal, when a line of notes appears; returns what was said after."""
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(line_pattern, line):
            process.send_signal(how)
            return process.communicate(timeout=PATIENCE)
    raise AssertionError(f"{line_pattern!r} was never said; exit code {process.wait()}")


def test_while_looking_for_people(
    clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path: Path
) -> None:
    process = start("extract", clip, "--out", tmp_path / "out")
    out, err = interrupt_at(r"^finding people \.\.\.", process)
    assert process.returncode == 130
    assert err == "stopped; nothing was written\n"
    assert out == ""
    assert not (tmp_path / "out").exists()


def test_after_looking_for_people_nothing_is_lost(
    clip: Path, pose_bundle: Path, hand_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start("extract", clip, "--out", out, "--no-hands")
    _, err = interrupt_at(r"^fitting bodies \.\.\.", process)
    assert process.returncode == 130
    assert err == f"stopped; what was finished is in {out}\n"
    assert [path.name for path in out.iterdir()] == ["take.h5"]
    assert Take.load(out / "take.h5").people["person-1"].body is None

    process = start("extract", clip, "--out", out, "--no-hands")
    said, notes = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "detection skipped" in notes
    assert "finding people" not in notes
    assert sorted(path.name for path in out.iterdir()) == ["overlay.mp4", "person-1.bvh", "take.h5"]
    # Neither goes to a terminal here.
    assert not CONTROL.search(said)
    assert not CONTROL.search(notes)
    assert "person-1.bvh" in said


def test_while_drawing_no_half_overlay_is_left(extracted: Path, clip: Path) -> None:
    (extracted / "overlay.mp4").unlink()
    process = start("extract", clip, "--out", extracted)
    _, err = interrupt_at(r"^drawing overlay \.\.\.", process)
    # A clip this short may be drawn before the signal arrives.
    assert process.returncode in (0, 130), err
    left = sorted(path.name for path in extracted.iterdir() if path.name != "overlay.mp4")
    assert left == ["person-1.bvh", "take.h5"]
    assert (extracted / "overlay.mp4").exists() == (process.returncode == 0)


@pytest.mark.parametrize("ctrl_c", ["default_int_handler", "SIG_IGN"])
def test_who_is_told_to_end_leaves_nothing_half_written(tmp_path: Path, ctrl_c: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TOLD, str(tmp_path / "a.txt"), ctrl_c],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (143, b""), done.stderr
    assert b"Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


_TOLD = """
import os, signal, sys, time
from mocap.cli import application
from mocap.files import writing_whole
signal.signal(signal.SIGINT, getattr(signal, sys.argv[2]))

@application.app.command()
def slowly(path: str) -> None:
    with writing_whole(path):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        print("nobody ended it")

code = application.run(["slowly", sys.argv[1]])
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
sys.exit(code)
"""


def test_while_libraries_are_loaded_it_waits_until_they_are() -> None:
    loaded = []

    def load() -> None:
        with starting():
            os.kill(os.getpid(), signal.SIGINT)
            loaded.append("what takes half a minute")

    with pytest.raises(KeyboardInterrupt):
        load()
    assert loaded
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


_TWICE = """
import os, signal
from mocap.cli.console import starting
signal.signal(signal.SIGINT, signal.default_int_handler)
with starting():
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    print("nobody waits any longer")
"""


def test_who_presses_twice_while_libraries_are_loaded_is_let_go() -> None:
    done = subprocess.run([sys.executable, "-c", _TWICE], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
