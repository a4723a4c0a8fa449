"""Running items into a store: what is there is kept, what fails is listed, the rest is made.

Only the process that runs the items writes, each file whole or not at all. Killed at any moment,
it loses the items in hand and no other; the same call goes on where it stopped.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mocap.datasets.jobs.attempt import Attempt, Item, Make, attempt
from mocap.datasets.jobs.cluster import on_cluster
from mocap.datasets.pairs import PairsError, PairStore
from mocap.processes import Death, in_processes
from mocap.progress import Progress, silent

#: Seconds between two writings of the manifest while items come in.
_MANIFEST_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        made: keys of the items that were made.
        kept: how many were there already.
        mended: keys of the items that were there, but damaged, and were made anew.
        failed: why the others could not be made, by key.
        pairs: how many pairs were made.
    """

    made: list[str] = field(default_factory=list)
    kept: int = 0
    mended: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    pairs: int = 0


def run_items(
    items: Sequence[Item],
    make: Make,
    store: PairStore,
    *,
    workers: int = 1,
    ray_address: str | None = None,
    progress: Progress = silent,
    stage: str = "items",
    size: Callable[[Any], int] | None = None,
) -> Outcome:
    """Make the items that a store lacks, and keep them in it.

    Args:
        items: what to make; picklable, with keys of their own.
        make: makes an item's pairs, in another process: a function that can be pickled. None, or
            pairs of no frames, is an answer as well, and is kept.
        store: where they go; nobody else may be writing there.
        workers: processes, of one thread each; 0 makes the items in this process. With Ray, the
            most items at once (0: as many as the cluster can).
        ray_address: of a Ray cluster that is to do the work; see ``cluster.py``.
        progress: told of the items that are to be made, under the name ``stage``; and, before,
            of those that are checked, under ``checking``.
        stage: what to call the work in progress.
        size: what an item counts for in progress; 1 if None.

    Returns:
        What was made, kept, and failed; a failing item stops no other.

    Raises:
        PairsError: keys are not unique or no names, the store is in use or cannot be written.
        MocapError: workers cannot start, or the cluster cannot be reached.
        KeyboardInterrupt: Ctrl-C; what was done is in the store, and no worker is left.
    """
    _refuse_doubles([store.path_of(item.key).name for item in items])
    with store.writing():
        faults = store.take_stock(progress)
        sound = set(store.entries) - set(faults)
        todo = [item for item in items if item.key not in sound]
        _warn_of(faults, {item.key for item in todo})
        outcome = Outcome(kept=len(items) - len(todo))
        store.failures = {key: why for key, why in store.failures.items() if key not in sound}
        store.write_manifest()
        weight = {item.key: size(item) if size else 1 for item in todo}
        total, done, written = sum(weight.values()), 0, time.monotonic()
        if todo:
            progress(stage, 0, total)
        with contextlib.closing(_attempts(make, todo, workers, ray_address)) as attempts:
            for one in attempts:
                _keep(one, store, outcome)
                done += weight[one.key]
                progress(stage, done, total)
                if time.monotonic() - written > _MANIFEST_SECONDS:
                    store.write_manifest()
                    written = time.monotonic()
        outcome.mended = [key for key in outcome.made if key in faults]
    return outcome


def _attempts(
    make: Make, items: Sequence[Item], workers: int, ray_address: str | None
) -> Generator[Attempt, None, None]:
    if not items:
        return
    if ray_address is not None:
        yield from on_cluster(make, items, ray_address, workers or None)
    elif workers > 0:
        with contextlib.closing(in_processes(partial(attempt, make), items, workers)) as team:
            for done in team:
                if isinstance(done, Death):
                    done = Attempt(done.item.key, reason=done.reason)
                yield done
    else:
        yield from (attempt(make, item) for item in items)


def _keep(one: Attempt, store: PairStore, outcome: Outcome) -> None:
    for name, level, text in one.said:
        logger = logging.getLogger(name)
        if logger.isEnabledFor(level):
            logger.log(level, "%s: %s", one.key, text)
    if one.content is None or one.entry is None:
        _log.warning("%s failed: %s", one.key, one.reason)
        outcome.failed[one.key] = one.reason
        told = {"reason": one.reason} | ({"trace": one.trace} if one.trace else {})
        store.failures[one.key] = told
        return
    store.put(one.key, one.content, one.entry)
    outcome.made.append(one.key)
    outcome.pairs += one.entry.pairs


def _warn_of(faults: Mapping[str, str], wanted: Collection[str]) -> None:
    for key, fault in faults.items():
        _log.warning("%s%s", fault, "; making it anew" if key in wanted else "")


def _refuse_doubles(names: Sequence[str]) -> None:
    # Some file systems take "Walk" and "walk" for one name.
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise PairsError(f"two items would be kept as {name}")
        seen.add(name.casefold())
