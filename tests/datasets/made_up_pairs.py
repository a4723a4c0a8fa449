"""Pairs that are told apart by a number, and a job that makes them quickly.

As a program, ``python made_up_pairs.py STORE LOG ITEMS WORKERS``, it runs that job, for tests that
kill it.
"""

import os
import sys
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.datasets.jobs import run_items
from mocap.datasets.pairs import Pairs, PairStore
from mocap.errors import MocapError


def make_pairs(frames: int = 6, seed: int = 0, **changes: object) -> Pairs:
    """Pairs with every array; two sequences of different splits."""
    rng = np.random.default_rng(seed)
    half = frames // 2
    content: dict[str, object] = {
        "corrupted": rng.normal(size=(frames, 17, 3)),
        "ground_truth": rng.normal(size=(frames, 17, 3)),
        "visibility": rng.random((frames, 17)),
        "pose_2d": 500 * rng.random((frames, 17, 2)),
        "azimuth": rng.uniform(-np.pi, np.pi, frames),
        "elevation": rng.uniform(-0.3, 1.0, frames),
        "camera_relative": rng.normal(size=(frames, 3)),
        "sequence": (np.arange(frames) >= half).astype(int),
        "time": np.arange(frames) / 60,
        "heading": rng.uniform(-np.pi, np.pi, frames),
        "truth_2d": 500 * rng.random((frames, 17, 2)),
        "image_size": np.tile([1280.0, 720.0], (frames, 1)),
        "landmarks_xy": 500 * rng.random((frames, 33, 2)),
        "landmarks_xyz": rng.normal(size=(frames, 33, 3)),
        "landmarks_confidence": rng.random((frames, 33)),
        "mirrored_xy": 500 * rng.random((frames, 33, 2)),
        "mirrored_xyz": rng.normal(size=(frames, 33, 3)),
        "mirrored_confidence": rng.random((frames, 33)),
        "sequences": (f"walk{seed}", f"turn{seed}"),
        "splits": ("train", "val"),
    }
    return Pairs(**(content | changes))  # type: ignore[arg-type]


def assert_same(one: Pairs, other: Pairs) -> None:
    assert one.present == other.present
    for name in one.present:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.sequences, one.splits) == (other.sequences, other.splits)


@dataclass(frozen=True)
class Quick:
    """An item that takes a few milliseconds; its key also says how it fares."""

    key: str
    log: str = ""
    seconds: float = 0.004


def expected(key: str) -> Pairs:
    return make_pairs(4, zlib.crc32(key.encode()))


def make(item: Quick) -> Pairs | None:
    if item.log:
        with Path(item.log).open("a") as log:
            log.write(f"{item.key} {os.getpid()}\n")
    time.sleep(item.seconds)
    if "bad" in item.key:
        raise MocapError(f"{item.key}.mp4: cannot be read; download it again")
    if "bug" in item.key:
        return make_pairs(4, visibility=np.full((4, 17), 2.0))
    if "odd" in item.key:
        raise RuntimeError("two\nlines")
    if "crash" in item.key:
        os.kill(os.getpid(), 11)
    return None if "empty" in item.key else expected(item.key)


def items_of(count: int, log: Path | str = "") -> list[Quick]:
    return [Quick(f"item-{i:03d}", str(log)) for i in range(count)]


if __name__ == "__main__":
    out, log_file, number, processes = sys.argv[1:]
    store = PairStore.make(out, "made up", {"frames": 4})
    print("begun", flush=True)
    run_items(items_of(int(number), log_file), make, store, workers=int(processes))
    print("finished", flush=True)
