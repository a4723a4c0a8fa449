"""What a process loads once for many items, and must let go of before it ends."""

from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.util import Finalize
from typing import Any

_kept = ExitStack()


def when_let_go(do: Callable[[], Any]) -> None:
    """Have something done by :func:`let_go`, or as the process ends; what came last comes first.

    MediaPipe must be closed before the interpreter comes down, for which ``atexit`` is too late.
    """
    Finalize(None, let_go, exitpriority=1)
    _kept.callback(do)


def let_go() -> None:
    """Close and forget what this process has loaded, if anything."""
    _kept.close()
