"""Pairs from wherever they are: a store, one of its items, or an NPZ file."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from mocap.datasets.pairs.item import SUFFIX, read_item
from mocap.datasets.pairs.manifest import ITEMS
from mocap.datasets.pairs.npz import read_npz
from mocap.datasets.pairs.record import SPLITS, Pairs, PairsError
from mocap.datasets.pairs.store import HEAD, item_files, read_head
from mocap.datasets.pairs.summary import Summary
from mocap.progress import Progress, silent

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK"


def read_pairs(
    path: str | Path, *, splits: Collection[str] | None = None, progress: Progress = silent
) -> Pairs:
    """Read a store's folder, one item's ``.h5``, or an ``.npz``.

    Args:
        path: of the folder or the file.
        splits: which to read, of ``train``, ``val``, ``test``; all if None. Pairs that do not
            say what they are for are for training.
        progress: told of a store's items.

    Raises:
        PairsError: it is missing, empty, damaged, of another format or of a newer version.
    """
    path = Path(path)
    if unknown := set(splits or ()) - set(SPLITS):
        raise PairsError(f"split {min(unknown)!r} is none of {', '.join(SPLITS)}")
    if path.is_dir():
        parts = [part for _, part in items_of(path, splits=splits, progress=progress)]
        return Pairs.concatenate(parts)
    start = _first_bytes(path)
    if start.startswith(_HDF5):
        return read_item(path, splits)
    if start.startswith(_ZIP):
        pairs = read_npz(path)
        return pairs if splits is None else pairs.of_split(*splits)
    raise PairsError(f"{path}: holds no training pairs; they come as a store's folder, .h5 or .npz")


def told_splits(paths: Iterable[Path], progress: Progress = silent) -> str:
    """What pairs are for, in words: ``train 40, val 10``; "no pairs" where there are none.

    Raises:
        PairsError: as :func:`read_pairs`.
    """
    counts: Counter[str] = Counter()
    for path in paths:
        counts += Summary.of(read_pairs(path, progress=progress)).pairs_of
    # Pairs that do not say are for training.
    counts["train"] += counts.pop("", 0)
    return ", ".join(f"{name} {counts[name]}" for name in SPLITS if counts[name]) or "no pairs"


def items_of(
    folder: Path, *, splits: Collection[str] | None = None, progress: Progress = silent
) -> Iterator[tuple[str, Pairs]]:
    """The items of a store one by one, by key.

    Raises:
        PairsError: it is no store, holds no items, or one of them is damaged.
    """
    if (folder / HEAD).exists() or not (folder / ITEMS).is_dir():
        read_head(folder)
    files = item_files(folder)
    if not files:
        raise PairsError(f"{folder}: holds no pairs yet; the command that began it goes on with it")
    for done, file in enumerate(files):
        progress("reading", done, len(files))
        yield file.name.removesuffix(SUFFIX), read_item(file, splits)
    progress("reading", len(files), len(files))


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except FileNotFoundError as error:
        raise PairsError(f"{path}: no such file or folder of training pairs") from error
    except OSError as error:
        raise PairsError(f"{path}: cannot be read ({error.strerror})") from error
