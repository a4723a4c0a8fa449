"""What the first process of a run has read and put right, for the processes that it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mocap.datasets.pairs import read_npz, write_npz
from mocap.training.depth.data import Corpus

#: Tells processes that are started meanwhile where the corpus is.
_PLACE = "MOCAP_TRAINING_CORPUS"
_TRAIN, _VAL, _DIGEST = "train.npz", "val.npz", "sha256.txt"


@contextmanager
def shared(corpus: Corpus, *, several: bool) -> Iterator[None]:
    """Lay a corpus out for processes that are started within, if there are several.

    To read it takes them seconds; to make it anew would take minutes.
    """
    if not several:
        yield
        return
    with TemporaryDirectory(prefix="mocap-training-") as place:
        write_npz(corpus.train, Path(place) / _TRAIN)
        write_npz(corpus.val, Path(place) / _VAL)
        (Path(place) / _DIGEST).write_text(corpus.sha256, encoding="ascii")
        os.environ[_PLACE] = place
        try:
            yield
        finally:
            os.environ.pop(_PLACE, None)


def shared_corpus() -> Corpus | None:
    """What the process that started this one has laid out; None if it has not."""
    place = os.environ.get(_PLACE)
    if place is None:
        return None
    folder = Path(place)
    digest = (folder / _DIGEST).read_text(encoding="ascii")
    return Corpus(read_npz(folder / _TRAIN), read_npz(folder / _VAL), digest)
