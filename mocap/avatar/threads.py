"""Threads: the rasteriser's pay, PyTorch's wait for each other at full speed.

Avatars are many small steps. After each, OpenMP's threads spin until the next, and where other
programs want the processor too, a step takes several times as long as one thread would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

import torch

_TILES: ContextVar[int | None] = ContextVar("tiles", default=None)


class _Within:
    """Who is on one thread, and how many PyTorch had when there was nobody.

    What a thread sets is also what later ones begin with: who comes in while somebody is on one
    thread finds one, and must not leave it at that.
    """

    def __init__(self) -> None:
        self._lock, self._callers, self._usual = Lock(), 0, 1

    def enter(self) -> int:
        with self._lock:
            # Asked of every thread: it takes what others set when it is asked first, not later.
            found = torch.get_num_threads()
            if not self._callers:
                self._usual = found
            self._callers += 1
            torch.set_num_threads(1)
            return self._usual

    def leave(self) -> None:
        with self._lock:
            self._callers -= 1
            torch.set_num_threads(self._usual)


_WITHIN = _Within()


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and tiles drawn in as many as before; for functions, too."""
    if _TILES.get() is not None:
        yield
        return
    outer = _TILES.set(_WITHIN.enter())
    try:
        yield
    finally:
        _WITHIN.leave()
        _TILES.reset(outer)


def tile_threads() -> int:
    """How many tiles may be drawn at once: as many as PyTorch may use threads."""
    return _TILES.get() or torch.get_num_threads()
