"""The command line: one module per command; ``main`` is what the ``mocap`` program runs."""

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: without the program's name; the process's own if None.

    Returns:
        The exit code: 0; 1 after an error; 2 after a wrong call; 3 after a report that fails,
        where `--strict` is given; 130 after Ctrl-C; 143 after SIGTERM.
    """
    try:
        # Here, so that Ctrl-C ends the start as quietly as it ends all that follows.
        from mocap.cli.application import run

        return run(arguments)
    except KeyboardInterrupt:
        return 130
