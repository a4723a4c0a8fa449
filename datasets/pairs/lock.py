"""One writer at a time in a folder, for as long as the writer's process lives."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mocap.datasets.pairs.record import PairsError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOCK = ".lock"

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; the system takes it back from a process that is killed.

    Where the file system knows no locks, nothing keeps a second writer out.

    Raises:
        PairsError: another process holds it, or the folder cannot be written.
    """
    with _opened(folder / _LOCK) as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise PairsError(
                    f"{folder}: another process is writing to it; wait for it, or stop it"
                ) from error
            except OSError as error:
                _log.info("%s cannot be locked (%s)", folder, error.strerror)
        yield


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise PairsError(
            f"{path.parent}: cannot be written ({error.strerror}); choose another folder with --out"
        ) from error
