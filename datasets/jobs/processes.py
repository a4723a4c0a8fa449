"""Items made in processes of this machine, each with one item in hand."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from mocap.datasets.jobs.attempt import ONE_THREAD, Attempt, Item, Make, attempt
from mocap.errors import MocapError

#: Seconds that a worker gets to end before it is killed.
_PATIENCE = 3.0
_READY = "ready"


@dataclass
class _Worker:
    """A process, our end of the pipe to it, and the item it has in hand."""

    process: SpawnProcess
    pipe: Connection
    item: Item | None = None
    is_ready: bool = False


def in_processes(make: Make, items: Sequence[Item], workers: int) -> Generator[Attempt, None, None]:
    """Make items in worker processes; closing the generator ends them.

    A worker that dies takes no more with it than the item it had in hand.

    Args:
        make: a picklable function; pickled once a worker.
        items: picklable; handed out one by one.
        workers: how many processes.

    Yields:
        What came of the items, in the order in which they are done.

    Raises:
        MocapError: a worker cannot start.
    """
    waiting = list(reversed(items))
    team: list[_Worker] = []
    try:
        for _ in range(min(workers, len(waiting))):
            team.append(_start(make))
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
                        team.append(_start(make))
                elif waiting:
                    _hand_out(worker, waiting.pop())
                else:
                    team.remove(worker)
                    worker.pipe.close()
    finally:
        _end(team)


def _start(make: Make) -> _Worker:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_work, args=(theirs, make), daemon=True
    )
    with _environment(ONE_THREAD), _deaf_to_ctrl_c():
        process.start()
    theirs.close()
    return _Worker(process, ours)


def _heard(worker: _Worker) -> Attempt | None:
    """What a worker has to say: that it is ready, what came of its item, or that it died."""
    try:
        told = worker.pipe.recv()
    except (EOFError, OSError):
        return _death_of(worker)
    if not worker.is_ready:
        worker.is_ready = True
        return None
    worker.item = None
    return told


def _death_of(worker: _Worker) -> Attempt:
    worker.process.join(_PATIENCE)
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    code = worker.process.exitcode or 0
    how = f"with code {code}"
    if code < 0:
        with contextlib.suppress(ValueError):
            how = f"by {signal.Signals(-code).name}"
    if worker.item is None:
        raise MocapError(f"a worker process ended {how} before it had begun; see what it has said")
    memory = "; perhaps memory ran out: try fewer --workers" if code == -9 else ""
    return Attempt(worker.item.key, reason=f"the process that made it ended {how}{memory}")


def _hand_out(worker: _Worker, item: Item) -> None:
    worker.item = item
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


def _work(pipe: Connection, make: Make) -> None:
    """What a worker does: items, until there are no more or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        pipe.send(_READY)
        while True:
            item = pipe.recv()
            pipe.send(attempt(make, item))


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
