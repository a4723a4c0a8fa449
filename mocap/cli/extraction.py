"""One video to a folder of results, each step saved before the next begins."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mocap.cli.console import note
from mocap.cli.folders import writable_folder
from mocap.cli.resume import as_detected, holds_detection, holds_fit
from mocap.errors import FitError, MocapError, TakeError
from mocap.exporters import write_bvh
from mocap.fitting import fit
from mocap.pipeline import ExtractConfig, body_in_background, detect
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
        body: file of the body to fit; the open body if None.
        overlay: whether to draw the overlay.
        force: whether to replace what is there, of whatever video.
    """

    source: Path | int
    folder: Path
    config: ExtractConfig
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
    if not isinstance(job.source, int):
        # What cannot be read leaves no folder behind.
        open_video(job.source, fps=job.config.fps).close()
        sha256 = hash_source(job.source)
    with writable_folder(job.folder), body_in_background(job.body) as loading:
        if job.body is not None:
            # The user's own file may be at fault, which should not come out minutes later.
            loading.result()
        earlier = _earlier(job, sha256)
        take = detected = _detected(job, earlier, sha256, progress)
        try:
            take = _fitted(job, take, loading.result(), progress)
        except FitError:
            # The overlay of the keypoints alone shows why nothing could be fitted.
            _draw(job, take, progress)
            raise
        files = write_motions(take, job.folder, earlier)
        return Outcome(take, files, _draw(job, take, progress), detected is not earlier)


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
