"""Motion capture from ordinary video: per-person, metric, grounded motion.

The faces of the package: the ``mocap`` command, :func:`extract`, :class:`Take`, and the stages in
the rooms below (``video``, ``keypoints``, ``people``, ``body``, ``fitting``, ``exporters``,
``view``).
"""

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.pipeline import ExtractConfig, extract
    from mocap.take import Take

try:
    __version__ = version("mocap-toolkit")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["ExtractConfig", "MocapError", "Take", "__version__", "extract"]


def __getattr__(name: str) -> Any:
    # What pulls in much is loaded when it is asked for: `mocap --help` need not wait for HDF5, nor
    # reading a take for the detector.
    if name == "Take":
        from mocap.take import Take

        return Take
    if name in ("ExtractConfig", "extract"):
        from mocap import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'mocap' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
