"""Items made on a Ray cluster: each is a task, and the driver writes what they return.

So the nodes need not share the store's folder. They need this package, and whatever ``make`` reads
under the same path. A task takes one CPU; a node that is lost has its tasks repeated elsewhere.
"""

import logging
import socket
from collections.abc import Generator, Sequence
from typing import Any

from mocap.datasets.jobs.attempt import Attempt, Item, Make, attempt
from mocap.errors import MocapError
from mocap.processes import ONE_THREAD

#: Tasks handed to the cluster for each of its CPUs, so that none waits for the driver.
_AHEAD = 2
#: How often Ray repeats a task whose node or process was lost.
_RETRIES = 2
_SECONDS_TO_ANSWER = 10.0


def on_cluster(
    make: Make, items: Sequence[Item], address: str, workers: int | None = None
) -> Generator[Attempt, None, None]:
    """Make items on a cluster; closing the generator cancels what is under way.

    Args:
        make: a picklable function; sent once.
        items: picklable.
        address: of the cluster: ``HOST:PORT``, ``ray://HOST:PORT``, ``auto`` for the one that
            this machine belongs to, ``local`` for one of this process's own.
        workers: how many items at most at once; as many as the cluster can if None.

    Yields:
        What came of the items, in the order in which they are done.

    Raises:
        MocapError: Ray is not installed, or no cluster answers.
    """
    ray = _ray()
    was_connected = ray.is_initialized()
    if not was_connected:
        _connect(ray, address, workers)
    under_way: dict[Any, Item] = {}
    try:
        made = ray.put(make)
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(attempt)
        waiting = list(reversed(items))
        while waiting or under_way:
            most = workers or _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while waiting and len(under_way) < most:
                item = waiting.pop()
                under_way[task.remote(made, item)] = item
            done, _ = ray.wait(list(under_way))
            for reference in done:
                yield _outcome(ray, reference, under_way.pop(reference))
    finally:
        for reference in under_way:
            ray.cancel(reference, force=True)
        if not was_connected:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MocapError(
            "--ray needs Ray, which is not installed: pip install 'mocap-toolkit[train]'"
        ) from error
    return ray


def _connect(ray: Any, address: str, workers: int | None) -> None:
    _knock(address)
    options: dict[str, Any] = {"runtime_env": {"env_vars": ONE_THREAD}}
    if address == "local":
        options |= {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise _no_cluster(address, error) from error


def _knock(address: str) -> None:
    """Refuse at once an address where nobody listens, which Ray would try for many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: Exception) -> MocapError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return MocapError(
        f"--ray {address}: no Ray cluster answers there ({reason}); start one with "
        "`ray start --head`, or leave --ray out"
    )


def _outcome(ray: Any, reference: Any, item: Item) -> Attempt:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        # The last line of a remote traceback says what it is about.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return Attempt(item.key, reason=f"Ray lost it: {lines[-1].strip()}", trace=str(error))
