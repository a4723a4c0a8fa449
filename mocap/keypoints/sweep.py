"""Finding everybody in an image, small or near each other.

A pose detector looks at a whole image through a few hundred pixels and takes people for noise
when they fill little of it. A sweep looks at overlapping squares at more than one scale, keeps
one detection a person, and looks at each person again on a crop of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mocap.keypoints.crops import Crop, tiles
from mocap.keypoints.detector import Detection, Image, PointDetector
from mocap.skeletons import MEDIAPIPE_33

#: Share of a square that a known person must cover for the square to hold no news.
_FILLED = 0.5

#: Where each body point goes when left and right change places.
MIRROR = list(MEDIAPIPE_33.mirror)


@dataclass(frozen=True)
class SweepConfig:
    """How an image is searched.

    Attributes:
        scales: sides of the squares as shares of the image's shorter side. People down to about
            a quarter of the smallest square are found.
        overlap: least shared fraction of neighbouring squares.
        padding: side of a person's own crop over that person's extent.
        least_score: mean confidence of torso and limbs below which a detection is noise.
        same: distance, in person sizes, below which two detections are one person.
    """

    scales: tuple[float, ...] = (1.0, 0.5)
    overlap: float = 0.4
    padding: float = 1.25
    least_score: float = 0.5
    same: float = 0.2


def outline(detection: Detection, least_confidence: float = 0.3) -> np.ndarray:
    """The box x0 y0 x1 y1, pixels, about a detection's trusted points."""
    trusted = detection.confidence >= least_confidence
    if trusted.sum() < 4:
        trusted = np.ones(len(trusted), bool)
    return np.concatenate([detection.xy[trusted].min(0), detection.xy[trusted].max(0)])


def extent(detection: Detection) -> tuple[np.ndarray, float]:
    """Middle (2,) and longer side, pixels, of the box about a detection's trusted points."""
    low, high = outline(detection).reshape(2, 2)
    return (low + high) / 2, float(max(high - low))


def containment(inner: Detection, outer: Detection) -> float:
    """Share of one detection's box that lies inside another's."""
    a, b = outline(inner), outline(outer)
    overlap = np.maximum(0.0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    return float(np.prod(overlap) / max(float(np.prod(a[2:] - a[:2])), 1.0))


def person_crop(detection: Detection, padding: float) -> Crop:
    """The square crop about a person, ``padding`` times their extent."""
    centre, size = extent(detection)
    return Crop.around(centre, size * padding)


def distance(a: Detection, b: Detection) -> float:
    """Median distance of points trusted in both, in sizes of the larger person.

    Left and right may be swapped between the two: the detector mistakes a back for a front, and
    two such views of one body must not pass for two people.
    """
    size = max(extent(a)[1], extent(b)[1], 1.0)
    return min(_gap(a, b, slice(None)), _gap(a, b, MIRROR)) / size


def _gap(a: Detection, b: Detection, order: slice | list[int]) -> float:
    weight = np.minimum(a.confidence, b.confidence[order])
    both = weight >= min(0.3, float(np.max(weight)))
    return float(np.median(np.linalg.norm(a.xy[both] - b.xy[order][both], axis=-1)))


def distinct(detections: list[Detection], same: float) -> list[Detection]:
    """The detections without those that show a person a better one shows already."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        if all(distance(detection, other) > same for other in kept):
            kept.append(detection)
    return kept


def look(image: Image, crop: Crop, detector: PointDetector, padding: float) -> list[Detection]:
    """What is seen on a crop, and on a better one if somebody sticks out of it.

    Whoever jumps up from a crouch outgrows the crop within a frame; the detector guesses where
    the rest of the body is, and that is where to look again.
    """
    found = crop.detect(image, detector)
    height, width = image.shape[:2]
    for detection in list(found):
        low, high = detection.xy.min(0), detection.xy.max(0)
        inside = (np.maximum(low, 0.0), np.minimum(high, [width, height]))
        margin = 0.02 * crop.side
        out = (inside[0] < np.array([crop.x, crop.y]) - margin).any() or (
            inside[1] > np.array([crop.x, crop.y]) + crop.side + margin
        ).any()
        if out:
            side = float(max(high - low)) * padding
            again = Crop.around((low + high) / 2, min(side, 2.0 * crop.side))
            found += again.detect(image, detector)
    return found


def is_part(detection: Detection, whole: Detection) -> bool:
    """Whether a detection is likely but a limb of somebody: small and inside their box."""
    smaller = extent(detection)[1] < 0.6 * extent(whole)[1]
    return smaller and containment(detection, whole) > 0.75


def sweep(
    image: Image,
    detector: PointDetector,
    config: SweepConfig,
    known: Sequence[Detection] = (),
) -> list[Detection]:
    """Everybody in an image, one detection each, most confident first.

    Args:
        image: RGB.
        detector: of body points.
        config: how to search.
        known: people found already; squares that show little else are passed over.
    """
    height, width = image.shape[:2]
    seen: list[Detection] = []
    for scale in config.scales:
        for tile in tiles(width, height, scale * min(width, height), config.overlap):
            if not any(tile.share_of(outline(person)) > _FILLED for person in known):
                seen += tile.detect(image, detector)
    likely = [d for d in distinct(seen, config.same) if d.score >= 0.6 * config.least_score]
    confirmed: list[Detection] = []
    for guess in likely:
        if any(distance(guess, person) <= config.same for person in known):
            continue
        # A limb taken for a person becomes the whole person here, and then a duplicate.
        again = person_crop(guess, config.padding).detect(image, detector)
        confirmed += [d for d in again if d.score >= config.least_score]
    kept: list[Detection] = []
    for detection in distinct(confirmed, config.same):
        if not any(is_part(detection, surer) for surer in kept):
            kept.append(detection)
    return kept
