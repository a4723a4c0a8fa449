"""The metadata keys of a QuickTime or MP4 file, of the movie and of its tracks.

Demuxers show the movie's; phones write what they know of the lens into the video track. Layout:
QuickTime File Format Specification, "Metadata": a ``meta`` atom with the names in ``keys`` and the
values in ``ilst``, in the movie, in a track, or in the user data (``udta``) of either.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

_CONTAINERS = frozenset((b"trak", b"udta", b"meta"))
#: Far above any index; a damaged length must not fill the memory.
_LARGEST_INDEX = 256 << 20
#: A track's user data's metadata.
_DEEPEST = 3
_TEXT, _FLOAT, _DOUBLE = 1, 23, 24
_INTEGERS = frozenset((21, 22, 65, 66, 67, 74, 75, 76, 77, 78))
_UNSIGNED = frozenset((22, 75, 76, 77, 78))

Value = str | float


def read_keys(path: Path) -> dict[str, Value]:
    """Every key with a text or a number; empty for other files, and for damaged ones."""
    try:
        movie = _movie(path)
        return dict(_keys(movie, 0, len(movie)))
    except (OSError, struct.error, UnicodeDecodeError):
        # Only told where it can be: whether the video can be read is for the decoder to say.
        return {}


def _movie(path: Path) -> bytes:
    """The content of the ``moov`` atom."""
    size = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position + 8 <= size:
            file.seek(position)
            length, name = struct.unpack(">I4s", file.read(8))
            header = 8
            if length == 1:
                (length,), header = struct.unpack(">Q", file.read(8)), 16
            elif length == 0:
                length = size - position
            if not name.isalnum() or length < header:
                break
            if name == b"moov" and length < _LARGEST_INDEX:
                return file.read(length - header)
            position += length
    return b""


def _atoms(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        length, name = struct.unpack_from(">I4s", data, start)
        if length < 8 or start + length > end:
            return
        yield name, start + 8, start + length
        start += length


def _keys(data: bytes, start: int, end: int, depth: int = 0) -> Iterator[tuple[str, Value]]:
    names: list[str] = []
    for kind, first, last in _atoms(data, start, end):
        if kind in _CONTAINERS and depth < _DEEPEST:
            # ISO's meta has a version that QuickTime's lacks.
            versioned = kind == b"meta" and data[first : first + 4] == b"\0\0\0\0"
            yield from _keys(data, first + 4 * versioned, last, depth + 1)
        elif kind == b"keys":
            entries = _atoms(data, first + 8, last)
            names = [data[a:b].decode() for _, a, b in entries]
        elif kind == b"ilst":
            for number, a, b in _atoms(data, first, last):
                index = int.from_bytes(number) - 1
                value = _value(data, a, b)
                if 0 <= index < len(names) and value is not None:
                    yield names[index], value


def _value(data: bytes, start: int, end: int) -> Value | None:
    for name, first, last in _atoms(data, start, end):
        if name != b"data":
            continue
        (kind,) = struct.unpack_from(">I", data, first)
        content = data[first + 8 : last]
        if kind == _TEXT:
            return content.decode()
        if kind in (_FLOAT, _DOUBLE):
            return float(struct.unpack(">f" if kind == _FLOAT else ">d", content)[0])
        if kind in _INTEGERS and content:
            return float(int.from_bytes(content, signed=kind not in _UNSIGNED))
    return None
