"""Being told to end by another program, which is taken as Ctrl-C is."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

#: The exit code after SIGTERM, as shells have it.
TERMINATED = 143


@dataclass
class Told:
    """Whether the program was told to end."""

    to_end: bool = False


@contextmanager
def ending_as_by_ctrl_c() -> Iterator[Told]:
    """Within the block SIGTERM does what Ctrl-C does there: nothing half-written is left.

    Without it, the process would be gone at once, and its temporary files would stay. Programs that
    embed this one and handle or ignore the signal go on doing so.
    """
    told = Told()

    def handle(number: int, frame: FrameType | None) -> None:
        told.to_end = True
        ctrl_c = signal.getsignal(signal.SIGINT)
        # Shells let what runs in the background ignore Ctrl-C.
        if callable(ctrl_c):
            ctrl_c(signal.SIGINT, frame)
        else:
            raise KeyboardInterrupt

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if ours:
        signal.signal(signal.SIGTERM, handle)
    try:
        yield told
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
