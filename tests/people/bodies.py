"""Bodies in three dimensions whose front is known, for tests of what sides and depths may be."""

import numpy as np
from keypoints.figures import TEMPLATE, points

from mocap.keypoints import Detection
from mocap.people import Sighting, Tracklet, person_record
from mocap.skeletons import MEDIAPIPE_33

MIRROR = list(MEDIAPIPE_33.mirror)
LEG = points("hip", "knee", "ankle", "heel", "foot")
#: Metres from the trunk's plane to the front.
_FRONT = (
    0.10 * points("nose", "mouth")
    + 0.08 * points("eye")
    + 0.05 * points("knee")
    + 0.16 * points("foot")
    - 0.06 * points("heel")
    - 0.05 * points("elbow")
    + 0.08 * points("wrist", "pinky", "thumb")
    + 0.08 * (points("index") & ~LEG)
)
HEIGHT = 1.7
#: Pixels a metre.
SCALE = 120.0


def standing(turn: float = 0.0, stride: float = 0.0) -> np.ndarray:
    """Somebody who stands, (33, 3) metres about the hips' middle, axes of the camera.

    Args:
        turn: about the vertical, radians; 0 faces the camera, pi / 2 the right of the picture.
        stride: how far the left foot is before the right one, metres; the arms the other way.
    """
    side = points("left").astype(float) - points("right")
    forward = _FRONT + stride / 2 * side * (
        points("ankle", "heel", "foot") + 0.5 * points("knee")
        - 0.6 * points("wrist", "pinky", "thumb") - 0.6 * (points("index") & ~LEG)
    )  # fmt: skip
    across, down = HEIGHT * TEMPLATE[:, 0], HEIGHT * TEMPLATE[:, 1]
    x = across * np.cos(turn) + forward * np.sin(turn)
    z = across * np.sin(turn) - forward * np.cos(turn)
    body = np.stack([x, down, z], 1)
    return body - body[MEDIAPIPE_33.indices("left_hip", "right_hip")].mean(0)


def walking(count: int, turn: float, noise: float = 0.005) -> np.ndarray:
    """Somebody who walks on the spot, a double step a second at 30 frames, (count, 33, 3)."""
    rng = np.random.default_rng(0)
    strides = 0.5 * np.sin(2 * np.pi * np.arange(count) / 30)
    body = np.stack([standing(turn, stride) for stride in strides])
    return body + rng.normal(0, noise, body.shape)


def pictured(body: np.ndarray) -> Detection:
    """A body as a detector would have it, seen from far away."""
    xy = (SCALE * body[:, :2] + 300).astype(np.float32)
    return Detection(xy, np.full(33, 0.9, np.float32), body.astype(np.float32), 0.9)


def person_of(bodies, frames=None):
    """The record of somebody seen in consecutive frames, or in the given ones."""
    tracklet = Tracklet()
    for frame, body in zip(range(len(bodies)) if frames is None else frames, bodies, strict=True):
        seen = Sighting(pictured(body), {"left": None, "right": None})
        tracklet.add(frame, seen, np.full((2, 4), 0.25))
    return person_record(tracklet, "a", MEDIAPIPE_33, "pose", None)


def misnamed(body: np.ndarray, sureness: float = 1.0) -> np.ndarray:
    """A body with its sides swapped as detectors do it.

    Args:
        body: (…, 33, 3).
        sureness: 1 leaves every point in its place; the nearer to 0, the less does the body's depth
            belie the names (a detector that names a front a back half believes it).
    """
    return body[..., MIRROR, :] * [1.0, 1.0, sureness]
