"""Where the program speaks: results on stdout; notes, progress and errors on stderr.

Nothing here wraps or decorates text that goes to a file or a pipe.
"""

import io
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console, RenderableType
from rich.text import Text

#: The exit code after Ctrl-C, as shells have it.
STOPPED = 130

_RESULTS = Console(highlight=False, markup=False, soft_wrap=True)
_ERRORS = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
#: For notes and progress; ``--quiet`` silences it.
NOTES = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

#: Whether the command has said how it ended.
_concluded = False

_STYLES = {logging.DEBUG: "dim", logging.INFO: "", logging.WARNING: "yellow", logging.ERROR: "red"}
# Wide enough that no table of ours is folded where there is no terminal to fit into.
_FILE_WIDTH = 240


def say(text: str, style: str = "") -> None:
    """A line of results."""
    _RESULTS.print(Text(text, style))


def show(table: RenderableType) -> None:
    """A table of results."""
    if _RESULTS.is_terminal:
        _RESULTS.print(table, soft_wrap=False)
        return
    wide = Console(file=io.StringIO(), width=_FILE_WIDTH, highlight=False, markup=False)
    with wide.capture() as captured:
        wide.print(table)
    for line in captured.get().splitlines():
        say(line.rstrip())


def note(text: str, style: str = "dim") -> None:
    """A line about what is going on."""
    NOTES.print(Text(text, style))


def warn(text: str) -> None:
    """A line about what may be wrong."""
    NOTES.print(Text.assemble(("warning: ", "bold yellow"), text))


def waiting(text: str) -> AbstractContextManager[object]:
    """A sign of life on a terminal, for as long as the block runs."""
    return NOTES.status(text) if NOTES.is_terminal and not NOTES.quiet else nullcontext()


@contextmanager
def starting() -> Iterator[None]:
    """A sign of life while libraries are loaded; Ctrl-C waits until they are.

    Libraries that are interrupted while they load themselves swallow it, or end in whatever error
    comes of half of them. Who presses again is let go at once: nothing has begun.
    """
    pressed = False

    def note_it(*_: object) -> None:
        nonlocal pressed
        if pressed:
            NOTES.show_cursor()
            os._exit(STOPPED)
        pressed = True

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, note_it)
    try:
        with waiting("starting"):
            yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if pressed:
            # Whatever else went wrong meanwhile.
            raise KeyboardInterrupt


def conclude(text: str) -> None:
    """A line that even ``--quiet`` does not silence, about an end that is no error."""
    global _concluded
    _concluded = True
    _ERRORS.print(Text(text))


def conclude_stopped() -> None:
    """Say that Ctrl-C was heard, where the command has not said what became of its work."""
    if not _concluded:
        conclude("stopped; nothing half-written is left")


def complain(text: str) -> None:
    """A line about what went wrong."""
    _ERRORS.print(Text.assemble(("error: ", "bold red"), text))


def configure(*, verbose: bool = False, quiet: bool = False) -> None:
    """Choose how much is said: by default notes and warnings."""
    NOTES.quiet = quiet
    if not verbose:
        # Read when OpenCV is first imported, which is later; its errors come to us all the same.
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    package = logging.getLogger("mocap")
    package.setLevel(logging.DEBUG if verbose else logging.WARNING)
    # Python's own warnings speak to programmers; without a handler they would still be printed.
    python = logging.getLogger("py.warnings")
    python.setLevel(logging.DEBUG if verbose else logging.CRITICAL)
    for logger in (package, python):
        for old in [one for one in logger.handlers if isinstance(one, _Notes)]:
            logger.removeHandler(old)
        logger.addHandler(_Notes())


class _Notes(logging.Handler):
    """Prints records above the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        style = _STYLES.get(record.levelno, "")
        level = record.levelname.lower()
        NOTES.print(Text.assemble((f"{level}: ", style), Text(self.format(record), "dim")))
