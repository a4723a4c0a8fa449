"""Threads: the rasteriser's pay, PyTorch's wait for each other at full speed.

Avatars are many small steps. After each, OpenMP's threads spin until the next, and where other
programs want the processor too, a step takes several times as long as one thread would.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch

_TILES: ContextVar[int | None] = ContextVar("tiles", default=None)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, and tiles drawn in as many as before; for functions, too."""
    before, outer = torch.get_num_threads(), _TILES.set(tile_threads())
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        _TILES.reset(outer)


def tile_threads() -> int:
    """How many tiles may be drawn at once: as many as PyTorch may use threads."""
    return _TILES.get() or torch.get_num_threads()
