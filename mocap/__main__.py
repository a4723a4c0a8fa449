"""``python -m mocap`` is ``mocap``."""

from mocap.cli import main

main()
