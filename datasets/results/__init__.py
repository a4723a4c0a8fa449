"""Results of other systems, read into takes: one module a system.

Each module says how its system's files are laid out, and in which axes and units. What all of them
make is a :class:`Recording`, in our world; :func:`take_of` makes a take of that.
"""

from collections.abc import Callable
from pathlib import Path

from mocap.body import Body
from mocap.datasets.results.aistpp import read_aistpp
from mocap.datasets.results.amass import read_amass
from mocap.datasets.results.bvh import read_bvh_motion
from mocap.datasets.results.glamr import read_glamr
from mocap.datasets.results.gvhmr import read_gvhmr
from mocap.datasets.results.phalp import read_phalp
from mocap.datasets.results.prompthmr import read_prompthmr
from mocap.datasets.results.recording import Performance, Recording
from mocap.datasets.results.romp import read_romp
from mocap.datasets.results.sam3dbody import read_sam3dbody
from mocap.datasets.results.takes import STAGE, Footage, take_of
from mocap.datasets.results.wham import read_wham
from mocap.errors import MocapError

__all__ = [
    "STAGE",
    "SYSTEMS",
    "Footage",
    "Performance",
    "Recording",
    "read_result",
    "take_of",
]

_USUAL_FPS = 30.0
_Size = tuple[int, int] | None
_READERS: dict[str, Callable[[Path, Body, _Size, float | None, float | None], Recording]] = {
    "gvhmr": lambda path, body, *_: read_gvhmr(path, body),
    "wham": lambda path, body, size, *_: read_wham(path, body, size),
    "phalp": lambda path, body, *_: read_phalp(path, body),
    "prompthmr": lambda path, body, size, *_: read_prompthmr(path, body, size),
    "romp": lambda path, body, *_: read_romp(path, body),
    "glamr": lambda path, body, *_: read_glamr(path, body),
    "sam3dbody": lambda path, body, _, fps, __: read_sam3dbody(path, body, fps or _USUAL_FPS),
    "amass": lambda path, body, *_: read_amass(path, body),
    "aistpp": lambda path, body, *_: read_aistpp(path, body),
    "bvh": lambda path, body, _, __, units: read_bvh_motion(path, body, units=units),
}
#: Systems whose files can be read.
SYSTEMS = tuple(_READERS)


def read_result(
    path: str | Path,
    system: str,
    body: Body,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    units: float | None = None,
) -> Recording:
    """Read a file of another system.

    Args:
        path: the file.
        system: one of :data:`SYSTEMS`.
        body: the model that is to carry the motion.
        size: width and height of the video's pictures, for systems that leave them out.
        fps: of the pictures, for systems that leave it out.
        units: metres in one of a BVH file's; if None, what makes its legs an adult's.

    Raises:
        MocapError: the file is missing, damaged, no result of that system, or holds more than
            arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise MocapError(f"{path}: no such file")
    try:
        return _READERS[system](path, body, size, fps, units)
    except KeyError as lacking:
        raise MocapError(f"{path}: is no result of {system}: it lacks {lacking.args[0]}") from None
    except (ValueError, IndexError) as error:
        raise MocapError(f"{path}: is no result of {system}: {error}") from error
    except MocapError as error:
        if str(path) in str(error):
            raise
        raise MocapError(f"{path}: {error}") from error
