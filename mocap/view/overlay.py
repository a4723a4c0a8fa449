"""The fitted motion drawn over the video it was made from."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.errors import VideoError
from mocap.progress import Progress, silent
from mocap.skeletons import SKELETONS, SMPLX_55, Skeleton
from mocap.take import Keypoints2D, Person, Take
from mocap.video import VideoWriter, open_video
from mocap.view.drawing import (
    HALO,
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

STAGE = "overlay"

#: Keypoints of less confidence are guesses of the detector, not sightings.
_LEAST_CONFIDENCE = 0.3
_FIRST_FINGER = SMPLX_55.index("left_index1")
_FACE = {SMPLX_55.index(name) for name in ("jaw", "left_eye_smplhf", "right_eye_smplhf")}
_EYES = SMPLX_55.indices("left_eye_smplhf", "right_eye_smplhf")
_HEAD = SMPLX_55.index("head")


@dataclass(frozen=True)
class _Bones:
    """Pairs of points to draw, by the side they are on (-1 right, 0 middle, 1 left)."""

    pairs: np.ndarray
    sides: np.ndarray
    fine: np.ndarray


def _bones(skeleton: Skeleton) -> _Bones:
    pairs = [edge for edge in skeleton.edges if not (_FACE & set(edge) and skeleton is SMPLX_55)]
    sides, fine = [], []
    for a, b in pairs:
        names = skeleton.names[a], skeleton.names[b]
        left, right = (any(side in name for name in names) for side in ("left", "right"))
        sides.append(int(left) - int(right))
        fine.append(skeleton is SMPLX_55 and b >= _FIRST_FINGER)
    return _Bones(np.array(pairs), np.array(sides), np.array(fine))


_BODY = _bones(SMPLX_55)


@dataclass(frozen=True)
class _Figure:
    """One person in one picture, in pixels."""

    ends: Float[np.ndarray, "bones 2 2"]
    bones: _Bones
    depth: float


def write_overlay(
    take: Take, video: str | Path, path: str | Path, *, progress: Progress = silent
) -> Path:
    """Draw everybody's motion over the video, a second time through it.

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
    video, path = Path(video), Path(path)
    if path.exists() and video.exists() and path.samefile(video):
        raise VideoError(f"{path}: is the video itself; give the overlay another name")
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
                draw_people(frame.image, take, frame.index)
                writer.write(frame.image, frame.time)
                progress(STAGE, frame.index + 1, max(total, frame.index + 1))
    return path


def draw_people(picture: Picture, take: Take, frame: int) -> None:
    """Draw everybody who is in a video frame on its RGB picture, in place."""
    present = []
    for number, person in enumerate(take.people.values()):
        row = frame - int(person.frames[0])
        if 0 <= row < len(person.frames):
            present.append((_figure(take, person, row), person, row, person_colour(number)))
    # Whoever is nearer is drawn later, as they are seen.
    for figure, person, row, colour in sorted(present, key=lambda entry: -entry[0].depth):
        _draw_person(picture, person, row, figure, colour)


def _figure(take: Take, person: Person, row: int) -> _Figure:
    """The fitted body as seen by the camera, or else the keypoints' own skeleton."""
    if person.body is not None:
        joints = person.body.joints[row : row + 1]
        frames = person.frames[row : row + 1]
        points = take.camera.project(joints, frames)[0]
        _, R, t = take.camera.at(frames)
        depth = float(R[0, 2] @ joints[0, 0] + t[0, 2])
        ends = np.concatenate([points[_BODY.pairs], _gaze(points)])
        return _Figure(ends, _with_gaze(_BODY), depth)
    if person.keypoints2d is None:
        return _Figure(np.zeros((0, 2, 2)), _BODY, np.inf)
    bones = _bones(SKELETONS[person.keypoints2d.skeleton])
    return _Figure(_sure(person.keypoints2d, row)[bones.pairs], bones, np.inf)


def _gaze(points: Float[np.ndarray, "55 2"]) -> Float[np.ndarray, "1 2 2"]:
    """From the head's joint, at the top of the neck, to between the eyes: where a face looks."""
    return np.stack([points[_HEAD], points[_EYES].mean(0)])[None]


def _with_gaze(bones: _Bones) -> _Bones:
    return _Bones(bones.pairs, np.append(bones.sides, 0), np.append(bones.fine, False))


def _sure(keypoints: Keypoints2D, row: int) -> Float[np.ndarray, "points 2"]:
    """Image points, NaN where the detector was not sure."""
    sure = keypoints.confidence[row] >= _LEAST_CONFIDENCE
    return np.where(sure[:, None], keypoints.xy[row], np.nan).astype(float)


def _draw_person(
    picture: Picture, person: Person, row: int, figure: _Figure, colour: Colour
) -> None:
    extent = _extent(figure, person, row)
    if extent is None:
        return
    low, high = extent
    width = _line_width(picture, float(max(high - low)))
    seen = bool(person.observed[row])
    inks = {
        side: ink if seen else pale(ink)
        for side, ink in (
            (1, mixed(colour, (255, 255, 255), 0.55)),
            (0, colour),
            (-1, mixed(colour, (0, 0, 0), 0.25)),
        )
    }
    for fine in (False, True):
        chosen = figure.bones.fine == fine
        thick = max(1, width // 2) if fine else width
        _draw_bones(picture, figure.ends[chosen], figure.bones.sides[chosen], inks, thick, seen)
    for points in _detected(person, row):
        draw_dots(picture, points, HALO, 0.45 * width + 1.0)
        draw_dots(picture, points, pale(colour), 0.45 * width)
    letters = float(np.clip(4.0 * width, 9, 28))
    above = float(low[1]) - 2.5 * letters
    draw_label(picture, person.label, float(low[0] + high[0]) / 2, above, inks[0], letters)


def _draw_bones(
    picture: Picture,
    ends: Float[np.ndarray, "bones 2 2"],
    sides: np.ndarray,
    inks: dict[int, Colour],
    width: int,
    seen: bool,
) -> None:
    parts = {side: ends[sides == side] for side in inks}
    if not seen:
        parts = {side: dashes(lines, 3.0 * width) for side, lines in parts.items()}
    # All halos first: one bone's must not cut another.
    for lines in parts.values():
        draw_lines(picture, lines, HALO, width + 2 * max(1, width // 3))
    for side, lines in parts.items():
        draw_lines(picture, lines, inks[side], width)


def _detected(person: Person, row: int) -> list[Float[np.ndarray, "points 2"]]:
    groups = [person.keypoints2d] if person.body is not None else []
    if person.hands2d is not None:
        groups += [person.hands2d.left, person.hands2d.right]
    return [_sure(group, row) for group in groups if group is not None]


def _extent(figure: _Figure, person: Person, row: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The upper left and lower right corner of what is drawn of a person, None if nothing is."""
    points = [figure.ends.reshape(-1, 2), *_detected(person, row)]
    known = np.concatenate(points)
    known = known[np.isfinite(known).all(1)]
    return (known.min(0), known.max(0)) if len(known) else None


def _line_width(picture: Picture, size: float) -> int:
    """Pixels: about a hundred-and-thirtieth of the person, within what suits the picture."""
    thickest = max(2.0, 0.007 * min(picture.shape[:2]))
    return max(1, round(min(size / 130, thickest)))
