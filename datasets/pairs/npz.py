"""Pairs as a plain NPZ file, which any program with numpy reads without ours.

It holds the arrays of :class:`Pairs` under their names: always the seven that all pairs have, and
whichever others are known; ``sequences`` and ``splits`` are arrays of text.
"""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from mocap.datasets.pairs.record import ARRAYS, REQUIRED, Pairs, PairsError
from mocap.errors import numpy_fault
from mocap.files import writing_whole

_TEXTS = ("sequences", "splits")


def write_npz(pairs: Pairs, path: str | Path) -> Path:
    """Write pairs as a compressed NPZ file, wholly or not at all.

    Raises:
        PairsError: pairs that contradict themselves, or a file that cannot be written.
    """
    path, content = Path(path), {name: getattr(pairs.check(), name) for name in pairs.present}
    if pairs.sequence is not None:
        content |= {name: np.array(getattr(pairs, name), np.str_) for name in _TEXTS}
    try:
        with writing_whole(path) as temporary, temporary.open("wb") as file:
            # Before numpy 2.2, allow_pickle=False would become one more array.
            np.savez_compressed(file, **content)
    except OSError as error:
        raise PairsError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose "
            "another file with --out"
        ) from error
    return path


def read_npz(path: str | Path) -> Pairs:
    """Read pairs from an NPZ file; arrays of other names in it are left alone.

    Raises:
        PairsError: it is missing, damaged, lacks an array, or holds what pairs cannot be.
    """
    path = Path(path)
    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise PairsError(f"{path}: is an array, not an .npz of several")
        with loaded as file:
            if missing := [name for name in REQUIRED if name not in file]:
                raise PairsError(
                    f"{path}: lacks {', '.join(missing)}; pairs are {', '.join(REQUIRED)}"
                )
            content: dict[str, Any] = {name: _array(file, name) for name in ARRAYS if name in file}
            content |= {name: _names(file, name) for name in _TEXTS if name in file}
    except PairsError as error:
        raise _named(path, error) from error
    except OSError as error:
        raise PairsError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (
        *(ValueError, KeyError, EOFError, RuntimeError, MemoryError),
        *(zipfile.BadZipFile, zlib.error, struct.error),
    ) as error:
        raise PairsError(f"{path}: is not a readable .npz file: {numpy_fault(error)}") from error
    try:
        return Pairs(**content).check()
    except PairsError as error:
        raise _named(path, error) from error


def _array(file: Any, name: str) -> np.ndarray:
    try:
        return file[name]
    except ValueError as error:
        # numpy says so of arrays of Python objects, which only running them would read.
        raise PairsError(f"{name} is no array of numbers ({numpy_fault(error)})") from error


def _names(file: Any, name: str) -> tuple[str, ...]:
    values = _array(file, name)
    if values.ndim != 1 or values.dtype.kind not in "US":
        raise PairsError(f"{name} is no list of texts")
    return tuple(values.astype(np.str_).tolist())


def _named(path: Path, error: PairsError) -> PairsError:
    text = str(error)
    return error if text.startswith(str(path)) else PairsError(f"{path}: {text}")
