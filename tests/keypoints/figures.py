"""Plain people made of points, for tests that must know where everybody is."""

import numpy as np

from mocap.keypoints import Detection
from mocap.skeletons import MEDIAPIPE_33

# Half-widths and heights of the points of somebody who faces the camera, arms a little apart, in
# standing heights: the person's left is on the right of the picture, 0 is the crown, 1 the ground.
_FACE = {"nose": (0.0, 0.06), "mouth": (0.01, 0.08), "ear": (0.04, 0.05), "eye": (0.02, 0.045)}
_LIMBS = {
    "shoulder": (0.13, 0.18),
    "elbow": (0.20, 0.33),
    "wrist": (0.25, 0.46),
    "pinky": (0.27, 0.50),
    "index": (0.27, 0.51),
    "thumb": (0.25, 0.49),
    "hip": (0.10, 0.50),
    "knee": (0.12, 0.73),
    "ankle": (0.13, 0.95),
    "heel": (0.12, 0.98),
    "foot": (0.15, 1.0),
}
#: How far down the middle of the torso is, in standing heights.
TORSO = (0.18 + 0.50) / 2


def _point(name: str) -> tuple[float, float]:
    # "foot_index" is a foot before it is an index finger.
    parts = {"foot": _LIMBS["foot"], **_FACE, **_LIMBS}
    x, y = next(place for part, place in parts.items() if part in name)
    return (x if "left" in name else -x if "right" in name else 0.0), y


#: (33, 2) in standing heights, from the middle of the torso, x right and y down.
TEMPLATE = np.array([_point(name) for name in MEDIAPIPE_33.names]) - [0.0, TORSO]


def figure(
    centre: tuple[float, float] = (0.0, 0.0),
    height: float = 200.0,
    *,
    score: float = 0.9,
    confidence: np.ndarray | float = 0.9,
    shape: np.ndarray = TEMPLATE,
) -> Detection:
    """A person whose torso's middle is at ``centre``, pixels."""
    xy = (np.asarray(centre) + height * shape).astype(np.float32)
    confidences = np.broadcast_to(np.float32(confidence), 33).copy()
    xyz = np.pad(1.7 * shape, ((0, 0), (0, 1))).astype(np.float32)
    return Detection(xy, confidences, xyz, score)


def mirrored(detection: Detection) -> Detection:
    """The same points with left and right mistaken for each other."""
    order = list(MEDIAPIPE_33.mirror)
    return Detection(
        detection.xy[order], detection.confidence[order], detection.xyz[order], detection.score
    )


def points(*names: str) -> np.ndarray:
    """A mask (33,) of the body points whose names contain one of the words."""
    return np.array([any(word in name for word in names) for name in MEDIAPIPE_33.names])
