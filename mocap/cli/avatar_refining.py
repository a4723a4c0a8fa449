"""``mocap avatar refine``: motion corrected by the picture."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import configure, say, starting
from mocap.cli.options import BodyFile, Clip, People, Quiet, Renderer, TakeFile, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.avatar import Correction


def refine(
    take: TakeFile,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The corrected take. refined.h5 beside the take if not given."
        ),
    ] = None,
    avatars: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The people's avatars, ID.ply each; those it lacks are made and kept there. The "
            "take's folder, in `avatars`, if not given.",
        ),
    ] = None,
    person: People = None,
    video: Clip = None,
    body: BodyFile = None,
    device: Renderer = "cpu",
    quiet: Quiet = False,
) -> None:
    """Correct motion by the picture: move bodies until their avatars cover what the clip shows.

    First each person's proportions are found, then the motion. It stays smooth, near to what was
    fitted, and resting feet where they rest. Some frames are left out; where these do not surely
    get more like the clip too, everything is left as it was. Depth along the line of sight, which
    one camera hardly shows, is corrected least. It takes about half a second a frame and person on
    two cores; stopped, it begins anew.
    """
    configure(quiet=quiet)
    started = time.monotonic()
    with starting():
        from mocap.avatar import corrected
        from mocap.cli.avatar_jobs import body_on, masked
        from mocap.cli.avatar_making import chosen_people, own_avatars
        from mocap.cli.folders import require_name, writable_folder
    require_name(take, "the take's file")
    target = out or take.with_name("refined.h5")
    if target.exists() and take.exists() and target.samefile(take):
        raise MocapError(f"{target}: is the take itself; give the corrected one another name")
    if target.suffix.lower() not in (".h5", ".hdf5"):
        raise MocapError(f"{target}: a take's name ends in .h5")
    with writable_folder(target.parent), StageProgress() as progress:
        model = body_on(body, device)
        whole, clip = masked(take, video, model, progress)
        names = chosen_people(whole, person)
        folder = avatars or take.parent / "avatars"
        found = own_avatars(whole, clip, folder, names, model, progress)
        better, told = corrected(whole, clip, found, model, progress=progress)
        better.save(target)
    for name, one in told.items():
        say(f"{whole.people[name].label}: {_corrected(one)}")
    say(f"{target} ({time.monotonic() - started:.0f} s)")


def _corrected(one: "Correction") -> str:
    gains = []
    if one.shape.better:
        gains.append(f"proportions {1 - one.shape.after / one.shape.before:.1%}")
    if one.better:
        where = "" if one.better == one.stretches else f" in {one.better} of {one.stretches} parts"
        gains.append(f"motion{where} {1 - one.after / one.before:.1%}")
    if not gains:
        return "left as it was; nothing surely better was found"
    return f"{' and '.join(gains)} closer to the clip, by the colours of frames that were left out"


def add_to(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command(
        help=flowing(refine.__doc__),
        epilog=examples(
            "mocap avatar refine clip-mocap/take.h5",
            "mocap avatar refine clip-mocap/take.h5 --person person-2 --out better.h5",
        ),
    )(refine)
