"""Motion capture from ordinary video: per-person, metric, grounded motion.

The three faces of the package: the ``mocap`` command, :class:`Take`, and the stages in the rooms
below (``video``, ``keypoints``, ``people``, ``body``, ``fitting``, ``exporters``, ``view``).
"""

from importlib.metadata import PackageNotFoundError, version

from mocap.errors import MocapError
from mocap.take import Take

try:
    __version__ = version("mocap-toolkit")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["MocapError", "Take", "__version__"]
