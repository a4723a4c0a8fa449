"""The stages in order: a video goes in, a take comes out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mocap.calibration import Calibration
from mocap.depth import MIRRORED, refine_take, shipped_refiner
from mocap.errors import DetectionError
from mocap.fitting import FitConfig, fit
from mocap.following import Followed, follow
from mocap.geometry import DEFAULT_FIELD_OF_VIEW, Camera
from mocap.people import (
    DepthConfig,
    Dropped,
    GlitchConfig,
    IdentityConfig,
    SideConfig,
    TrackerConfig,
    Tracklet,
    amends_told,
    person_record,
    put_right,
    settle,
)
from mocap.progress import Progress, silent
from mocap.take import Scene, StageRecord, Take, VideoRecord
from mocap.video import hash_source

if TYPE_CHECKING:
    from mocap.body import Body


#: The stage that finds people; its version changes when its results do.
DETECTION, DETECTION_VERSION = "detection", "4"
#: The choice of a camera, made without looking at the pictures.
CAMERA, CAMERA_VERSION = "camera", "1"


@dataclass(frozen=True)
class ExtractConfig:
    """Everything ``mocap extract`` can be told; stored in the take's provenance.

    Attributes:
        hands: whether to look for hands.
        field_of_view: of the camera along the longer image side, radians; if None, what the
            file's metadata tell, or else a guess.
        camera: its calibration, if there is one; goes before ``field_of_view``.
        most_people: keep only this many, those seen longest; all if None.
        fps: of an image folder.
        tracker: how people are followed.
        identities: who is the same person, and who is nobody.
        sides: how reluctantly left and right are swapped back.
        depths: how reluctantly depths are put right; None leaves them.
        glitches: what motion allows; None believes every pose.
        refine_depth: whether depths are put right by what is learned of the detector's errors.
        fitting: how keypoints become motion.
    """

    hands: bool = True
    field_of_view: float | None = None
    camera: Calibration | None = None
    most_people: int | None = None
    fps: float = 30.0
    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    identities: IdentityConfig = field(default_factory=IdentityConfig)
    sides: SideConfig = field(default_factory=SideConfig)
    depths: DepthConfig | None = field(default_factory=DepthConfig)
    glitches: GlitchConfig | None = field(default_factory=GlitchConfig)
    refine_depth: bool = True
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
        CalibrationError: the given calibration is of another picture.
        AssetError: the detector's models cannot be had.
        DetectionError: nobody is in the clip.
        FitError: nobody could be fitted.
    """
    config = config or ExtractConfig()
    with body_in_background() as loading:
        take = refined(detect(video, config, progress=progress), config, progress)
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
    seen = follow(
        video,
        config.tracker,
        hands=config.hands,
        fps=config.fps,
        calibration=config.camera,
        progress=progress,
        stage=DETECTION,
    )
    people, dropped = _settled(seen, config)
    records, amends = {}, {}
    for name, person in _named(people):
        records[name], amends[name] = put_right(
            person_record(person, name, seen.skeleton, seen.body, seen.hands),
            seen.fps,
            sides=config.sides,
            depths=config.depths,
            glitches=config.glitches,
            mirrored=person.mirrored,
            average=config.tracker.mirror.always,
        )
    boxes = [(person.frames, person.box) for person in records.values()]
    stage = StageRecord(
        DETECTION,
        DETECTION_VERSION,
        {
            **detection_parameters(config),
            "dropped": [asdict(one) for one in dropped],
            **amends_told(amends),
        },
        round(time.perf_counter() - started, 3),
        {"body": seen.body, "hands": seen.hands or ""},
    )
    info, sha256 = seen.info, "" if isinstance(video, int) else hash_source(video)
    size = info.width, info.height
    record = VideoRecord(
        info.path, sha256, *size, info.fps, seen.times, info.rotation, info.field_of_view
    )
    scene = Scene(seen.edges.segments(boxes))
    take = Take(record, Camera.assumed(*size), records, None, (stage,), scene)
    return with_camera(take, config)


def _settled(seen: Followed, config: ExtractConfig) -> tuple[list[Tracklet], list[Dropped]]:
    """The people who count, and who was dropped.

    Raises:
        DetectionError: nobody is left.
    """
    info, count = seen.info, len(seen.times)
    people, dropped = settle(
        seen.tracklets,
        seen.fps,
        count,
        config.identities,
        shorter_side=min(info.width, info.height),
    )
    people = people[: config.most_people]
    if not people:
        reasons = "; ".join(f"frames {d.first_frame}-{d.last_frame}: {d.reason}" for d in dropped)
        raise DetectionError(
            f"{info.path}: nobody was found in {count} frames"
            + (f" (dropped: {reasons})" if reasons else "")
            + ". People should be at least an eighth of the picture's height and mostly in view."
        )
    return people, dropped


def refined(take: Take, config: ExtractConfig, progress: Progress = silent) -> Take:
    """The take with depths put right, where that is asked for and can be done.

    Raises:
        CheckpointError: the refiner cannot be read.
    """
    checkpoint = shipped_refiner() if config.refine_depth else None
    if checkpoint is None:
        return take
    from mocap.depth import DepthRefiner

    return refine_take(take, DepthRefiner.load(checkpoint, mirrored=MIRRORED), progress)


def detection_parameters(config: ExtractConfig) -> dict[str, Any]:
    """What detection depends on: all but the camera, the depths and the fit."""
    return {
        name: value
        for name, value in asdict(config).items()
        if name not in ("refine_depth", "fitting", *camera_parameters(config))
    }


def with_camera(take: Take, config: ExtractConfig) -> Take:
    """A take with keypoints, seen through the camera that a configuration asks for.

    Raises:
        CalibrationError: it is of another picture.
    """
    started = time.perf_counter()
    video = take.video
    if config.camera is not None:
        camera = config.camera.fitted(video.width, video.height, video.rotation or 0).camera()
    else:
        given = config.field_of_view is not None
        angle = config.field_of_view or video.field_of_view or DEFAULT_FIELD_OF_VIEW
        source = "given" if given else "told by the file" if video.field_of_view else "assumed"
        camera = replace(
            Camera.assumed(video.width, video.height, angle),
            source="given" if given else "estimated",
            note=f"field of view {math.degrees(angle):.1f}°, {source}",
        )
    seconds = round(time.perf_counter() - started, 3)
    record = StageRecord(CAMERA, CAMERA_VERSION, camera_parameters(config), seconds)
    return take.with_stage(record, camera=camera)


def camera_parameters(config: ExtractConfig) -> dict[str, Any]:
    """What the choice of a camera depends on."""
    calibration = None if config.camera is None else asdict(config.camera)
    return {"field_of_view": config.field_of_view, "camera": calibration}


def camera_config(record: StageRecord) -> ExtractConfig:
    """A configuration that asks for the camera on record; the inverse of the above."""
    known = record.parameters
    calibration = known.get("camera")
    return ExtractConfig(
        field_of_view=known.get("field_of_view"),
        camera=None if calibration is None else Calibration(**calibration),
    )


def _named(people: list[Tracklet]) -> list[tuple[str, Tracklet]]:
    """Names by order of appearance, which is how somebody who watches the clip would count."""
    order = sorted(people, key=lambda person: (person.first, -len(person.sightings)))
    return [(f"person-{number}", person) for number, person in enumerate(order, start=1)]
