"""``mocap demo``: the whole way once, on a clip that is fetched."""

from pathlib import Path
from typing import Annotated

import typer

from mocap.cli.console import configure, note, starting
from mocap.cli.options import Quiet, Verbose, examples, flowing
from mocap.cli.progress import StageProgress


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where results go.", show_default=True)
    ] = Path("demo-output"),
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Fetch a short clip of two people (9 MB, once) and run `mocap extract` on it."""
    configure(verbose=verbose, quiet=quiet)
    with starting():
        from mocap.assets import fetch
        from mocap.cli.extract import Options, extract_all
    with StageProgress() as progress:
        clip = fetch("demo_clip", progress=progress)
    note(f"the demo clip is {clip}")
    raise typer.Exit(extract_all([str(clip)], Options(out=out), verbose=verbose))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(help=flowing(demo.__doc__), epilog=examples("mocap demo", "mocap demo --out try"))(
        demo
    )
