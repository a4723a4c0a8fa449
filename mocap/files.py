"""Files and folders that are whole under their name or not there at all; JSON read from them."""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mocap.errors import MocapError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.part")


@contextmanager
def writing_whole(path: str | Path) -> Iterator[Path]:
    """A temporary file beside the one wanted, which takes its place when the block ends well.

    The folder is made if need be. Whatever ends the block otherwise leaves what was there before;
    only a process that is killed leaves the temporary file, for :func:`sweep` to find.

    Args:
        path: the file wanted.

    Yields:
        The temporary file, empty, for the block to write.

    Raises:
        OSError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.open("xb").close()
        yield temporary
        with temporary.open("rb+") as file:
            # A name that outlives a power cut must not stand for a file that did not.
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing_whole_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside the one wanted, which takes its place when the block ends well.

    What was in the folder wanted is gone then. Whatever ends the block otherwise leaves it as it
    was.

    Args:
        path: the folder wanted.

    Yields:
        The temporary folder, empty, for the block to fill.

    Raises:
        OSError: the folder cannot be made or replaced, or the disk is full.
    """
    path = Path(path)
    temporary, earlier = (
        path.with_name(f".{path.name}.{secrets.token_hex(4)}.part") for _ in range(2)
    )
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.replace(earlier)
        temporary.replace(path)
    finally:
        if earlier.exists() and not path.exists():
            earlier.replace(path)
        for left in (temporary, earlier):
            shutil.rmtree(left, ignore_errors=True)


def write_whole(
    path: str | Path,
    content: bytes | str,
    *,
    error: Callable[[str], MocapError] = MocapError,
    remedy: str = "free some space or choose another folder with --out",
) -> Path:
    """Write a file, wholly or not at all; the folder is made if need be.

    Args:
        path: the file.
        content: bytes, or text for UTF-8.
        error: what to raise, of a message.
        remedy: what the user can do when it cannot be written.

    Raises:
        MocapError: or ``error``: it cannot be written.
    """
    path = Path(path)
    try:
        with writing_whole(path) as temporary:
            temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as refused:
        raise error(
            f"{path}: cannot be written ({refused.strerror or refused}); {remedy}"
        ) from refused
    return path


def read_json(path: str | Path, *, error: Callable[[str], MocapError] = MocapError) -> Any:
    """What a file of JSON holds, of whatever type.

    Args:
        path: the file.
        error: what to raise, of a message.

    Raises:
        MocapError: or ``error``: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as refused:
        raise error(f"{path}: cannot be read ({refused.strerror})") from refused
    except (ValueError, RecursionError) as fault:
        raise error(f"{path}: is no JSON ({fault})") from fault


def sweep(folder: str | Path) -> list[Path]:
    """Remove the temporary files and folders that killed processes have left in a folder.

    Nobody else may be writing there.

    Returns:
        What was removed.
    """
    found = [path for path in Path(folder).glob(".*.part") if _TEMPORARY.fullmatch(path.name)]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return found
