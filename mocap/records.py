"""Frozen dataclasses of arrays, stored as HDF5 groups that describe themselves.

A field declared with :func:`dataset` becomes an HDF5 dataset with ``units`` and ``axes``
attributes, one declared with :func:`attribute` an attribute of its group, one declared with
:func:`group` a group inside. ``None`` is absence, both ways.

Damage is told rather than read: arrays carry HDF5's checksum, and text is of fixed length (UTF-8;
h5py gives it as ``bytes``), because HDF5 does not check its heap of variable-length strings and
crashes on a damaged one. The rest of the file is checked when it is of format 1.10 or later.
"""

from collections.abc import Callable
from dataclasses import MISSING, field, fields
from typing import Any, TypeVar

import h5py
import numpy as np

Record = TypeVar("Record")


class RecordError(ValueError):
    """A group that lacks what its record requires, or holds something else there."""


def dataset(units: str, axes: str, *, required: bool = True) -> Any:
    """Declare an array field: its units and axes, stored beside it."""
    return _declare({"kind": "dataset", "units": units, "axes": axes}, required)


def attribute(*, required: bool = True) -> Any:
    """Declare a scalar or text field."""
    return _declare({"kind": "attribute"}, required)


def group(record_type: type, *, required: bool = False) -> Any:
    """Declare a field that is itself a record."""
    return _declare({"kind": "group", "type": record_type}, required)


def _declare(metadata: dict[str, Any], required: bool) -> Any:
    return field(metadata=metadata, default=MISSING if required else None)


def write_attribute(target: h5py.Group | h5py.Dataset, name: str, value: Any) -> None:
    """Write a number, a text or a list of texts as an attribute."""
    if isinstance(value, str):
        text = _encoded(value)
        target.attrs.create(name, text, dtype=h5py.string_dtype("utf-8", len(text) or 1))
    elif isinstance(value, list | tuple):
        texts = [_encoded(item) for item in value]
        longest = max(map(len, texts), default=0) or 1
        target.attrs.create(name, texts, (len(texts),), h5py.string_dtype("utf-8", longest))
    else:
        target.attrs[name] = value


def read_attribute(source: h5py.Group | h5py.Dataset, name: str) -> Any:
    """A number or a text that :func:`write_attribute`, or another program, has written.

    Raises:
        RecordError: naming the attribute that is missing.
    """
    if name not in source.attrs:
        raise RecordError(f"{source.name}/{name} is missing")
    value = source.attrs[name]
    plain = value.item() if isinstance(value, np.generic) else value
    return plain.decode("utf-8", "surrogateescape") if isinstance(plain, bytes) else plain


def _encoded(text: str) -> bytes:
    # File names that are not UTF-8 reach Python as surrogates.
    return text.encode("utf-8", "surrogateescape")


def write_record(target: h5py.Group, record: Any) -> None:
    """Write a record's fields into an empty group.

    Raises:
        RecordError: naming the array that has not the axes its field declares.
    """
    for item in fields(record):
        value, kind = getattr(record, item.name), item.metadata.get("kind")
        if value is None or kind is None:
            continue
        if kind == "attribute":
            write_attribute(target, item.name, value)
        elif kind == "group":
            write_record(target.create_group(item.name), value)
        else:
            _write_array(target, item.name, np.asarray(value), item.metadata)


def _write_array(target: h5py.Group, name: str, value: np.ndarray, metadata: Any) -> None:
    _require_axes(value.dtype, value.ndim, metadata["axes"], f"{target.name}/{name}")
    packing: dict[str, Any] = {"fletcher32": True}
    # Compression pays above a few kilobytes only.
    if value.nbytes > 4096:
        packing |= {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    stored = target.create_dataset(name, data=value, **packing)
    write_attribute(stored, "units", metadata["units"])
    write_attribute(stored, "axes", metadata["axes"])


def _require_axes(dtype: np.dtype, dimensions: int, axes: str, where: str) -> None:
    expected = axes.count(",") + 1
    if dimensions != expected:
        raise RecordError(f"{where} has {dimensions} axes, not {expected} ({axes})")
    if dtype.kind not in "biuf":
        raise RecordError(f"{where} holds {dtype}, not numbers")


def encoded(write: Callable[[h5py.File], None]) -> bytes:
    """The bytes of a file that ``write`` fills.

    HDF5 crashes when a disk is full; so it does not meet the disk.
    """
    # From 1.10 on, HDF5 keeps checksums of all that it writes around the arrays.
    options = {"driver": "core", "backing_store": False, "libver": ("v110", "v110")}
    with h5py.File("in memory", "w", **options) as file:
        write(file)
        file.flush()
        return file.id.get_file_image()


def read_record(source: h5py.Group, record_type: type[Record], **extra: Any) -> Record:
    """Read a record from a group.

    Args:
        source: the group.
        record_type: a dataclass declared with this module's fields.
        extra: values of fields that are not stored in the group (a person's id, say).

    Raises:
        RecordError: naming the group and the field that is missing or of the wrong kind.
    """
    values = dict(extra)
    for item in fields(record_type):  # type: ignore[arg-type]
        kind = item.metadata.get("kind")
        if kind is None:
            continue
        where = f"{source.name}/{item.name}"
        if item.name not in (source.attrs if kind == "attribute" else source):
            if item.default is MISSING:
                raise RecordError(f"{where} is missing")
            values[item.name] = None
        elif kind == "attribute":
            values[item.name] = _typed(read_attribute(source, item.name), item.type, where)
        elif kind == "group":
            inner = subgroup(source, item.name)
            values[item.name] = read_record(inner, item.metadata["type"])
        else:
            values[item.name] = _read_array(source, item.name, item.metadata["axes"], where)
    return record_type(**values)


def subgroup(source: h5py.Group, name: str) -> h5py.Group:
    """A group inside a group.

    Raises:
        RecordError: when it is missing or no group.
    """
    found = source.get(name)
    if not isinstance(found, h5py.Group):
        raise RecordError(
            f"{source.name}/{name} is {'missing' if found is None else 'not a group'}"
        )
    return found


def _read_array(source: h5py.Group, name: str, axes: str, where: str) -> np.ndarray:
    stored = source[name]
    if not isinstance(stored, h5py.Dataset):
        raise RecordError(f"{where} is not a dataset")
    _require_axes(stored.dtype, stored.ndim, axes, where)
    return stored[()]


def _typed(value: Any, wanted: Any, where: str) -> Any:
    """The value as its field declares it; other programs may write 30 for 30.0."""
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted in (str, int, float) and type(value) is not wanted:
        raise RecordError(f"{where} is {value!r}, not of type {wanted.__name__}")
    return value
