"""``mocap evaluate``: a take, as a rule, or something else by its name."""

from typing import Any

import typer
from typer.core import TyperGroup

from mocap.cli import evaluate, evaluate_depth, evaluate_picture

_TAKE, _PICTURE, _DEPTH = "take", "picture", "depth"


class _TakeByDefault(TyperGroup):
    """A group of commands in which whatever names none of them is a call of the first."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the first command before what names none."""
        if not args or args[0] not in self.commands:
            args = [_TAKE, *args]
        return super().parse_args(ctx, args)


_commands = typer.Typer(
    cls=_TakeByDefault,
    help="Measure the motion in a take; as `mocap evaluate picture`, hold it beside its clip; as "
    "`mocap evaluate depth`, measure the depth refiner.",
)
evaluate.add_to(_commands, _TAKE)
evaluate_picture.add_to(_commands, _PICTURE)
evaluate_depth.add_to(_commands, _DEPTH)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(_commands, name="evaluate")
