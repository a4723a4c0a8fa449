"""``mocap export``: a take's motion in a file format."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from mocap.cli.console import configure, note, say
from mocap.cli.folders import writable_folder
from mocap.cli.options import Quiet, TakeFile, examples, flowing
from mocap.errors import MocapError


class Format(StrEnum):
    """The formats that can be written."""

    BVH = "bvh"


class Units(StrEnum):
    """Units of length in files that cannot say which they use."""

    CENTIMETRES = "cm"
    METRES = "m"


def export(
    take: TakeFile,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where the files go, one a person: DIR/person-1.bvh."),
    ],
    file_format: Annotated[Format, typer.Option("--format", help="The file format.")],
    person: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this person, such as person-2; may be repeated."),
    ] = None,
    units: Annotated[
        Units, typer.Option(help="Of lengths: centimetres suit most programs, metres Blender.")
    ] = Units.CENTIMETRES,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="Frames per second to resample to (1 to 1000). The video's own if not given.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Write a take's motion as files for other programs."""
    configure(quiet=quiet)
    from mocap.exporters import write_bvh
    from mocap.take import Take

    found = Take.load(take)
    chosen = list(dict.fromkeys(person or found.people))
    if unknown := [name for name in chosen if name not in found.people]:
        raise MocapError(
            f"{take}: has nobody named {', '.join(unknown)}; there are {', '.join(found.people)}"
        )
    if not person:
        for name in [name for name in chosen if found.people[name].body is None]:
            note(f"{name} has no fitted motion and is left out")
            chosen.remove(name)
    if not chosen:
        raise MocapError(f"{take}: holds no fitted motion; `mocap fit {take}` fits it")
    unit: Literal["cm", "m"] = "m" if units is Units.METRES else "cm"
    with writable_folder(out):
        for name in chosen:
            path = out / f"{name}.{file_format.value}"
            say(str(write_bvh(found, name, path, units=unit, fps=fps)))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(export.__doc__),
        epilog=examples(
            "mocap export clip-mocap/take.h5 --format bvh --out blender --units m",
            "mocap export clip-mocap/take.h5 --format bvh --out game --person person-2 --fps 30",
        ),
    )(export)
