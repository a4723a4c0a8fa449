"""What every source of pictures looks like to the stages that read it."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from types import TracebackType
from typing import Self

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and the moment it was taken.

    Attributes:
        index: 0-based number among the frames that could be read.
        time: Seconds since the first frame, by the container's own timestamps; strictly
            increasing.
        image: RGB, upright, square pixels, C-contiguous and writable.
    """

    index: int
    time: float
    image: UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class VideoInfo:
    """What a source says of itself before it is read through.

    Attributes:
        path: The file or folder as given; ``camera:N`` for a camera.
        width: Pixels, after rotation.
        height: Pixels, after rotation.
        fps: Average frames per second; the rate of a variable-rate clip is in ``Frame.time``.
        frame_count: What the container declares or its duration suggests; ``None`` if unknown.
        duration: Seconds, ``None`` if unknown.
        rotation: Degrees (0, 90, 180, 270) clockwise by which stored pictures were turned.
        field_of_view: Radians along the longer side by the file's own metadata; ``None`` if it
            does not say.
    """

    path: str
    width: int
    height: int
    fps: float
    frame_count: int | None
    duration: float | None
    rotation: int
    field_of_view: float | None = None


class VideoSource(ABC):
    """Frames in order of time, held one at a time; a context manager.

    Files and folders start anew with every ``for``; a camera can be read once.
    """

    def __init__(self, info: VideoInfo) -> None:
        self.info = info
        self._closed = False
        self._stop = Event()

    @abstractmethod
    def _frames(self) -> Generator[Frame, None, None]:
        """Read from the start; closing the generator releases what it holds."""

    def __iter__(self) -> Iterator[Frame]:
        if self._closed:
            raise ValueError(f"{self.info.path}: the source is closed")
        self._stop.clear()
        return self._until_stopped()

    def _until_stopped(self) -> Iterator[Frame]:
        with closing(self._frames()) as frames:
            for frame in frames:
                yield frame
                if self._stop.is_set():
                    return

    def stop(self) -> None:
        """End the iteration under way after its current frame; callable from any thread."""
        self._stop.set()

    def close(self) -> None:
        """Release the file or device; the source cannot be read afterwards."""
        self.stop()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
