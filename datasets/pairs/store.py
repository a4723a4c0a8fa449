"""The store of training pairs: a folder of items, and who is in it.

::

    dataset.json    what made it: format, version, source, parameters
    items/KEY.h5    one item each (a video, a batch of rendered sequences): all that a reader needs
    manifest.json   of every item its file, sha256, pairs and split; made from the items
    failed.json     the items that could not be made, and why

Every file is renamed into place when it is whole. So a store is sound whenever its writer is
killed; what may be left behind is an item less, a temporary file, and a manifest of yesterday.
"""

import contextlib
import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from mocap.datasets.pairs.item import (
    FORMAT,
    SUFFIX,
    VERSION,
    checked_key,
    encode_item,
    is_key,
    read_item,
)
from mocap.datasets.pairs.manifest import (
    FAILED,
    ITEMS,
    MANIFEST,
    Entry,
    read_entries,
    read_failures,
)
from mocap.datasets.pairs.record import Pairs, PairsError
from mocap.files import sweep, write_whole
from mocap.folder_lock import only_writer
from mocap.progress import Progress, silent

HEAD = "dataset.json"

_SECONDS_UNTOLD = 1.0
_ADVICE = "choose another folder with --out"
_AGAIN = "copy it again, or make the store anew in another folder"

_log = logging.getLogger(__name__)


class PairStore:
    """A store on disk; made by :meth:`make` or :meth:`open`.

    Attributes:
        folder: where it is.
        source: what made it: ``aistpp``, ``synthetic``, ….
        parameters: what it was made with, as JSON has it.
        entries: the manifest, by key.
        failures: why items could not be made, by key.
    """

    def __init__(
        self, folder: Path, source: str, parameters: Mapping[str, Any], *, strict: bool = False
    ) -> None:
        self.folder = folder
        self.source = source
        self.parameters = dict(parameters)
        self.entries: dict[str, Entry] = {}
        self.failures: dict[str, dict[str, str]] = {}
        self._read_manifest(strict=strict)

    @classmethod
    def make(cls, folder: str | Path, source: str, parameters: Mapping[str, Any]) -> Self:
        """A new store, or the one that the same call has begun.

        Args:
            folder: where; it is made if need be.
            source: what makes it.
            parameters: all that its content depends on, as JSON can hold it.

        Raises:
            PairsError: there is something else, or a store made from or with something else.
        """
        if (found := cls.begun(folder, source, parameters)) is not None:
            return found
        told = dict(parameters)
        head = {"format": FORMAT, "version": VERSION, "source": source, "parameters": told}
        write_whole(Path(folder) / HEAD, _as_json(head), error=PairsError)
        return cls.open(folder)

    @classmethod
    def begun(cls, folder: str | Path, source: str, parameters: Mapping[str, Any]) -> Self | None:
        """The store that the same call of :meth:`make` has begun; None where there is room for one.

        Raises:
            PairsError: there is something else, or a store made from or with something else.
        """
        folder = Path(folder)
        if (folder / HEAD).exists():
            found = cls.open(folder)
            # As they come back from the file: JSON knows no tuples.
            _refuse_others(found, source, json.loads(json.dumps(dict(parameters))))
            return found
        if folder.exists() and not folder.is_dir():
            raise PairsError(f"{folder}: is a file; choose a folder with --out")
        if folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise PairsError(f"{folder}: holds files that are no store of pairs; {_ADVICE}")
        return None

    @classmethod
    def open(cls, folder: str | Path, *, strict: bool = False) -> Self:
        """The store in a folder.

        Args:
            folder: where it is.
            strict: whether to refuse what can be made anew from the items where it is damaged: the
                manifest and the list of failures. It is warned of otherwise.

        Raises:
            PairsError: there is none, or one of a newer version, or damaged.
        """
        folder = Path(folder)
        head = read_head(folder)
        return cls(folder, str(head["source"]), head["parameters"], strict=strict)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Self]:
        """Keep other writers out, and write the manifest in the end, however that comes.

        Raises:
            PairsError: another process is writing to the store, or it cannot be written.
        """
        with only_writer(self.folder, error=PairsError):
            (self.folder / ITEMS).mkdir(exist_ok=True)
            # Another process may have written since this one looked.
            self._read_manifest()
            for left in (*sweep(self.folder), *sweep(self.folder / ITEMS)):
                _log.info("removed %s, which a killed run had left", left)
            try:
                yield self
            finally:
                self.write_manifest()

    def _read_manifest(self, *, strict: bool = False) -> None:
        self.entries = read_entries(self.folder, strict=strict)
        self.failures = read_failures(self.folder, strict=strict)

    def path_of(self, key: str) -> Path:
        """The file of an item, whether it is there or not."""
        return self.folder / ITEMS / f"{checked_key(key)}{SUFFIX}"

    def stored_keys(self) -> list[str]:
        """The keys of the items that are there, damaged ones too, sorted."""
        return [path.name.removesuffix(SUFFIX) for path in item_files(self.folder)]

    def put(self, key: str, content: bytes, entry: Entry) -> None:
        """Keep an item that :func:`encode_item` has made.

        Raises:
            PairsError: it cannot be written.
        """
        write_whole(self.path_of(key), content, error=PairsError)
        self.entries[key] = entry
        self.failures.pop(key, None)

    def write(self, key: str, pairs: Pairs) -> None:
        """Encode an item and keep it; :meth:`writing` writes the manifest."""
        content = encode_item(pairs, key)
        self.put(key, content, Entry.of(key, content, pairs))

    def read(self, key: str) -> Pairs:
        """An item's pairs.

        Raises:
            PairsError: it is missing or damaged.
        """
        return read_item(self.path_of(key))

    def take_stock(self, progress: Progress = silent) -> dict[str, str]:
        """Compare every item with the manifest, and enter those that it does not know.

        Returns:
            What is wrong with items that are damaged, and with items that the manifest knows and
            that are gone, by key. They stay in the manifest until they are made anew: damage
            must not pass for news.
        """
        keys = self.stored_keys()
        gone = sorted(set(self.entries) - set(keys))
        faults = {key: f"{self.path_of(key)}: is missing" for key in gone}
        started, is_long = time.monotonic(), False
        for done, key in enumerate(keys):
            # A few items are checked before anybody could read that they are.
            is_long = is_long or time.monotonic() - started > _SECONDS_UNTOLD
            if is_long:
                progress("checking", done, len(keys))
            if fault := self._fault_of(key):
                faults[key] = fault
        if is_long:
            progress("checking", len(keys), len(keys))
        return faults

    def _fault_of(self, key: str) -> str | None:
        path = self.path_of(key)
        try:
            content = path.read_bytes()
        except OSError as error:
            return f"{path}: cannot be read ({error.strerror})"
        entry = self.entries.get(key)
        if entry is not None:
            is_same = hashlib.sha256(content).hexdigest() == entry.sha256
            return None if is_same else f"{path}: is not what the manifest has the sha256 of"
        try:
            self.entries[key] = Entry.of(key, content, read_item(path))
        except PairsError as error:
            return str(error)
        return None

    def write_manifest(self) -> None:
        """Bring the manifest and the list of failures up to date.

        Raises:
            PairsError: they cannot be written.
        """
        items = {key: asdict(self.entries[key]) for key in sorted(self.entries)}
        content = {"format": FORMAT, "version": VERSION, "items": items}
        write_whole(self.folder / MANIFEST, _as_json(content), error=PairsError)
        if self.failures:
            failed = dict(sorted(self.failures.items()))
            write_whole(self.folder / FAILED, _as_json(failed), error=PairsError)
        else:
            (self.folder / FAILED).unlink(missing_ok=True)


