"""``mocap import``: another system's result as a take."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import configure, note, say, show, starting, waiting
from mocap.cli.options import SHORTEST, TALLEST, BodyFile, Quiet, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.datasets.results import Footage
    from mocap.progress import Progress


class System(StrEnum):
    """Whose files can be imported."""

    GVHMR = "gvhmr"
    WHAM = "wham"
    PHALP = "phalp"
    PROMPTHMR = "prompthmr"
    ROMP = "romp"
    GLAMR = "glamr"
    SAM3DBODY = "sam3dbody"
    AMASS = "amass"
    AISTPP = "aistpp"
    BVH = "bvh"


class Unit(StrEnum):
    """Units of length that BVH files are in."""

    METRES = "m"
    CENTIMETRES = "cm"
    MILLIMETRES = "mm"
    INCHES = "in"


_METRES = {Unit.METRES: 1.0, Unit.CENTIMETRES: 0.01, Unit.MILLIMETRES: 0.001, Unit.INCHES: 0.0254}


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The other system's file.")],
    system: Annotated[
        System,
        typer.Option(
            "--from",
            metavar="NAME",
            case_sensitive=False,
            help="Whose file it is: gvhmr (hmr4d_results.pt), wham (wham_output.pkl), phalp (also "
            "4D-Humans: .pkl), prompthmr (results.pkl), romp (also BEV: .npz), glamr (.pkl), "
            "sam3dbody (.npz, .npy or .pkl), amass (.npz), aistpp (.pkl) or bvh.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="TAKE", help="The take to write: take.h5.")],
    video: Annotated[
        Path | None,
        typer.Option(
            metavar="VIDEO",
            help="The video, picture or folder of pictures that the file was made from: gives the "
            "take true times and lets it be drawn.",
        ),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="MP4", help="Draw the motion over the video, and write it here."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="Frames per second that the file's frames were taken at (1 to 1000): they are "
            "timed anew, none is made or left out. The video's, the file's, or 30 if not given.",
        ),
    ] = None,
    height: Annotated[
        float | None,
        typer.Option(
            metavar="M",
            min=SHORTEST,
            max=TALLEST,
            help="Stature of the people, in metres (1.2 to 2.4). Without it, what the file tells "
            "of their joints, or an adult of average build.",
        ),
    ] = None,
    units: Annotated[
        Unit | None,
        typer.Option(
            metavar="UNIT",
            case_sensitive=False,
            help="Of a bvh, which cannot say: m, cm, mm or in. Without it, what makes the legs an "
            "adult's.",
        ),
    ] = None,
    body: BodyFile = None,
    force: Annotated[
        bool,
        typer.Option("--force", metavar="", help="Replace a take that is no import."),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read another system's result as a take: our body, metres, +Y up, feet on the ground.

    It can be exported like any other take. Where the file tells a camera, `mocap fit TAKE` fits the
    motion again, with contacts and one floor for all. Shapes of licensed bodies mean nothing to
    the open one; with --body SMPLX_NEUTRAL.npz, those of SMPL-X are carried over.
    """
    configure(quiet=quiet)
    if overlay is not None and video is None:
        raise typer.BadParameter("needs --video, to draw on", param_hint="--overlay")
    if units is not None and system is not System.BVH:
        raise typer.BadParameter(f"{system.value} files tell their units", param_hint="--units")
    with starting():
        from mocap.body import load_body
        from mocap.cli.folders import writable_folder
        from mocap.cli.tables import people_table
        from mocap.datasets.results import CAMERALESS, read_result, take_of
        from mocap.view import require_drawable
    if overlay is not None and system.value in CAMERALESS:
        raise typer.BadParameter(
            f"{system.value} files tell no camera, so that nothing can be drawn over the video",
            param_hint="--overlay",
        )
    _require_free(file, out, force)
    if overlay is not None and video is not None:
        require_drawable(overlay, video)
    with waiting("reading the body"):
        model = load_body(body)
    with writable_folder(out.parent), StageProgress() as progress:
        footage = None if video is None else _footage(video, fps, progress)
        recording = read_result(
            file,
            system.value,
            model,
            footage=footage,
            fps=fps,
            units=None if units is None else _METRES[units],
            progress=progress,
        )
        take = take_of(recording, file, model, footage=footage, fps=fps, height=height)
        take.save(out)
        if overlay is not None and video is not None:
            from mocap.view import write_overlay

            write_overlay(take, video, overlay, progress=progress)
    spare = 0 if footage is None else len(footage.times) - recording.frame_count
    if spare > 0:
        note(
            f"{video}: goes on for {spare} frames after the motion; is it the one that the file "
            "was made from?"
        )
    if recording.camera is None:
        note(f"{system.value} tells no camera: the take can be exported, but not fitted again")
    elif not recording.gravity:
        note("nobody tells which way is up: the camera counts as level")
    say("")
    show(people_table(take))
    say("")
    for path in (out, overlay):
        if path is not None:
            say(str(path))


def _require_free(file: Path, out: Path, force: bool) -> None:
    """Refuse to replace a take that took more than an import to make, or what is no take."""
    from mocap.datasets.results import STAGE
    from mocap.take import Take

    if out.is_dir():
        raise MocapError(f"{out}: is a folder; --out wants the take itself, such as {out}/take.h5")
    if out.suffix.lower() not in (".h5", ".hdf5"):
        raise typer.BadParameter(
            f"{out} is no name of a take; takes end in .h5, such as {out.with_suffix('.h5')}",
            param_hint="--out",
        )
    if out.exists() and file.exists() and out.samefile(file):
        raise MocapError(f"{out}: is the file to import; give the take another name by --out")
    if force or not out.exists():
        return
    if [stage.name for stage in Take.load(out).provenance] != [STAGE]:
        raise MocapError(
            f"{out}: is there already, and no mere import; give another --out, or --force"
        )


def _footage(video: Path, fps: float | None, progress: "Progress") -> "Footage":
    """When each picture of a video was taken, which only going through it tells."""
    import numpy as np

    from mocap.datasets.results import Footage
    from mocap.video import hash_source, open_video

    with open_video(video, fps=fps or 30.0) as source:
        total = source.info.frame_count or 0
        times = []
        for frame in source:
            times.append(frame.time)
            progress("video", len(times), max(total, len(times)))
        size = (source.info.width, source.info.height)
    return Footage(str(video), hash_source(video), size, np.array(times))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "import",
        help=flowing(import_.__doc__),
        epilog=examples(
            "mocap import hmr4d_results.pt --from gvhmr --video clip.mp4 --out clip/take.h5",
            "mocap import results.npz --from romp --video input.jpg --overlay seen.mp4 --out "
            "romp/take.h5",
            "mocap import dance.bvh --from bvh --units cm --out dance/take.h5",
            "mocap export dance/take.h5 --format fbx --preset unreal --out game",
        ),
    )(import_)
