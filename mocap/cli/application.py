"""The ``mocap`` program: its commands, and what becomes of errors.

Command modules import the stages inside their functions, so that ``mocap --help`` is quick.
"""

import atexit
import contextlib
import errno
import io
import logging
import os
import sys
from typing import Annotated

import typer

from mocap.cli import (
    avatar,
    benchmark,
    body,
    dataset,
    demo,
    doctor,
    evaluation,
    export,
    extract,
    fit,
    importing,
    info,
    masks,
    retargeting,
    robot,
    train,
)
from mocap.cli.console import STOPPED, complain, conclude_stopped, say
from mocap.cli.options import examples
from mocap.cli.stopping import TERMINATED, ending_as_by_ctrl_c
from mocap.errors import MocapError

app = typer.Typer(
    help="Motion capture from ordinary video: a clip in, animation files out.",
    epilog=examples(
        "mocap demo", "mocap extract clip.mp4 --height 1.75", "mocap info clip-mocap/take.h5"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
extract.add_to(app)
demo.add_to(app)
info.add_to(app)
export.add_to(app)
importing.add_to(app)
retargeting.add_to(app)
robot.add_to(app)
fit.add_to(app)
masks.add_to(app)
avatar.add_to(app)
body.add_to(app)
dataset.add_to(app)
train.add_to(app)
evaluation.add_to(app)
benchmark.add_to(app)
doctor.add_to(app)

#: What the machine, not this program, refuses: one line tells it all.
_REFUSED_BY_MACHINE = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
}


def _show_version(asked: bool) -> None:
    if asked:
        from mocap import __version__

        say(f"mocap {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Motion capture from ordinary video: a clip in, animation files out."""


def _hush() -> None:
    """Silence native libraries that complain, as the process ends, of what Ctrl-C left undone."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit code; see :func:`mocap.cli.main`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # File names may hold bytes that no encoding can show.
            stream.reconfigure(errors="backslashreplace")
    with ending_as_by_ctrl_c() as told:
        code = _run(arguments)
    return TERMINATED if told.to_end and code == STOPPED else code


def _run(arguments: list[str] | None) -> int:
    logging.captureWarnings(True)
    try:
        app(args=arguments, prog_name="mocap")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code == STOPPED:
            conclude_stopped()
            atexit.register(_hush)
        return code
    except MocapError as error:
        complain(str(error))
        return 1
    except OSError as error:
        if error.errno not in _REFUSED_BY_MACHINE:
            raise
        complain(f"{error.filename or 'writing failed'}: {error.strerror}")
        return 1
    finally:
        logging.captureWarnings(False)
    return 0
