"""``mocap masks``: which pixels of the clip show whom, into the take."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import configure, note, say, starting, waiting
from mocap.cli.options import (
    BodyFile,
    Clip,
    Device,
    Quiet,
    TakeFile,
    Verbose,
    examples,
    flowing,
    one_of,
)
from mocap.cli.progress import StageProgress

if TYPE_CHECKING:
    from mocap.masks import Segmenter
    from mocap.progress import Progress
    from mocap.take import Take

LIGHT, SAM2 = "light", "sam2"


def masks(
    take: TakeFile,
    source: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=one_of(LIGHT, SAM2),
            help="light: the pose detector's own masks, held to the fitted bodies. sam2: SAM 2, "
            "which needs the extra of that name and a checkpoint, and wants a GPU.",
        ),
    ] = LIGHT,
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="SAM 2's checkpoint, of any size; 2.1's are better."),
    ] = None,
    video: Clip = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw the outlines over the clip, as an MP4."),
    ] = None,
    body: BodyFile = None,
    device: Device = "auto",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Say which pixels of the clip show whom, frame by frame, and keep it in the take.

    Rewrites the take, whole or not at all. No two people share a pixel; in frames in which somebody
    cannot be made out, nothing is said of them.
    """
    configure(verbose=verbose, quiet=quiet)
    if checkpoint is not None and source != SAM2:
        raise typer.BadParameter("is for --source sam2", param_hint="--checkpoint")
    started = time.monotonic()
    with starting():
        from mocap.cli.folders import writable_folder
        from mocap.masks import require_video, with_masks
        from mocap.take import Take
        from mocap.view import require_drawable, write_outlines
    with waiting("reading"):
        earlier = Take.load(take)
        clip = video or Path(earlier.video.path)
        if overlay is not None:
            require_drawable(overlay, clip)
        require_video(earlier, clip)
    with writable_folder(take.parent), StageProgress() as progress:
        with _segmenter(source, checkpoint, body, device, progress) as segmenter:
            masked = with_masks(earlier, clip, segmenter, progress=progress)
        masked.save(take)
        if overlay is not None:
            write_outlines(masked, clip, overlay, progress=progress)
    _tell(masked, take, time.monotonic() - started)
    if overlay is not None:
        say(f"{overlay} shows the outlines")


@contextmanager
def _segmenter(
    source: str,
    checkpoint: Path | None,
    body: Path | None,
    device: str,
    progress: "Progress",
) -> "Iterator[Segmenter]":
    """The source of masks that is asked for.

    Raises:
        MaskError: SAM 2 is not installed, or its checkpoint is none.
        AssetError: a model cannot be had.
        BodyError: the body cannot be read.
    """
    from mocap.assets import fetch
    from mocap.body import load_body
    from mocap.masks import LightSegmenter, Sam2Segmenter

    if source == SAM2:
        file = checkpoint or fetch("sam2_checkpoint", progress=progress)
        note("loading SAM 2")
        with closing(Sam2Segmenter(file, device=device)) as segmenter:
            yield segmenter
    else:
        bundle = fetch("pose_landmarker", progress=progress)
        with closing(LightSegmenter(bundle, load_body(body))) as segmenter:
            yield segmenter


def _tell(masked: "Take", path: Path, seconds: float) -> None:
    """Say of everybody in how many of their frames they are masked."""
    for person in masked.people.values():
        if person.masks is None:
            say(f"{person.label}: no masks")
            continue
        known = person.masks.known
        nowhere = person.masks.runs == 1
        hidden = f", out of sight in {nowhere.sum()}" if nowhere.any() else ""
        say(f"{person.label}: masks of {known.sum()} of {len(known)} frames{hidden}")
    say(f"{path} has masks ({seconds:.1f} s)")


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(masks.__doc__),
        epilog=examples(
            "mocap masks clip-mocap/take.h5 --overlay outlines.mp4",
            "mocap masks clip-mocap/take.h5 --source sam2 --checkpoint sam2.1_hiera_large.pt",
        ),
    )(masks)
