"""Pairs from a file into a store."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mocap.datasets.pairs.reading import read_pairs
from mocap.datasets.pairs.record import Pairs, PairsError
from mocap.datasets.pairs.store import PairStore
from mocap.progress import Progress, silent

#: Pairs in an item, more or less: sequences stay whole.
_PAIRS = 4096


def unpack(source: str | Path, out: str | Path, *, progress: Progress = silent) -> PairStore:
    """Put the pairs of an ``.npz`` or an item into a store of their own.

    Args:
        source: the file.
        out: the store's folder; one that the same call has begun is gone on with.
        progress: told of the pairs.

    Raises:
        PairsError: the file cannot be read or holds no pairs, or the folder holds something else.
    """
    source = Path(source)
    pairs = read_pairs(source)
    if not len(pairs):
        raise PairsError(f"{source}: holds no pairs to put into a store")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    store = PairStore.make(out, "file", {"file": source.name, "sha256": digest})
    done = 0
    with store.writing():
        faults = store.take_stock()
        for number, part in enumerate(_parts(pairs)):
            key = f"part-{number:05d}"
            progress("packing", done, len(pairs))
            if key not in store.entries or key in faults:
                store.write(key, part)
            done += len(part)
    progress("packing", done, len(pairs))
    return store


def _parts(pairs: Pairs) -> Iterator[Pairs]:
    if pairs.sequence is None:
        yield from (pairs[at : at + _PAIRS] for at in range(0, len(pairs), _PAIRS))
        return
    start = 0
    for run in pairs.runs():
        if run.stop - start >= _PAIRS:
            yield pairs[start : run.stop]
            start = run.stop
    if start < len(pairs):
        yield pairs[start:]
