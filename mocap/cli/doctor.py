"""``mocap doctor``: what is installed, what is missing, and how to get it."""

import typer

from mocap.cli.console import configure, say, show, waiting
from mocap.cli.options import examples, flowing


def doctor() -> None:
    """Check this installation; fails if something that everybody needs is missing.

    Sends nothing anywhere and changes nothing.
    """
    configure()
    with waiting("looking"):
        from rich.table import Table
        from rich.text import Text

        from mocap.cli.checks import Status, check_all

        checks = check_all()
    table = Table(box=None, pad_edge=False, show_header=False)
    styles = {Status.GOOD: "green", Status.ABSENT: "yellow", Status.BAD: "bold red"}
    for check in checks:
        table.add_row(Text(check.status.value, styles[check.status]), Text(check.what))
    show(table)
    say("")
    bad = [check for check in checks if check.status is Status.BAD]
    if bad:
        say(f"{len(bad)} of {len(checks)} checks failed: " + ", ".join(check.name for check in bad))
        raise typer.Exit(1)
    say("ready: `mocap demo` shows the whole way on a short clip")


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(help=flowing(doctor.__doc__), epilog=examples("mocap doctor"))(doctor)
