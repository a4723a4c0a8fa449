"""MediaPipe's ``.task`` bundles, built from the bare ``.tflite`` models.

A bundle is an uncompressed zip of a detector and a landmark model. The tasks read from each
model's ``TFLITE_METADATA`` how pixels become its float input, ``(pixel - mean) / std``, and refuse
a model without it. The pose detector, the palm detector and the hand model carry theirs and go in
byte for byte; the pose landmark model does not, and gets one here.

The metadata goes into a new root that is put in front of the model (`with_normalization`), so
that not one byte of the model itself moves relative to another, and the same input gives the same
bundle on every platform and with every version of every library. Formats: FlatBuffers internals
(https://flatbuffers.dev/internals/), TensorFlow Lite's ``schema.fbs`` and
``metadata_schema.fbs``.
"""

import io
import struct
import zipfile
from dataclasses import dataclass

POSE_MEMBERS = ("pose_detector.tflite", "pose_landmarks_detector.tflite")
HAND_MEMBERS = ("hand_detector.tflite", "hand_landmarks_detector.tflite")

#: Buffers of a model are read in place as arrays, which its schema wants aligned so.
ALIGNMENT = 16

_METADATA_NAME = b"TFLITE_METADATA"
_NORMALIZATION_OPTIONS = 1  # in the union ProcessUnitOptions
_IMAGE_PROPERTIES = 2  # in the union ContentProperties
_RGB = 1  # in the enum ColorSpaceType

# Slots of the fields used, in the order of the two schemas.
_MODEL_VERSION, _MODEL_SUBGRAPHS, _MODEL_BUFFERS, _MODEL_METADATA = 0, 2, 4, 6
_SUBGRAPH_OUTPUTS = 2
_METADATA_ENTRY_NAME = 0


def pose_bundle(detector: bytes, landmarks: bytes) -> bytes:
    """The pose landmarker's bundle from ``pose_detection`` and ``pose_landmark_full``.

    The landmark model takes pixels as 0..1, that is mean 0 and standard deviation 255.
    """
    models = (detector, with_normalization(landmarks, mean=0.0, std=255.0))
    return _stored_zip(dict(zip(POSE_MEMBERS, models, strict=True)))


def hand_bundle(detector: bytes, landmarks: bytes) -> bytes:
    """The hand landmarker's bundle from ``palm_detection_full`` and ``hand_landmark_full``."""
    return _stored_zip(dict(zip(HAND_MEMBERS, (detector, landmarks), strict=True)))


def with_normalization(model: bytes, *, mean: float, std: float) -> bytes:
    """A ``.tflite`` model that states how an RGB image becomes its input.

    Args:
        model: A TensorFlow Lite model with one subgraph and one image input.
        mean: Subtracted from every pixel value (0..255).
        std: Divides what is left.

    Returns:
        The model with one ``TFLITE_METADATA`` entry, in place of the one it had, if any.

    Raises:
        ValueError: When ``model`` is not a TensorFlow Lite model.
    """
    if model[4:8] != b"TFL3":
        raise ValueError("not a TensorFlow Lite model (no TFL3 mark)")
    old = _Reader(model)
    root = old.follow(0)
    buffers = old.items(root, _MODEL_BUFFERS)
    entries = [entry for entry in old.items(root, _MODEL_METADATA) if not _describes(old, entry)]
    outputs = old.length(old.items(root, _MODEL_SUBGRAPHS)[0], _SUBGRAPH_OUTPUTS)

    fields: dict[int, _Node] = {
        slot: _Existing(old.follow(position))
        for slot, position in old.fields(root).items()
        if slot not in (_MODEL_VERSION, _MODEL_BUFFERS, _MODEL_METADATA)
    }
    fields[_MODEL_VERSION] = old.word(old.fields(root)[_MODEL_VERSION])
    blob = _Bytes(_normalization_metadata(mean, std, outputs))
    fields[_MODEL_BUFFERS] = _Vector([*map(_Existing, buffers), _Table({0: blob})])
    entry = _Table({0: _Bytes(_METADATA_NAME, text=True), 1: len(buffers)})
    fields[_MODEL_METADATA] = _Vector([*map(_Existing, entries), entry])
    return _write(_Table(fields), b"TFL3", tail=model)


def _describes(reader: "_Reader", entry: int) -> bool:
    name = reader.follow(reader.fields(entry)[_METADATA_ENTRY_NAME])
    return reader.text(name) == _METADATA_NAME


def _normalization_metadata(mean: float, std: float, outputs: int) -> bytes:
    normalization = _Table({0: _Vector([mean]), 1: _Vector([std])})
    unit = _Table({0: _NORMALIZATION_OPTIONS, 1: normalization})
    content = _Table({0: _IMAGE_PROPERTIES, 1: _Table({0: _RGB})})
    lowest, highest = (0.0 - mean) / std, (255.0 - mean) / std
    statistics = _Table({0: _Vector([highest]), 1: _Vector([lowest])})
    image = _Table({0: _Bytes(b"image", text=True), 3: content, 4: _Vector([unit]), 5: statistics})
    # The tasks match outputs to metadata by number, so each needs an entry, even an empty one.
    subgraph = _Table({2: _Vector([image]), 3: _Vector([_Table({}) for _ in range(outputs)])})
    return _write(_Table({3: _Vector([subgraph])}), b"M001")


