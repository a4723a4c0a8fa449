"""Reading pickled arrays without running what a file says.

Pickles can name any function to call, and numpy's own are no safer: an array of objects over bytes
of the file is an array of pointers that the file chose. Data sets nevertheless come as pickles of
arrays; so the few names that arrays need stand here for recipes in plain Python, which are checked
and made arrays of when the whole file is read. Every other name is refused.
"""

import io
import math
import pickle
import pickletools
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy

from mocap.errors import MocapError

#: Numbers, truth, bytes and text; objects only where a list of them follows.
_PLAIN = re.compile(r"[<>=|]?([?biufcSU]\d{0,9}|O8?)")
_MOST_TOLD = 200


class _Recipe:
    """What the file builds instead of an array or a number of numpy's."""

    def __init__(self, made: np.ndarray | None = None, *, is_number: bool = False) -> None:
        self._made = made
        self._is_number = is_number
        self._objects: list[Any] | None = None
        self._shape: tuple[int, ...] = ()
        self._order: Literal["C", "F"] = "C"

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        if _dtype(kind).hasobject:
            if not isinstance(content, list) or _count(shape) != len(content):
                raise pickle.UnpicklingError("its objects are no list of as many as it says")
            self._objects, self._made = content, np.empty(_count(shape), object)
            self._shape, self._order = shape, "F" if is_fortran else "C"
        else:
            self._objects, self._made = None, _array(content, kind, shape, is_fortran)

    def made(self, whole: Callable[[Any], Any]) -> Any:
        """The array; ``whole`` makes what is in it."""
        if self._made is None:
            raise pickle.UnpicklingError("an array in it is never filled")
        if self._objects is not None:
            objects, self._objects = self._objects, None
            for i, one in enumerate(objects):
                self._made[i] = whole(one)
            self._made = self._made.reshape(self._shape, order=self._order)
        return self._made[()] if self._is_number else self._made


class _Kind:
    """What the file builds instead of a dtype."""

    def __init__(self, text: Any) -> None:
        if not (isinstance(text, str) and _PLAIN.fullmatch(text)):
            raise pickle.UnpicklingError(f"it wants arrays of {text!r}, which are not plain")
        self.told = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        _, order, *parts = state[:5]
        if any(part is not None for part in parts):
            raise pickle.UnpicklingError("it wants arrays of records")
        self.told = self.told.newbyteorder(order)


class _Name:
    """A name that a file may use: it can be called, and neither changed nor looked into."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it wants to change what reads it")


def _dtype(kind: Any) -> np.dtype:
    # Nothing else that has such an attribute, for files can give attributes to some containers.
    if not isinstance(kind, _Kind):
        raise pickle.UnpicklingError("it wants arrays of something that is no dtype")
    return kind.told


def _count(shape: Any) -> int:
    if not (isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)):
        raise pickle.UnpicklingError(f"{shape!r} is no shape")
    return math.prod(shape)


def _array(content: Any, kind: Any, shape: Any, is_fortran: Any) -> np.ndarray:
    """A copy of bytes as numbers: as many as there are, and no pointers."""
    told = _dtype(kind)
    if told.hasobject or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("it wants objects or buffers made of bytes")
    if not told.itemsize or _count(shape) * told.itemsize != len(content):
        raise pickle.UnpicklingError(f"{len(content)} bytes are no array of shape {shape}")
    flat = np.frombuffer(bytes(content), told) if content else np.empty(0, told)
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def _no_constructor(*_: Any) -> Any:
    # Arrays are built empty and then filled; called outright, it takes buffers and strides.
    raise pickle.UnpicklingError("it wants numpy.ndarray called, which no array needs")


def _reconstruct(kind: Any, *_: Any) -> _Recipe:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("it wants an array of another class")
    return _Recipe()


def _scalar(kind: Any, content: Any) -> _Recipe:
    return _Recipe(_array(content, kind, (), False), is_number=True)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, *_: Any) -> _Recipe:
    return _Recipe(_array(content, kind, shape, order == "F"))


def _latin(text: str, encoding: str) -> bytes:
    # Old pickles keep bytes as text; any other use of codecs is refused.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it wants text encoded as {encoding}")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    # How old pickles keep bytes of which there are none.
    return b""


_NDARRAY = _Name(_no_constructor)
_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Name(lambda text, *_: _Kind(text)),
    ("_codecs", "encode"): _Name(_latin),
    ("builtins", "bytes"): _Name(_no_bytes),
    ("__builtin__", "bytes"): _Name(_no_bytes),
}
# numpy's own module names, before and after version 2.
for _core in ("numpy.core", "numpy._core"):
    _NAMES[f"{_core}.multiarray", "_reconstruct"] = _Name(_reconstruct)
    _NAMES[f"{_core}.multiarray", "scalar"] = _Name(_scalar)
    # How protocol 5 keeps contiguous arrays.
    _NAMES[f"{_core}.numeric", "_frombuffer"] = _Name(_from_buffer)


class _Arrays(pickle.Unpickler):
    """An unpickler of plain containers, numbers, text and recipes of arrays."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array needs")
        return _NAMES[module, name]


class _Wholes:
    """Containers with arrays in the place of recipes; what is shared stays so."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def __call__(self, one: Any) -> Any:
        if isinstance(one, _Recipe):
            return one.made(self)
        if isinstance(one, _Kind | _Name):
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


def _loaded(content: bytes) -> Any:
    # The place of a name in the memo is reserved as the file says.
    for code, argument, _ in pickletools.genops(content):
        if code.name in ("PUT", "LONG_BINPUT") and int(argument or 0) > len(content):
            raise pickle.UnpicklingError("it wants more memory than it can fill")
    return _Wholes()(_Arrays(io.BytesIO(content)).load())


def read_arrays(path: str | Path) -> Any:
    """What a ``.pkl`` file, or a ``.npy`` file of one pickled object, holds.

    Raises:
        MocapError: the file is missing, damaged, or holds more than containers and arrays.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if path.suffix != ".npy":
            return _loaded(content)
        stream = io.BytesIO(content)
        npy.read_magic(stream)
        _, _, kind = npy.read_array_header_1_0(stream)
        if kind.hasobject:
            return _loaded(stream.read()).item()
        stream.seek(0)
        return np.load(stream, allow_pickle=False)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error.strerror})") from error
    except (
        *(pickle.UnpicklingError, ValueError, EOFError, AttributeError, KeyError, IndexError),
        *(TypeError, ImportError, OverflowError, MemoryError, RecursionError, TokenError),
    ) as error:
        # The file has a say in the text, but not in how the terminal shows it.
        why = "".join(c if c.isprintable() else " " for c in str(error) or type(error).__name__)
        raise MocapError(
            f"{path}: is not read, for it is no pickle of arrays: {why[:_MOST_TOLD]}"
        ) from error
