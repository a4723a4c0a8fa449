"""Robots by name: which file describes each, on this machine or from the network."""

import importlib
import sys
from pathlib import Path
from textwrap import shorten

from mocap.errors import RetargetError

#: What `example-robot-data` (BSD-3) brings, by the names that people use for them.
_BUNDLED = {
    "g1": "g1_description/urdf/g1_29dof_rev_1_0.urdf",
    "talos": "talos_data/robots/talos_full_v2.urdf",
    "icub": "icub_description/robots/icub.urdf",
    "romeo": "romeo_description/urdf/romeo.urdf",
    "simple_humanoid": "simple_humanoid_description/urdf/simple_humanoid.urdf",
}
#: Modules of `robot_descriptions`, which downloads what it describes.
_DESCRIBED = {
    "h1": "h1_mj_description",
    "t1": "booster_t1_mj_description",
    "atlas": "atlas_v4_description",
    "berkeley_humanoid": "berkeley_humanoid_description",
    "jvrc": "jvrc_mj_description",
    "op3": "op3_mj_description",
    "valkyrie": "valkyrie_description",
}
#: Letters of what git says, in a message of one line.
_SAID = 300
SUFFIXES = (".xml", ".mjcf", ".urdf")


def robot_file(name: str | Path) -> Path:
    """The model file of a robot.

    Args:
        name: a file, or one of the names that packages of robots know.

    Raises:
        RetargetError: it is neither, or the package that knows it is not there.
    """
    path = Path(name)
    if path.suffix.lower() in SUFFIXES:
        if path.is_file():
            return path
        raise RetargetError(f"{path}: no such robot model; --robot wants an MJCF or URDF file")
    key = str(name).lower().replace("-", "_").removeprefix("unitree_").removeprefix("booster_")
    if key in _BUNDLED:
        found = bundled_folder()
        if found is None:
            raise RetargetError(
                f"{name}: comes with example-robot-data, which is not installed; "
                "pip install 'mocap-toolkit[robots]', or give a model.xml or model.urdf"
            )
        return found / _BUNDLED[key]
    if key in _DESCRIBED:
        return _described(str(name), _DESCRIBED[key])
    known = ", ".join(sorted({*_BUNDLED, *_DESCRIBED}))
    raise RetargetError(f"{name}: no robot of that name; there are {known}, or give a model file")


def bundled_folder() -> Path | None:
    """Where `example-robot-data` keeps its robots; None where it is not installed."""
    for base in sys.path:
        # The wheel has no importable module of its own: data under a shared prefix.
        folder = Path(base) / "cmeel.prefix/share/example-robot-data/robots"
        if folder.is_dir():
            return folder
    return None


def _described(name: str, module: str) -> Path:
    try:
        # What robot_descriptions downloads with; without the program git it cannot be imported.
        from git import GitError
    except ImportError as missing:
        raise _undescribed(name, missing) from missing
    try:
        found = importlib.import_module(f"robot_descriptions.{module}")
    except ImportError as missing:
        raise _undescribed(name, missing) from missing
    except (GitError, OSError) as refused:
        raise RetargetError(
            f"{name}: could not be downloaded ({shorten(str(refused), _SAID)}); give a model.xml "
            "or model.urdf"
        ) from refused
    for attribute in ("MJCF_PATH", "URDF_PATH"):
        if path := getattr(found, attribute, None):
            return Path(path)
    raise RetargetError(f"{name}: robot_descriptions has no model file of it; give one")


def _undescribed(name: str, missing: ImportError) -> RetargetError:
    return RetargetError(
        f"{name}: is described by robot_descriptions, which is not installed or finds no git "
        f"({shorten(str(missing), _SAID)}); pip install robot_descriptions, or give a model.xml or "
        "model.urdf"
    )
