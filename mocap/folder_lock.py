"""One writer at a time in a folder, for as long as the writer's process lives."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from mocap.errors import MocapError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

#: The file that is locked; it stays, empty.
LOCK = ".lock"

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def only_writer(folder: Path, *, error: Callable[[str], MocapError] = MocapError) -> Iterator[None]:
    """Hold a folder's lock; the system takes it back from a process that is killed.

    Where the file system knows no locks, nothing keeps a second writer out.

    Args:
        folder: what only one may write to.
        error: what to raise, of a message, where another process holds it, or it cannot be written.
    """
    with _opened(folder / LOCK, error) as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as held:
                raise error(
                    f"{folder}: another process is writing to it; wait for it, or stop it"
                ) from held
            except OSError as unknown:
                _log.info("%s cannot be locked (%s)", folder, unknown.strerror)
        yield


def _opened(path: Path, error: Callable[[str], MocapError]) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as fault:
        raise error(
            f"{path.parent}: cannot be written ({fault.strerror}); choose another folder with --out"
        ) from fault
