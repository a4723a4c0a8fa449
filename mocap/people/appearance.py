"""What a person looks like, in a few numbers: the colours of torso and thighs.

Sampled at points spanned by shoulders, hips and knees, so that background does not enter, and
compared by the Bhattacharyya distance of coarse colour histograms.
"""

import cv2
import numpy as np
from jaxtyping import Float

from mocap.keypoints.detector import Detection, Image
from mocap.skeletons import MEDIAPIPE_33

_BINS = (6, 8, 8)
_CORNERS = MEDIAPIPE_33.indices("left_shoulder", "right_shoulder", "right_hip", "left_hip")
_THIGHS = (
    MEDIAPIPE_33.indices("left_hip", "left_knee"),
    MEDIAPIPE_33.indices("right_hip", "right_knee"),
)


def _torso_points(xy: np.ndarray) -> np.ndarray:
    left_shoulder, right_shoulder, right_hip, left_hip = xy[_CORNERS]
    across, down = np.meshgrid(np.linspace(0.2, 0.8, 8), np.linspace(0.1, 0.95, 12))
    across, down = across.reshape(-1, 1), down.reshape(-1, 1)
    top = left_shoulder + across * (right_shoulder - left_shoulder)
    bottom = left_hip + across * (right_hip - left_hip)
    return top + down * (bottom - top)


def _thigh_points(xy: np.ndarray) -> np.ndarray:
    along = np.linspace(0.1, 0.9, 24).reshape(-1, 1)
    return np.concatenate([xy[hip] + along * (xy[knee] - xy[hip]) for hip, knee in _THIGHS])


def _histogram(image: Image, points: np.ndarray) -> np.ndarray:
    whole = np.round(points).astype(int)
    height, width = image.shape[:2]
    inside = (whole >= 0).all(1) & (whole[:, 0] < width) & (whole[:, 1] < height)
    if not inside.any():
        return np.full(int(np.prod(_BINS)), 1.0 / np.prod(_BINS), np.float32)
    pixels = image[whole[inside, 1], whole[inside, 0]][None]
    # Lightness gets the fewest bins: it changes with every shadow, hue does not.
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    # The most vivid colours lie beyond the bins, and belong into the last ones.
    lab[..., 1:] = lab[..., 1:].clip(64, 191)
    counts = cv2.calcHist([lab], [0, 1, 2], None, _BINS, [0, 256, 64, 192, 64, 192])
    counts = cv2.GaussianBlur(counts.reshape(_BINS[0], -1), (1, 3), 0).ravel() + 1e-3
    return counts / counts.sum()


def describe(image: Image, person: Detection) -> Float[np.ndarray, "2 bins"]:
    """Colour histograms of a person's torso and thighs, each summing to one."""
    return np.stack(
        [
            _histogram(image, _torso_points(person.xy)),
            _histogram(image, _thigh_points(person.xy)),
        ]
    )


def unlikeness(a: np.ndarray, b: np.ndarray) -> float:
    """0 for the same colours, 1 for colours that share nothing."""
    return float(np.sqrt(np.maximum(0.0, 1.0 - np.sum(np.sqrt(a * b), -1))).mean())
