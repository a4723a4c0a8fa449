"""A second word on left and right: what a detector says of a person's mirror image.

A mirrored left hand looks like a right one. A detector that knows sides names it so, and undoing
the mirroring gives the first answer again; one that guesses is as likely as not to guess otherwise.
"""

from dataclasses import replace

import numpy as np

from mocap.keypoints.detector import Detection, Image, PointDetector
from mocap.keypoints.sweep import MIRROR, SweepConfig, distance, person_crop


def unmirrored(detection: Detection, width: float) -> Detection:
    """What was found in the mirror image of a picture, as it is in the picture.

    Args:
        detection: body points, pixels of the mirror image.
        width: of the picture, pixels.
    """
    xy, xyz = detection.xy[MIRROR].copy(), detection.xyz[MIRROR].copy()
    xy[:, 0] = width - xy[:, 0]
    xyz[:, 0] *= -1.0
    return replace(detection, xy=xy, xyz=xyz, confidence=detection.confidence[MIRROR])


def look_in_mirror(
    image: Image, person: Detection, detector: PointDetector, config: SweepConfig
) -> Detection | None:
    """A person as found in the mirror image of their crop, in the image's pixels and sides.

    None where nobody is found there, or only somebody else.
    """
    crop = person_crop(person, config.padding)
    offset = np.array([crop.x, crop.y], np.float32)
    found = [
        unmirrored(detection, crop.side).moved(offset)
        for detection in detector.detect(crop.cut(image)[:, ::-1])
    ]
    nearest = min(found, key=lambda detection: distance(detection, person), default=None)
    if nearest is None or distance(nearest, person) > config.same:
        return None
    return nearest
