"""Joints as plain tables: CSV for spreadsheets, JSON for people, TRC and C3D for biomechanics.

All hold where SMPL-X's joints are in the world: right-handed, +Y up, the ground at 0.

- **CSV**: a row a frame: ``frame`` and ``time`` (seconds) of the clip, then ``NAME_x``, ``NAME_y``
  and ``NAME_z`` in metres for each joint. Frames count at the motion's own rate.
- **JSON**: everybody in one file, which says what is in it: units, axes, names, parents, rest
  pose; for each person the frames, times, joints, and local rotations as quaternions w, x, y, z
  from the rest pose.
- **TRC**, the marker format of OpenSim and of Motion Analysis: millimetres, +Y up as OpenSim wants.
- **C3D** (c3d.org, "The C3D file format user guide"): millimetres; ``POINT:X_SCREEN`` and
  ``POINT:Y_SCREEN`` say that +Y is up.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.decimals import decimal_rows
from mocap.exporters.performer import Performer, require_sound
from mocap.exporters.quaternions import continuous_quaternions

__all__ = ["encode_c3d", "encode_csv", "encode_json", "encode_trc"]

_MILLIMETRES = 1000.0
_FORMAT, _VERSION = "mocap-motion", 1


def encode_csv(performer: Performer) -> bytes:
    """One person's joints as the text of a CSV file."""
    require_sound([performer])
    motion = performer.motion
    names = [f"{name}_{axis}" for name in motion.names for axis in "xyz"]
    joints = motion.joints().reshape(len(motion), -1)
    header = ",".join(["frame", "time", *names]) + "\n"
    number = np.arange(len(motion)) + round((performer.cut + performer.start) * motion.fps)
    rows = np.column_stack([performer.cut + _times(performer), joints])
    lines = decimal_rows(rows).decode().splitlines()
    text = (f"{n},{line.replace(' ', ',')}\n" for n, line in zip(number, lines, strict=True))
    return (header + "".join(text)).encode()


def encode_json(performers: Sequence[Performer], *, indent: int | None = None) -> bytes:
    """People's joints and rotations as the text of a JSON file that describes itself."""
    require_sound(performers)
    content: dict[str, Any] = {
        "format": _FORMAT,
        "version": _VERSION,
        "units": {"length": "m", "time": "s", "rotation": "unit quaternion"},
        "axes": {"handedness": "right", "up": "+Y", "ground": "y = 0", "quaternion": "w x y z"},
        "layout": {
            "rest": "[joint][x y z], from the parent in the rest pose, which faces +Z",
            "times": "[frame]",
            "joints": "[frame][joint][x y z], in the world",
            "rotations": "[frame][joint][w x y z], the joint's axes to its parent's, from the "
            "rest pose, in which all axes are the world's",
        },
        "people": [_person(performer) for performer in performers],
    }
    return (json.dumps(content, indent=indent, allow_nan=False) + "\n").encode()


def _person(performer: Performer) -> dict[str, Any]:
    motion = performer.motion
    turns = np.roll(continuous_quaternions(motion.rotations), 1, axis=-1)
    return {
        "name": performer.name,
        "fps": motion.fps,
        "names": list(motion.names),
        "parents": list(motion.parents),
        "rest": np.round(motion.rest_offsets, 6).tolist(),
        "times": np.round(_times(performer), 6).tolist(),
        "joints": np.round(motion.joints(), 6).tolist(),
        "rotations": np.round(turns.astype(float), 7).tolist(),
    }


def encode_trc(performer: Performer, name: str) -> bytes:
    """One person's joints as the text of a TRC file, whose first line repeats its name."""
    require_sound([performer])
    motion = performer.motion
    count, rate = len(motion), motion.fps
    joints = motion.joints().reshape(count, -1) * _MILLIMETRES
    labels = "".join(f"\t{joint}\t\t" for joint in motion.names)
    axes = "".join(f"\tX{i}\tY{i}\tZ{i}" for i in range(1, len(motion.names) + 1))
    settings = (rate, rate, count, len(motion.names), "mm", rate, 1, count)
    header = (
        f"PathFileType\t4\t(X/Y/Z)\t{name}\n"
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t"
        "OrigNumFrames\n"
        + "\t".join(str(value) for value in settings)
        + f"\nFrame#\tTime{labels}\n\t{axes}\n\n"
    )
    rows = decimal_rows(np.column_stack([_times(performer), joints])).decode().splitlines()
    lines = (f"{i}\t{row.replace(' ', chr(9))}\n" for i, row in enumerate(rows, 1))
    return (header + "".join(lines)).encode()


def encode_c3d(performer: Performer) -> bytes:
    """One person's joints as the bytes of a C3D file.

    Raises:
        ExportError: ``ezc3d`` is not installed, or the motion cannot be written.
    """
    require_sound([performer])
    try:
        import ezc3d
    except ImportError as missing:
        raise ExportError(
            "writing C3D needs ezc3d; `pip install 'mocap-toolkit[c3d]'` installs it"
        ) from missing
    motion = performer.motion
    points = np.ones((4, len(motion.names), len(motion)))
    points[:3] = motion.joints().transpose(2, 1, 0) * _MILLIMETRES
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [motion.fps]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(motion.names)
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file.add_parameter("POINT", "X_SCREEN", ["+X"])
    file.add_parameter("POINT", "Y_SCREEN", ["+Y"])
    file["data"]["points"] = points
    with TemporaryDirectory() as folder:
        path = Path(folder) / "motion.c3d"
        file.write(str(path))
        return path.read_bytes()


def _times(performer: Performer) -> np.ndarray:
    """(F,) seconds."""
    return performer.start + np.arange(len(performer.motion)) / performer.motion.fps
