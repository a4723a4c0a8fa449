"""When somebody is looked at in the mirror: for a second word on left and right, or on all."""

from dataclasses import dataclass

from mocap.keypoints.detector import Detection
from mocap.people.chirality import is_doubtful
from mocap.people.tracks import Tracklet


@dataclass(frozen=True)
class MirrorConfig:
    """How often; a look costs as much as following the person by a frame does.

    Attributes:
        always: look every time, so that all points can be averaged; what follows does not matter.
        every: frames between two looks at somebody whose sides are in no doubt.
        when_doubtful: the same where the body does not bend the way its sides say.
        share: of a person's sightings that may be looked at.
        allowance: looks on top of that, for somebody who has just come.
    """

    always: bool = True
    every: int = 10
    when_doubtful: int = 2
    share: float = 0.15
    allowance: float = 2.0


def is_due(tracklet: Tracklet, frame: int, body: Detection, config: MirrorConfig) -> bool:
    """Whether a new sighting of somebody should be looked at in the mirror.

    Args:
        tracklet: the person, without that sighting.
        frame: the sighting's video frame.
        body: the sighting.
        config: how often.
    """
    if config.always:
        return True
    looks = tracklet.reflected
    if len(looks) + 1 > config.allowance + config.share * len(tracklet.sightings):
        return False
    since = min((abs(frame - look) for look in looks), default=config.every)
    if since >= config.every:
        return True
    return since >= config.when_doubtful and is_doubtful(body.xyz)
