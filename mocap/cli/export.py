"""``mocap export``: a take's motion in a file format."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mocap.cli.console import configure, note, say
from mocap.cli.folders import writable_folder
from mocap.cli.options import People, Quiet, TakeFile, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.body import Body
    from mocap.take import Take


#: Seconds that writing may take without a word: most files take less.
_PATIENCE = 2.0


class Format(StrEnum):
    """The formats that can be written."""

    BVH = "bvh"
    FBX = "fbx"
    GLB = "glb"
    USD = "usd"
    AMASS = "amass"
    JSON = "json"
    CSV = "csv"
    TRC = "trc"
    C3D = "c3d"
    OBJ = "obj"
    PLY = "ply"


class PresetName(StrEnum):
    """The programs whose names, rest pose, axes and units can be had."""

    SMPLX = "smplx"
    MIXAMO = "mixamo"
    UNREAL = "unreal"
    UNITY = "unity"
    RIGIFY = "rigify"
    HUMANIK = "humanik"


class Units(StrEnum):
    """Units of length in files that cannot say which they use, or have a choice."""

    CENTIMETRES = "cm"
    METRES = "m"


def export(
    take: TakeFile,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where the files go, one a person: DIR/person-1.bvh."),
    ],
    file_format: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="NAME",
            case_sensitive=False,
            help="bvh, fbx, glb, usd, amass, json, csv, trc, c3d, obj or ply.",
        ),
    ],
    preset: Annotated[
        PresetName,
        typer.Option(
            metavar="NAME",
            case_sensitive=False,
            help="Whose bone names, rest pose, axes and units: smplx (T-pose, +Y up, cm), mixamo, "
            "humanik (MotionBuilder, Rokoko, Vicon), unreal (A-pose, +Z up, a root bone), unity "
            "(metres) or rigify (Blender: +Z up, metres).",
        ),
    ] = PresetName.SMPLX,
    rig: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A character's BVH, FBX or GLB file: put the motion on its skeleton, with its "
            "own names, proportions, rest pose and axes (bvh, fbx, glb, usd; no surface).",
        ),
    ] = None,
    person: People = None,
    together: Annotated[
        bool,
        typer.Option(
            "--together", metavar="", help="Everybody in one file (fbx, glb, usd): DIR/take.fbx."
        ),
    ] = False,
    units: Annotated[
        Units | None,
        typer.Option(
            metavar="cm|m",
            help="Of lengths in bvh and fbx: centimetres suit most programs, metres Blender. The "
            "preset's if not given.",
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="Frames per second to resample to (1 to 1000). The video's own if not given.",
        ),
    ] = None,
    start: Annotated[
        float | None,
        typer.Option("--from", metavar="S", min=0, help="Begin at this second of the clip."),
    ] = None,
    stop: Annotated[
        float | None,
        typer.Option("--to", metavar="S", min=0, help="End at this second of the clip."),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", metavar="", help="Exchange left and right.")
    ] = False,
    loop: Annotated[
        bool,
        typer.Option(
            "--loop",
            metavar="",
            help="Let the end fade into the beginning, on the spot: for gaits, dances, idling.",
        ),
    ] = False,
    root_motion: Annotated[
        bool,
        typer.Option(
            "--root-motion",
            metavar="",
            help="Let a root bone travel over the ground, and the hips only move above it; of a "
            "--rig, the bone above its hips.",
        ),
    ] = False,
    no_mesh: Annotated[
        bool,
        typer.Option(
            "--no-mesh", metavar="", help="The skeleton alone, without the body's surface."
        ),
    ] = False,
    body: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The body the take was fitted with, if another than the open body that comes "
            "with the program.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a take's motion as files for other programs.

    bvh, fbx, glb and usd hold skeleton and motion, and the last three the skinned body; amass the
    body model's parameters; json and csv joints; trc and c3d joints as markers; obj and ply the
    body's surface in every frame.
    """
    configure(quiet=quiet)
    if start is not None and stop is not None and stop < start:
        raise typer.BadParameter(f"{stop:g} is before --from {start:g}", param_hint="--to")
    if out.suffix.lower() == f".{file_format.value}" and not out.is_dir():
        raise typer.BadParameter(
            f"{out} is the name of a file; files are named by their people, in a folder",
            param_hint="--out",
        )
    from mocap.exporters import MESHES, ExportConfig, export_take
    from mocap.take import Take

    found = Take.load(take)
    chosen = _chosen(take, found, person)
    unit: Literal["cm", "m"] | None = None if units is None else units.value
    config = ExportConfig(
        preset=preset.value,
        units=unit,
        fps=fps,
        start=start,
        stop=stop,
        mirror=mirror,
        loop=loop,
        root_motion=root_motion,
        mesh=not no_mesh,
        together=together,
        rig=rig,
    )
    with writable_folder(out), StageProgress(_PATIENCE) as progress:
        model = _body(file_format, body, no_mesh or rig is not None)
        written = export_take(
            found, chosen, file_format.value, out, config, body=model, progress=progress
        )
        for name in _unseen(found, chosen, start, stop):
            note(f"{name} is not seen in this part of the clip and is left out")
        for path in written:
            say(str(path))
            if path.is_dir() and file_format.value in MESHES:
                note(f"  {sum(1 for _ in path.iterdir())} meshes, a frame each")


def _chosen(path: Path, take: "Take", person: Sequence[str] | None) -> list[str]:
    """The people to write: those named, or all who were fitted."""
    chosen = list(dict.fromkeys(person or take.people))
    if unknown := [name for name in chosen if name not in take.people]:
        raise MocapError(
            f"{path}: has nobody named {', '.join(unknown)}; there are {', '.join(take.people)}"
        )
    if not person:
        for name in [name for name in chosen if take.people[name].body is None]:
            note(f"{name} has no fitted motion and is left out")
            chosen.remove(name)
    if not chosen:
        raise MocapError(f"{path}: holds no fitted motion; `mocap fit {path}` fits it")
    return chosen


def _unseen(
    take: "Take", chosen: Sequence[str], start: float | None, stop: float | None
) -> list[str]:
    """Those who come after a part of the clip, or have left before."""
    spans = {name: take.times(take.people[name]) for name in chosen}
    return [
        name
        for name, times in spans.items()
        if (stop is not None and times[0] > stop) or (start is not None and times[-1] < start)
    ]


def _body(file_format: Format, path: Path | None, no_mesh: bool) -> "Body | None":
    """The body model, where a format needs it: it takes PyTorch seconds to load."""
    from mocap.exporters import MESHES, SURFACES

    surface = file_format.value in SURFACES and not no_mesh
    if not surface and file_format.value not in MESHES:
        return None
    from mocap.body import load_body

    return load_body(path)


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(export.__doc__),
        epilog=examples(
            "mocap export clip-mocap/take.h5 --format bvh --out blender --units m",
            "mocap export clip-mocap/take.h5 --format fbx --preset unreal --root-motion --out game",
            "mocap export clip-mocap/take.h5 --format glb --together --out web",
            "mocap export clip-mocap/take.h5 --format fbx --preset mixamo --from 2 --to 6.5 --loop "
            "--person person-2 --out clips",
            "mocap export clip-mocap/take.h5 --format fbx --rig hero.fbx --out hero",
        ),
    )(export)
