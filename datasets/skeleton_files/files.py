"""Skeletons read from and written to ``.pkl`` and ``.json``.

The JSON is ``{"format": "mocap-skeleton", "version": 1, "skeleton": {...}, "arrays": [...],
"nan": [...]}``: what a program wants is under ``skeleton``, as lists; the rest makes the same
pickle of it again. Any other JSON of a dictionary with joints is read too, null among them as NaN.

Pickles are read without running what they say. They are written with protocol 3, which every
Python 3 reads, of dictionaries, lists, numbers and arrays, by the names that all versions of numpy
know.
"""

import json
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from mocap.datasets.skeleton_files.content import joints_of
from mocap.datasets.skeleton_files.plain import Plain, from_plain, to_plain
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.files import read_json, write_whole

_FORMAT, _VERSION = "mocap-skeleton", 1
_PICKLES, _DOCUMENTS = (".pkl", ".pickle"), (".json",)
_PROTOCOL = 3


def read_skeleton(path: str | Path) -> dict[str, Any]:
    """The dictionary that a skeleton's file holds; an array alone is taken for its joints.

    Raises:
        MocapError: the file is missing, damaged, not of these kinds, or holds no skeleton, or more
            than plain things and arrays.
    """
    path = Path(path)
    content = read_arrays(path) if _kind(path) == "pickle" else _read_document(path)
    if isinstance(content, np.ndarray):
        content = {"joints": content}
    try:
        key, joints = joints_of(content)
    except MocapError as error:
        raise MocapError(f"{path}: {error}") from error
    # Lists of another's JSON hold None for NaN.
    has_gaps = isinstance(content[key], list) and not np.isfinite(joints).all()
    return {**content, key: joints} if has_gaps else dict(content)


def write_skeleton(path: str | Path, content: dict[str, Any]) -> Path:
    """Write a skeleton's dictionary, wholly or not at all; the suffix says in which form.

    Raises:
        MocapError: the suffix is another, the dictionary is no skeleton or holds what no JSON can,
            or the file cannot be written.
    """
    path = Path(path)
    kind = _kind(path)
    try:
        joints_of(content)
        # A pickle that no JSON could hold is none of ours either.
        plain = to_plain(content)
    except MocapError as error:
        raise MocapError(f"{path}: is not written, for the skeleton's {error}") from error
    except RecursionError as error:
        raise MocapError(
            f"{path}: is not written, for the skeleton is nested too deeply"
        ) from error
    remedy = "free some space or choose another place"
    if kind == "json":
        return write_whole(path, _document(plain), remedy=remedy)
    # Through plain things and back: no class of the reader's is left in it.
    return write_whole(path, _pickled(from_plain(plain)), remedy=remedy)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _PICKLES + _DOCUMENTS:
        raise MocapError(f"{path}: is no .pkl and no .json; name it as what it is")
    return "pickle" if suffix in _PICKLES else "json"


def _document(plain: Plain) -> str:
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "skeleton": plain.content,
        "arrays": plain.arrays,
        "nan": plain.nan,
    }
    return json.dumps(content, allow_nan=False) + "\n"


def _read_document(path: Path) -> Any:
    document = read_json(path)
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        return document
    if document.get("version") != _VERSION:
        raise MocapError(
            f"{path}: is of version {document.get('version')}, this program reads {_VERSION}; "
            "update it"
        )
    content, arrays, nan = (document.get(key) for key in ("skeleton", "arrays", "nan"))
    if not (isinstance(content, dict) and isinstance(arrays, list) and isinstance(nan, list)):
        raise MocapError(f"{path}: lacks skeleton, arrays or nan; make it again")
    try:
        return from_plain(Plain(content, arrays, nan))
    except MocapError as error:
        raise MocapError(f"{path}: {error}") from error


def _pickled(content: dict[str, Any]) -> bytes:
    """A pickle that names numpy's functions as all of its versions do."""
    data = pickle.dumps(content, protocol=_PROTOCOL)
    new, old = b"cnumpy._core.", b"cnumpy.core."
    pieces, done = [], 0
    for code, argument, place in pickletools.genops(data):
        if code.name == "GLOBAL" and str(argument).startswith("numpy._core."):
            assert place is not None
            pieces += [data[done:place], old]
            done = place + len(new)
    return b"".join([*pieces, data[done:]])
