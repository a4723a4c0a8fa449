"""Motion of robots in other projects' files: read and written, one module a family of layouts.

``read_trajectory(path, robot)`` recognises a file by what is in it; ``write_trajectory`` writes any
of :data:`FORMATS`.
"""

from mocap.datasets.robots.formats import FORMATS, Format, read_trajectory, write_trajectory

__all__ = ["FORMATS", "Format", "read_trajectory", "write_trajectory"]
