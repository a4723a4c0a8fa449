"""FBX's binary container, version 7.4: named nodes with typed values, nested.

Every integer is little-endian. A node is ``end offset, value count, bytes of values, name``, then
its values and nodes; a node that has nodes ends with a row of zeros, as does the file's top level.

Source: A. Gessler and C. Barrett, "FBX binary file format specification", Blender developers'
blog, 2013, and the files that programs write.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

VERSION = 7400
_HEAD = b"Kaydara FBX Binary  \x00\x1a\x00" + struct.pack("<I", VERSION)
_TAIL = bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b")
#: Of a file's identification, its time and a third number, each is worked out from the others by a
#: rule that is not published: files by free programs carry these three.
FILE_ID = bytes.fromhex("28b32aebb624ccc2bfc8b02aa92bfcf1")
FILE_TIME = "1970-01-01 10:00:00:000"
_FOOT_ID = bytes.fromhex("fabcab09d0c8d466b176fb831cf7267e")
_END = bytes(13)
#: Bytes from which on an array is packed.
_PACKED = 128
_LETTERS = {"f": b"f", "d": b"d", "l": b"l", "i": b"i"}


@dataclass(frozen=True)
class Packed:
    """An array's bytes as a file holds them, to be used again in other nodes."""

    content: bytes


Value = bool | int | np.int64 | float | str | bytes | np.ndarray | Packed


class Node:
    """A node: its name, values, and nodes; whole numbers are of 32 bits unless they are int64."""

    def __init__(self, name: str, *values: Value, nodes: Iterable["Node"] = ()) -> None:
        self.name = name
        self.values = values
        self.nodes = list(nodes)

    def add(self, name: str, *values: Value) -> "Node":
        """A node inside this one."""
        node = Node(name, *values)
        self.nodes.append(node)
        return node


def packed(array: np.ndarray) -> Packed:
    """An array of 32- or 64-bit numbers, as a file holds it."""
    array = np.ascontiguousarray(array)
    kind = {"f4": "f", "f8": "d", "i8": "l", "i4": "i"}[array.dtype.str[1:]]
    raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    # Level 1: curves barely get smaller at a higher one, and take several times as long.
    small = zlib.compress(raw, 1) if len(raw) >= _PACKED else raw
    encoding = int(len(raw) >= _PACKED)
    return Packed(_LETTERS[kind] + struct.pack("<III", array.size, encoding, len(small)) + small)


def document(nodes: Sequence[Node]) -> bytes:
    """The bytes of a file with these nodes at its top level."""
    parts = [_HEAD]
    place = len(_HEAD)
    for node in nodes:
        place = _write(node, place, parts)
    parts += [_END, _FOOT_ID, bytes(4)]
    place += len(_END) + len(_FOOT_ID) + 4
    # The tail begins at a multiple of sixteen, after one to sixteen bytes of padding.
    parts += [bytes(16 - place % 16), struct.pack("<I", VERSION), bytes(120), _TAIL]
    return b"".join(parts)


def _write(node: Node, place: int, parts: list[bytes]) -> int:
    """Append a node that begins at a place of the file; returns where it ends."""
    name = node.name.encode("ascii")
    values = [_value(value) for value in node.values]
    size = sum(map(len, values))
    head = len(parts)
    parts.append(b"")
    parts += values
    end = place + 13 + len(name) + size
    for inner in node.nodes:
        end = _write(inner, end, parts)
    # Objects without anything in them end like those with: some readers rely on it.
    if node.nodes or not node.values:
        parts.append(_END)
        end += len(_END)
    parts[head] = struct.pack("<IIIB", end, len(values), size, len(name)) + name
    return end


def _value(value: Value) -> bytes:
    if isinstance(value, Packed):
        return value.content
    if isinstance(value, np.ndarray):
        return packed(value).content
    if isinstance(value, bool):
        return b"C" + struct.pack("<?", value)
    if isinstance(value, int):
        return struct.pack("<ci", b"I", value)
    if isinstance(value, np.int64):
        return struct.pack("<cq", b"L", value)
    if isinstance(value, float):
        return struct.pack("<cd", b"D", value)
    raw = value.encode() if isinstance(value, str) else value
    return (b"S" if isinstance(value, str) else b"R") + struct.pack("<I", len(raw)) + raw
