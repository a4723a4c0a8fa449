"""The files of a store that tell of its items, and can be made anew from them."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from mocap.datasets.pairs.item import SUFFIX, is_key
from mocap.datasets.pairs.record import Pairs, PairsError

ITEMS, MANIFEST, FAILED = "items", "manifest.json", "failed.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What the manifest says of an item.

    Attributes:
        file: its place in the store.
        sha256: of the file.
        pairs: how many are in it.
        split: what its sequences are for; several are joined by ``+``.
    """

    file: str
    sha256: str
    pairs: int
    split: str

    @classmethod
    def of(cls, key: str, content: bytes, pairs: Pairs) -> Self:
        """The entry of an item whose file has this content."""
        split = "+".join(sorted(set(pairs.splits)))
        return cls(f"{ITEMS}/{key}{SUFFIX}", hashlib.sha256(content).hexdigest(), len(pairs), split)


def read_entries(folder: Path, *, strict: bool = False) -> dict[str, Entry]:
    """The manifest of a store, by key; nothing where there is none.

    Args:
        folder: of the store.
        strict: whether damage is an error, not a warning and what can be read beside it.

    Raises:
        PairsError: it is damaged, and ``strict``.
    """
    path = folder / MANIFEST
    told = _told_by(path, strict).get("items", {})
    return {key: Entry(**entry) for key, entry in _sound(path, told, _is_entry, strict).items()}


def read_failures(folder: Path, *, strict: bool = False) -> dict[str, dict[str, str]]:
    """Why items of a store could not be made, by key; arguments and errors as `read_entries`."""
    path = folder / FAILED
    return _sound(path, _told_by(path, strict), _is_failure, strict)


def _is_entry(told: Any) -> bool:
    kinds = {"file": str, "sha256": str, "pairs": int, "split": str}
    return (
        isinstance(told, dict)
        and told.keys() == kinds.keys()
        and all(type(told[name]) is kind for name, kind in kinds.items())
    )


def _is_failure(told: Any) -> bool:
    return isinstance(told, dict) and all(isinstance(text, str) for text in told.values())


def _told_by(path: Path, strict: bool) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        _damaged(path, f"cannot be read ({error.strerror})", strict)
        return {}
    except (ValueError, RecursionError) as error:
        _damaged(path, f"is damaged ({error})", strict)
        return {}
    if not isinstance(told, dict):
        _damaged(path, "is damaged (it holds no {} of keys)", strict)
        return {}
    return told


def _sound(
    path: Path, told: Any, is_sound: Callable[[Any], bool], strict: bool
) -> dict[str, dict[str, Any]]:
    """What is told of items, without what is no such thing."""
    if not isinstance(told, dict):
        _damaged(path, "is damaged (its items are no {} of keys)", strict)
        return {}
    sound = {key: one for key, one in told.items() if is_key(key) and is_sound(one)}
    if wrong := sorted(told.keys() - sound.keys()):
        _damaged(path, f"is damaged (in what it says of {wrong[0]!r})", strict)
    return sound


def _damaged(path: Path, fault: str, strict: bool) -> None:
    told = f"{path}: {fault}; delete it, or let the command that made the store make it anew"
    if strict:
        raise PairsError(told)
    _log.warning("%s", told)
