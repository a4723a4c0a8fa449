"""How long work reports itself: a callback, so that nothing below the command line prints."""

from collections.abc import Callable

#: Called as ``progress(stage, done, total)``: the stage's name, how many units are done, and
#: how many there are in all (``None`` where that is not known yet).
Progress = Callable[[str, int, int | None], None]


def silent(stage: str, done: int, total: int | None) -> None:
    """A progress callback that tells nobody."""
