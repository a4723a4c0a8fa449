"""The fitted motion drawn over the video it was made from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.errors import VideoError
from mocap.progress import Progress, silent
from mocap.take import Take
from mocap.video import VideoWriter, open_video, require_writable_name
from mocap.view.drawing import (
    HALO,
    WHITE,
    Colour,
    Picture,
    dashes,
    draw_dots,
    draw_label,
    draw_lines,
    mixed,
    pale,
    person_colour,
)
from mocap.view.figure import Figure, figure

STAGE = "overlay"


def require_drawable(path: Path, video: Path) -> None:
    """Refuse the name of an overlay that cannot be written, before any work is done for it.

    Raises:
        VideoError: it is the video itself, no name of an MP4, or its folder is not there.
    """
    require_writable_name(path)
    if path.exists() and video.exists() and path.samefile(video):
        raise VideoError(f"{path}: is the video itself; give the overlay another name or folder")


def write_overlay(
    take: Take, video: str | Path, path: str | Path, *, progress: Progress = silent
) -> Path:
    """Draw everybody's motion over the video, in a second pass through it.

    The body's skeleton is in one colour a person: lighter on the person's left, darker on the
    right; dashed and pale where the person was not seen and the motion is filled in. Dots are the
    detected keypoints. Who has no body is shown by the keypoints alone. Frames keep their times,
    and only one is held at a time.

    Args:
        take: of that video.
        video: the file or folder of images.
        path: the MP4 to write; whole or not at all.
        progress: called as ``progress("overlay", frames done, frames)``.

    Returns:
        ``path``.

    Raises:
        VideoError: the video cannot be read, has another size than the take's, or the overlay
            cannot be written.
    """
    return write_drawn(take, video, path, draw_people, progress=progress)


def write_drawn(
    take: Take,
    video: str | Path,
    path: str | Path,
    draw: Callable[[Picture, Take, int], None],
    *,
    progress: Progress = silent,
) -> Path:
    """A take's video with something drawn on every frame's picture; see :func:`write_overlay`.

    Args:
        take: of that video.
        video: the file or folder of images.
        path: the MP4 to write; whole or not at all.
        draw: called with the RGB picture, to be drawn on in place, the take and the frame's number.
        progress: called as ``progress("overlay", frames done, frames)``.

    Raises:
        VideoError: as in :func:`write_overlay`.
    """
    video, path = Path(video), Path(path)
    require_drawable(path, video)
    with open_video(video, fps=take.video.fps) as source:
        info = source.info
        if (info.width, info.height) != (take.video.width, take.video.height):
            raise VideoError(
                f"{video}: is {info.width}×{info.height} pixels, but the take was made from a "
                f"video of {take.video.width}×{take.video.height}; give that one"
            )
        total = len(take.video.timestamps)
        progress(STAGE, 0, total)
        with VideoWriter(path, info.width, info.height, info.fps) as writer:
            for frame in source:
                draw(frame.image, take, frame.index)
                writer.write(frame.image, frame.time)
                progress(STAGE, frame.index + 1, max(total, frame.index + 1))
    return path


def draw_people(picture: Picture, take: Take, frame: int) -> None:
    """Draw everybody who is in a video frame on its RGB picture, in place.

    Args:
        picture: of the take's video.
        take: whose people to draw.
        frame: 0-based number of the video frame.
    """
    present = []
    for number, person in enumerate(take.people.values()):
        row = frame - int(person.frames[0])
        if 0 <= row < len(person.frames):
            present.append((figure(take, person, row), person.label, person_colour(number)))
    # Whoever is nearer hides who is farther away, as in the picture itself.
    for one, label, colour in sorted(present, key=lambda entry: -entry[0].depth):
        _draw_person(picture, one, label, colour)


def _draw_person(picture: Picture, one: Figure, label: str, colour: Colour) -> None:
    corners = one.corners()
    if corners is None:
        return
    size = one.size if np.isfinite(one.size) else float(np.max(corners[1] - corners[0]))
    width = _line_width(picture, size)
    inks = {side: ink if one.observed else pale(ink) for side, ink in _shades(colour).items()}
    for fine, thick in ((False, width), (True, max(1, width // 3))):
        chosen = one.fine == fine
        _draw_bones(picture, one.ends[chosen], one.sides[chosen], inks, thick, one.observed)
    for points, radius in ((one.keypoints, 0.4 * width), (one.hand_keypoints, 0.2 * width)):
        draw_dots(picture, points, HALO, radius + 0.8)
        draw_dots(picture, points, pale(colour), radius)
    letters = float(np.clip(3.0 * width, 9, 28))
    middle, top = float(corners[:, 0].mean()), float(corners[0, 1])
    # The topmost joints are the eyes.
    draw_label(picture, label, middle, top - 0.08 * size, inks[1], letters)


def _shades(colour: Colour) -> dict[int, Colour]:
    """A person's colour on the left (1), in the middle (0) and on the right (-1)."""
    return {1: mixed(colour, WHITE, 0.55), 0: colour, -1: mixed(colour, HALO, 0.25)}


def _draw_bones(
    picture: Picture,
    ends: Float[np.ndarray, "bones 2 2"],
    sides: np.ndarray,
    inks: dict[int, Colour],
    width: int,
    observed: bool,
) -> None:
    parts = {side: ends[sides == side] for side in inks}
    if not observed:
        parts = {side: dashes(lines, 5.0 * width) for side, lines in parts.items()}
    # All halos first: one bone's must not cut another.
    for lines in parts.values():
        draw_lines(picture, lines, HALO, width + max(1, 2 * (width // 3)))
    for side, lines in parts.items():
        draw_lines(picture, lines, inks[side], width)


def _line_width(picture: Picture, size: float) -> int:
    """Pixels: about a hundred-and-thirtieth of the person, within what suits the picture."""
    thickest = max(2.0, 0.007 * min(picture.shape[:2]))
    return max(1, round(min(size / 130, thickest)))