def item_files(folder: Path) -> list[Path]:
    """The items in a store's folder, sorted; temporary files are none.

    Files whose names no item can have are passed over, with a warning.
    """
    items = []
    for path in sorted((folder / ITEMS).glob(f"*{SUFFIX}")):
        if is_key(path.name.removesuffix(SUFFIX)):
            items.append(path)
        elif not path.name.startswith("."):
            _log.warning("%s: is passed over, as its name is none of an item; remove it", path)
    return items


def read_head(folder: Path) -> dict[str, Any]:
    """What made a store.

    Raises:
        PairsError: there is none in the folder, or one of a newer version.
    """
    path = folder / HEAD
    try:
        head = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise PairsError(f"{folder}: is no store of training pairs (it has no {HEAD})") from error
    except OSError as error:
        raise PairsError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise PairsError(f"{path}: is damaged ({error}); {_AGAIN}") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise PairsError(f"{path}: does not describe training pairs (its format is not {FORMAT!r})")
    version = head.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise PairsError(
            f"{path}: is a store of version {version}; this program reads up to {VERSION}. "
            "Install a newer mocap-toolkit"
        )
    if not isinstance(head.get("source"), str) or not isinstance(head.get("parameters"), dict):
        raise PairsError(f"{path}: is damaged (it lacks its source or parameters); {_AGAIN}")
    return head


def _refuse_others(found: PairStore, source: str, parameters: Mapping[str, Any]) -> None:
    if found.source != source:
        raise PairsError(f"{found.folder}: holds pairs of {found.source}, not {source}; {_ADVICE}")
    names = dict.fromkeys((*found.parameters, *parameters))
    missing = object()
    for name in names:
        was, now = (one.get(name, missing) for one in (found.parameters, parameters))
        if was != now:
            told = [f"{name} {json.dumps(v) if v is not missing else 'unset'}" for v in (was, now)]
            raise PairsError(
                f"{found.folder}: was made with {told[0]}, not {told[1]}; repeat that, or {_ADVICE}"
            )


def _as_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
