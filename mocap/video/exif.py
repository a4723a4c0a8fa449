"""The numbers in a JPEG picture's EXIF tags (JEITA CP-3451, EXIF 2.32), those of its optics."""

import struct
from pathlib import Path

FOCAL_LENGTH = 0x920A
FOCAL_LENGTH_IN_35MM = 0xA405
FOCAL_PLANE_X_RESOLUTION = 0xA20E
FOCAL_PLANE_UNIT = 0xA210
PIXELS_ACROSS = 0xA002
PIXELS_DOWN = 0xA003

#: Millimetres of the focal plane's units.
INCH = 2
UNITS = {INCH: 25.4, 3: 10.0, 4: 1.0}

_SUBDIRECTORY = 0x8769
_SHORT, _LONG, _RATIONAL = 3, 4, 5
#: EXIF comes within the first segments, none of which is longer than 65,535 bytes.
_HEAD = 1 << 20


def read_tags(path: Path) -> dict[int, float]:
    """The single numbers among a JPEG file's EXIF tags, by tag; empty if there are none."""
    try:
        with path.open("rb") as file:
            block = _exif_block(file.read(_HEAD))
        return _tags(block) if block else {}
    except (OSError, struct.error):
        # Tags are a bonus: a damaged block is as good as none.
        return {}


def _exif_block(data: bytes) -> bytes | None:
    """The TIFF structure inside the APP1 segment."""
    if data[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, position + 1)
        if marker == 0xDA:
            return None
        content = data[position + 4 : position + 2 + length]
        if marker == 0xE1 and content.startswith(b"Exif\0\0"):
            return content[6:]
        position += 2 + length
    return None


def _tags(block: bytes) -> dict[int, float]:
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return {}
    (start,) = struct.unpack_from(order + "I", block, 4)
    tags = _directory(block, order, start)
    if _SUBDIRECTORY in tags:
        tags |= _directory(block, order, int(tags[_SUBDIRECTORY]))
    return tags


def _directory(block: bytes, order: str, start: int) -> dict[int, float]:
    tags = {}
    (count,) = struct.unpack_from(order + "H", block, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", block, entry)
        if number != 1:
            continue
        if kind == _SHORT:
            (tags[tag],) = struct.unpack_from(order + "H", block, entry + 8)
        elif kind == _LONG:
            (tags[tag],) = struct.unpack_from(order + "I", block, entry + 8)
        elif kind == _RATIONAL:
            (place,) = struct.unpack_from(order + "I", block, entry + 8)
            above, below = struct.unpack_from(order + "II", block, place)
            if below:
                tags[tag] = above / below
    return tags
