"""Acclaim skeletons and motion (ASF and AMC), as the CMU motion capture database has them.

Format: "Acclaim ASF/AMC", Acclaim Advanced Technologies Group, 1994, as described by J. Lander,
"Working with Motion Capture File Formats" (1998). A bone's rotation is told in axes of its own,
which the skeleton gives against the world's; bones begin where their parents end.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.skeletal import clip_of
from mocap.errors import MocapError
from mocap.exporters import SkeletalMotion

#: Metres in a CMU file's unit: inches, divided by the 0.45 that the files name as their length.
CMU_UNIT = 0.0254 / 0.45


@dataclass(frozen=True)
class _Bone:
    """A bone: its direction and length in the rest pose, its own axes, its degrees of freedom."""

    name: str
    reach: np.ndarray
    axes: np.ndarray
    freedom: tuple[str, ...]


@dataclass(frozen=True)
class _Skeleton:
    bones: dict[str, _Bone]
    parents: dict[str, str]
    root_order: tuple[str, ...]


def read_amc_clip(
    path: str | Path,
    skeleton: str | Path,
    *,
    fps: float = 120.0,
    units: float = CMU_UNIT,
    performer: str = "",
) -> MotionClip:
    """Read one AMC file.

    Args:
        path: the motion.
        skeleton: the performer's ASF file.
        fps: frames a second, which the format does not tell; CMU's own files have 120.
        units: metres in one of the skeleton's units.
        performer: who moves; the skeleton's name if empty.

    Raises:
        MocapError: a file is missing or is not of this format.
    """
    path, skeleton = Path(path), Path(skeleton)
    try:
        frame = _skeleton(skeleton.read_text(encoding="latin-1"))
        table = _frames(path.read_text(encoding="latin-1"))
    except OSError as error:
        raise MocapError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise MocapError(f"{path} with {skeleton.name}: is no ASF/AMC motion: {error}") from error
    motion = _motion(frame, table, fps, units)
    return clip_of(motion, path.stem, performer or skeleton.stem, up="y")


def _skeleton(text: str) -> _Skeleton:
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith(":"):
            key, _, rest = line[1:].partition(" ")
            sections[key] = [rest] if rest else []
        elif line:
            sections[list(sections)[-1]].append(line)
    bones: dict[str, _Bone] = {}
    entry: dict[str, list[str]] = {}
    for line in sections["bonedata"]:
        key, *words = line.split()
        if key == "begin":
            entry = {}
        elif key == "end":
            bone = _bone(entry)
            bones[bone.name] = bone
        else:
            entry[key] = words
    parents = {}
    for line in sections["hierarchy"]:
        parent, *children = line.split()
        parents.update(dict.fromkeys(children, parent))
    order = next(line.split()[1:] for line in sections["root"] if line.startswith("order"))
    return _Skeleton(bones, parents, tuple(word.lower() for word in order))


def _bone(entry: dict[str, list[str]]) -> _Bone:
    angles = [float(word) for word in entry["axis"][:3]]
    axes = Rotation.from_euler(entry["axis"][3].lower(), angles, degrees=True).as_matrix()
    reach = np.array([float(word) for word in entry["direction"]]) * float(entry["length"][0])
    return _Bone(entry["name"][0], reach, axes, tuple(w.lower() for w in entry.get("dof", [])))


def _frames(text: str) -> dict[str, np.ndarray]:
    """Values (F, d) of every bone that moves."""
    values: dict[str, list[list[float]]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and not line.startswith(("#", ":")):
            values.setdefault(words[0], []).append([float(word) for word in words[1:]])
    if "root" not in values:
        raise ValueError("there is no motion of a root")
    return {name: np.array(rows) for name, rows in values.items()}


def _turns(kinds: tuple[str, ...], values: np.ndarray) -> np.ndarray:
    """Rotations (F, 3, 3) of named angles in degrees; the first named is applied first."""
    order = "".join(kind[1] for kind in kinds)
    return Rotation.from_euler(order, values, degrees=True).as_matrix().reshape(-1, 3, 3)


def _motion(
    skeleton: _Skeleton, table: dict[str, np.ndarray], fps: float, units: float
) -> SkeletalMotion:
    frames = len(table["root"])
    names, parents = ["root"], [-1]
    offsets, tips = [np.zeros(3)], [np.full(3, np.nan)]
    places = [skeleton.root_order.index(f"t{axis}") for axis in "xyz"]
    turning = [i for i, kind in enumerate(skeleton.root_order) if kind.startswith("r")]
    kinds = tuple(skeleton.root_order[i] for i in turning)
    rotations = [_turns(kinds, table["root"][:, turning])]
    for name, bone in skeleton.bones.items():
        parent = skeleton.parents[name]
        names.append(name)
        parents.append(names.index(parent))
        above = np.zeros(3) if parent == "root" else skeleton.bones[parent].reach
        offsets.append(above * units)
        tips.append(bone.reach * units)
        local = np.tile(np.eye(3), (frames, 1, 1))
        kinds = tuple(kind for kind in bone.freedom if kind.startswith("r"))
        if kinds and name in table:
            columns = [i for i, kind in enumerate(bone.freedom) if kind.startswith("r")]
            local = bone.axes @ _turns(kinds, table[name][:, columns]) @ bone.axes.T
        rotations.append(local)
    return SkeletalMotion(
        names=tuple(names),
        parents=tuple(parents),
        rest_offsets=np.array(offsets),
        rotations=np.stack(rotations, 1),
        root_position=table["root"][:, places] * units,
        fps=fps,
        end_sites=np.array(tips),
    )
