"""Results of other systems, read into takes: one module a system.

Each module says how its system's files are laid out, and in which axes and units. What all of them
make is a :class:`Recording`, in our world; :func:`take_of` makes a take of that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mocap.body import Body
from mocap.datasets.recognising import kind_of
from mocap.datasets.results.aistpp import read_aistpp
from mocap.datasets.results.amass import read_amass
from mocap.datasets.results.bvh import read_bvh_motion
from mocap.datasets.results.glamr import read_glamr
from mocap.datasets.results.gvhmr import read_gvhmr
from mocap.datasets.results.phalp import read_phalp
from mocap.datasets.results.prompthmr import read_prompthmr
from mocap.datasets.results.recording import Footage, Performance, Recording
from mocap.datasets.results.romp import read_romp
from mocap.datasets.results.sam3dbody import read_sam3dbody
from mocap.datasets.results.takes import STAGE, USUAL_FPS, take_of
from mocap.datasets.results.wham import read_wham
from mocap.errors import MocapError
from mocap.progress import Progress, silent

__all__ = [
    "CAMERALESS",
    "STAGE",
    "SYSTEMS",
    "Footage",
    "Performance",
    "Recording",
    "read_result",
    "take_of",
]


#: Characters of what numpy says that are passed on.
_MOST_TOLD = 160


@dataclass(frozen=True)
class _Asked:
    """What a reader may need to know beside the file."""

    path: Path
    body: Body
    footage: Footage | None
    fps: float | None
    units: float | None
    progress: Progress

    @property
    def size(self) -> tuple[int, int] | None:
        return None if self.footage is None else self.footage.size


_READERS: dict[str, Callable[[_Asked], Recording]] = {
    "gvhmr": lambda asked: read_gvhmr(asked.path, asked.body),
    "wham": lambda asked: read_wham(asked.path, asked.body, asked.size),
    "phalp": lambda asked: read_phalp(asked.path, asked.body),
    "prompthmr": lambda asked: read_prompthmr(asked.path, asked.body),
    "romp": lambda asked: read_romp(asked.path, asked.body, asked.progress),
    "glamr": lambda asked: read_glamr(asked.path, asked.body),
    "sam3dbody": lambda asked: read_sam3dbody(
        asked.path, asked.body, asked.fps or USUAL_FPS, asked.progress
    ),
    "amass": lambda asked: read_amass(asked.path, asked.body),
    "aistpp": lambda asked: read_aistpp(asked.path, asked.body),
    "bvh": lambda asked: read_bvh_motion(
        asked.path,
        asked.body,
        units=asked.units,
        footage=asked.footage,
        progress=asked.progress,
    ),
}
#: Systems whose files can be read.
SYSTEMS = tuple(_READERS)
#: Those whose files tell no camera: there is nothing to draw over a video.
CAMERALESS = ("amass", "aistpp", "bvh")


def read_result(
    path: str | Path,
    system: str,
    body: Body,
    *,
    footage: Footage | None = None,
    fps: float | None = None,
    units: float | None = None,
    progress: Progress = silent,
) -> Recording:
    """Read a file of another system.

    Args:
        path: the file.
        system: one of :data:`SYSTEMS`.
        body: the model that is to carry the motion.
        footage: the video it was made from, for systems that leave the pictures' size out.
        fps: of the pictures, for systems that leave it out.
        units: metres in one of a BVH file's; if None, what makes its legs an adult's.
        progress: called as ``progress("following", frames done, frames)`` where the body follows
            another skeleton, which takes longest.

    Raises:
        MocapError: the file is missing, damaged, no result of that system, or holds more than
            arrays.
    """
    path = Path(path)
    if path.is_dir():
        raise MocapError(f"{path}: is a folder; give the file in it that {system} wrote")
    if not path.is_file():
        raise MocapError(f"{path}: no such file")
    started = time.perf_counter()
    try:
        found = _READERS[system](_Asked(path, body, footage, fps, units, progress))
        return replace(found, seconds=time.perf_counter() - started)
    # What numpy, SciPy and PyTorch fail with when numbers and shapes are not what they should be.
    except (
        *(MocapError, KeyError, ValueError, IndexError, TypeError),
        *(ArithmeticError, MemoryError, RuntimeError),
    ) as error:
        fault = _fault(path, system, error)
        if isinstance(error, MocapError) and fault == str(error):
            raise
        raise MocapError(fault) from error


def _fault(path: Path, system: str, error: Exception) -> str:
    """Why a file cannot be read, in one line."""
    kind = kind_of(path)
    if kind is not None and kind.system != system:
        remedy = f"give --from {kind.system}" if kind.system else kind.remedy
        return f"{path}: is {kind.words}; {remedy}"
    if isinstance(error, MocapError):
        return str(error) if str(path) in str(error) else f"{path}: {error}"
    if isinstance(error, KeyError):
        return f"{path}: is no result of {system}: it lacks {error.args[0]}"
    why = " ".join(str(error).split())[:_MOST_TOLD] or "too large"
    return f"{path}: is no result of {system}: {why}"
