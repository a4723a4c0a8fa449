"""``mocap extract``: video in, motion out."""

import math
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import STOPPED, complain, conclude, configure, note, say, show, starting
from mocap.cli.folders import choose_folders
from mocap.cli.options import (
    BodyFile,
    CameraFile,
    FieldOfView,
    Height,
    LookOnce,
    NoRefineDepth,
    Quiet,
    Verbose,
    examples,
    flowing,
)
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.cli.extraction import Job, Outcome


@dataclass(frozen=True)
class Options:
    """What the user asked for, for every video of a call; as in :func:`extract`."""

    out: Path | None = None
    height: float | None = None
    fov: float | None = None
    camera: str | None = None
    body: Path | None = None
    people: int | None = None
    hands: bool = True
    look_once: bool = False
    refine_depth: bool = True
    overlay: bool = True
    fps: float | None = None
    force: bool = False


def extract(
    video: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO",
            help="Video files, folders of images (read in natural order), or a camera's number.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where results go; with several videos, into a folder for each. "
            "NAME-mocap in the current folder if not given.",
        ),
    ] = None,
    height: Height = None,
    fov: FieldOfView = None,
    camera: CameraFile = None,
    body: BodyFile = None,
    people: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Keep only the N people who are seen longest. All by default."
        ),
    ] = None,
    no_hands: Annotated[
        bool, typer.Option("--no-hands", metavar="", help="Leave hands and fingers out: quicker.")
    ] = False,
    look_once: LookOnce = False,
    no_refine_depth: NoRefineDepth = False,
    no_overlay: Annotated[
        bool,
        typer.Option("--no-overlay", metavar="", help="Do not draw the motion over the video."),
    ] = False,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="Frames per second of folders of images (1 to 1000), which have no times of "
            "their own. 30 if not given.",
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", metavar="", help="Start anew and replace what is in DIR, whatever it is of."
        ),
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Turn videos into motion: one animation file a person.

    Writes to DIR: [bold]take.h5[/bold] (everything, for the other commands),
    [bold]person-1.bvh[/bold] and so on (skeletal animation, centimetres, Y up), and
    [bold]overlay.mp4[/bold] (the motion drawn over the video: look at it first).

    Called again, or after Ctrl-C, it keeps the stages that were finished: people are not looked for
    twice in the same video.
    """
    configure(verbose=verbose, quiet=quiet)
    if fov is not None and camera is not None:
        raise typer.BadParameter("is in the calibration already", param_hint="--fov")
    options = Options(
        out=out,
        height=height,
        fov=fov,
        camera=camera,
        body=body,
        people=people,
        hands=not no_hands,
        look_once=look_once,
        refine_depth=not no_refine_depth,
        overlay=not no_overlay,
        fps=fps,
        force=force,
    )
    raise typer.Exit(extract_all(video, options, verbose=verbose))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(extract.__doc__),
        epilog=examples(
            "mocap extract clip.mp4",
            "mocap extract clip.mp4 --height 1.82 --out results",
            "mocap extract cam01.mp4 --camera calib.toml:cam01",
            "mocap extract monday/*.mp4 --out monday-motion --no-overlay",
            "mocap extract frames/ --fps 60",
        ),
    )(extract)


def extract_all(videos: Sequence[str], options: Options, *, verbose: bool = False) -> int:
    """Extract video after video, past those that fail; returns the exit code."""
    sources = [_source(video) for video in videos]
    if options.fps is not None and not any(isinstance(s, Path) and s.is_dir() for s in sources):
        raise typer.BadParameter(
            "is for folders of images; videos have times of their own", param_hint="--fps"
        )
    folders = choose_folders([_name(source) for source in sources], options.out)
    failed: list[str] = []
    for number, (source, folder) in enumerate(zip(sources, folders, strict=True), start=1):
        if len(sources) > 1:
            note(f"[{number}/{len(sources)}] {videos[number - 1]}", "bold")
        try:
            _extract_one(source, folder, options, verbose)
        except KeyboardInterrupt:
            _say_stopped(folder)
            return STOPPED
        except MocapError as error:
            complain(str(error))
            failed.append(videos[number - 1])
    if failed and len(sources) > 1:
        complain(f"{len(failed)} of {len(sources)} videos failed: {', '.join(failed)}")
    return 1 if failed else 0


def _source(video: str) -> Path | int:
    path = Path(video)
    return int(video) if video.isascii() and video.isdigit() and not path.exists() else path


def _name(source: Path | int) -> str:
    if isinstance(source, int):
        return f"camera-{source}"
    whole = source.resolve()
    return (whole.name if source.is_dir() else whole.stem) or "video"


def _extract_one(source: Path | int, folder: Path, options: Options, verbose: bool) -> None:
    started = time.monotonic()
    with starting():
        from mocap.cli.extraction import run

        job = _job(source, folder, options)
    with StageProgress() as progress:
        outcome = run(job, progress)
    if verbose:
        _say_dropped(outcome)
    _summarise(job, outcome, time.monotonic() - started)


def _job(source: Path | int, folder: Path, options: Options) -> "Job":
    from mocap.cli.extraction import Job
    from mocap.fitting import FitConfig
    from mocap.people import MirrorConfig, TrackerConfig
    from mocap.pipeline import ExtractConfig

    config = ExtractConfig(
        hands=options.hands,
        field_of_view=None if options.fov is None else math.radians(options.fov),
        most_people=options.people,
        tracker=TrackerConfig(mirror=MirrorConfig(always=not options.look_once)),
        refine_depth=options.refine_depth,
        fitting=FitConfig(height=options.height),
    )
    if options.fps is not None:
        config = replace(config, fps=options.fps)
    return Job(source, folder, config, options.camera, options.body, options.overlay, options.force)


def _say_dropped(outcome: "Outcome") -> None:
    for stage in outcome.take.provenance:
        for one in stage.parameters.get("dropped", ()):
            frames = f"frames {one['first_frame']}–{one['last_frame']}"
            note(f"dropped somebody in {frames}: {one['reason']}")


def _summarise(job: "Job", outcome: "Outcome", seconds: float) -> None:
    from mocap.cli.extraction import TAKE
    from mocap.cli.tables import people_table

    frames = len(outcome.take.video.timestamps)
    say("")
    show(people_table(outcome.take, outcome.files))
    say("")
    pace = f", {frames / seconds:.1f} frames/s" if outcome.detected else ""
    say(f"everything is in {job.folder} ({frames} frames in {seconds:.1f} s{pace})")
    take = shlex.quote(str(job.folder / TAKE))
    if outcome.overlay:
        note(f"  see how well it fits:    {outcome.overlay}", "")
    note("  animate:                 in Blender, File > Import > Motion Capture (.bvh)", "")
    note(f"  what is in the take:     mocap info {take}", "")
    note(f"  other units or rates:    mocap export {take} --format bvh --out DIR", "")


def _say_stopped(folder: Path) -> None:
    has_results = folder.is_dir() and any(folder.iterdir())
    what = f"what was finished is in {folder}" if has_results else "nothing was written"
    conclude(f"stopped; {what}")
