"""A person's sightings in runs, each close enough to the next to say something of it."""

import numpy as np

from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Person

#: Frames out of sight after which somebody may have turned round: what was before tells nothing.
_LONGEST_GAP = 8


def sighting_runs(person: Person) -> list[np.ndarray]:
    """The rows of a person's arrays that hold a sighting, cut where it is out of sight for long.

    None for other points than MediaPipe's 33 in both two and three dimensions.
    """
    body2d, body3d = person.keypoints2d, person.keypoints3d
    if body2d is None or body3d is None or body2d.skeleton != MEDIAPIPE_33.name:
        return []
    rows = np.flatnonzero(np.isfinite(body2d.xy).all((1, 2)))
    if not len(rows):
        return []
    return list(np.split(rows, np.flatnonzero(np.diff(rows) > _LONGEST_GAP + 1) + 1))


def person_size(person: Person) -> float:
    """The median of the longer side of a person's boxes, pixels."""
    return float(np.nanmedian((person.box[:, 2:] - person.box[:, :2]).max(axis=1)))
