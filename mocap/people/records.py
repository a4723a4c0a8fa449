"""From a tracked person to the take's record: an unbroken run of frames, NaN where unseen."""

import numpy as np

from mocap.keypoints.detector import Detection
from mocap.keypoints.sweep import outline
from mocap.people.tracks import Tracklet
from mocap.skeletons import HAND_21, Skeleton
from mocap.take import Hands2D, Hands3D, Keypoints2D, Keypoints3D, Person


def person_record(
    tracklet: Tracklet, name: str, skeleton: Skeleton, body_source: str, hand_source: str | None
) -> Person:
    """The record of one person.

    Args:
        tracklet: the person's sightings.
        name: the person's id and label.
        skeleton: of the body points.
        body_source: which detector found the body points.
        hand_source: which detector found the hand points, None if none looked.
    """
    frames = np.arange(tracklet.first, tracklet.last + 1)
    bodies = [_body(tracklet, int(frame)) for frame in frames]
    observed = np.array([body is not None for body in bodies])
    box = np.full((len(frames), 4), np.nan, np.float32)
    for row, body in enumerate(bodies):
        if body is not None:
            box[row] = outline(body)
    hands2d = hands3d = None
    if hand_source is not None:
        hands = {
            side: _points([_hand(tracklet, int(f), side) for f in frames], HAND_21, hand_source)
            for side in ("left", "right")
        }
        hands2d = Hands2D(hands["left"][0], hands["right"][0])
        hands3d = Hands3D(hands["left"][1], hands["right"][1])
    keypoints2d, keypoints3d = _points(bodies, skeleton, body_source)
    return Person(
        id=name,
        label=name,
        frames=frames,
        observed=observed,
        box=box,
        keypoints2d=keypoints2d,
        hands2d=hands2d,
        keypoints3d=keypoints3d,
        hands3d=hands3d,
    )


def _body(tracklet: Tracklet, frame: int) -> Detection | None:
    sighting = tracklet.sightings.get(frame)
    return None if sighting is None else sighting.body


def _hand(tracklet: Tracklet, frame: int, side: str) -> Detection | None:
    sighting = tracklet.sightings.get(frame)
    return None if sighting is None else sighting.hands[side]


def _points(
    found: list[Detection | None], skeleton: Skeleton, source: str
) -> tuple[Keypoints2D, Keypoints3D]:
    shape = (len(found), len(skeleton))
    xy = np.full((*shape, 2), np.nan, np.float32)
    xyz = np.full((*shape, 3), np.nan, np.float32)
    confidence = np.zeros(shape, np.float32)
    for row, detection in enumerate(found):
        if detection is not None:
            xy[row], xyz[row] = detection.xy, detection.xyz
            confidence[row] = detection.confidence
    return (
        Keypoints2D(xy, confidence, skeleton.name, source),
        Keypoints3D(xyz, skeleton.name, source),
    )
