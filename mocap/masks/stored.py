"""The masks that a take has already, as a source of masks like any other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mocap.errors import MaskError
from mocap.masks.segmenter import FrameMasks
from mocap.masks.stage import STAGE
from mocap.take import Take
from mocap.video import Frame

#: How a segmenter that looks at the fitted bodies calls their model among its inputs.
_BODY = "body"


class StoredMasks:
    """A take's masks, for whoever may only use what the picture told.

    Args:
        take: with masks that were made without its bodies.

    Raises:
        MaskError: it has none such.
    """

    def __init__(self, take: Take) -> None:
        if not independent_masks(take):
            raise MaskError("the take has no masks that were made without its fitted bodies")
        self.name = next(one.masks.source for one in take.people.values() if one.masks is not None)
        self.parameters: Mapping[str, Any] = {}
        self.inputs: Mapping[str, str] = {}

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        """The masks of the take's people in frames of its video."""
        for frame in frames:
            found = {}
            for person in take.people.values():
                row = frame.index - int(person.frames[0])
                if person.masks is not None and 0 <= row < len(person.frames):
                    mask = person.masks.at(row)
                    if mask is not None:
                        found[person.id] = mask
            yield FrameMasks(frame.index, found)

    def close(self) -> None:
        """Nothing is held."""


def independent_masks(take: Take) -> bool:
    """Whether a take has masks, and its record says that its bodies had no part in them."""
    made = [stage for stage in take.provenance if stage.name == STAGE]
    masked = any(person.masks is not None for person in take.people.values())
    return masked and bool(made) and _BODY not in made[-1].inputs
