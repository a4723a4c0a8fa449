"""Skills of the DeepMimic humanoid (Peng et al., SIGGRAPH 2018): JSON, a list of numbers a frame.

A frame is its length in seconds, the root's place and rotation, then the joints' rotations:
quaternions ``wxyz`` for ball joints, an angle about z for knees and elbows. The humanoid stands
along +Y and faces +X; its sizes are those of the work's ``humanoid3d`` character.
"""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.skeletal import clip_of
from mocap.errors import MocapError
from mocap.exporters import SkeletalMotion
from mocap.files import read_json

#: Joint, parent, offset from it in metres, numbers in a frame.
_JOINTS: tuple[tuple[str, int, tuple[float, float, float], int], ...] = (
    ("root", -1, (0, 0, 0), 4),
    ("chest", 0, (0, 0.236151, 0), 4),
    ("neck", 1, (0, 0.223894, 0), 4),
    ("right_hip", 0, (0, 0, 0.084887), 4),
    ("right_knee", 3, (0, -0.421546, 0), 1),
    ("right_ankle", 4, (0, -0.40987, 0), 4),
    ("right_shoulder", 1, (-0.02405, 0.24350, 0.18311), 4),
    ("right_elbow", 6, (0, -0.274788, 0), 1),
    ("left_hip", 0, (0, 0, -0.084887), 4),
    ("left_knee", 8, (0, -0.421546, 0), 1),
    ("left_ankle", 9, (0, -0.40987, 0), 4),
    ("left_shoulder", 1, (-0.02405, 0.24350, -0.18311), 4),
    ("left_elbow", 11, (0, -0.274788, 0), 1),
    ("right_wrist", 7, (0, -0.258947, 0), 0),
    ("left_wrist", 12, (0, -0.258947, 0), 0),
)
#: Bytes in which a file names its frames.
_HEAD = 4096
_WIDTH = 4 + sum(width for *_, width in _JOINTS)


def read_deepmimic_clip(path: str | Path) -> MotionClip:
    """Read one skill, facing where clips do; see :func:`read_deepmimic`."""
    return clip_of(read_deepmimic(path), Path(path).stem, "deepmimic", up="y")


def is_deepmimic(path: Path) -> bool:
    """Whether a text is meant as such a skill: JSON that has frames early on."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return head.lstrip()[:1] == b"{" and b'"Frames"' in head


def read_deepmimic(path: str | Path) -> SkeletalMotion:
    """Read one skill as it is.

    Raises:
        MocapError: the file is missing or is not such a skill.
    """
    path = Path(path)
    content = read_json(path)
    try:
        frames = np.array(content["Frames"], dtype=float)
    except (ValueError, KeyError, TypeError) as error:
        raise MocapError(f"{path}: is no DeepMimic motion: {error}") from error
    if frames.ndim != 2 or frames.shape[1] != _WIDTH or not len(frames):
        raise MocapError(f"{path}: frames have not {_WIDTH} numbers each")
    rotations = np.tile(np.eye(3), (len(frames), len(_JOINTS), 1, 1))
    column = 4
    for i, (*_, width) in enumerate(_JOINTS):
        values = frames[:, column : column + width]
        if width == 4:
            rotations[:, i] = Rotation.from_quat(values, scalar_first=True).as_matrix()
        elif width == 1:
            rotations[:, i] = Rotation.from_rotvec(values * [0.0, 0.0, 1.0]).as_matrix()
        column += width
    # The last frame of a file has no length of its own.
    seconds = float(np.median(frames[:-1, 0])) if len(frames) > 1 else float(frames[0, 0])
    return SkeletalMotion(
        names=tuple(name for name, *_ in _JOINTS),
        parents=tuple(parent for _, parent, _, _ in _JOINTS),
        rest_offsets=np.array([offset for _, _, offset, _ in _JOINTS]),
        rotations=rotations,
        root_position=frames[:, 1:4],
        fps=round(1.0 / seconds, 3) if seconds > 0 else 30.0,
    )