class _Reader:
    """The few ways of reading a flatbuffer that are needed here; positions are absolute."""

    def __init__(self, data: bytes):
        self.data = data

    def word(self, position: int) -> int:
        return int.from_bytes(self.data[position : position + 4], "little")

    def follow(self, position: int) -> int:
        return position + self.word(position)

    def text(self, position: int) -> bytes:
        return self.data[position + 4 : position + 4 + self.word(position)]

    def fields(self, table: int) -> dict[int, int]:
        """Where each present field of a table is, by slot."""
        (back,) = struct.unpack_from("<i", self.data, table)
        (size,) = struct.unpack_from("<H", self.data, table - back)
        offsets = struct.unpack_from(f"<{(size - 4) // 2}H", self.data, table - back + 4)
        return {slot: table + offset for slot, offset in enumerate(offsets) if offset}

    def length(self, table: int, slot: int) -> int:
        position = self.fields(table).get(slot)
        return 0 if position is None else self.word(self.follow(position))

    def items(self, table: int, slot: int) -> list[int]:
        """Where each table of a vector of tables is."""
        position = self.fields(table).get(slot)
        if position is None:
            return []
        vector = self.follow(position)
        return [self.follow(vector + 4 + 4 * i) for i in range(self.word(vector))]


@dataclass(frozen=True)
class _Existing:
    """Something already in the buffer that the new root is put in front of."""

    position: int


@dataclass(frozen=True)
class _Bytes:
    content: bytes
    text: bool = False


@dataclass(frozen=True)
class _Vector:
    items: list["_Node"]


@dataclass(frozen=True)
class _Table:
    fields: dict[int, "_Node"]


# Every inline value is written as four bytes: those of a smaller field are its low ones.
_Node = int | float | _Existing | _Bytes | _Vector | _Table


def _write(root: _Table, mark: bytes, tail: bytes = b"") -> bytes:
    """A flatbuffer of ``root``, children after parents, then ``tail`` at an aligned position."""
    out = bytearray(4) + mark
    existing: list[tuple[int, int]] = []
    _point(out, 0, _place(out, root, existing))
    out += bytes(-len(out) % ALIGNMENT)
    for position, target in existing:
        _point(out, position, len(out) + target)
    return bytes(out) + tail


def _place(out: bytearray, node: _Node, existing: list[tuple[int, int]]) -> int:
    match node:
        case _Bytes(content, text):
            align = 4 if text else ALIGNMENT
            out += bytes(-(len(out) + 4) % align)
            position = len(out)
            out += struct.pack("<I", len(content)) + content + (b"\0" if text else b"")
            return position
        case _Vector(items):
            out += bytes(-len(out) % 4)
            position = len(out)
            out += struct.pack("<I", len(items))
            values = items
        case _Table(fields):
            position = _start_table(out, list(fields))
            values = list(fields.values())
        case _:
            raise TypeError(f"{node!r} is written in place, not placed")
    _fill(out, values, existing)
    return position


def _start_table(out: bytearray, slots: list[int]) -> int:
    """Write a table's directory of fields, four bytes for each in the order given."""
    directory = [0] * (max(slots, default=-1) + 1)
    for index, slot in enumerate(slots):
        directory[slot] = 4 + 4 * index
    size = 4 + 2 * len(directory)
    out += bytes(-(len(out) + size) % 4)
    out += struct.pack(f"<HH{len(directory)}H", size, 4 + 4 * len(slots), *directory)
    out += struct.pack("<i", size)
    return len(out) - 4


def _fill(out: bytearray, values: list[_Node], existing: list[tuple[int, int]]) -> None:
    start = len(out)
    out += bytes(4 * len(values))
    for position, value in zip(range(start, len(out), 4), values, strict=True):
        match value:
            case float():
                struct.pack_into("<f", out, position, value)
            case int():
                struct.pack_into("<I", out, position, value)
            case _Existing(target):
                existing.append((position, target))
            case _:
                _point(out, position, _place(out, value, existing))


def _point(out: bytearray, position: int, target: int) -> None:
    struct.pack_into("<I", out, position, target - position)


def _stored_zip(members: dict[str, bytes]) -> bytes:
    """A zip with fixed times and rights, its members uncompressed and aligned."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            # 30 bytes of header, the name, and 4 of the padding field's own; 0xD935 marks padding.
            padding = -(out.tell() + 30 + len(name) + 4) % ALIGNMENT
            info.extra = struct.pack("<HH", 0xD935, padding) + bytes(padding)
            bundle.writestr(info, content)
    return out.getvalue()
