"""Containers, numbers, text and arrays as what JSON can hold, and back to the last bit.

Arrays become lists, and are noted beside them with place, dtype and shape. NaN becomes null, and
so does None; in which of the fields null is NaN is noted too.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mocap.errors import MocapError

#: Truth, whole and broken numbers, text.
_KINDS = "biufU"
_WIDEST = 8


@dataclass
class Plain:
    """A dictionary as JSON holds it.

    Attributes:
        content: lists, dictionaries, numbers, text, truth and None.
        arrays: where lists stand for arrays: ``at`` the keys and indices that lead there, ``dtype``
            as numpy writes it, ``shape``, and whether it is a ``scalar`` of numpy's.
        nan: fields in which, outside arrays, None stands for NaN.
    """

    content: dict[str, Any]
    arrays: list[dict[str, Any]] = field(default_factory=list)
    nan: list[str] = field(default_factory=list)


def to_plain(content: dict[str, Any]) -> Plain:
    """What JSON can hold of a dictionary: everything, or an error.

    Tuples become lists, and so do arrays of objects.

    Raises:
        MocapError: it holds infinities, keys that are no text, or other kinds of things.
    """
    plain = Plain({})
    for key, value in content.items():
        seen: set[bool] = set()
        plain.content[_text(key)] = _lowered(value, (key,), plain, seen)
        if seen == {True, False}:
            raise MocapError(f"{key} holds None beside NaN, which JSON cannot tell apart")
        if True in seen:
            plain.nan.append(key)
    return plain


def from_plain(plain: Plain) -> dict[str, Any]:
    """The dictionary again.

    Raises:
        MocapError: ``arrays`` are not those of the content.
    """
    content = {k: _with_nan(v) if k in plain.nan else v for k, v in plain.content.items()}
    for note in plain.arrays:
        try:
            *way, last = note["at"]
            place: Any = content
            for step in way:
                place = place[step]
            place[last] = _array(place[last], note)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError, MemoryError) as error:
            raise MocapError(
                f"its note of an array is not of its content ({note!r:.80})"
            ) from error
    return content


def _text(key: Any) -> str:
    if not isinstance(key, str):
        raise MocapError(f"a key in it is {key!r:.40}, not text, which JSON cannot hold")
    return key


def _lowered(value: Any, at: tuple[Any, ...], plain: Plain, seen: set[bool]) -> Any:
    """One value; ``seen`` notes NaN as True and None as False."""
    if isinstance(value, dict):
        return {_text(k): _lowered(v, (*at, k), plain, seen) for k, v in value.items()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        return _listed(value, at, plain)
    if isinstance(value, list | tuple | np.ndarray):
        return [_lowered(v, (*at, i), plain, seen) for i, v in enumerate(value)]
    if value is None or (isinstance(value, float) and np.isnan(value)):
        seen.add(value is not None)
        return None
    if isinstance(value, float) and np.isinf(value):
        raise MocapError(f"{_place(at)} holds an infinity, which JSON cannot hold")
    if not isinstance(value, str | bool | int | float):
        raise MocapError(
            f"{_place(at)} holds a {type(value).__name__}, which JSON cannot hold; keep numbers, "
            "text, lists and arrays"
        )
    return value


def _listed(value: "np.ndarray | np.generic", at: tuple[Any, ...], plain: Plain) -> Any:
    kind = value.dtype
    if kind.kind not in _KINDS or (kind.kind != "U" and kind.itemsize > _WIDEST):
        raise MocapError(f"{_place(at)} is an array of {kind}, which JSON cannot hold")
    note = {"at": list(at), "dtype": kind.str, "shape": list(value.shape)}
    plain.arrays.append(note | ({"scalar": True} if isinstance(value, np.generic) else {}))
    if kind.kind != "f":
        return value.tolist()
    if np.isinf(value).any():
        raise MocapError(f"{_place(at)} holds an infinity, which JSON cannot hold")
    boxed = np.asarray(value).astype(object)
    boxed[np.isnan(value)] = None
    return boxed.tolist()


def _array(listed: Any, note: dict[str, Any]) -> Any:
    kind = np.dtype(str(note["dtype"]))
    if kind.kind not in _KINDS:
        raise ValueError(f"arrays of {kind} are not read")
    if kind.kind == "f":
        listed = _with_nan(listed)
    made = np.array(listed, dtype=kind).reshape(note["shape"])
    return made[()] if note.get("scalar") else made


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _with_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_nan(v) for v in value]
    return float("nan") if value is None else value


def _place(at: tuple[Any, ...]) -> str:
    return "/".join(map(str, at))
