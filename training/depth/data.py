"""Training pairs in memory, as tensors, and the windows of frames that they are looked at in."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mocap.datasets.pairs import Pairs, read_pairs
from mocap.depth import strands
from mocap.progress import Progress, silent
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import TrainingError
from mocap.training.depth.extracted import as_extracted

_LOG = logging.getLogger(__name__)
#: Of a point: pixels, metres, confidence, true metres, true pixels. Of a frame: seconds, the
#: camera's place, the picture's middle.
_POINT, _FRAME = (2, 3, 1, 3, 2), (1, 3, 2)


@dataclass(frozen=True)
class Samples:
    """Frames and the windows that are made of them.

    Attributes:
        points: everything told of the points, one frame a row; the last row is a missing frame.
        frames: everything told of the frames.
        windows: for each frame the rows of its window; -1, the last row, is missing.
        places: where in its window each frame is.
    """

    points: Float[Tensor, "rows 17 11"]
    frames: Float[Tensor, "rows 6"]
    windows: Int[Tensor, "windows length"]
    places: Int[Tensor, " windows"]

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def length(self) -> int:
        """Of a window, frames."""
        return self.windows.shape[1]

    def to(self, device: torch.device) -> "Samples":
        """The same on another device."""
        return Samples(*(part.to(device) for part in vars(self).values()))

    def batch(self, chosen: Int[Tensor, " batch"]) -> Batch:
        """Some of the windows."""
        rows = self.windows[chosen]
        xy, xyz, confidence, truth, truth_xy = self.points[rows].split(_POINT, -1)
        time, camera, middle = self.frames[rows].split(_FRAME, -1)
        untold = torch.full_like(middle, torch.nan)
        return Batch(
            xy, xyz, confidence[..., 0], time[..., 0], truth, truth_xy, camera, middle, untold
        )


def make_samples(pairs: Pairs, length: int = 1, *, rate: float) -> Samples:
    """Turn pairs into windows, one for each frame: around it, or at the end it is near to.

    A window holds frames of one sequence, between pauses. Only what is shorter than a window
    leaves the rest of it missing. What follows what is settled by
    :func:`mocap.depth.strands`, as for tracks.

    Args:
        pairs: the frames.
        length: frames of a window.
        rate: frames a second in a window, about; slower sequences are taken as they are.

    Raises:
        TrainingError: there are no frames, or windows are asked of frames without time.
    """
    if not len(pairs):
        raise TrainingError("there are no training pairs")
    if length > 1 and (pairs.sequence is None or pairs.time is None):
        raise TrainingError(
            "the pairs tell no sequences and times, which windows of several frames need; "
            "train on single frames (--frames 1)"
        )
    count = len(pairs)
    unknown = np.full((count, 17, 2), np.nan, np.float32)
    size = np.full((count, 2), np.nan, np.float32) if pairs.image_size is None else pairs.image_size
    time = np.zeros(count, np.float32) if pairs.time is None else np.nan_to_num(pairs.time)
    points = np.concatenate(
        [
            pairs.pose_2d,
            pairs.corrupted,
            np.nan_to_num(pairs.visibility)[..., None],
            pairs.ground_truth,
            unknown if pairs.truth_2d is None else pairs.truth_2d,
        ],
        -1,
    )
    frames = np.concatenate([time[:, None], pairs.camera_relative, 0.5 * size], -1)
    missing = np.full((1, 17, sum(_POINT)), np.nan, np.float32)
    missing[..., sum(_POINT[:2])] = 0.0
    no_frame = np.full((1, sum(_FRAME)), np.nan, np.float32)
    windows, places = window_rows(pairs, length, rate)
    return Samples(
        torch.from_numpy(np.concatenate([points, missing])),
        torch.from_numpy(np.concatenate([frames, no_frame])),
        torch.from_numpy(windows),
        torch.from_numpy(places),
    )


def window_rows(
    pairs: Pairs, length: int, rate: float
) -> tuple[Int[np.ndarray, "frames length"], Int[np.ndarray, " frames"]]:
    """For each frame the frames of its window, -1 where there is none, and its own place in it."""
    windows = np.full((len(pairs), length), -1)
    places = np.zeros(len(pairs), int)
    if length == 1:
        return np.arange(len(pairs))[:, None], places
    assert pairs.time is not None
    for run in pairs.runs():
        for strand in strands(pairs.time[run], rate):
            rows = run.start + strand
            own = np.arange(len(rows))
            start = np.clip(own - length // 2, 0, max(0, len(rows) - length))
            inside = start[:, None] + np.arange(min(length, len(rows)))
            windows[rows, : inside.shape[1]] = rows[inside]
            places[rows] = own - start
    return windows, places


@dataclass(frozen=True)
class Corpus:
    """What a run learns from, and what it is watched on.

    Attributes:
        train: pairs.
        val: pairs.
        sha256: of all of them, by content and in order.
    """

    train: Pairs
    val: Pairs
    sha256: str


def read_corpus(
    paths: Sequence[str | Path],
    held_out: float = 0.1,
    progress: Progress = silent,
    *,
    extracted: bool = True,
) -> Corpus:
    """Read pairs for training and validation.

    Pairs keep to their own splits. Where nothing is for validation, the last of what is for
    training are held out: whole sequences if there are several.

    Args:
        paths: stores, items or NPZ files.
        held_out: the share that is held out then.
        progress: told of a store's items.
        extracted: whether to add what is for training as an extracted take would hold it.

    Raises:
        PairsError: a file is missing or damaged.
        TrainingError: nothing is for training.
    """
    pairs = Pairs.concatenate(
        read_pairs(path, splits=("train", "val"), progress=progress) for path in paths
    )
    names = ", ".join(str(path) for path in paths)
    train, val = pairs.of_split("train"), pairs.of_split("val")
    if not len(train):
        raise TrainingError(f"{names}: no pairs are for training (split train); name other data")
    if not len(val):
        train, val = _held_out(train, held_out)
        if not len(val):
            raise TrainingError(f"{names}: {len(train)} pairs are too few to hold some out")
        _LOG.warning(
            "%s: no pairs are for validation; the last %d of %d are held out",
            names,
            len(val),
            len(val) + len(train),
        )
    more = as_extracted(train, progress) if extracted else train[:0]
    train = Pairs.concatenate(_slim(part) for part in (train, more)) if len(more) else _slim(train)
    val = _slim(val)
    return Corpus(train, val, _digest(train, val))


def _slim(pairs: Pairs) -> Pairs:
    """Pairs without what nobody learns from: most of their memory."""
    return replace(pairs.without_landmarks(), heading=None)


def _held_out(pairs: Pairs, share: float) -> tuple[Pairs, Pairs]:
    first = max(1, round(len(pairs) * (1 - share)))
    if pairs.sequence is not None and len(pairs.sequences) > 1:
        starts = np.array([run.start for run in pairs.runs()][1:])
        first = int(starts[np.argmin(np.abs(starts - first))])
    return pairs[:first], pairs[first:]


def _digest(*parts: Pairs) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for name in part.present:
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(getattr(part, name)).data)
    return digest.hexdigest()


class Shuffled:
    """Batches of window numbers, in an order of its own for every epoch; each device gets a share.

    Args:
        count: how many windows there are.
        drawn: how many of them an epoch takes.
        batch: windows in a step, about, of all devices together: all steps are alike.
        seed: of the orders.
        epoch: tells which epoch begins.
        rank: which device this is.
        devices: how many there are.
    """

    def __init__(
        self,
        count: int,
        drawn: int,
        batch: int,
        seed: int,
        epoch: Callable[[], int],
        rank: int = 0,
        devices: int = 1,
    ) -> None:
        self._count, self._seed, self._epoch = count, seed, epoch
        self._rank, self._devices = rank, devices
        #: Windows of an epoch.
        self.drawn = min(drawn, count)
        self._steps = max(1, round(self.drawn / batch))

    def __len__(self) -> int:
        return self._steps

    def __iter__(self) -> Iterator[Tensor]:
        lots = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch())
        order = torch.randperm(self._count, generator=lots)[: self.drawn]
        for part in order.tensor_split(self._steps):
            yield part[self._rank :: self._devices]


class InOrder:
    """Batches of window numbers from the first to the last."""

    def __init__(self, chosen: Int[np.ndarray, " windows"], batch: int) -> None:
        self._parts = torch.from_numpy(chosen).split(max(1, batch))

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._parts)
