"""Work shared by processes of this machine, each with one item in hand."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from mocap.errors import MocapError

#: Libraries that would start threads in every worker, where one worker a core is faster.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)

#: Seconds that a worker gets to end before it is killed.
_PATIENCE = 3.0
_READY = "ready"

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


@dataclass
class _Worker:
    """A process, our end of the pipe to it, and the item it has in hand."""

    process: SpawnProcess
    pipe: Connection
    item: Any = None
    is_busy: bool = False
    is_ready: bool = False


@dataclass(frozen=True)
class Death:
    """A worker has died, and took an item with it.

    Attributes:
        item: the one that it had in hand.
        reason: how it ended, in a line.
    """

    item: Any
    reason: str


def cores() -> int:
    """How many processes can work at once: containers often have fewer cores than the machine."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def in_processes(
    work: Callable[[_Item], _Done], items: Sequence[_Item], workers: int
) -> Generator[_Done | Death, None, None]:
    """Do something with items in worker processes; closing the generator ends them.

    A worker that dies takes no more with it than the item it had in hand. Ctrl-C reaches this
    process alone.

    Args:
        work: a picklable function that raises nothing and returns anything but None; pickled once a
            worker.
        items: picklable; handed out one by one.
        workers: how many processes.

    Yields:
        What it returned, in the order in which items are done, or how a worker died.

    Raises:
        MocapError: a worker cannot start.
    """
    waiting = list(reversed(items))
    team: list[_Worker] = []
    try:
        for _ in range(min(workers, len(waiting))):
            team.append(_start(work))
        while team:
            for pipe in wait([worker.pipe for worker in team]):
                worker = next(one for one in team if one.pipe is pipe)
                done = _heard(worker)
                if done is not None:
                    yield done
                if worker.process.exitcode is not None:
                    team.remove(worker)
                    worker.pipe.close()
                    if waiting:
                        team.append(_start(work))
                elif waiting:
                    _hand_out(worker, waiting.pop())
                else:
                    team.remove(worker)
                    worker.pipe.close()
    finally:
        _end(team)


def _start(work: Callable[[Any], Any]) -> _Worker:
    # It lets Ctrl-C through when it is started, which the first worker would do otherwise.
    resource_tracker.ensure_running()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(theirs, work), daemon=True
    )
    with _environment(ONE_THREAD), _deaf_to_ctrl_c():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _heard(worker: _Worker) -> Any:
    """What a worker has to say: None when it is ready, what came of its item, or that it died."""
    try:
        told = worker.pipe.recv()
    except (EOFError, OSError):
        return _death_of(worker)
    if not worker.is_ready:
        worker.is_ready = True
        return None
    worker.is_busy = False
    return told


def _death_of(worker: _Worker) -> Death:
    worker.process.join(_PATIENCE)
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    code = worker.process.exitcode or 0
    how = f"with code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"by {signal.Signals(-code).name}"
    if not worker.is_busy:
        raise MocapError(f"a worker process ended {how} before it had begun; see what it has said")
    memory = "; perhaps memory ran out: try fewer --workers" if code == -9 else ""
    return Death(worker.item, f"the process that made it ended {how}{memory}")


def _hand_out(worker: _Worker, item: Any) -> None:
    worker.item, worker.is_busy = item, True
    # If the worker has just died, reading from it will tell.
    with contextlib.suppress(OSError):
        worker.pipe.send(item)


def _end(team: Sequence[_Worker]) -> None:
    for worker in team:
        worker.process.terminate()
        worker.pipe.close()
    for worker in team:
        worker.process.join(_PATIENCE)
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()


def _work(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """What a worker does: items, until there are no more or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        pipe.send(_READY)
        while True:
            pipe.send(work(pipe.recv()))


def _leave(number: int, _: object) -> None:
    """End in order, so that nothing half-written is left."""
    # Told so again, it would break off what it does to end.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Variables that a process started in this block is born with."""
    earlier = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in earlier.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in this block do not get Ctrl-C, which the terminal sends to all."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
