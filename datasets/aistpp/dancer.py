"""The dancer in a video, as the project's own detector sees them.

Frames go through the same tracker as ``mocap extract``: a sweep finds people, crops follow them.
Somebody else may be found, or the dancer lost and found again; so frame by frame the sighting is
taken that is nearest to where the truth says the dancer is.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.datasets.pairs import Sightings
from mocap.keypoints import Detection, MediaPipePose, SweepConfig
from mocap.people import Tracker, TrackerConfig, Tracklet
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE
from mocap.video import Frame, open_video, read_ahead

#: A dancer is half as tall as the picture: sweeps need not look for small people.
TRACKING = TrackerConfig(sweep=SweepConfig(scales=(1.0,)))

#: How far the middle of the trunk may be from the truth's, in sizes of the dancer; beyond, it is
#: somebody or something else.
_NEAR = 0.3
_TRUNK = COCO_17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")


@dataclass(frozen=True)
class Watched:
    """What was seen in a video.

    Attributes:
        times: (F,) of the frames looked at, seconds by the container's clock.
        size: width and height of the picture, pixels.
        rotation: degrees by which the stored picture was turned upright.
        tracklets: everybody who was followed; frames count those looked at.
    """

    times: Float[np.ndarray, " frames"]
    size: tuple[int, int]
    rotation: int
    tracklets: Sequence[Tracklet]


class Watcher:
    """Detectors, loaded once and used for many videos; see the module's text.

    Args:
        bundle: of MediaPipe's pose landmarker.
        look_once: whether people are not looked at in the mirror as well.
    """

    def __init__(self, bundle: Path, *, look_once: bool = False) -> None:
        self._look_once = look_once
        self._several = MediaPipePose(bundle, most=4)
        self._alone = MediaPipePose(bundle, most=1)

    def watch(self, video: str | Path, every: int = 1) -> Watched:
        """Follow everybody through every n-th frame of a video.

        Memory does not grow with its length, but for the sightings themselves.

        Raises:
            VideoError: it cannot be read.
        """
        clock: list[float] = []
        mirror = None if self._look_once else self._alone
        tracker = Tracker(self._several, None, TRACKING, alone=self._alone, mirror=mirror)
        with open_video(video, threads=1) as source:
            info = source.info
            with closing(read_ahead(_thinned(source, every))) as frames:
                for _ in tracker.follow(_noted(frames, clock)):
                    pass
        size = (info.width, info.height)
        return Watched(np.array(clock), size, info.rotation or 0, tracker.tracklets())

    def close(self) -> None:
        """Free the models."""
        self._several.close()
        self._alone.close()


def nearest(tracklets: Sequence[Tracklet], truth_xy: Float[np.ndarray, "frames 17 2"]) -> Sightings:
    """Of everybody seen, the one who is where the truth is, frame by frame.

    Args:
        tracklets: everybody who was followed.
        truth_xy: COCO's points in each frame looked at, pixels; frames in which one is NaN, or
            in which nobody is near, have no sighting.
    """
    chosen = Sightings()
    for frame, points in enumerate(truth_xy):
        here = [t.sightings[frame] for t in tracklets if frame in t.sightings]
        if not here or np.isnan(points).any():
            continue
        size = float(np.ptp(points, axis=0).max())
        gaps = [_trunk_gap(one.body, points) for one in here]
        best = int(np.argmin(gaps))
        if gaps[best] < _NEAR * size:
            chosen.add(frame, here[best].body, here[best].mirrored)
    return chosen


def _trunk_gap(body: Detection, truth: Float[np.ndarray, "17 2"]) -> float:
    """How far the trunk's middle is from the truth's, pixels: sides may be exchanged."""
    seen = body.xy[COCO_OF_MEDIAPIPE][_TRUNK].mean(0)
    return float(np.linalg.norm(seen - truth[_TRUNK].mean(0)))


def _thinned(frames: Iterable[Frame], every: int) -> Iterator[Frame]:
    """Every n-th frame, numbered anew: to the tracker they are neighbours."""
    count = 0
    for frame in frames:
        if frame.index % every == 0:
            yield Frame(count, frame.time, frame.image)
            count += 1


def _noted(frames: Iterable[Frame], clock: list[float]) -> Iterator[Frame]:
    for frame in frames:
        clock.append(frame.time)
        yield frame
