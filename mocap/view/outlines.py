"""People's masks drawn over the video they were made from."""

from pathlib import Path

import cv2
import numpy as np

from mocap.progress import Progress, silent
from mocap.take import Mask, Take
from mocap.view.drawing import HALO, Colour, Picture, draw_label, person_colour
from mocap.view.overlay import write_drawn

#: How much of a person's colour lies on them.
_TINT = 0.25
#: Height of letters and width of lines, as shares of the picture's shorter side.
_LETTERS, _WIDTH = 0.014, 0.002


def write_outlines(
    take: Take, video: str | Path, path: str | Path, *, progress: Progress = silent
) -> Path:
    """Draw everybody's mask over the video: an outline and a tint in the person's colour.

    Args:
        take: of that video, with masks.
        video: the file or folder of images.
        path: the MP4 to write; whole or not at all.
        progress: called as ``progress("overlay", frames done, frames)``.

    Returns:
        ``path``.

    Raises:
        VideoError: the video cannot be read, has another size than the take's, or the overlay
            cannot be written.
    """
    return write_drawn(take, video, path, draw_outlines, progress=progress)


def draw_outlines(picture: Picture, take: Take, frame: int) -> None:
    """Draw the masks of a video frame on its RGB picture, in place.

    Args:
        picture: of the take's video.
        take: whose people to draw.
        frame: 0-based number of the video frame.
    """
    for number, person in enumerate(take.people.values()):
        row = frame - int(person.frames[0])
        if person.masks is None or not 0 <= row < len(person.frames):
            continue
        mask = person.masks.at(row)
        if mask is not None and mask.any():
            _draw(picture, mask, person.label, person_colour(number))


def _draw(picture: Picture, mask: Mask, label: str, colour: Colour) -> None:
    least = min(picture.shape[:2])
    picture[mask] = np.rint((1 - _TINT) * picture[mask] + _TINT * np.array(colour))
    edges, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(_WIDTH * least))
    for ink, thick in ((HALO, width + 2), (colour, width)):
        cv2.drawContours(picture, edges, -1, ink, thick, cv2.LINE_AA)
    across, down = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    letters = max(9.0, _LETTERS * least)
    draw_label(picture, label, float(across.mean()), float(down[0]) - letters, colour, letters)
