"""BVH, Biovision's motion-capture text format: a skeleton, then a line of channels a frame.

What is written here:

- Axes: right-handed, +Y up; the rest pose is SMPL-X's T-pose, facing +Z.
- Units: centimetres unless metres are asked for (BVH has no place to say which); degrees.
- Rotations: for order ZXY the channels are ``Zrotation Xrotation Yrotation`` and mean
  ``Rz @ Rx @ Ry`` of column vectors, from the rest pose, in the parent's axes. Angles go on
  past 180 degrees rather than jump.
- The root has its world position and a rotation, every other joint a rotation alone. The root's
  OFFSET is zero: programs disagree on whether its position channels replace the OFFSET or add.
- Six decimals: a rotation is off by at most 1e-8 rad, so a fingertip by well under 0.001 mm.

Source: M. Meredith and S. Maddock, "Motion Capture File Formats Explained", University of
Sheffield CS-01-11, 2001.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from mocap.errors import ExportError
from mocap.exporters.bvh_reader import UNITS, read_bvh
from mocap.exporters.decimals import LIMIT, decimal_rows
from mocap.exporters.euler import continuous_euler
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import require_sound_motion
from mocap.exporters.taken import motion_from_take
from mocap.files import write_whole
from mocap.take import Take

__all__ = ["encode_bvh", "read_bvh", "write_bvh"]

_ENDS = re.compile(r"[\s{}]+")
_ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def write_bvh(
    take: Take,
    person: str,
    path: str | Path,
    *,
    units: Literal["cm", "m"] = "cm",
    fps: float | None = None,
    rotation_order: str = "ZXY",
    names: Mapping[str, str] | None = None,
) -> Path:
    """Write one person's motion; the module says with which axes and meaning.

    Args:
        take: a take with fitted bodies.
        person: the person's id in the take.
        path: the file to write; its folder is made if need be.
        units: of lengths.
        fps: resample to this rate; the video's true one if None.
        rotation_order: one of the six orders of X, Y and Z.
        names: other names for some of SMPL-X's joints.

    Returns:
        ``path``.

    Raises:
        ExportError: the person has no motion that can be written, an option is not possible, or
            the file cannot be written (nothing is left behind then).
    """
    motion = motion_from_take(take, person, fps=fps)
    data = encode_bvh(motion, units=units, rotation_order=rotation_order, names=names)
    return write_whole(path, data, error=ExportError)


def encode_bvh(
    motion: SkeletalMotion,
    *,
    units: Literal["cm", "m"] | float = "cm",
    rotation_order: str = "ZXY",
    names: Mapping[str, str] | None = None,
) -> bytes:
    """A motion as the UTF-8 text of a BVH file; the options are those of :func:`write_bvh`.

    Units may also be how many metres one is. Joints that move against their parents
    (``motion.local_positions``) get position channels.

    Raises:
        ExportError: the motion is empty or not finite, or an option is not possible.
    """
    metres = UNITS.get(units) if isinstance(units, str) else units
    if metres is None:
        raise ExportError(f"BVH lengths can be in {' or '.join(UNITS)}, not in {units!r}")
    order = rotation_order.upper()
    if order not in _ORDERS:
        raise ExportError(
            f"rotation order {rotation_order!r} is not possible; choose one of {', '.join(_ORDERS)}"
        )
    scale = 1.0 / metres
    require_sound_motion(motion, LIMIT / scale)
    labels = _labels(motion.names, names or {})
    moved = set(np.flatnonzero(motion.moved_joints()).tolist())
    sequence = _depth_first(motion)
    header = _hierarchy(motion, labels, moved, order, scale)
    table = _channels(motion, sequence, moved, order, scale)
    # repr gives every digit: 0.0333667 read back would not be 29.97 frames per second.
    clock = f"MOTION\nFrames: {len(motion)}\nFrame Time: {1.0 / motion.fps!r}\n"
    return (header + clock).encode() + decimal_rows(table)


def _labels(names: tuple[str, ...], renamed: Mapping[str, str]) -> list[str]:
    """The joints' names in the file: unique, and without the spaces and braces that end them."""
    unknown = set(renamed) - set(names)
    if unknown:
        raise ExportError(f"the skeleton has no joint named {', '.join(sorted(unknown))} to rename")
    labels = ["_".join(filter(None, _ENDS.split(renamed.get(name, name)))) for name in names]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice or not all(labels):
        raise ExportError(
            f"several joints would be named {', '.join(twice)}; give each joint a name of its own"
            if twice
            else "a joint has an empty name; give each joint a name of its own"
        )
    return labels


def _depth_first(motion: SkeletalMotion) -> list[int]:
    """The order in which nested braces list the joints."""
    children = motion.children()
    sequence, waiting = [], [0]
    while waiting:
        joint = waiting.pop()
        sequence.append(joint)
        waiting += reversed(children[joint])
    return sequence


def _hierarchy(
    motion: SkeletalMotion, labels: list[str], moved: set[int], order: str, scale: float
) -> str:
    """The text down to MOTION."""
    children, tips = motion.children(), motion.tips()
    depths = [0] * len(labels)
    for i, parent in enumerate(motion.parents[1:], 1):
        depths[i] = depths[parent] + 1
    turns = [f"{axis}rotation" for axis in order]
    lines, opened = ["HIERARCHY"], 0
    for i in _depth_first(motion):
        depth = depths[i]
        lines += ["\t" * level + "}" for level in range(opened - 1, depth - 1, -1)]
        opened, tab = depth + 1, "\t" * depth
        offset = np.zeros(3) if i == 0 else motion.rest_offsets[i]
        channels = ["Xposition", "Yposition", "Zposition", *turns] if i in moved else turns
        lines += [
            f"{tab}{'ROOT' if i == 0 else 'JOINT'} {labels[i]}",
            f"{tab}{{",
            f"{tab}\tOFFSET {_offset(offset * scale)}",
            f"{tab}\tCHANNELS {len(channels)} {' '.join(channels)}",
        ]
        if not children[i]:
            end = f"{tab}\t\tOFFSET {_offset(tips[i] * scale)}"
            lines += [f"{tab}\tEnd Site", f"{tab}\t{{", end, f"{tab}\t}}"]
    lines += ["\t" * level + "}" for level in range(opened - 1, -1, -1)]
    return "\n".join(lines) + "\n"


def _offset(offset: np.ndarray) -> str:
    # Adding zero turns -0.0 into 0.0.
    return " ".join(f"{round(value, 6) + 0.0:.6f}" for value in offset.tolist())


def _channels(
    motion: SkeletalMotion, sequence: list[int], moved: set[int], order: str, scale: float
) -> Float[np.ndarray, "frames channels"]:
    """The motion block: positions in file units, rotations in degrees."""
    angles = np.rad2deg(continuous_euler(motion.rotations, order))
    if len(moved) == 1:
        turns = angles[:, sequence].reshape(len(motion), -1)
        return np.concatenate([motion.root_position * scale, turns], axis=1)
    columns, local = [], motion.local_positions
    for i in sequence:
        if i in moved:
            placed = motion.root_position if i == 0 or local is None else local[:, i]
            columns.append(placed * scale)
        columns.append(angles[:, i])
    return np.concatenate(columns, axis=1)
