"""The stages in order: a video goes in, a take comes out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mocap.assets import fetch
from mocap.errors import DetectionError
from mocap.fitting import FitConfig, fit
from mocap.geometry import Camera
from mocap.keypoints import MediaPipeHands, MediaPipePose
from mocap.people import (
    IdentityConfig,
    SideConfig,
    Tracker,
    TrackerConfig,
    Tracklet,
    person_record,
    settle,
    undo_swaps,
)
from mocap.progress import Progress, silent
from mocap.take import StageRecord, Take, VideoRecord
from mocap.video import Frame, hash_source, open_video, read_ahead

if TYPE_CHECKING:
    from mocap.body import Body


#: The stage that finds people; its version changes when its results do.
DETECTION, DETECTION_VERSION = "detection", "1"


@dataclass(frozen=True)
class ExtractConfig:
    """Everything ``mocap extract`` can be told; stored in the take's provenance.

    Attributes:
        hands: whether to look for hands.
        field_of_view: of the camera along the longer image side, radians; a guess if None.
        most_people: keep only this many, those seen longest; all if None.
        fps: of an image folder.
        tracker: how people are followed.
        identities: who is the same person, and who is nobody.
        sides: how reluctantly left and right are swapped back.
        fitting: how keypoints become motion.
    """

    hands: bool = True
    field_of_view: float | None = None
    most_people: int | None = None
    fps: float = 30.0
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    identities: IdentityConfig = field(default_factory=IdentityConfig)
    sides: SideConfig = field(default_factory=SideConfig)
    fitting: FitConfig = field(default_factory=FitConfig)


def extract(
    video: str | Path | int,
    config: ExtractConfig | None = None,
    *,
    body: Body | None = None,
    progress: Progress = silent,
) -> Take:
    """Motion of everybody in a video.

    Args:
        video: a file, a folder of images, or a camera's number.
        config: options; the defaults suit most clips.
        body: the model to fit; the shipped open body if None.
        progress: told how far each stage is.

    Raises:
        VideoError: the video cannot be read.
        AssetError: the detector's models cannot be had.
        DetectionError: nobody is in the clip.
        FitError: nobody could be fitted.
    """
    config = config or ExtractConfig()
    with body_in_background() as loading:
        take = detect(video, config, progress=progress)
        return fit(take, body or loading.result(), config.fitting, progress)


@contextmanager
def body_in_background(path: Path | None = None) -> Iterator[Future[Body]]:
    """A body being loaded, PyTorch and all, while the detectors are at work."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="body")
    try:
        yield pool.submit(_load_body, path)
    finally:
        # Whoever gives up need not wait for it.
        pool.shutdown(wait=False, cancel_futures=True)


def _load_body(path: Path | None) -> Body:
    from mocap.body import load_body

    return load_body(path)


def detect(video: str | Path | int, config: ExtractConfig, *, progress: Progress = silent) -> Take:
    """The first stage: everybody's 2D and 3D keypoints, with identities over time."""
    started = time.perf_counter()
    with ExitStack() as stack:
        source = stack.enter_context(open_video(video, fps=config.fps))
        bundle = fetch("pose_landmarker", progress=progress)
        pose = stack.enter_context(closing(MediaPipePose(bundle, most=4)))
        alone = stack.enter_context(closing(MediaPipePose(bundle, most=1)))
        hands = None
        if config.hands:
            hand_bundle = fetch("hand_landmarker", progress=progress)
            hands = stack.enter_context(closing(MediaPipeHands(hand_bundle)))
        clock = _Clock()
        tracker = Tracker(pose, hands, config.tracker, alone=alone)
        total = source.info.frame_count
        progress(DETECTION, 0, total)
        frames = stack.enter_context(closing(read_ahead(source)))
        for done in tracker.follow(clock.passing(frames)):
            progress(DETECTION, done, max(total, done) if total else None)
        progress(DETECTION, len(clock.times), len(clock.times))
        info = source.info
        hand_source = hands.name if hands else None
    times = np.array(clock.times)
    fps = (len(times) - 1) / times[-1] if len(times) > 1 else info.fps
    people, dropped = settle(
        tracker.tracklets(),
        fps,
        len(times),
        config.identities,
        shorter_side=min(info.width, info.height),
    )
    people = people[: config.most_people]
    if not people:
        reasons = "; ".join(f"frames {d.first_frame}-{d.last_frame}: {d.reason}" for d in dropped)
        raise DetectionError(
            f"{info.path}: nobody was found in {len(times)} frames"
            + (f" (dropped: {reasons})" if reasons else "")
            + ". People should be at least an eighth of the picture's height and mostly in view."
        )
    records, swaps = {}, {}
    for name, person in _named(people):
        told = person_record(person, name, pose.skeleton, pose.name, hand_source)
        records[name], swaps[name] = undo_swaps(told, config.sides)
    stage = StageRecord(
        DETECTION,
        DETECTION_VERSION,
        {
            **asdict(config),
            "dropped": [asdict(one) for one in dropped],
            "frames_with_sides_swapped_back": swaps,
        },
        round(time.perf_counter() - started, 3),
        {"body": pose.name, "hands": hand_source or ""},
    )
    sha256 = "" if isinstance(video, int) else hash_source(video)
    record = VideoRecord(info.path, sha256, info.width, info.height, info.fps, times)
    camera = Camera.assumed(info.width, info.height, config.field_of_view)
    return Take(record, camera, records, None, (stage,))


def _named(people: list[Tracklet]) -> list[tuple[str, Tracklet]]:
    """Names by order of appearance, which is how somebody who watches the clip would count."""
    order = sorted(people, key=lambda person: (person.first, -len(person.sightings)))
    return [(f"person-{number}", person) for number, person in enumerate(order, start=1)]


class _Clock:
    """Notes the times of frames that pass by."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def passing(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.times.append(frame.time)
            yield frame
