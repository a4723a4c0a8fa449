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
from jaxtyping import Float, Int

from mocap.keypoints import Detection, MediaPipePose, SweepConfig
from mocap.people import Tracker, TrackerConfig, Tracklet
from mocap.skeletons import COCO_17, MEDIAPIPE_33
from mocap.video import Frame, open_video, read_ahead

#: A dancer is half as tall as the picture: sweeps need not look for small people.
TRACKING = TrackerConfig(sweep=SweepConfig(scales=(1.0,)))

#: How far the middle of the trunk may be from the truth's, in sizes of the dancer; beyond, it is
#: somebody or something else.
_NEAR = 0.3
_TRUNK = COCO_17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")

#: MediaPipe's points that are COCO's.
COCO_OF_MEDIAPIPE = MEDIAPIPE_33.indices(*COCO_17.names)


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


@dataclass(frozen=True)
class Sightings:
    """The dancer where they were seen: M of the frames looked at.

    Attributes:
        frames: (M,) which of the frames looked at.
        xy: (M, 33, 2) MediaPipe's points, pixels.
        xyz: (M, 33, 3) its metric points: metres, facing axes, from its hips' middle.
        confidence: (M, 33) its word on them.
    """

    frames: Int[np.ndarray, " sightings"]
    xy: Float[np.ndarray, "sightings 33 2"]
    xyz: Float[np.ndarray, "sightings 33 3"]
    confidence: Float[np.ndarray, "sightings 33"]


class Watcher:
    """Detectors, loaded once and used for many videos; see the module's text.

    Args:
        bundle: of MediaPipe's pose landmarker.
    """

    def __init__(self, bundle: Path) -> None:
        self._several = MediaPipePose(bundle, most=4)
        self._alone = MediaPipePose(bundle, most=1)

    def watch(self, video: str | Path, every: int = 1) -> Watched:
        """Follow everybody through every n-th frame of a video.

        Memory does not grow with its length, but for the sightings themselves.

        Raises:
            VideoError: it cannot be read.
        """
        clock: list[float] = []
        tracker = Tracker(self._several, None, TRACKING, alone=self._alone)
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
    chosen: list[tuple[int, Detection]] = []
    for frame, points in enumerate(truth_xy):
        here = [t.sightings[frame].body for t in tracklets if frame in t.sightings]
        if not here or np.isnan(points).any():
            continue
        size = float(np.ptp(points, axis=0).max())
        gaps = [_trunk_gap(body, points) for body in here]
        best = int(np.argmin(gaps))
        if gaps[best] < _NEAR * size:
            chosen.append((frame, here[best]))
    return Sightings(
        np.array([frame for frame, _ in chosen], int),
        np.array([body.xy for _, body in chosen]).reshape(-1, 33, 2),
        np.array([body.xyz for _, body in chosen]).reshape(-1, 33, 3),
        np.array([body.confidence for _, body in chosen]).reshape(-1, 33),
    )


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
