"""Frozen dataclasses of arrays, stored as HDF5 groups that describe themselves.

A field declared with :func:`dataset` becomes an HDF5 dataset with ``units`` and ``axes``
attributes, one declared with :func:`attribute` an attribute of its group, one declared with
:func:`group` a group inside. ``None`` is absence, both ways.
"""

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


def write_record(target: h5py.Group, record: Any) -> None:
    """Write a record's fields into an empty group."""
    for item in fields(record):
        value, kind = getattr(record, item.name), item.metadata.get("kind")
        if value is None or kind is None:
            continue
        if kind == "attribute":
            target.attrs[item.name] = value
        elif kind == "group":
            write_record(target.create_group(item.name), value)
        else:
            _write_array(target, item.name, np.asarray(value), item.metadata)


def _write_array(target: h5py.Group, name: str, value: np.ndarray, metadata: Any) -> None:
    # Chunked compression pays above a few kilobytes only.
    packing = {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    stored = target.create_dataset(name, data=value, **(packing if value.nbytes > 4096 else {}))
    stored.attrs["units"] = metadata["units"]
    stored.attrs["axes"] = metadata["axes"]


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
        where = f"{source.name.rstrip('/')}/{item.name}"
        present = item.name in (source.attrs if kind == "attribute" else source)
        if not present:
            if item.default is MISSING:
                raise RecordError(f"{where} is missing")
            values[item.name] = None
        elif kind == "attribute":
            values[item.name] = _plain(source.attrs[item.name])
        elif kind == "group":
            if not isinstance(source[item.name], h5py.Group):
                raise RecordError(f"{where} is not a group")
            values[item.name] = read_record(source[item.name], item.metadata["type"])
        else:
            if not isinstance(source[item.name], h5py.Dataset):
                raise RecordError(f"{where} is not a dataset")
            values[item.name] = source[item.name][()]
    return record_type(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    return value.decode() if isinstance(value, bytes) else value
