"""Recipes of arrays: what stands for numpy's own classes while a stranger's pickle is read.

Numpy's own are no safer than any other: an array of objects over bytes of the file is an array of
pointers that the file chose. Recipes are plain Python, and made arrays of when the whole file is
read.
"""

import math
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import numpy as np

#: Numbers, truth, bytes and text; objects only where a list of them follows.
_PLAIN = re.compile(r"[<>=|]?([?biufcSU]\d{0,9}|O8?)")


#: Of numpy's arrays.
_MOST_AXES, _LONGEST = 64, 2**48
#: How many times the size of its file all arrays together may have: what is stored once can be
#: asked for again and again.
_MOST_COPIES = 4
_left: ContextVar[list[int] | None] = ContextVar("_left", default=None)


@contextmanager
def budget(size: int) -> Iterator[None]:
    """Within it, arrays may have no more bytes than a file of a size can fill."""
    token = _left.set([_MOST_COPIES * size])
    try:
        yield
    finally:
        _left.reset(token)


def _spend(size: int) -> None:
    left = _left.get()
    if left is not None:
        left[0] -= size
        if left[0] < 0:
            raise pickle.UnpicklingError("it asks for the same bytes again and again")


class Recipe:
    """What the file builds instead of an array or a number of numpy's."""

    def __init__(self, made: np.ndarray | None = None, *, is_number: bool = False) -> None:
        self._made = made
        self._is_number = is_number
        self._objects: list[Any] | None = None
        self._shape: tuple[int, ...] = ()
        self._order: Literal["C", "F"] = "C"

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        if dtype_of(kind).hasobject:
            if not isinstance(content, list) or count_of(shape) != len(content):
                raise pickle.UnpicklingError("its objects are no list of as many as it says")
            self._objects, self._made = content, np.empty(count_of(shape), object)
            self._shape, self._order = shape, "F" if is_fortran else "C"
        else:
            self._objects, self._made = None, array_of(content, kind, shape, is_fortran)

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


class Kind:
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


class Name:
    """A name that a file may use: it can be called, and neither changed nor looked into."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        """What stands for what the name would give."""
        return self._call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it wants to change what reads it")


def dtype_of(kind: Any) -> np.dtype:
    """The dtype that a recipe of one stands for."""
    # Nothing else that has such an attribute, for files can give attributes to some containers.
    if not isinstance(kind, Kind):
        raise pickle.UnpicklingError("it wants arrays of something that is no dtype")
    return kind.told


def count_of(shape: Any) -> int:
    """How many entries a shape has."""
    if not (isinstance(shape, tuple) and len(shape) <= _MOST_AXES):
        raise pickle.UnpicklingError("an array's shape is none")
    if not all(isinstance(n, int) and 0 <= n < _LONGEST for n in shape):
        raise pickle.UnpicklingError(f"{str(shape)[:80]} is no shape")
    return math.prod(shape)


def array_of(content: Any, kind: Any, shape: Any, is_fortran: Any) -> np.ndarray:
    """A copy of bytes as numbers: as many as there are, and no pointers."""
    told = dtype_of(kind)
    if told.hasobject or not isinstance(content, bytes | bytearray):
        raise pickle.UnpicklingError("it wants objects or buffers made of bytes")
    if not told.itemsize or count_of(shape) * told.itemsize != len(content):
        raise pickle.UnpicklingError(f"{len(content)} bytes are no array of shape {shape}")
    _spend(len(content))
    flat = np.frombuffer(bytes(content), told) if content else np.empty(0, told)
    return flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")


def _no_constructor(*_: Any) -> Any:
    # Arrays are built empty and then filled; called outright, it takes buffers and strides.
    raise pickle.UnpicklingError("it wants numpy.ndarray called, which no array needs")


def _reconstruct(kind: Any, *_: Any) -> Recipe:
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("it wants an array of another class")
    return Recipe()


def _scalar(kind: Any, content: Any) -> Recipe:
    return Recipe(array_of(content, kind, (), False), is_number=True)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, *_: Any) -> Recipe:
    return Recipe(array_of(content, kind, shape, order == "F"))


def _latin(text: str, encoding: str) -> bytes:
    # Old pickles keep bytes as text; any other use of codecs is refused.
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it wants text encoded as {encoding}")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    # How old pickles keep bytes of which there are none.
    return b""


_NDARRAY = Name(_no_constructor)
_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    # A dictionary with a default is one without, once it is read.
    ("collections", "defaultdict"): Name(lambda *_: {}),
    ("builtins", "dict"): Name(lambda *_: {}),
    ("__builtin__", "dict"): Name(lambda *_: {}),
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): Name(lambda text, *_: Kind(text)),
    ("_codecs", "encode"): Name(_latin),
    ("builtins", "bytes"): Name(_no_bytes),
    ("__builtin__", "bytes"): Name(_no_bytes),
}
# numpy's own module names, before and after version 2.
for _core in ("numpy.core", "numpy._core"):
    _NAMES[f"{_core}.multiarray", "_reconstruct"] = Name(_reconstruct)
    _NAMES[f"{_core}.multiarray", "scalar"] = Name(_scalar)
    # How protocol 5 keeps contiguous arrays.
    _NAMES[f"{_core}.numeric", "_frombuffer"] = Name(_from_buffer)


def named(module: str, name: str) -> Any:
    """What stands for a name in a file.

    Raises:
        pickle.UnpicklingError: it is no name that arrays need.
    """
    if (module, name) not in _NAMES:
        raise pickle.UnpicklingError(f"it wants {module}.{name}, which no array needs")
    return _NAMES[module, name]
