"""Writing an export: whole under its own name, or not at all."""

import os
import tempfile
from pathlib import Path

from mocap.errors import ExportError


def write_whole(path: str | Path, data: bytes) -> Path:
    """Write a file under a temporary name beside it, then rename; makes the folder if need be.

    Raises:
        ExportError: the folder cannot be made or written, or the disk is full; nothing is left.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp's files are private; an export is as readable as anything else the user makes.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise ExportError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose "
            "another folder with --out"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return path
