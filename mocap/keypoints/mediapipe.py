"""MediaPipe's pose and hand landmarkers (tasks API) as point detectors.

Both run in image mode: every call stands for itself, so crops may come from anywhere in any
order. Source of the landmark definitions: MediaPipe's Pose Landmarker and Hand Landmarker guides.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.keypoints.detector import Detection, Image
from mocap.skeletons import HAND_21, MEDIAPIPE_33

# The torso and limbs: what makes a detection a body rather than a lucky face.
_MAIN_POINTS = MEDIAPIPE_33.indices(
    *(
        f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    )
)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the native library's start-up chatter, which no log level reaches, off the terminal."""
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _start(create: Callable[[float], Any], threshold: float) -> Any:
    """A landmarker with everything said that it says once.

    Args:
        create: makes a landmarker of a given least confidence.
        threshold: the confidence wanted.
    """
    with _quiet():
        # The library speaks when it starts, when it first looks and when it first finds; one that
        # believes anything finds in noise, and then all has been said, once for the process.
        credulous = create(1e-6)
        noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
        credulous.detect(_as_mediapipe(noise))
        credulous.close()
        landmarker = create(threshold)
        landmarker.detect(_as_mediapipe(noise))
    return landmarker


def _as_mediapipe(image: Image) -> Any:
    import mediapipe

    return mediapipe.Image(
        image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
    )


class MediaPipePose:
    """33 body points in pixels and metres, of up to ``most`` people an image.

    Args:
        bundle: the ``.task`` file, from :func:`mocap.assets.fetch`.
        most: how many people to look for.
        threshold: least detection and presence confidence. The default is below MediaPipe's own
            0.5: whoever tracks people over time has better grounds to refuse a weak detection.
    """

    skeleton = MEDIAPIPE_33

    def __init__(
        self, bundle: Path, *, most: int = 2, threshold: float = 0.3, outlined: bool = False
    ) -> None:
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core.base_options import BaseOptions

        def create(least: float) -> Any:
            return vision.PoseLandmarker.create_from_options(
                vision.PoseLandmarkerOptions(
                    base_options=BaseOptions(model_asset_path=str(bundle)),
                    num_poses=most,
                    min_pose_detection_confidence=least,
                    min_pose_presence_confidence=least,
                    output_segmentation_masks=outlined,
                )
            )

        self._landmarker = _start(create, threshold)
        self.name = f"mediapipe pose ({bundle.name})"

    def detect(self, image: Image) -> list[Detection]:
        """All people in an RGB image, most confident first, in its pixels."""
        result = self._landmarker.detect(_as_mediapipe(image))
        found = [
            _pose(image, points, metric)
            for points, metric in zip(
                result.pose_landmarks, result.pose_world_landmarks, strict=True
            )
        ]
        return sorted(found, key=lambda detection: -detection.score)

    def segment(self, image: Image) -> list[Float[np.ndarray, "height width"]]:
        """How surely each pixel of an RGB image shows a person, 0 to 1, for each of the people.

        The detector must have been told to outline people.
        """
        return [sureness for _, sureness in self.outline(image)]

    def outline(self, image: Image) -> list[tuple[Detection, Float[np.ndarray, "height width"]]]:
        """The people in an RGB image, and how surely each pixel shows each of them, 0 to 1.

        The detector must have been told to outline people.
        """
        result = self._landmarker.detect(_as_mediapipe(image))
        return [
            # The views do not outlive the result.
            (_pose(image, points, metric), mask.numpy_view().reshape(image.shape[:2]).copy())
            for points, metric, mask in zip(
                result.pose_landmarks,
                result.pose_world_landmarks,
                result.segmentation_masks or [],
                strict=True,
            )
        ]

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()


class MediaPipeHands:
    """21 points a hand, of up to ``most`` hands an image."""

    skeleton = HAND_21

    def __init__(self, bundle: Path, *, most: int = 1, threshold: float = 0.4) -> None:
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core.base_options import BaseOptions

        def create(least: float) -> Any:
            return vision.HandLandmarker.create_from_options(
                vision.HandLandmarkerOptions(
                    base_options=BaseOptions(model_asset_path=str(bundle)),
                    num_hands=most,
                    min_hand_detection_confidence=least,
                    min_hand_presence_confidence=least,
                )
            )

        self._landmarker = _start(create, threshold)
        self.name = f"mediapipe hands ({bundle.name})"

    def detect(self, image: Image) -> list[Detection]:
        """All hands in an RGB image, most confident first, in its pixels."""
        result = self._landmarker.detect(_as_mediapipe(image))
        found = [
            _hand(image, points, metric, handedness[0].score)
            for points, metric, handedness in zip(
                result.hand_landmarks, result.hand_world_landmarks, result.handedness, strict=True
            )
        ]
        return sorted(found, key=lambda detection: -detection.score)

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()


def _pixels(image: Image, points: list[Any]) -> np.ndarray:
    height, width = image.shape[:2]
    return np.array([[p.x * width, p.y * height] for p in points], np.float32)


def _metres(points: list[Any]) -> np.ndarray:
    return np.array([[p.x, p.y, p.z] for p in points], np.float32)


def _pose(image: Image, points: list[Any], metric: list[Any]) -> Detection:
    confidence = np.array([min(p.visibility, p.presence) for p in points], np.float32)
    return Detection(
        _pixels(image, points), confidence, _metres(metric), float(confidence[_MAIN_POINTS].mean())
    )


def _hand(image: Image, points: list[Any], metric: list[Any], score: float) -> Detection:
    confidence = np.full(len(points), score, np.float32)
    return Detection(_pixels(image, points), confidence, _metres(metric), float(score))
