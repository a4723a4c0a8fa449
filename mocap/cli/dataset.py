"""``mocap dataset``: training pairs, looked at, put into other forms, and made."""

from pathlib import Path
from typing import Annotated

import typer

from mocap.cli import dataset_making
from mocap.cli.console import complain, configure, note, say, waiting
from mocap.cli.dataset_making import Splits, stoppable
from mocap.cli.options import Quiet, examples
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

_commands = typer.Typer(
    help="Training pairs: what a detector saw of poses, and what they were.", no_args_is_help=True
)


@_commands.command(
    epilog=examples(
        "mocap dataset info pairs",
        "mocap dataset info pairs --verify",
        "mocap dataset info pairs.npz --json",
    )
)
def info(
    source: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="A store, one of its items, or an .npz.")
    ],
    verify: Annotated[
        bool,
        typer.Option("--verify", metavar="", help="Compare a store's files with its manifest."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Write JSON, for other programs to read.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Show what is in training pairs: how many, of what, seen from where, and how wrong they are.

    Ends with code 1 where something is damaged.
    """
    configure(quiet=quiet)
    with waiting("reading"):
        from mocap.cli.dataset_info import describe, display

    with StageProgress() as progress:
        found = describe(source, verify=verify, progress=progress)
    display(found, as_json=as_json)
    if verify and not source.is_dir():
        note(f"{source}: a file has no hashes to compare with; a store's folder has")
    elif verify and not found.damaged:
        note(f"{source}: every item is there, and as the manifest has it")
    if found.damaged:
        for fault in found.damaged.values():
            complain(fault)
        complain(
            f"{source}: items damaged or missing: {len(found.damaged)}; "
            "the command that made it makes them anew"
        )
        raise typer.Exit(1)


@_commands.command(
    epilog=examples(
        "mocap dataset pack pairs --out pairs.npz",
        "mocap dataset pack pairs --out held_out.npz --split test",
        "mocap dataset pack pairs.npz --out pairs",
    )
)
def pack(
    source: Annotated[
        Path, typer.Argument(metavar="STORE|FILE", help="A store, one of its items, or an .npz.")
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE|STORE", help="A file whose name ends in .npz, or a new store."),
    ],
    split: Splits = None,
    quiet: Quiet = False,
) -> None:
    """Put the pairs of a store into one .npz file, or those of a file into a store."""
    configure(quiet=quiet)
    is_file = out.suffix.lower() == ".npz"
    if source.is_dir() and not is_file:
        raise typer.BadParameter("must end in .npz: a store is a store already", param_hint="--out")
    if out.suffix and not is_file and not out.is_dir():
        raise typer.BadParameter(
            f"ends in {out.suffix}: a file ends in .npz, and a store's name in nothing such",
            param_hint="--out",
        )
    if split is not None and not is_file:
        raise typer.BadParameter("is for writing an .npz", param_hint="--split")
    if out.resolve() == source.resolve():
        raise typer.BadParameter("would be written over what is read", param_hint="--out")
    with stoppable(out):
        with waiting("reading"):
            from mocap.datasets.pairs import read_pairs, told_splits, unpack, write_npz

        with StageProgress() as progress:
            if is_file:
                names = None if split is None else [one.value for one in split]
                pairs = read_pairs(source, splits=names, progress=progress)
                if not len(pairs):
                    asked = f" for {' or '.join(names)}" if names else ""
                    there = told_splits([source], progress)
                    raise MocapError(f"{source}: holds no pairs{asked} (it has: {there})")
                with waiting("compressing"):
                    write_npz(pairs, out)
                count = len(pairs)
            else:
                store = unpack(source, out, progress=progress)
                count = sum(entry.pairs for entry in store.entries.values())
    say(f"{count} pairs are in {out}")


dataset_making.add_to(_commands)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(_commands, name="dataset")
