"""Motion of Isaac Gym's ``poselib`` (``.npy`` files of the AMP humanoid and others).

One pickled dictionary a file: ``skeleton_tree`` with names, parents and offsets, ``rotation``
(F, J, 4) quaternions ``xyzw``, ``root_translation`` (F, 3) metres, ``fps``; the world's +Z is up.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.skeletal import clip_of
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.exporters import SkeletalMotion
from mocap.geometry import local_rotations

#: How numpy's header begins to say that a pickle follows, within so many bytes.
_PICKLED, _HEAD = b"'descr': '|O'", 128


def is_poselib(path: Path) -> bool:
    """Whether an .npy is meant as such a motion: a pickle that names its skeleton."""
    try:
        with path.open("rb") as file:
            return _PICKLED in file.read(_HEAD) and b"skeleton_tree" in file.read()
    except OSError:
        return False


def read_poselib_clip(path: str | Path, *, performer: str = "") -> MotionClip:
    """Read one motion, standing and facing as clips do; see :func:`read_poselib`."""
    name = Path(path).stem
    return clip_of(read_poselib(path), name, performer or name, up="z")


def read_poselib(path: str | Path) -> SkeletalMotion:
    """Read one motion as it is, +Z up.

    Raises:
        MocapError: the file is missing, holds more than arrays, or is no such motion.
    """
    path = Path(path)
    content = read_arrays(path)
    try:
        tree = content["skeleton_tree"]
        quaternions = np.asarray(content["rotation"]["arr"], dtype=float)
        parents = tuple(int(parent) for parent in tree["parent_indices"]["arr"])
        turns = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix()
        turns = turns.reshape(len(quaternions), -1, 3, 3)
        if not content["is_local"]:
            turns = local_rotations(turns, parents)
        return SkeletalMotion(
            names=tuple(str(name) for name in tree["node_names"]),
            parents=parents,
            rest_offsets=np.asarray(tree["local_translation"]["arr"], dtype=float),
            rotations=turns,
            root_position=np.asarray(content["root_translation"]["arr"], dtype=float),
            fps=float(content["fps"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise MocapError(f"{path}: is no poselib motion: {error}") from error
