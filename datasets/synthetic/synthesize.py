"""A store of synthetic pairs: motion files go in, what the real detector sees of them comes out."""

import itertools
import logging
import math
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import torch

from mocap.assets import fetch
from mocap.body import load_body
from mocap.datasets.jobs import Outcome, let_go, run_items, when_let_go
from mocap.datasets.pairs import Pairs, PairStore
from mocap.datasets.synthetic.batches import USUAL_YIELD, Batch, shoot
from mocap.datasets.synthetic.film import Studio
from mocap.datasets.synthetic.library import (
    Motion,
    digest_of,
    load_library,
    read_library,
    save_library,
)
from mocap.errors import MocapError
from mocap.keypoints import MediaPipePose
from mocap.progress import Progress, silent

#: Changes when the same seed would give other pictures.
VERSION = "5"
#: The library as motion of the body, kept in the store: turning it takes minutes.
LIBRARY = "motions.npz"
#: Of twenty batches, those for validation and for the test: the first ones early, so that small
#: stores have some as well.
_VALIDATION, _TEST, _ROUND = (5,), (2, 12), 20

_log = logging.getLogger(__name__)


def synthesize(
    motions: Sequence[str | Path],
    out: str | Path,
    *,
    frames: int = 100_000,
    workers: int = 1,
    seed: int = 0,
    ray_address: str | None = None,
    progress: Progress = silent,
) -> Outcome:
    """Make a store of synthetic pairs, or go on with one.

    Whole performers are held out: what is for the test shows nobody's motion that is for training.

    Args:
        motions: motion files, folders of them, or the folder of test data.
        out: the store; one that was made of the same motions with the same seed is gone on with,
            also towards a larger number of frames.
        frames: about how many pairs are wanted; whole batches of about 140 are made.
        workers: processes; 0 works in this one. With Ray, the most batches at once; as many as
            the cluster can if 0.
        seed: of everything that is random.
        ray_address: of a Ray cluster, whose nodes must see ``out`` and this machine's folder of
            assets under the same paths.
        progress: told of ``motions``, then of ``batches``.

    Returns:
        What was made, kept and failed.

    Raises:
        MocapError: no motion can be read, or there is no OpenGL to draw with.
        PairsError: the folder holds something else.
    """
    if frames < 1:
        raise MocapError(f"{frames} frames is no number of frames to make")
    body = load_body()
    paths = [Path(path) for path in motions]
    told = digest_of(paths, body, progress=progress)
    parameters = {"version": VERSION, "seed": seed, "body": body.sha256, "motions": told}
    # Another's folder is refused before the minutes that motions take, and nothing is begun with
    # motions that cannot be read: it could not be gone on with once they are mended.
    PairStore.begun(out, "synthetic", parameters)
    kept = Path(out) / LIBRARY
    library = load_library(kept) if kept.exists() else read_library(paths, body, progress=progress)
    store = PairStore.make(out, "synthetic", parameters)
    if not kept.exists():
        with store.writing():
            save_library(library, kept)
    splits = _performed(library)
    every = (Batch(number, split_of(number), seed) for number in itertools.count())
    ours = (batch for batch in every if batch.split in splits)
    batches = list(itertools.islice(ours, math.ceil(frames / USUAL_YIELD)))
    _warn_of_few(splits - {batch.split for batch in batches}, frames)
    try:
        return run_items(
            batches,
            _Maker(str(kept.resolve()), str(fetch("pose_landmarker"))),
            store,
            workers=workers,
            ray_address=ray_address,
            progress=progress,
            stage="batches",
        )
    finally:
        let_go()


def split_of(number: int) -> str:
    """What a batch is for."""
    at = number % _ROUND
    return "val" if at in _VALIDATION else "test" if at in _TEST else "train"


def _performed(library: Sequence[Motion]) -> set[str]:
    """What there are performers for; says so, and whom nobody is held out for."""
    for split in ("train", "val", "test"):
        own = [motion for motion in library if motion.split == split]
        _log.info("%s: %d performers, %d clips", split, len({m.performer for m in own}), len(own))
    splits = {motion.split for motion in library}
    missing = [split for split in ("val", "test") if split not in splits]
    if missing:
        _log.warning(
            "nobody is held out for %s: that takes three performers, whose files are in a folder "
            "for each",
            " and ".join(missing),
        )
    return splits


def _warn_of_few(missing: Collection[str], frames: int) -> None:
    if missing:
        # A split begins with its first batch.
        first = max(next(n for n in range(_ROUND) if split_of(n) == one) for one in missing)
        _log.warning(
            "%d frames are too few for any pairs for %s: ask for %d or more with --frames",
            frames,
            " and ".join(sorted(missing, reverse=True)),
            first * USUAL_YIELD + 1,
        )


@dataclass(frozen=True)
class _Maker:
    """Makes a batch's pairs wherever it is sent."""

    library: str
    model: str

    def __call__(self, batch: Batch) -> Pairs | None:
        studio, motions = _workshop(self.library, self.model)
        return shoot(studio, motions, batch)


@lru_cache(maxsize=1)
def _workshop(library: str, model: str) -> tuple[Studio, list[Motion]]:
    """What a process needs once. Software rendering takes a core and no more."""
    os.environ.setdefault("LP_NUM_THREADS", "1")
    for say, count in (
        (torch.set_num_threads, torch.get_num_threads()),
        (cv2.setNumThreads, cv2.getNumThreads()),
    ):
        when_let_go(partial(say, count))
        say(1)
    studio = Studio.of(load_body(), MediaPipePose(Path(model), most=1))
    when_let_go(studio.close)
    when_let_go(_workshop.cache_clear)
    return studio, load_library(Path(library))
