"""One item, wherever it is made: its file as bytes, or the reason why there is none."""

import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from mocap.datasets.pairs import Entry, Pairs, encode_item
from mocap.errors import MocapError


class Item(Protocol):
    """Something to make pairs of: any picklable object with a key."""

    @property
    def key(self) -> str:
        """The item's name in the store, of letters, digits and ``._+-``."""


#: Makes the pairs of an item, None if there is nobody in it. It is pickled once per worker, so
#: what is slow to start belongs into a cache of its module, not into the object.
Make = Callable[[Any], Pairs | None]


@dataclass(frozen=True)
class Attempt:
    """What came of an item.

    Attributes:
        key: the item's.
        content: the file of its pairs, None if it failed.
        entry: what the manifest says of it, None if it failed.
        reason: why it failed, in a line.
        trace: where it failed, for programmers; empty for faults that users can act on.
        said: log records of the making: logger, level, text.
    """

    key: str
    content: bytes | None = None
    entry: Entry | None = None
    reason: str = ""
    trace: str = ""
    said: tuple[tuple[str, int, str], ...] = ()


def attempt(make: Make, item: Item) -> Attempt:
    """Make an item; every fault but Ctrl-C becomes part of the answer."""
    with _listening() as said:
        try:
            pairs = make(item)
            pairs = Pairs.nothing() if pairs is None else pairs
            content = encode_item(pairs, item.key)
            entry = Entry.of(item.key, content, pairs)
        except MocapError as error:
            return Attempt(item.key, reason=str(error), said=tuple(said))
        # One item of thousands must not stop the others, whatever is wrong with it.
        except Exception as error:  # noqa: BLE001
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return Attempt(item.key, reason=reason, trace=traceback.format_exc(), said=tuple(said))
    return Attempt(item.key, content, entry, said=tuple(said))


class _Notebook(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.name, record.levelno, record.getMessage()))


@contextlib.contextmanager
def _listening() -> Iterator[list[tuple[str, int, str]]]:
    """What the package logs, kept: in a worker nobody else would hear it."""
    logger, notebook = logging.getLogger("mocap"), _Notebook()
    earlier = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [notebook], False
    try:
        yield notebook.said
    finally:
        logger.handlers, logger.propagate = earlier
