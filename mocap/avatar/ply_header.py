"""What the head of a PLY file says: its encoding, and how its vertices are laid out.

The format is Greg Turk's, as described in "The PLY Polygon File Format" (1994), with the names of
types that came later (``float32`` for ``float``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mocap.errors import AvatarError

_BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
#: Bytes of a line, and lines of a header; splats have some seventy short ones.
_LONGEST_LINE, _MOST_LINES = 4096, 10_000
#: Digits of a count that is meant, and characters of what a file says that are repeated to users.
_DIGITS, _SAID = 18, 80


@dataclass(frozen=True)
class Header:
    """A PLY file's vertices.

    Attributes:
        is_text: whether numbers are written out.
        before: what comes before the vertices: rows of text, or bytes.
        count: of vertices.
        row: a vertex, as numpy's structured type.
    """

    is_text: bool
    before: int
    count: int
    row: np.dtype


@dataclass
class _Element:
    name: str
    count: int
    properties: list[tuple[str, str]]
    has_lists: bool = False


def read_header(path: Path, file: BinaryIO) -> Header:
    """Read a header, up to where the data start.

    Raises:
        AvatarError: the file is no PLY, or its vertices cannot be found.
    """
    order, elements = _parse(path, file)
    before = 0
    for element in elements:
        row = _row(path, element, order)
        if element.name == "vertex":
            if element.has_lists:
                raise AvatarError(f"{path}: its vertices have lists, which those of splats do not")
            return Header(order == "=", before, element.count, row)
        if element.has_lists and order != "=":
            name = shortened(element.name)
            raise AvatarError(f"{path}: has {name!r} of varying length before its vertices")
        before += element.count * (1 if order == "=" else row.itemsize)
    raise AvatarError(f"{path}: has no vertices; choose a Gaussian splat")


def _parse(path: Path, file: BinaryIO) -> tuple[str, list[_Element]]:
    """The sign numpy has for the byte order, and the elements."""
    if file.readline(_LONGEST_LINE).strip() != b"ply":
        raise AvatarError(f"{path}: is no PLY file; choose a Gaussian splat (.ply)")
    order, elements = None, list[_Element]()
    for _ in range(_MOST_LINES):
        line = file.readline(_LONGEST_LINE)
        words = line.decode("ascii", errors="replace").split()
        match words:
            case ["end_header"]:
                if order is None:
                    raise AvatarError(f"{path}: its header does not say how numbers are encoded")
                return order, elements
            case ["format", name, *_] if name in _BYTE_ORDERS:
                order = _BYTE_ORDERS[name]
            case ["element", name, count] if count.isdecimal() and len(count) <= _DIGITS:
                elements.append(_Element(name, int(count), []))
            case ["property", "list", _, _, _] if elements:
                elements[-1].has_lists = True
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].properties.append((name, _TYPES[kind]))
            case ["comment" | "obj_info", *_]:
                pass
            case _:
                if not line:
                    raise AvatarError(f"{path}: its header is cut short; get the file anew")
                said = shortened(" ".join(words))
                raise AvatarError(f"{path}: its header is damaged at {said!r}; get the file anew")
    raise AvatarError(f"{path}: its header has no end; get the file anew")


def _row(path: Path, element: _Element, order: str) -> np.dtype:
    try:
        return np.dtype([(name, order + kind) for name, kind in element.properties])
    except ValueError as twice:
        said = shortened(str(twice))
        raise AvatarError(f"{path}: its header is damaged ({said}); get the file anew") from twice


def shortened(said: str) -> str:
    """What a file says, as it can be repeated in a line."""
    return said if len(said) <= _SAID else f"{said[:_SAID]}…"
