"""One video to a folder of results, each step saved before the next begins."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mocap.calibration import Calibration, read_calibration
from mocap.cli.console import note
from mocap.cli.folders import writable_folder
from mocap.cli.resume import (
    as_detected,
    holds_camera,
    holds_depth,
    holds_detection,
    holds_fit,
    stage_of,
)
from mocap.depth import REFINEMENT, without_refinement
from mocap.errors import FitError, MocapError, TakeError
from mocap.exporters import write_bvh
from mocap.fitting import fit
from mocap.pipeline import ExtractConfig, body_in_background, detect, refined, with_camera
from mocap.progress import Progress
from mocap.take import Take
from mocap.video import hash_source, open_video
from mocap.view import write_overlay

if TYPE_CHECKING:
    from mocap.body import Body

TAKE, OVERLAY = "take.h5", "overlay.mp4"


@dataclass(frozen=True)
class Job:
    """What is to be made of one video.

    Attributes:
        source: a file, a folder of images, or a camera's number.
        folder: where results go.
        config: parameters of the stages.
        camera: ``FILE`` or ``FILE:NAME`` of its calibration; none if None.
        body: file of the body to fit; the open body if None.
        overlay: whether to draw the overlay.
        force: whether to replace what is there, of whatever video.
    """

    source: Path | int
    folder: Path
    config: ExtractConfig
    camera: str | None = None
    body: Path | None = None
    overlay: bool = True
    force: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of it: the take, each person's file, and whether people were looked for anew."""

    take: Take
    files: dict[str, Path]
    overlay: Path | None
    detected: bool


def run(job: Job, progress: Progress) -> Outcome:
    """Extract, save and export.

    Raises:
        MocapError: whatever stops it; what was finished before is in the folder.
    """
    sha256 = ""
    job = _with_calibration(job)
    if not isinstance(job.source, int):
        # What cannot be read leaves no folder behind.
        with open_video(job.source, fps=job.config.fps) as video:
            if job.config.camera is not None:
                info = video.info
                job.config.camera.fitted(info.width, info.height, info.rotation)
        sha256 = hash_source(job.source)
    with writable_folder(job.folder), body_in_background(job.body) as loading:
        if job.body is not None:
            # The user's own file may be at fault, which should not come out minutes later.
            loading.result()
        earlier = _earlier(job, sha256)
        detected = _detected(job, earlier, sha256, progress)
        take = _seen_through(job, detected)
        before = take
        take = put_depth_right(take, job.config, progress)
        if take is not before:
            take.save(job.folder / TAKE)
        try:
            take = _fitted(job, take, loading.result(), progress)
        except FitError:
            # The overlay of the keypoints alone shows why nothing could be fitted.
            _draw(job, take, progress)
            raise
        files = write_motions(take, job.folder, earlier)
        return Outcome(take, files, _draw(job, take, progress), detected is not earlier)


def chosen_camera(given: str, clip: str) -> Calibration:
    """The calibration in ``FILE[:NAME]``; without a name, of the camera that is called as a clip.

    Raises:
        CalibrationError: it cannot be read, or there is no such camera.
    """
    file, colon, name = given.rpartition(":")
    if colon and Path(file).is_file() and not Path(given).is_file():
        return read_calibration(file, name)
    return read_calibration(given, clip=clip)


def put_depth_right(take: Take, config: ExtractConfig, progress: Progress) -> Take:
    """The take with depths as they are asked for: refined, or as they were detected.

    A motion that was fitted to other depths is taken back.

    Raises:
        CheckpointError: the refiner cannot be read.
    """
    if holds_depth(take, config):
        if stage_of(take, REFINEMENT) is not None:
            note("depth skipped: put right already by the same refiner")
        return take
    return refined(without_refinement(as_detected(take)), config, progress)


def write_motions(take: Take, folder: Path, earlier: Take | None) -> dict[str, Path]:
    """A BVH file a person; an earlier run's files of people who are no more are removed."""
    files = {
        name: write_bvh(take, name, folder / f"{name}.bvh")
        for name, person in take.people.items()
        if person.body is not None
    }
    for name in set(earlier.people if earlier else ()) - set(files):
        outdated = folder / f"{name}.bvh"
        if outdated.exists():
            outdated.unlink()
            note(f"removed {outdated}: this run has no such motion")
    return files


def _earlier(job: Job, sha256: str) -> Take | None:
    """The take that is in the folder already, if it is of the same video or may be replaced."""
    path = job.folder / TAKE
    if not path.exists():
        return None
    try:
        take = Take.load(path)
    except TakeError as error:
        if job.force:
            return None
        raise MocapError(f"{error}, or replace it with --force") from error
    if not job.force and (not sha256 or take.video.sha256 != sha256):
        raise MocapError(
            f"{path}: is of another video ({take.video.path}); choose another folder with --out, "
            "or replace it with --force"
        )
    return take


def _detected(job: Job, earlier: Take | None, sha256: str, progress: Progress) -> Take:
    path = job.folder / TAKE
    if earlier is not None and not job.force:
        if holds_detection(earlier, sha256, job.config):
            note(f"detection skipped: {path} holds it already (--force repeats it)")
            return earlier
        note(f"detecting again: {path} was made with other parameters or another version")
    take = detect(job.source, job.config, progress=progress)
    take.save(path)
    return take


def _with_calibration(job: Job) -> Job:
    if job.camera is None:
        return job
    clip = "" if isinstance(job.source, int) else job.source.resolve().stem
    return replace(job, config=replace(job.config, camera=chosen_camera(job.camera, clip)))


def _seen_through(job: Job, take: Take) -> Take:
    """The take with the camera that was asked for, which detection has no need of."""
    if not holds_camera(take, job.config):
        take = with_camera(as_detected(take), job.config)
        note("another camera: fitting anew")
    note(f"camera: {take.camera.note}")
    return take


def _fitted(job: Job, take: Take, body: "Body", progress: Progress) -> Take:
    if holds_fit(take, job.config.fitting, body):
        note("fit skipped: done already with the same body and parameters")
        return take
    take = fit(as_detected(take), body, job.config.fitting, progress)
    take.save(job.folder / TAKE)
    return take


def _draw(job: Job, take: Take, progress: Progress) -> Path | None:
    path = job.folder / OVERLAY
    if not job.overlay:
        return None
    if isinstance(job.source, int):
        note("no overlay: a camera's pictures are gone when the motion is known")
        return None
    if path.exists() and path.stat().st_mtime_ns >= (job.folder / TAKE).stat().st_mtime_ns:
        note(f"overlay skipped: {path} is newer than the take")
        return path
    return write_overlay(take, job.source, path, progress=progress)
