"""Work in other processes: what they leave behind when they are ended."""

import sys
import time
from pathlib import Path

import pytest

from mocap.files import writing_whole
from mocap.processes import in_processes


def write_slowly(folder: Path) -> bool:
    """Say that a file is begun, and never come to its end."""
    with writing_whole(folder / "slow.txt") as temporary:
        temporary.write_text("begun")
        (folder / "begun").touch()
        time.sleep(60)
    return True


def begin(folder: Path) -> Path:
    """What is quick."""
    folder.mkdir(exist_ok=True)
    return folder


def work(item: tuple[str, Path]) -> Path | bool:
    """What a worker does of an item."""
    kind, folder = item
    return write_slowly(folder) if kind == "slow" else begin(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_workers_that_are_ended_leave_nothing_half_written(tmp_path: Path) -> None:
    team = in_processes(work, [("slow", tmp_path), ("quick", tmp_path)], 2)
    assert next(team) == tmp_path
    for _ in range(600):
        if (tmp_path / "begun").exists():
            break
        time.sleep(0.05)
    assert len(list(tmp_path.glob(".*.part"))) == 1
    team.close()
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]
