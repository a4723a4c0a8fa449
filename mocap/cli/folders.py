"""Folders for results: their names, and whether they can be written before work begins."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mocap.cli.console import warn
from mocap.errors import MocapError

_LITTLE_SPACE = 200e6


def choose_folders(names: Sequence[str], out: Path | None) -> list[Path]:
    """A folder for each video.

    Args:
        names: what the videos are called, in order; equal ones get a number.
        out: where the user wants results: the folder itself for one video, the parent of one
            folder a video for several; None for ``NAME-mocap`` in the current folder.
    """
    if out is not None and len(names) == 1:
        return [out]
    taken: set[str] = set()
    folders = []
    for name in names:
        unique, number = name, 2
        # Some file systems take "Walk" and "walk" for one name.
        while unique.casefold() in taken:
            unique, number = f"{name}-{number}", number + 1
        taken.add(unique.casefold())
        folders.append(Path(f"{unique}-mocap") if out is None else out / unique)
    return folders


def require_name(path: Path, what: str) -> None:
    """Refuse what names nothing of its own and nothing can lie beside, such as ``.`` and ``/``.

    Raises:
        MocapError: it is such a path; ``what`` should be named.
    """
    if path.name in ("", ".."):
        raise MocapError(f"{path}: is no name of its own; name {what}")


@contextmanager
def writable_folder(path: Path) -> Iterator[Path]:
    """A folder that exists and can be written; what was made for it and stays empty is removed.

    Raises:
        MocapError: it cannot be made or written.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path) as probe:
                probe.write(b"\0" * 4096)
        except OSError as error:
            raise MocapError(
                f"{path}: cannot be written ({error.strerror or error}); "
                "choose another folder with --out"
            ) from error
        _warn_of_little_space(path)
        yield path
    finally:
        _remove_empty(missing)


def _warn_of_little_space(path: Path) -> None:
    free = shutil.disk_usage(path).free
    if free < _LITTLE_SPACE:
        warn(f"{path}: only {free / 1e6:.0f} MB are free there; results may not fit")


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
