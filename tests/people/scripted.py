"""Filmed actors whom a scripted detector finds again, however the picture is cropped.

An actor is a rectangle of one colour. The low half of each byte of its pixels tells where in the
rectangle the pixel is, so that any part of the actor tells where the whole is; how much of it can
be seen is the detector's confidence. Who is drawn later hides who was drawn before.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from keypoints.figures import TEMPLATE, figure, mirrored

from mocap.keypoints import Detection
from mocap.skeletons import MEDIAPIPE_33
from mocap.video import Frame

#: Standing height of every actor, pixels.
HEIGHT = 160
RED, GREEN, BLUE, SAND = (
    (0xA0, 0x30, 0x30),
    (0x30, 0x90, 0x30),
    (0x30, 0x30, 0xA0),
    (0xB0, 0x90, 80),
)
_LOW, _HIGH = TEMPLATE.min(0) * HEIGHT, TEMPLATE.max(0) * HEIGHT
_STEP = 4
_BACKGROUND = 0x70

Path = Sequence[tuple[float, float] | None]


def draw(image: np.ndarray, colour: tuple[int, ...], centre: tuple[float, float]) -> None:
    """Put an actor into an image, torso's middle at ``centre``."""
    height, width = image.shape[:2]
    x0, y0 = np.round(np.add(centre, _LOW)).astype(int)
    x1, y1 = np.round(np.add(centre, _HIGH)).astype(int)
    xs, ys = np.arange(max(0, x0), min(width, x1)), np.arange(max(0, y0), min(height, y1))
    across = np.broadcast_to((xs - x0) // _STEP, (len(ys), len(xs)))
    down = np.broadcast_to(((ys - y0) // _STEP)[:, None], across.shape)
    code = across | down << 5
    pixels = np.stack([code & 15, code >> 4 & 15, code >> 8 & 15], -1)
    image[ys[:, None], xs] = pixels + (np.array(colour) & 0xF0)


def film(
    count: int, *actors: tuple[tuple[int, ...], Path], width: int = 640, fps: float = 30.0
) -> Iterator[Frame]:
    """Frames of actors on their paths, torso's middle by frame, None where they are away."""
    for index in range(count):
        image = np.full((360, width, 3), _BACKGROUND, np.uint8)
        for colour, path in actors:
            centre = path[index]
            if centre is not None:
                draw(image, colour, centre)
        yield Frame(index, index / fps, image)


def line(count: int, start: tuple[float, float], step: tuple[float, float]) -> list:
    """A path of constant velocity, pixels a frame."""
    return [(start[0] + step[0] * i, start[1] + step[1] * i) for i in range(count)]


class Scout:
    """Finds the actors of given colours who can be seen for more than a share of them.

    Args:
        colours: of the actors.
        share: least visible part of an actor's rectangle.
        most: how many people it finds at once.
        confused: whether left and right are mistaken at every second look.
    """

    skeleton = MEDIAPIPE_33
    name = "scout"

    def __init__(self, *colours, share: float = 0.4, most: int = 4, confused: bool = False):
        self.colours, self.share, self.most, self.confused = colours, share, most, confused
        self.looks = 0

    def detect(self, image: np.ndarray) -> list[Detection]:
        self.looks += 1
        found = []
        for colour in self.colours:
            rows, columns = np.nonzero(((image & 0xF0) == (np.array(colour) & 0xF0)).all(-1))
            seen = len(rows) / float(np.prod(_HIGH - _LOW))
            if seen < self.share:
                continue
            low = image[rows, columns].astype(int) & 15
            code = low[:, 0] | low[:, 1] << 4 | low[:, 2] << 8
            places = np.stack([columns, rows], 1) - _STEP * np.stack([code & 31, code >> 5], 1)
            centre = np.median(places, 0) - (_STEP - 1) / 2 - _LOW
            found.append(figure(centre, HEIGHT, score=min(0.95, seen)))
        if self.confused and self.looks % 2:
            found = [mirrored(detection) for detection in found]
        return sorted(found, key=lambda detection: -detection.score)[: self.most]

    def close(self) -> None:
        pass


def centre(detection: Detection) -> np.ndarray:
    """The torso's middle (2,), pixels."""
    torso = MEDIAPIPE_33.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    return detection.xy[torso].mean(0)
