"""One item of a store: an HDF5 file of pairs that describes itself.

::

    /   format="mocap-pairs" version=1 key   sequences (S names)  splits (S: train, val, test)
        one dataset an array of :class:`Pairs`, each with units, axes and the names of its points
"""

import re
from collections.abc import Collection
from pathlib import Path

import h5py
import numpy as np

from mocap.datasets.pairs.record import Pairs, PairsError
from mocap.files import write_whole
from mocap.records import RecordError, encoded, read_attribute, read_record, write_record
from mocap.records import write_attribute as write
from mocap.skeletons import COCO_17, MEDIAPIPE_33

FORMAT = "mocap-pairs"
VERSION = 1
SUFFIX = ".h5"

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")
_NAMES = {"joint": COCO_17.names, "landmark": MEDIAPIPE_33.names}
_REMEDY = "make it anew with the command that made it, or delete it"


def is_key(name: str) -> bool:
    """Whether a name can be an item's key."""
    return _KEY.fullmatch(name) is not None


def checked_key(key: str) -> str:
    """A key that can be a file's name everywhere.

    Raises:
        PairsError: it cannot.
    """
    if not is_key(key):
        raise PairsError(f"{key!r} cannot be an item's key: it takes letters, digits and ._+-")
    return key


def encode_item(pairs: Pairs, key: str) -> bytes:
    """The file of an item; pairs of no frames are an item as well, of something without people.

    Raises:
        PairsError: pairs that contradict themselves, or a key that cannot be a file's name.
    """
    pairs.check()

    def fill(file: h5py.File) -> None:
        for name, value in {"format": FORMAT, "version": VERSION, "key": checked_key(key)}.items():
            write(file, name, value)
        write(file, "sequences", pairs.sequences)
        write(file, "splits", pairs.splits)
        write_record(file, pairs)
        for name in pairs.present:
            for axis in read_attribute(file[name], "axes").split(","):
                if axis in _NAMES:
                    write(file[name], "names", _NAMES[axis])

    return encoded(fill)


def write_item(pairs: Pairs, path: str | Path, key: str | None = None) -> Path:
    """Write an item, wholly or not at all.

    Args:
        pairs: its content.
        path: the file, ``.h5``.
        key: by which a store knows it; the file's own name if None.

    Raises:
        PairsError: pairs that contradict themselves, or a file that cannot be written.
    """
    path = Path(path)
    content = encode_item(pairs, path.stem if key is None else key)
    return write_whole(path, content, error=PairsError)


def read_item(path: str | Path, splits: Collection[str] | None = None) -> Pairs:
    """Read an item.

    Args:
        path: the file.
        splits: only the sequences of these; all if None.

    Raises:
        PairsError: it is missing, damaged, something else, or of a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise PairsError(f"{path}: no such file of training pairs")
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path, splits)
    except PairsError as error:
        named = str(error).startswith(str(path))
        raise error if named else PairsError(f"{path}: is damaged: {error}; {_REMEDY}") from error
    except (RecordError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise PairsError(f"{path}: is damaged: {error}; {_REMEDY}") from error
    except PermissionError as error:
        raise PairsError(f"{path}: cannot be read ({error.strerror})") from error
    except (OSError, RuntimeError) as error:
        raise PairsError(
            f"{path}: is not a readable HDF5 file (damaged, cut short, or something else); "
            f"{_REMEDY}"
        ) from error


def _read(file: h5py.File, path: Path, splits: Collection[str] | None) -> Pairs:
    kind = read_attribute(file, "format") if "format" in file.attrs else None
    if kind != FORMAT:
        raise PairsError(
            f"{path}: is HDF5, but holds no training pairs (its format is {kind!r}, not {FORMAT!r})"
        )
    version = int(read_attribute(file, "version"))
    if version > VERSION:
        raise PairsError(
            f"{path}: holds pairs of version {version}; this program reads up to {VERSION}. "
            "Install a newer mocap-toolkit"
        )
    found, stored = _texts(file, "sequences"), _texts(file, "splits")
    if splits is not None and stored and set(stored).isdisjoint(splits):
        return Pairs.nothing()
    pairs = read_record(file, Pairs, sequences=found, splits=stored).check()
    return pairs if splits is None else pairs.of_split(*splits)


def _texts(file: h5py.File, name: str) -> tuple[str, ...]:
    values = np.atleast_1d(read_attribute(file, name))
    return tuple(
        one.decode("utf-8", "surrogateescape") if isinstance(one, bytes) else str(one)
        for one in values.tolist()
    )
