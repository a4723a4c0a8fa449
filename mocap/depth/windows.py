"""A track of any length and rate as windows like those of the training, and back again."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

#: A pause longer than this, in seconds, parts a track: what is on its other side tells nothing.
LONGEST_PAUSE = 0.6
# Windows begin this share of their length after each other.
_STEP = 0.25


def windows(
    times: Float[np.ndarray, " frames"], length: int, rate: float
) -> Int[np.ndarray, "windows length"]:
    """Overlapping windows that cover every frame of a track.

    A window's frames follow each other at about ``rate``: of a quicker track, every second, third
    … frame is taken, from every one of the first so many on, so that windows span the same time
    whatever the camera. What is shorter than a window fills one in part.

    Args:
        times: seconds, rising.
        length: frames of a window.
        rate: frames a second; slower tracks are taken as they are.

    Returns:
        Numbers of frames, -1 where a window has no more.
    """
    found = [window for strand in strands(times, rate) for window in _cover(strand, length)]
    return np.array(found, int).reshape(-1, length)


def strands(
    times: Float[np.ndarray, " frames"], rate: float, pause: float = LONGEST_PAUSE
) -> Iterator[Int[np.ndarray, " strand"]]:
    """Numbers of a track's frames, parted at pauses and thinned; each is in one strand.

    Of frames that follow each other more quickly than ``rate``, every second, third … is taken,
    from every one of the first so many on.

    Args:
        times: seconds, rising; frames whose time is NaN stand alone.
        rate: frames a second; slower tracks are taken as they are.
        pause: the longest within a strand, seconds.
    """
    together = np.diff(times) <= pause
    for part in np.split(np.arange(len(times)), np.flatnonzero(~together) + 1):
        beat = float(np.median(np.diff(times[part]))) if len(part) > 1 else np.inf
        stride = max(1, round(1 / (rate * beat))) if beat > 0 else 1
        for first in range(min(stride, len(part))):
            yield part[first::stride]


def _cover(frames: np.ndarray, length: int) -> list[np.ndarray]:
    if len(frames) <= length:
        return [np.pad(frames, (0, length - len(frames)), constant_values=-1)]
    step = max(1, int(_STEP * length))
    last = len(frames) - length
    return [frames[first : first + length] for first in sorted({*range(0, last, step), last})]


def centre_weights(
    chosen: Int[np.ndarray, "windows length"],
) -> Float[np.ndarray, "windows length"]:
    """How much each frame of a window counts: most in the middle, which knows both sides.

    A window's own first and last frame are those it has, not those it might have.
    """
    has = chosen >= 0
    count = has.sum(1, keepdims=True)
    place = np.arange(chosen.shape[1]) + 0.5
    weight = np.minimum(place, count - place) / np.maximum(count, 1)
    return np.where(has, np.maximum(weight, 0.0), 0.0)


class Blend:
    """The weighted mean, frame by frame, of what overlapping windows say.

    Args:
        frames: of the track.
        size: numbers said of a frame.
    """

    def __init__(self, frames: int, size: int) -> None:
        self._sums = np.zeros((frames, size))
        self._total = np.zeros(frames)

    def add(
        self,
        said: Float[np.ndarray, "windows length size"],
        chosen: Int[np.ndarray, "windows length"],
    ) -> None:
        """Take in some windows, and which frames are theirs."""
        weight = centre_weights(chosen)
        # No frame has the same place in two windows.
        for place in range(chosen.shape[1]):
            has = chosen[:, place] >= 0
            frames = chosen[has, place]
            self._sums[frames] += said[has, place] * weight[has, place, None]
            self._total[frames] += weight[has, place]

    def mean(self) -> Float[np.ndarray, "frames size"]:
        """What they say on average; every frame has been in one."""
        return self._sums / self._total[:, None]
