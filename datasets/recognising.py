"""What a file holds, by what is in it: for whoever gave it to the wrong command or reader."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from mocap.datasets.robots import FORMATS
from mocap.datasets.robots.content import Content, content_of
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError

_HDF5, _TEXT = b"\x89HDF", 1 << 12
#: Systems whose results hold these at the top.
_AT_TOP: dict[str, set[str]] = {
    "glamr": {"person_data"},
    "prompthmr": {"people", "camera_world"},
    "aistpp": {"smpl_poses", "smpl_trans"},
    "sam3dbody": {"pred_keypoints_3d", "pred_cam_t"},
    "amass": {"poses", "trans"},
}
#: Systems whose results hold these of every person or picture, by their numbers or names.
_INSIDE: dict[str, set[str]] = {
    "wham": {"pose_world", "trans_world"},
    "phalp": {"tracked_time", "smpl"},
}
_NAMES = {
    "gvhmr": "a result of GVHMR",
    "wham": "a result of WHAM",
    "phalp": "tracks of PHALP or 4D-Humans",
    "prompthmr": "a result of PromptHMR",
    "romp": "a result of ROMP or BEV",
    "glamr": "a result of GLAMR",
    "sam3dbody": "an output of SAM 3D Body",
    "amass": "a motion of AMASS",
    "aistpp": "a motion of AIST++",
    "bvh": "a BVH file",
}
_ROBOTS = {"mocap": "a robot's trajectory", "mujoco": "a robot's states"}


@dataclass(frozen=True)
class Kind:
    """What a file looks like.

    Attributes:
        system: whose result it is, by the name that `mocap import --from` takes; empty for others.
        words: what it is, with its article.
        remedy: what takes such files.
    """

    system: str
    words: str
    remedy: str


def kind_of(path: Path) -> Kind | None:
    """What a file looks like, whatever it is called; None where nothing tells."""
    try:
        with path.open("rb") as file:
            head = file.read(_TEXT)
    except OSError:
        return None
    if head.startswith(_HDF5):
        return Kind("", "a take", "`mocap info` tells what is in it")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].upper() == b"HIERARCHY":
        return _imported("bvh")
    if _is_tensors(path):
        return _imported("gvhmr")
    if content := _content(path):
        for form in FORMATS.values():
            if form.recognises(content):
                words = _ROBOTS.get(form.name, f"a robot's motion as {form.name} has it")
                remedy = "`mocap robot convert` and `mocap robot play` take it"
                return Kind("", words, remedy)
        return _of_people(content.arrays)
    return None


def _imported(system: str) -> Kind:
    return Kind(system, _NAMES[system], f"`mocap import --from {system}` makes a take of it")


def _is_tensors(path: Path) -> bool:
    """Whether a file is GVHMR's: what PyTorch saves names things in a pickle within an archive."""
    try:
        with ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            return any(b"smpl_params_global" in archive.read(name) for name in names)
    except (OSError, ValueError, BadZipFile, RuntimeError, NotImplementedError):
        return False


def _content(path: Path) -> Content | None:
    """What is in an archive, a pickle, or a table; None where it cannot be read."""
    try:
        if path.suffix.lower() in (".csv", ".txt"):
            return content_of(path)
        found = read_arrays(path)
    except MocapError:
        return None
    if isinstance(found, np.ndarray) and found.dtype.hasobject:
        found = found.tolist()
    while isinstance(found, list) and found:
        # SAM 3D Body's people of a picture, and its pictures of a video.
        found = found[0]
    if not isinstance(found, dict):
        return None
    return Content(path, {str(name): value for name, value in found.items()})


def _of_people(content: Mapping[str, Any]) -> Kind | None:
    told = set(content)
    for system, needed in _AT_TOP.items():
        if needed <= told:
            return _imported(system)
    first = next(iter(content.values()), None)
    inside = {str(name) for name in first} if isinstance(first, dict) else set()
    if told == {"results"} and "smpl_thetas" in inside | _names_within(first):
        return _imported("romp")
    for system, needed in _INSIDE.items():
        if needed <= inside:
            return _imported(system)
    return None


def _names_within(results: Any) -> set[str]:
    """What ROMP tells of a video's first picture."""
    picture = next(iter(results.values()), None) if isinstance(results, dict) else None
    return {str(name) for name in picture} if isinstance(picture, dict) else set()
