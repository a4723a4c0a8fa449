"""What makes masks, and what one must offer to be plugged in."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mocap.take import Mask, Take
from mocap.video import Frame


@dataclass(frozen=True)
class FrameMasks:
    """Everybody's mask in one video frame.

    Attributes:
        frame: its number.
        people: (H, W) masks by person, no two of which share a pixel; who is not among them is
            not known about.
        unclear: (H, W) pixels that show one of several, nobody knows whom; None for none. They
            are in nobody's mask.
    """

    frame: int
    people: Mapping[str, Mask]
    unclear: Mask | None = None


class Segmenter(Protocol):
    """Tells a take's people from the background and from one another."""

    @property
    def name(self) -> str:
        """What it is, for the record."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What its results depend on."""
        ...

    @property
    def inputs(self) -> Mapping[str, str]:
        """Hashes of what it works with."""
        ...

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        """Masks of frames of the take's video, in the order in which they come."""
        ...

    def close(self) -> None:
        """Free the model."""
        ...
