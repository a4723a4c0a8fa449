"""Which pixels show a person, frame by frame, as lengths of runs.

The lengths are those of COCO's uncompressed run-length encoding (``mask.py`` and ``maskApi.c`` of
https://github.com/cocodataset/cocoapi): pixels down each column, columns from left to right, runs
of not-the-person and of the person by turns, the first of them not-the-person and 0 where the
upper left pixel is the person's. ``{"size": [height, width], "counts": lengths}`` of one frame is
what ``pycocotools.mask.frPyObjects`` takes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Int, UInt32

from mocap.records import attribute, dataset

Mask = Bool[np.ndarray, "height width"]


@dataclass(frozen=True)
class Masks:
    """One person's masks.

    The frames' lengths lie one after another in ``rle``: HDF5 has no checksum for arrays of
    variable length. No run at all is a frame of which nothing is known; one run, of all the
    pixels, a frame in which nothing of the person is to be seen.

    Attributes:
        rle: (R,) lengths of runs, pixels, of all frames in turn.
        runs: (N,) how many of them belong to each of the person's frames.
        width: of the picture, pixels.
        height: of the picture, pixels.
        source: what made the masks.

    Raises:
        ValueError: the lengths are not those of such pictures.
    """

    rle: Int[np.ndarray, " runs"] = dataset("px", "run")
    runs: Int[np.ndarray, " frames"] = dataset("1", "frame")
    width: int = attribute()
    height: int = attribute()
    source: str = attribute()

    def __post_init__(self) -> None:
        if {self.rle.dtype.kind, self.runs.dtype.kind} - set("iu"):
            raise ValueError("lengths of runs that are not whole")
        runs, lengths = self.runs.astype(np.int64), self.rle.astype(np.int64)
        if min(runs.min(initial=0), lengths.min(initial=0)) < 0 or runs.sum() != len(lengths):
            raise ValueError(f"masks with {len(lengths)} runs, not the {runs.sum()} of all frames")
        upto = np.concatenate([[0], np.cumsum(lengths)])
        ends = np.cumsum(runs)
        covered = (upto[ends] - upto[ends - runs])[runs > 0]
        if np.any(covered != self.width * self.height):
            raise ValueError(f"masks that are not of {self.width}×{self.height} pixels")

    @classmethod
    def of(
        cls,
        frames: Sequence[UInt32[np.ndarray, " runs"] | None],
        width: int,
        height: int,
        source: str,
    ) -> Self:
        """The record of each frame's :func:`run_lengths`, None where nothing is known."""
        lengths = [np.zeros(0, np.uint32) if found is None else found for found in frames]
        rle = np.concatenate([np.zeros(0, np.uint32), *lengths])
        runs = np.array([len(found) for found in lengths], np.uint32)
        return cls(rle, runs, width, height, source)

    @property
    def known(self) -> Bool[np.ndarray, " frames"]:
        """(N,) in which frames the mask is known, be it empty."""
        return self.runs > 0

    def at(self, row: int) -> Mask | None:
        """(H, W) the mask in one of the person's frames; None where nothing is known of it."""
        start = int(self.runs[:row].sum(dtype=np.int64))
        lengths = self.rle[start : start + int(self.runs[row])]
        return mask_of(lengths, self.width, self.height) if len(lengths) else None


def run_lengths(mask: Mask) -> UInt32[np.ndarray, " runs"]:
    """(R,) lengths of runs down the columns of an (H, W) mask, those outside it first."""
    pixels = mask.ravel(order="F")
    turns = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], turns, [len(pixels)]]))
    return np.concatenate([[0][: int(pixels[0])], lengths]).astype(np.uint32)


def mask_of(lengths: Int[np.ndarray, " runs"], width: int, height: int) -> Mask:
    """(H, W) the mask of which :func:`run_lengths` were taken.

    Raises:
        ValueError: the lengths are those of another number of pixels.
    """
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(height, width, order="F")
