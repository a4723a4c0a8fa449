"""Masks that the picture alone tells: MediaPipe's own, with nothing of the fitted bodies in them.

:mod:`mocap.masks.light` holds masks to the fitted bodies, which makes better ones, and none that
could say whether the bodies are right. These can: where people were detected says where to look,
what is found there says who it is, and a mask that does not go with its own points is none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from mocap.errors import MaskError
from mocap.keypoints import Crop, Detection, MediaPipePose
from mocap.masks.dealing import without_crumbs
from mocap.masks.points import PADDING, SURE, crop_about, pixels_at, share_on
from mocap.masks.segmenter import FrameMasks
from mocap.skeletons import MEDIAPIPE_33, SKELETONS
from mocap.take import Mask, Person, Take
from mocap.video import Frame

#: Somebody found is who was detected before if the points agree, on the median, within this share
#: of the person's extent.
_SAME = 0.15
#: Share of the points that a person's mask covers at least, and metres by which they may miss it.
_COVERED, _NEAR = 0.75, 0.03
#: Somebody else in the crop whose mask is this much the person's own is the person seen double.
_DOUBLE = 0.7
#: Share of a mask that somebody else may claim, too; of more, it is not known whose it is.
_SHARED = 0.3
#: Share of a mask that may lie farther than so many metres from all bones.
_ASTRAY, _STOUT = 0.1, 0.2


@dataclass(frozen=True)
class _Found:
    """Somebody found in a crop, in the picture's pixels: points, and where the crop shows them."""

    detection: Detection
    mask: Mask


class PictureSegmenter:
    """MediaPipe's segmentation of whoever was detected, without their bodies.

    The points of imported people are their bodies' own. They too only say where to look: bodies
    far from everybody find nobody, and so have no masks.

    Args:
        bundle: the pose landmarker's ``.task`` file, from :func:`mocap.assets.fetch`.
    """

    def __init__(self, bundle: Path) -> None:
        self._detector = MediaPipePose(bundle, most=3, outlined=True)
        self.name = f"{self._detector.name} alone"
        self.parameters: dict[str, Any] = {"padding": PADDING}
        self.inputs: dict[str, str] = {}

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        """Masks of frames of the take's video.

        Raises:
            MaskError: nobody of the take was detected in the picture.
        """
        if not any(_rows(person).any() for person in take.people.values()):
            raise MaskError(
                "the take does not say where in the picture anybody was detected; "
                "`mocap extract` makes one that does"
            )
        for frame in frames:
            people: dict[str, Mask] = {}
            claimed = np.zeros(frame.image.shape[:2], np.uint8)
            for person in take.people.values():
                row = frame.index - int(person.frames[0])
                if not 0 <= row < len(person.frames) or not _rows(person)[row]:
                    continue
                own, others = self._told_apart(person, row, frame)
                if own is not None:
                    people[person.id] = own
                    claimed += own
                    claimed[others & own] += 1
            unclear = claimed > 1
            yield FrameMasks(
                frame.index,
                {
                    name: mask & ~unclear
                    for name, mask in people.items()
                    if np.mean(unclear[mask]) <= _SHARED
                },
                unclear,
            )

    def close(self) -> None:
        """Free the model."""
        self._detector.close()

    def _told_apart(self, person: Person, row: int, frame: Frame) -> tuple[Mask | None, Mask]:
        """Somebody's mask, if they are found, and the pixels of whoever else is in their crop."""
        box = person.box[row]
        extent = float(max(box[2:] - box[:2]))
        crop = crop_about(box[:2], box[2:])
        found = [
            _Found(
                detection.moved(np.array([crop.x, crop.y])), _placed(sureness > 0.5, crop, frame)
            )
            for detection, sureness in self._detector.outline(crop.cut(frame.image))
        ]
        gaps = [_gap(person, row, one.detection) / extent for one in found]
        others = np.zeros(frame.image.shape[:2], bool)
        best = min(range(len(found)), key=gaps.__getitem__, default=None)
        if best is None or not gaps[best] < _SAME or not _sound(found[best]):
            return None, others
        own = without_crumbs(found[best].mask)
        for one, gap in zip(found, gaps, strict=True):
            shared = np.count_nonzero(own & one.mask)
            if gap >= _SAME and shared < _DOUBLE * np.count_nonzero(own | one.mask):
                others |= one.mask
        return own, others


def _rows(person: Person) -> np.ndarray:
    """(N,) in which of a person's frames it is known where they were detected."""
    if person.keypoints2d is None:
        return np.zeros(len(person.frames), bool)
    size = person.box[:, 2:] - person.box[:, :2]
    with np.errstate(invalid="ignore"):
        return person.observed & (size > 0).all(1)


def _placed(part: Mask, crop: Crop, frame: Frame) -> Mask:
    """A mask of the picture from one of a crop."""
    height, width = frame.image.shape[:2]
    whole = np.zeros((height, width), bool)
    there, here = crop.within(width, height)
    whole[there] = part[here]
    return whole


def _gap(person: Person, row: int, detection: Detection) -> float:
    """Median distance between a person's points and somebody's found anew, pixels."""
    told = person.keypoints2d
    assert told is not None
    names = SKELETONS[told.skeleton].names
    shared = [name for name in MEDIAPIPE_33.names if name in names]
    before = [names.index(name) for name in shared]
    gaps = np.linalg.norm(
        detection.xy[MEDIAPIPE_33.indices(*shared)] - told.xy[row][before], axis=-1
    )
    gaps = gaps[(told.confidence[row][before] >= SURE) & np.isfinite(gaps)]
    return float(np.median(gaps)) if len(gaps) else float("inf")


def _sound(found: _Found) -> bool:
    """Whether a mask goes with the points it was found with: on them, and about them."""
    mask, points = found.mask, found.detection.xy
    if not mask.any():
        return False
    scale = _pixels_a_metre(found.detection)
    sure = points[found.detection.confidence >= SURE]
    if share_on(mask, sure, _NEAR * scale, least=1) < _COVERED:
        return False
    bones = np.ones(mask.shape, np.uint8)
    for a, b in MEDIAPIPE_33.edges:
        cv2.line(bones, pixels_at(points[a]).tolist(), pixels_at(points[b]).tolist(), 0)
    away = cv2.distanceTransform(bones, cv2.DIST_L2, 5)
    return bool(np.mean(away[mask] > _STOUT * scale) <= _ASTRAY)


def _pixels_a_metre(detection: Detection) -> float:
    """How large the person is seen, by the spread of the points in pixels and in metres."""
    spreads: list[Float[np.ndarray, ""]] = [
        np.linalg.norm(points - points.mean(0)) for points in (detection.xy, detection.xyz[:, :2])
    ]
    return float(spreads[0] / spreads[1])
