"""Reading pickled arrays without running what a file says.

Pickles can name any function to call. Data sets and results of research code nevertheless come as
pickles of arrays, so the few names that arrays need stand for recipes
(:mod:`mocap.datasets.recipes`), which are checked and made arrays of when the whole file is read.
Every other name is refused.
"""

import io
import pickle
import pickletools
import zlib
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError
from typing import Any, ClassVar
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.lib import format as npy

from mocap.datasets.recipes import (
    Kind,
    Name,
    Recipe,
    array_of,
    budget,
    count_of,
    dtype_of,
    named,
)
from mocap.errors import MocapError

_MOST_TOLD = 200
#: How many times its size an archive may grow, and how much is always allowed, bytes.
_MOST_GROWTH, _LITTLE = 300, 100_000_000
#: What archives begin with, however they are called.
_ARCHIVE = b"PK\x03\x04"


class _Arrays(pickle.Unpickler):
    """An unpickler of plain containers, numbers, text and recipes of arrays."""

    def find_class(self, module: str, name: str) -> Any:
        return named(module, name)


_BUILD: Callable[[Any], None] = pickle._Unpickler.dispatch[pickle.BUILD[0]]


class _Stored:
    """What joblib writes before an array's bytes, which follow in the stream itself."""

    def __setstate__(self, state: Any) -> None:
        self.kind, self.shape, self.order = state["dtype"], state["shape"], state["order"]
        self.is_aligned = state.get("numpy_array_alignment_bytes") is not None

    def read(self, stream: io.BytesIO) -> Recipe:
        """The array, from where the stream is."""
        told = dtype_of(self.kind)
        if told.hasobject:
            found = _Interleaved(stream).load()
            if not isinstance(found, Recipe):
                raise pickle.UnpicklingError("it wants an array of objects that is none")
            return found
        if self.is_aligned:
            stream.read(int.from_bytes(stream.read(1), "little"))
        size = count_of(self.shape) * told.itemsize
        # The stream has no more than the file: a promise of more is told by the array's maker.
        return Recipe(array_of(stream.read(size), self.kind, self.shape, self.order == "F"))


class _Interleaved(pickle._Unpickler):  # C's unpickler reads ahead of where the bytes begin
    """The same for joblib's streams, in which arrays' bytes stand between the commands."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(pickle._Unpickler.dispatch)
    stack: list[Any]

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self._stream = stream

    def find_class(self, module: str, name: str) -> Any:
        return _Stored if (module, name) == _JOBLIB else named(module, name)

    def _build(self) -> None:
        _BUILD(self)
        if isinstance(self.stack[-1], _Stored):
            self.stack[-1] = self.stack[-1].read(self._stream)

    def _bytearray(self) -> None:
        # It is made before it is filled, as large as the file says.
        raise pickle.UnpicklingError("it wants a byte array, which no array needs")

    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.BYTEARRAY8[0]] = _bytearray


#: What a file of joblib's names before its first array.
_JOBLIB = ("joblib.numpy_pickle", "NumpyArrayWrapper")


class _Wholes:
    """Containers with arrays in the place of recipes; what is shared stays so."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def __call__(self, one: Any) -> Any:
        if isinstance(one, Recipe):
            return one.made(self)
        if isinstance(one, Kind | Name | _Stored):
            raise pickle.UnpicklingError("it holds what arrays are made of, but not in an array")
        if not isinstance(one, dict | list | tuple | set | frozenset):
            return one
        if id(one) not in self._known:
            self._make(one)
        return self._known[id(one)]

    def _make(self, one: Any) -> None:
        known = self._known
        if isinstance(one, dict):
            known[id(one)] = whole = type(one)()
            for name, value in dict.items(one):
                whole[self(name)] = self(value)
        elif isinstance(one, list):
            items: list[Any] = []
            known[id(one)] = items
            items.extend(map(self, one))
        else:
            known[id(one)] = type(one)(map(self, one))


def _inflated(content: bytes) -> bytes:
    """A pickle as it was before joblib compressed it, if it did."""
    if not content.startswith((b"x\x01", b"x^", b"x\x9c", b"x\xda")):
        return content
    most = _MOST_GROWTH * len(content) + _LITTLE
    stream = zlib.decompressobj()
    found = stream.decompress(content, most)
    if not stream.eof:
        raise ValueError("it is cut short, or would grow beyond what motion needs")
    return found


def _loaded(content: bytes) -> Any:
    content = _inflated(content)
    with budget(len(content)):
        return _whole(content)


def _whole(content: bytes) -> Any:
    if all(part.encode() in content for part in _JOBLIB):
        return _Wholes()(_Interleaved(io.BytesIO(content)).load())
    # The place of a name in the memo is reserved as the file says.
    for code, argument, _ in pickletools.genops(content):
        if code.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(content):
            raise pickle.UnpicklingError("it wants more memory than it can fill")
    return _Wholes()(_Arrays(io.BytesIO(content)).load())


#: What libraries say of files that are damaged, and what it means.
_SAID = {
    "File is not a zip file": "it is no archive, or is cut short",
    "pickle exhausted before seeing STOP": "it is cut short",
    "Ran out of input": "it is cut short",
    "pickle data was truncated": "it is cut short",
}


def read_arrays(path: str | Path) -> Any:
    """What a ``.pkl`` file, joblib's too, or a ``.npy`` file or an archive of those, holds.

    An archive is a dictionary of its arrays; an array of one pickled object is that object.

    Raises:
        MocapError: the file is missing, damaged, or holds more than containers and arrays.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if not content:
            raise MocapError(f"{path}: is not read, for it is empty")
        if path.suffix.lower() == ".npz" or content.startswith(_ARCHIVE):
            return _of_archive(content)
        return _of_numpy(content) if path.suffix.lower() == ".npy" else _loaded(content)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error.strerror})") from error
    except (
        *(pickle.UnpicklingError, ValueError, EOFError, AttributeError, KeyError, IndexError),
        *(TypeError, ImportError, OverflowError, MemoryError, RecursionError, TokenError),
        # Archives may be damaged, encrypted, or packed in ways unknown here.
        *(BadZipFile, zlib.error, RuntimeError, AssertionError),
    ) as error:
        # The file has a say in the text, but not in how the terminal shows it.
        why = "".join(c if c.isprintable() else " " for c in str(error) or type(error).__name__)
        why = next((ours for theirs, ours in _SAID.items() if theirs in why), why)
        kind = "archive" if content.startswith(_ARCHIVE) else "pickle"
        raise MocapError(
            f"{path}: is not read, for it is no {kind} of arrays: {why[:_MOST_TOLD]}"
        ) from error


def _of_archive(content: bytes) -> dict[str, Any]:
    """The arrays of an archive by their names."""
    with ZipFile(io.BytesIO(content)) as archive:
        # Motion shrinks to a tenth at best; what grows a hundredfold is there to fill memory.
        whole = sum(entry.file_size for entry in archive.infolist())
        if whole > _MOST_GROWTH * len(content) + _LITTLE:
            raise ValueError(f"it would grow from {len(content)} to {whole} bytes")
        return {Path(name).stem: _of_numpy(archive.read(name)) for name in archive.namelist()}


def _of_numpy(content: bytes) -> Any:
    """What a file in numpy's own format holds."""
    stream = io.BytesIO(content)
    npy.read_magic(stream)
    _, _, kind = npy.read_array_header_1_0(stream)
    if kind.hasobject:
        found = _loaded(stream.read())
        return found.item() if found.shape == () else found
    stream.seek(0)
    return np.load(stream, allow_pickle=False)
