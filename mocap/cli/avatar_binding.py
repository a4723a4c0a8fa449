"""``mocap avatar bind``: a person of Gaussians from elsewhere, bound to the body once and kept."""

import time
from pathlib import Path
from typing import Annotated

import typer

from mocap.cli.console import configure, note, say, starting
from mocap.cli.options import BodyFile, Quiet, examples, flowing
from mocap.errors import MocapError


def bind(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SPLAT",
            help="A splat (.ply) of one person in T- or A-pose, in metres; a dictionary of arrays "
            "(.npz, .pt) as Habitat-GS and ExAvatar have people; or what a plug-in reads.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The avatar to write, NAME.ply; NAME.binding.npz goes beside it. Of a take, it "
            "gets the motion of the person called NAME.",
        ),
    ],
    body: BodyFile = None,
    quiet: Quiet = False,
) -> None:
    """Bind a person from elsewhere to the body, and keep it as an avatar.

    The body is laid into the splat, which is brought to rest and written anew; SPLAT stays as it
    is. Skin weights that it comes with are kept.
    """
    configure(quiet=quiet)
    started = time.monotonic()
    with starting():
        from dataclasses import replace

        import numpy as np

        import mocap.avatar as avatars
        from mocap.body import load_body
        from mocap.cli.folders import writable_folder
    if out.suffix.lower() != ".ply":
        raise MocapError(f"{out}: an avatar's name ends in .ply")
    beside = avatars.binding_file(out)
    for target in (out, beside):
        if target.exists() and source.exists() and target.samefile(source):
            raise MocapError(f"{target}: is the splat itself; give the avatar another name")
    model = load_body(body)
    with writable_folder(out.parent):
        found = avatars.load_avatar(source, model, lambda words: say(f"{source}: {words}"))
        found = replace(found, name=out.stem)
        avatars.write_avatar(found, out, bound_from=source.name)
    up = found.gaussians.means[:, 1].double().numpy()
    skin = model.rest_vertices(found.betas[None])[0]
    _, away = avatars.bind(found.gaussians.means, skin, model)
    half, most = np.quantile(away.numpy(), [0.5, 0.95])
    say(
        f"{found.name}: {len(found)} Gaussians, {np.ptp(np.quantile(up, [0.002, 0.998])):.2f} m "
        f"tall; half of them within {100 * half:.1f} cm of the body's skin, 95 % within "
        f"{100 * most:.1f} cm"
    )
    for path in (out, beside):
        say(str(path))
    note(f"({time.monotonic() - started:.0f} s)")
    say(f"  move it:  mocap avatar animate {out} --motion FILE --out {out.stem}.mp4")


def add_to(app: typer.Typer) -> None:
    """Add the command to its group."""
    app.command(
        help=flowing(bind.__doc__),
        epilog=examples(
            "mocap avatar bind scan.ply --out avatars/anna.ply",
            "mocap avatar bind canonical_gs.npz --out avatars/person-1.ply",
        ),
    )(bind)
