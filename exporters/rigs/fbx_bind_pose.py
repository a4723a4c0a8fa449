"""Where an FBX file's nodes were when its surface was bound to them.

Animated characters are stored in the pose of some frame; the pose that their joints' rotations are
told from is stored beside it. ``pufbx`` does not give it, so binary files are looked through here;
of text files nothing is told.

Source: the layout of :mod:`mocap.exporters.fbx_nodes`, whose records from version 7500 on have
longer heads.
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

_MAGIC, _START, _LONG = b"Kaydara FBX Binary  \x00", 27, 7500
_PLAIN = {"Y": "<h", "C": "<?", "I": "<i", "F": "<f", "D": "<d", "L": "<q"}
_ARRAYS = {"f": "<f4", "d": "<f8", "l": "<i8", "i": "<i4", "b": "?"}


def bind_pose(content: bytes) -> dict[str, Float[np.ndarray, "4 4"]]:
    """World transforms of models by their names, column vectors in the file's units.

    Empty where the file is text, holds no bind pose, or is damaged.
    """
    if not content.startswith(_MAGIC) or len(content) < _START:
        return {}
    names: dict[int, str] = {}
    placed: dict[int, np.ndarray] = {}
    model = 0
    try:
        for path, start, end in _records(content, _START, len(content), ()):
            if path == ("Objects", "Model"):
                number, name = _values(content, start, end, 2)
                names[number] = name.split(b"\x00\x01")[0].decode("utf-8", "replace")
            elif path == ("Objects", "Pose", "PoseNode", "Node"):
                (model,) = _values(content, start, end, 1)
            elif path == ("Objects", "Pose", "PoseNode", "Matrix"):
                (numbers,) = _values(content, start, end, 1)
                placed[model] = np.reshape(numbers, (4, 4)).T
    except (struct.error, zlib.error, ValueError, KeyError, IndexError, AttributeError):
        return {}
    return {
        names[number]: place
        for number, place in placed.items()
        if number in names and np.isfinite(place).all() and abs(np.linalg.det(place)) > 0
    }


def _records(
    content: bytes, start: int, end: int, above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """The records on the way to poses: their names from the top, and where their values are."""
    (version,) = struct.unpack_from("<I", content, len(_MAGIC) + 2)
    head = struct.Struct("<QQQB" if version >= _LONG else "<IIIB")
    while start + head.size <= end:
        stop, _, length, letters = head.unpack_from(content, start)
        if stop == 0:
            return
        if not start < stop <= end:
            raise ValueError("a record ends outside the one that it is in")
        values = start + head.size + letters
        name = content[start + head.size : values].decode("latin-1")
        path = (*above, name)
        yield path, values, values + length
        if path in (("Objects",), ("Objects", "Pose"), ("Objects", "Pose", "PoseNode")):
            yield from _records(content, values + length, stop, path)
        start = stop


def _values(content: bytes, start: int, end: int, count: int) -> list:
    """The first values of a record."""
    found: list = []
    while len(found) < count:
        kind = chr(content[start])
        start += 1
        if kind in "SR":
            (length,) = struct.unpack_from("<I", content, start)
            found.append(content[start + 4 : start + 4 + length])
            start += 4 + length
        elif kind in _ARRAYS:
            _, encoding, length = struct.unpack_from("<III", content, start)
            raw = content[start + 12 : start + 12 + length]
            raw = zlib.decompress(raw) if encoding else raw
            found.append(np.frombuffer(raw, _ARRAYS[kind]))
            start += 12 + length
        else:
            found.append(struct.unpack_from(_PLAIN[kind], content, start)[0])
            start += struct.calcsize(_PLAIN[kind])
        if start > end:
            raise ValueError("a value ends outside its record")
    return found
