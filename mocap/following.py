"""A video gone through once: everybody in it, followed from picture to picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from mocap.assets import fetch
from mocap.calibration import Calibration
from mocap.keypoints import MediaPipeHands, MediaPipePose
from mocap.people import Tracker, TrackerConfig, Tracklet
from mocap.progress import Progress
from mocap.scene import SegmentCollector
from mocap.skeletons import Skeleton
from mocap.take import frame_rate
from mocap.video import Frame, VideoInfo, open_video, read_ahead


@dataclass(frozen=True)
class Followed:
    """What going through a video gives.

    Attributes:
        info: what the video says of itself.
        times: of its frames, seconds.
        tracklets: everybody who was followed.
        edges: lines of its pictures.
        skeleton: of the body's points.
        body: the name of the detector of bodies.
        hands: that of hands; None where nobody looked for them.
    """

    info: VideoInfo
    times: Float[np.ndarray, " frames"]
    tracklets: list[Tracklet]
    edges: SegmentCollector
    skeleton: Skeleton
    body: str
    hands: str | None

    @property
    def fps(self) -> float:
        """Frames a second, by the frames' own times."""
        return frame_rate(self.times, self.info.fps)


def follow(
    video: str | Path | int,
    tracker: TrackerConfig,
    *,
    hands: bool,
    fps: float,
    calibration: Calibration | None,
    progress: Progress,
    stage: str,
) -> Followed:
    """Follow everybody through a video.

    Args:
        video: a file, a folder of images, or a camera's number.
        tracker: how people are followed.
        hands: whether hands are detected.
        fps: of an image folder.
        calibration: to be refused, if it is of another picture, before the work and not after it.
        progress: told of frames.
        stage: what that is called.

    Raises:
        VideoError: the video cannot be read.
        CalibrationError: the calibration is of another picture.
        AssetError: the detector's models cannot be had.
    """
    with ExitStack() as stack:
        source = stack.enter_context(open_video(video, fps=fps))
        info = source.info
        if calibration is not None:
            calibration.fitted(info.width, info.height, info.rotation)
        bundle = fetch("pose_landmarker", progress=progress)
        pose = stack.enter_context(closing(MediaPipePose(bundle, most=4)))
        alone = stack.enter_context(closing(MediaPipePose(bundle, most=1)))
        hand_detector = None
        if hands:
            hand_bundle = fetch("hand_landmarker", progress=progress)
            hand_detector = stack.enter_context(closing(MediaPipeHands(hand_bundle)))
        times, edges = list[float](), SegmentCollector()
        people = Tracker(pose, hand_detector, tracker, alone=alone, mirror=alone)
        total = info.frame_count
        progress(stage, 0, total)
        frames = stack.enter_context(closing(read_ahead(source)))
        for done in people.follow(_timed(edges.passing(frames), times)):
            progress(stage, done, max(total, done) if total else None)
        progress(stage, len(times), len(times))
        names = pose.name, hand_detector.name if hand_detector else None
        return Followed(info, np.array(times), people.tracklets(), edges, pose.skeleton, *names)


def _timed(frames: Iterable[Frame], times: list[float]) -> Iterator[Frame]:
    """Frames that pass by, their times noted."""
    for frame in frames:
        times.append(frame.time)
        yield frame
