"""Items become a store, whatever happens to the process that makes them."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mocap.datasets.jobs import run_items
from mocap.datasets.pairs import Pairs, PairsError, PairStore, read_pairs
from mocap.errors import MocapError

from . import made_up_pairs
from .made_up_pairs import Quick, assert_same, expected, items_of, make

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

#: Seconds within which a quick job must be done.
PATIENCE = 60


def store_at(folder: Path) -> PairStore:
    return PairStore.make(folder, "made up", {"frames": 4})


def assert_holds(folder: Path, keys: list[str]) -> None:
    """Every item once and whole, the manifest true, and nothing else left."""
    store = PairStore.open(folder)
    assert store.stored_keys() == sorted(keys) == sorted(store.entries)
    assert store.take_stock() == {}
    left = {path.name for path in (folder / "items").iterdir()}
    assert left == {f"{key}.h5" for key in keys}
    for key in keys:
        found = store.read(key)
        assert_same(found, Pairs.nothing() if "empty" in key else expected(key))
    visible = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert visible - {"failed.json"} == {"dataset.json", "items", "manifest.json"}
    assert {path.name for path in folder.iterdir()} - visible == {".lock"}


@pytest.mark.parametrize("workers", [0, 2])
def test_items_are_made_once(tmp_path, workers):
    log = tmp_path / "log"
    items = [*items_of(8, log), Quick("empty-1", str(log))]
    told = []
    outcome = run_items(
        items,
        make,
        store_at(tmp_path / "store"),
        workers=workers,
        progress=lambda *state: told.append(state),
        stage="making",
        size=lambda item: 10 if item.key == "item-003" else 1,
    )
    assert sorted(outcome.made) == sorted(item.key for item in items)
    assert (outcome.kept, outcome.failed, outcome.mended, outcome.pairs) == (0, {}, [], 32)
    assert told[0] == ("making", 0, 18)
    assert told[-1] == ("making", 18, 18)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert_holds(tmp_path / "store", [item.key for item in items])
    pids = {line.split()[1] for line in log.read_text().splitlines()}
    assert (str(os.getpid()) in pids) == (workers == 0)

    again = run_items(items, make, store_at(tmp_path / "store"), workers=workers)
    assert (again.made, again.kept) == ([], 9)
    more = run_items([*items, Quick("item-100")], make, store_at(tmp_path / "store"), workers=0)
    assert (more.made, more.kept) == (["item-100"], 9)
    assert len(log.read_text().splitlines()) == 9


def test_the_store_is_the_same_however_it_is_made(tmp_path):
    run_items(items_of(5), make, store_at(tmp_path / "a"), workers=0)
    run_items(items_of(5)[::-1], make, store_at(tmp_path / "b"), workers=2)
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in "ab")
    assert one == two


@posix
def test_failures_stop_nobody_and_are_listed(tmp_path, caplog):
    keys = ["item-1", "bad-1", "odd-1", "item-2", "crash-1", "bug-1", "item-3"]
    store = store_at(tmp_path)
    with caplog.at_level(logging.WARNING):
        outcome = run_items([Quick(key) for key in keys], make, store, workers=2)
    reasons = {
        "bad-1": "bad-1.mp4: cannot be read; download it again",
        "bug-1": "visibility is not between 0 and 1 in 4 frames, first in frame 0",
        "crash-1": "the process that made it ended by SIGSEGV",
        "odd-1": "RuntimeError: two lines",
    }
    assert outcome.failed == reasons
    assert sorted(outcome.made) == ["item-1", "item-2", "item-3"]
    failed = json.loads((tmp_path / "failed.json").read_text())
    assert {key: told["reason"] for key, told in failed.items()} == reasons
    assert {key for key, told in failed.items() if "Traceback" in told.get("trace", "")} == {
        "odd-1"
    }
    assert "bad-1 failed: bad-1.mp4" in caplog.text
    assert_holds(tmp_path, outcome.made)

    # A later run tries them again, and only them.
    mended = [Quick(key) for key in ("item-1", "item-2", "item-3")]
    assert run_items(mended, make, store_at(tmp_path), workers=0).failed == {}
    assert set(PairStore.open(tmp_path).failures) == set(reasons)
    monkey = [Quick("bad-1")]
    outcome = run_items(monkey, lambda item: expected("bad-1"), store_at(tmp_path), workers=0)
    assert outcome.made == ["bad-1"]
    assert set(PairStore.open(tmp_path).failures) == set(reasons) - {"bad-1"}


def test_damaged_items_are_named_and_made_anew(tmp_path, caplog):
    run_items(items_of(5), make, store_at(tmp_path), workers=0)
    whole = (tmp_path / "items/item-001.h5").read_bytes()
    (tmp_path / "items/item-001.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "items/item-002.h5").unlink()
    (tmp_path / "items/item-003.h5").write_bytes(whole)
    with pytest.raises(PairsError, match=r"item-001\.h5.*make it anew"):
        read_pairs(tmp_path)
    outcome = run_items(items_of(5), make, store_at(tmp_path), workers=0)
    assert sorted(outcome.made) == ["item-001", "item-002", "item-003"]
    assert sorted(outcome.mended) == ["item-001", "item-002", "item-003"]
    assert outcome.kept == 2
    assert len(re.findall(r"item-00[123]\.h5: is .*; making it anew", caplog.text)) == 3
    assert_holds(tmp_path, [item.key for item in items_of(5)])


def test_unknown_items_of_an_earlier_run_are_entered(tmp_path):
    run_items(items_of(5), make, store_at(tmp_path), workers=0)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "items" / ".item-9.h5.0123abcd.part").write_bytes(b"half")
    outcome = run_items(items_of(3), make, store_at(tmp_path), workers=0)
    assert (outcome.made, outcome.kept) == ([], 3)
    assert_holds(tmp_path, [item.key for item in items_of(5)])


def test_keys_must_be_names_of_their_own(tmp_path):
    with pytest.raises(PairsError, match=r"two items would be kept as A\.h5"):
        run_items([Quick("a"), Quick("A")], make, store_at(tmp_path))
    with pytest.raises(PairsError, match="cannot be an item's key"):
        run_items([Quick("../a")], make, store_at(tmp_path))


class Unreadable:
    """Pickles, and cannot be had back."""

    def __call__(self, item):
        return None

    def __reduce__(self):
        return (sys.exit, (3,))


def test_workers_that_cannot_start_are_an_error_and_not_a_loop(tmp_path):
    with pytest.raises(MocapError, match="ended with code 3 before it had begun"):
        run_items(items_of(3), Unreadable(), store_at(tmp_path), workers=2)


def noisy(item):
    logging.getLogger("mocap.datasets.noisy").warning("%s is dark", item.key)
    return expected(item.key)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_is_logged_while_making_is_heard(tmp_path, caplog, workers):
    run_items([Quick("item-1")], noisy, store_at(tmp_path), workers=workers)
    assert "item-1: item-1 is dark" in caplog.text


def threads(item):
    import threadpoolctl

    counts = [one["num_threads"] for one in threadpoolctl.threadpool_info()]
    said = [os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
    if said != ["1", "1"] or any(count != 1 for count in counts):
        raise MocapError(f"{counts} {said}")


def test_workers_have_one_thread_each(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    outcome = run_items([Quick("item-1")], threads, store_at(tmp_path), workers=1)
    assert outcome.failed == {}
    assert "OMP_NUM_THREADS" not in os.environ


@posix
def test_one_writer_at_a_time(tmp_path):
    store = store_at(tmp_path)
    with (
        store.writing(),
        pytest.raises(PairsError, match="another process is writing to it"),
    ):
        run_items(items_of(1), make, store_at(tmp_path))


# Ends of all kinds


def start(out: Path, log: Path, count: int, workers: int = 2) -> subprocess.Popen[str]:
    program = Path(made_up_pairs.__file__)
    process = subprocess.Popen(
        [sys.executable, str(program), str(out), str(log), str(count), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def lines_of(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def await_lines(log: Path, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while len(lines_of(log)) < count:
        assert time.monotonic() < end
        time.sleep(0.002)


def await_end_of(pids: set[int]) -> None:
    """Wait until processes are no more, or are dead and only not yet buried."""
    end = time.monotonic() + 10
    while pids := {pid for pid in pids if lives(pid)}:
        assert time.monotonic() < end, f"{pids} outlive the process that started them"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


@pytest.mark.slow
@posix
def test_killed_ten_times_nothing_is_lost_or_doubled(tmp_path):
    out, log, count, workers, kills = tmp_path / "store", tmp_path / "log", 120, 2, 10
    rng = np.random.default_rng(0)
    for _ in range(kills):
        before = len(lines_of(log))
        process = start(out, log, count, workers)
        await_lines(log, before + 1)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.communicate()
        await_end_of({int(line.split()[1]) for line in lines_of(log)[before:]})
        # What is there is whole, whenever the end came.
        assert PairStore.open(out).take_stock() == {}
    assert 0 < len(PairStore.open(out).stored_keys()) < count
    process = start(out, log, count, workers)
    said, wrong = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said, wrong) == (0, "finished\n", "")
    assert_holds(out, [item.key for item in items_of(count)])
    # Nothing was made again but what was in hand when the end came.
    made = Counter(line.split()[0] for line in lines_of(log))
    assert len(made) == count
    assert made.total() <= count + kills * 2 * workers


@posix
@pytest.mark.parametrize("workers", [0, 2])
def test_ctrl_c_leaves_no_half_file_and_no_worker(tmp_path, workers):
    out, log = tmp_path / "store", tmp_path / "log"
    process = start(out, log, 40_000, workers)
    await_lines(log, 10)
    # As a terminal does: to the whole group.
    os.killpg(process.pid, signal.SIGINT)
    _, wrong = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGINT
    # The one traceback is the interrupted program's own; workers say nothing.
    assert wrong.count("KeyboardInterrupt") == 1
    assert "SpawnProcess" not in wrong
    await_end_of({int(line.split()[1]) for line in lines_of(log)})
    done = PairStore.open(out)
    assert 0 < len(done.entries) < 40_000
    assert_holds(out, list(done.entries))


# Ray


def test_without_ray_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MocapError, match=r"pip install 'mocap-toolkit\[train\]'"):
        run_items(items_of(1), make, store_at(tmp_path), ray_address="auto")


def test_a_cluster_that_does_not_answer_is_named(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")

    def refuse(*_, **__):
        raise ConnectionError("Could not find any running\nRay instance.")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(MocapError, match=r"--ray auto: no Ray cluster.*any running Ray instance"):
        run_items(items_of(1), make, store_at(tmp_path), ray_address="auto")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(MocapError, match=rf"--ray {address}: no Ray cluster answers.*refused"):
        run_items(items_of(1), make, store_at(tmp_path), ray_address=address)


@pytest.mark.slow
@posix
def test_on_a_cluster_of_one(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    # Where this folder's modules are; those of a cluster's nodes are installed. Ray also looks
    # where it is started, which must not be where another package has this one's name.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    monkeypatch.chdir(tmp_path)
    items = [*items_of(6), Quick("bad-1"), Quick("odd-1")]
    outcome = run_items(items, make, store_at(tmp_path / "ray"), workers=1, ray_address="local")
    assert not ray.is_initialized()
    assert set(outcome.failed) == {"bad-1", "odd-1"}
    assert outcome.failed["odd-1"] == "RuntimeError: two lines"
    assert_holds(tmp_path / "ray", [item.key for item in items_of(6)])
    run_items(items_of(6), make, store_at(tmp_path / "here"), workers=0)
    one, two = ((tmp_path / name / "manifest.json").read_bytes() for name in ("ray", "here"))
    assert one == two
