"""Where to point a segmenter that wants to be shown people: boxes and points of good frames."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mocap.skeletons import SKELETONS
from mocap.take import Person, Take

#: Points that lie well inside a person, by their names.
_INNER = ("left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_knee", "right_knee")
#: Less sure points are not pointed at, and frames with less sure ones on the whole not chosen.
_SURE, _LEAST_QUALITY = 0.6, 0.4
#: By how much of its size a box about points is wider than they are: hair, hands, soles.
_MARGIN = 0.08


@dataclass(frozen=True)
class Prompt:
    """One person, pointed at in one frame.

    Attributes:
        frame: of the video.
        box: x0 y0 x1 y1, pixels.
        points: pixels.
        positive: whether a point lies on the person; the others lie on other people.
    """

    frame: int
    box: Float[np.ndarray, "4"]
    points: Float[np.ndarray, "points 2"]
    positive: Bool[np.ndarray, " points"]


def choose_prompts(
    take: Take, first: int, last: int, seconds: float = 1.0
) -> dict[str, list[Prompt]]:
    """Whom to point at where, from the first to the last frame of a stretch.

    Of every so many seconds the frame is taken in which somebody was detected most surely and is
    most by themselves. Who is not among the people was not surely detected in any.
    """
    step = max(1, round(seconds * take.video.fps))
    found = {}
    for person in take.people.values():
        chosen = []
        for start in range(first, last + 1, step):
            frames = range(start, min(start + step, last + 1))
            best = max(frames, key=lambda frame: _quality(take, person, frame))
            if _quality(take, person, best) >= _LEAST_QUALITY:
                chosen.append(_prompt(take, person, best))
        if chosen:
            found[person.id] = chosen
    return found


def _quality(take: Take, person: Person, frame: int) -> float:
    """How surely somebody was detected, times how much of their box is theirs alone."""
    row = _row(person, frame)
    if row is None:
        return 0.0
    box = person.box[row]
    sure = 1.0
    if person.keypoints2d is not None:
        sure = float(np.mean(person.keypoints2d.confidence[row]))
    shared = 0.0
    for other, at in _others(take, person, frame):
        low, high = np.maximum(box[:2], other.box[at][:2]), np.minimum(box[2:], other.box[at][2:])
        shared += float(np.prod(np.maximum(high - low, 0))) / max(_area(box), 1.0)
    return sure * max(0.0, 1.0 - shared)


def _prompt(take: Take, person: Person, frame: int) -> Prompt:
    row = _row(person, frame)
    assert row is not None
    size = np.tile(person.box[row][2:] - person.box[row][:2], 2)
    wide = person.box[row] + _MARGIN * size * [-1, -1, 1, 1]
    box = np.clip(wide, 0, np.tile([take.video.width - 1, take.video.height - 1], 2))
    own = _inner_points(person, row)
    theirs = [_inner_points(other, at) for other, at in _others(take, person, frame)]
    others = np.concatenate([np.zeros((0, 2)), *theirs])
    others = others[((others >= box[:2]) & (others <= box[2:])).all(1)]
    positive = np.arange(len(own) + len(others)) < len(own)
    return Prompt(frame, box, np.concatenate([own, others]), positive)


def _others(take: Take, person: Person, frame: int) -> Iterator[tuple[Person, int]]:
    """Everybody else who was detected in a frame, and their row."""
    for name, other in take.people.items():
        row = _row(other, frame)
        if name != person.id and row is not None:
            yield other, row


def _row(person: Person, frame: int) -> int | None:
    """The person's row of a frame in which they were detected."""
    row = frame - int(person.frames[0])
    inside = 0 <= row < len(person.frames)
    return row if inside and person.observed[row] and np.isfinite(person.box[row]).all() else None


def _inner_points(person: Person, row: int) -> Float[np.ndarray, "points 2"]:
    detected = person.keypoints2d
    if detected is None:
        return np.zeros((0, 2))
    names = SKELETONS[detected.skeleton].names
    inner = [names.index(name) for name in _INNER if name in names]
    sure = detected.confidence[row][inner] >= _SURE
    return detected.xy[row][inner][sure].astype(float)


def _area(box: Float[np.ndarray, "4"]) -> float:
    return float(np.prod(box[2:] - box[:2]))
