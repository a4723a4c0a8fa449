"""A conversion that is killed again and again: ``convert_killed.py ANNOTATIONS VIDEOS OUT TIMES``.

Each attempt is a process of its own, forked so that libraries need not be imported anew, which
gets SIGKILL at a random moment of a random item. Tells, a line an attempt, how many items there
were when it had died.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

from mocap.datasets.aistpp import convert


def items_in(out: Path) -> int:
    return len(list((out / "items").glob("[!.]*.h5")))


def is_running(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def attempt_and_kill(annotations: str, videos: str, out: Path, rng: random.Random) -> None:
    before = items_in(out)
    child = os.fork()
    if child == 0:
        try:
            convert(annotations, videos, out, workers=0, every=1)
        finally:
            # Whatever happens: a fork must not run what its parent has yet to run.
            os._exit(0)
    if rng.random() < 0.4:
        # While it loads, or over its first item.
        time.sleep(rng.uniform(0.0, 1.0))
    else:
        # Just when an item has been written, or over one of the next.
        while items_in(out) == before and is_running(child):
            time.sleep(0.001)
        time.sleep(rng.choice([0.0, rng.uniform(0.0, 0.3)]))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "ended", items_in(out), flush=True)


if __name__ == "__main__":
    chance = random.Random(5)
    for _ in range(int(sys.argv[4])):
        attempt_and_kill(sys.argv[1], sys.argv[2], Path(sys.argv[3]), chance)
