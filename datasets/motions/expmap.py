"""CMU motion as exponential maps: the text files that motion prediction is measured on.

Each line has 117 numbers: the root's place and the rotation vectors of 38 joints, 120 lines a
second (Li et al., "Convolutional Sequence to Sequence Model for Human Dynamics", CVPR 2018). The
skeleton is the one of that work's forward kinematics, in CMU's unit. Its vectors turn the other
way round than ours: it multiplies rows by matrices.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions.asf import CMU_UNIT
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.skeletal import clip_of
from mocap.errors import MocapError
from mocap.exporters import SkeletalMotion

_FPS = 120.0
#: Joint, parent and offset from it in CMU's unit.
_JOINTS: tuple[tuple[str, int, tuple[float, float, float]], ...] = (
    ("Hips", -1, (0, 0, 0)),
    ("LHipJoint", 0, (0, 0, 0)),
    ("LeftHip", 1, (1.65674, -1.80282, 0.62477)),
    ("LeftKnee", 2, (2.59720, -7.13576, 0)),
    ("LeftAnkle", 3, (2.49236, -6.84770, 0)),
    ("LeftToe", 4, (0.19704, -0.54136, 2.14581)),
    ("LeftToeEnd", 5, (0, 0, 1.11249)),
    ("RHipJoint", 0, (0, 0, 0)),
    ("RightHip", 7, (-1.61070, -1.80282, 0.62476)),
    ("RightKnee", 8, (-2.59502, -7.12977, 0)),
    ("RightAnkle", 9, (-2.46780, -6.78024, 0)),
    ("RightToe", 10, (-0.23024, -0.63258, 2.13368)),
    ("RightToeEnd", 11, (0, 0, 1.11569)),
    ("lowerback", 0, (0, 0, 0)),
    ("Chest", 13, (0.01961, 2.05450, -0.14112)),
    ("Chest2", 14, (0.01021, 2.06436, -0.05921)),
    ("lowerneck", 15, (0, 0, 0)),
    ("Neck", 16, (0.00713, 1.56711, 0.14968)),
    ("Head", 17, (0.03429, 1.56041, -0.10006)),
    ("HeadEnd", 18, (0.01305, 1.62560, -0.05265)),
    ("LeftCollar", 15, (0, 0, 0)),
    ("LeftShoulder", 20, (3.54205, 0.90436, -0.17364)),
    ("LeftElbow", 21, (4.86513, 0, 0)),
    ("LeftWrist", 22, (3.35554, 0, 0)),
    ("lhand", 23, (0, 0, 0)),
    ("LFingers", 24, (0.66117, 0, 0)),
    ("LFingersEnd", 25, (0.53306, 0, 0)),
    ("LThumb", 23, (0, 0, 0)),
    ("LThumbEnd", 27, (0.54120, 0, 0.54120)),
    ("RightCollar", 15, (0, 0, 0)),
    ("RightShoulder", 29, (-3.49802, 0.75994, -0.32616)),
    ("RightElbow", 30, (-5.02649, 0, 0)),
    ("RightWrist", 31, (-3.36431, 0, 0)),
    ("rhand", 32, (0, 0, 0)),
    ("RFingers", 33, (-0.73041, 0, 0)),
    ("RFingersEnd", 34, (-0.58887, 0, 0)),
    ("RThumb", 32, (0, 0, 0)),
    ("RThumbEnd", 36, (-0.59786, 0, 0.59786)),
)


def read_expmap_clip(path: str | Path, *, every: int = 1, performer: str = "") -> MotionClip:
    """Read one file of exponential maps, plain or gzipped.

    The first line is a calibration pose and is left out.

    Args:
        path: the file.
        every: read every so many lines; 120 a second are more than most uses want.
        performer: who moves; the file's name if empty.

    Raises:
        MocapError: the file is missing or has other than 117 numbers a line.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
        lines = text.split("\n")[1::every]
        table = np.array([line.split(",") for line in lines if line.strip()], dtype=float)
    except OSError as error:
        raise MocapError(f"{path}: cannot be read ({error})") from error
    except (ValueError, EOFError, zlib.error) as error:
        raise MocapError(f"{path}: is no table of exponential maps: {error}") from error
    if table.ndim != 2 or table.shape[1] != 3 + 3 * len(_JOINTS):
        raise MocapError(f"{path}: has not {3 + 3 * len(_JOINTS)} numbers on every line")
    vectors = table[:, 3:].reshape(-1, 3)
    turns = Rotation.from_rotvec(-vectors).as_matrix().reshape(len(table), -1, 3, 3)
    motion = SkeletalMotion(
        names=tuple(name for name, _, _ in _JOINTS),
        parents=tuple(parent for _, parent, _ in _JOINTS),
        rest_offsets=np.array([offset for _, _, offset in _JOINTS]) * CMU_UNIT,
        rotations=turns,
        root_position=table[:, :3] * CMU_UNIT,
        fps=_FPS / every,
    )
    name = path.name.removesuffix(".gz").removesuffix(".txt")
    return clip_of(motion, name, performer or name, up="y")
