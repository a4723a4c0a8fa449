"""Straight edges of a clip's pictures, from a few frames spread over it."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

import cv2
import numpy as np
from jaxtyping import Float, UInt8

#: Frames kept at most; reaching it drops every other, so that they span a clip of any length.
_MOST_FRAMES = 6
#: Frames between two kept ones, at first.
_FIRST_STRIDE = 8
#: The longer side of the pictures that are searched, pixels.
_SIDE = 960
#: Shortest edge kept, and how near two are that are one, shares of the longer side.
_LEAST_LENGTH, _SAME_PLACE = 0.035, 0.004
_SAME_DIRECTION = np.deg2rad(2.0)
#: Longest ones kept.
_MOST = 400


class Picture(Protocol):
    """A frame of a clip."""

    @property
    def index(self) -> int:
        """Its number, from 0."""

    @property
    def image(self) -> UInt8[np.ndarray, "height width 3"]:
        """Upright RGB."""


_Picture = TypeVar("_Picture", bound=Picture)


class SegmentCollector:
    """Looks at passing frames now and then, and finds the straight edges in them at the end.

    It need not know how long the clip is: the frames it holds are thinned out as more come, and
    are small grey copies.
    """

    def __init__(self) -> None:
        self._stride = _FIRST_STRIDE
        self._held: dict[int, UInt8[np.ndarray, "height width"]] = {}
        self._scale = 1.0

    def add(self, index: int, image: UInt8[np.ndarray, "height width 3"]) -> None:
        """Take note of a frame.

        Args:
            index: its number, from 0.
            image: upright RGB.
        """
        if index % self._stride:
            return
        if len(self._held) == _MOST_FRAMES:
            self._stride *= 2
            self._held = {i: held for i, held in self._held.items() if i % self._stride == 0}
            if index % self._stride:
                return
        self._scale = min(1.0, _SIDE / max(image.shape[:2]))
        size = tuple(max(1, round(side * self._scale)) for side in image.shape[1::-1])
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._held[index] = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)

    def passing(self, frames: Iterable[_Picture]) -> Iterator[_Picture]:
        """The same frames, looked at on their way."""
        for frame in frames:
            self.add(frame.index, frame.image)
            yield frame

    def segments(
        self, people: Iterable[tuple[np.ndarray, np.ndarray]] = ()
    ) -> Float[np.ndarray, "segments 4"]:
        """The edges found so far, x0 y0 x1 y1 in pixels of the frames, the longest first.

        Args:
            people: for each, numbers of frames (N,) and the boxes around them there (N, 4),
                x0 y0 x1 y1, pixels, NaN for none; edges within one are limbs and clothes.
        """
        boxes = [(frames, np.asarray(box, float)) for frames, box in people]
        found = [np.zeros((0, 4))]
        for index, image in self._held.items():
            edges = _edges(image) / self._scale
            for frames, box in boxes:
                for one in box[np.asarray(frames) == index]:
                    edges = edges[~_within(edges, one)]
            found.append(edges)
        side = max((max(image.shape) for image in self._held.values()), default=1) / self._scale
        return _distinct(np.concatenate(found), side)


def _edges(image: UInt8[np.ndarray, "height width"]) -> Float[np.ndarray, "segments 4"]:
    """Edges by von Gioi et al., "LSD: a Line Segment Detector" (IPOL 2012)."""
    lines = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(image)[0]
    # OpenCV counts from the middle of the first pixel.
    return np.zeros((0, 4)) if lines is None else np.asarray(lines, float).reshape(-1, 4) + 0.5


def _within(edges: Float[np.ndarray, "segments 4"], box: Float[np.ndarray, "4"]) -> np.ndarray:
    """Which edges, (S,), lie in a box with both ends; a box that is NaN holds none."""
    x, y = edges[:, 0::2], edges[:, 1::2]
    return np.all((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3]), axis=1)


def _distinct(edges: Float[np.ndarray, "segments 4"], side: float) -> np.ndarray:
    """The long ones, each once: neighbours that are one edge, or one edge in several frames."""
    length = np.hypot(*(edges[:, 2:] - edges[:, :2]).T)
    order = np.argsort(-length, kind="stable")
    edges = edges[order[: np.sum(length >= _LEAST_LENGTH * side)]]
    kept: list[np.ndarray] = []
    while len(edges) and len(kept) < _MOST:
        kept.append(edges[0])
        edges = edges[~_repeats(edges, edges[0], _SAME_PLACE * side)]
    return np.array(kept).reshape(-1, 4)


def _repeats(
    edges: Float[np.ndarray, "segments 4"], one: Float[np.ndarray, "4"], near: float
) -> np.ndarray:
    """Which edges, (S,), none longer than ``one``, lie along it, mostly within its ends."""
    start, span = one[:2], one[2:] - one[:2]
    length = np.hypot(*span)
    along = span / length
    offsets = edges.reshape(-1, 2, 2) - start
    place = offsets @ along
    aside = np.abs(offsets @ [-along[1], along[0]]).max(axis=1)
    own = np.hypot(*(edges[:, 2:] - edges[:, :2]).T)
    shared = np.minimum(place.max(1), length) - np.maximum(place.min(1), 0.0)
    turned = np.abs(np.diff(offsets @ [-along[1], along[0]], axis=1)[:, 0]) / own
    return (aside < near) & (turned < np.sin(_SAME_DIRECTION) * 2) & (shared > 0.5 * own)
