"""PHALP's tracks, of joblib, as 4D-Humans writes them: several people, in the camera's axes.

Layout (Rajasegaran et al., CVPR 2022; Goel et al., ICCV 2023): by a picture's path, ``time``, and
lists over the people in it: ``tid``, ``tracked_time`` (frames since the person was last seen: what
is above 0 is a guess and left out), ``smpl`` with ``global_orient`` (1, 3, 3), ``body_pose``
(23, 3, 3) and ``betas`` (10,), ``camera`` (3,) the model's translation in metres, and ``size``, the
picture's height and width. The focal length is 5,000 pixels of a picture 256 wide, several times
any lens': people are believed too far away by as much.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.datasets.results.models import array, frame_numbers, posed
from mocap.datasets.results.recording import CAMERA_AXES, LEVEL, Recording, level_camera
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError

#: The focal length, in widths of the square around the picture.
_FOCAL = 5000.0 / 256.0


def read_phalp(path: Path, body: Body) -> Recording:
    """Read tracks of PHALP or 4D-Humans.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    if not isinstance(content, dict) or not content:
        raise KeyError("pictures by their paths")
    rows: dict[int, dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]]] = defaultdict(dict)
    height, width = 0, 0
    for picture in content:
        (time,) = frame_numbers(content, picture, "time")
        told = frame_numbers(content, picture, "tid")
        since = array(content, picture, "tracked_time")
        for i in np.flatnonzero(since == 0).tolist():
            rows[told[i]][time] = _row(content, picture, i)
            height, width = (int(n) for n in array(content, picture, "size", i))
    if not rows:
        raise MocapError("nobody is followed in it")
    people = []
    for number, by_frame in rows.items():
        frames = sorted(by_frame)
        angles, places, betas = (
            np.stack(one) for one in zip(*(by_frame[frame] for frame in frames), strict=True)
        )
        name = f"person-{number}"
        person = posed(name, np.array(frames), "SMPL", angles, places, betas, body)
        people.append(person.placed(LEVEL, np.zeros(3)))
    focal = _FOCAL * max(width, height)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    return Recording(
        "PHALP",
        "SMPL",
        CAMERA_AXES,
        tuple(people),
        level_camera(K[None]),
        size=(width, height),
    )


def _row(content: Any, picture: str, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Axis-angles (72,), translation and betas of one person in one picture."""
    root = array(content, picture, "smpl", i, "global_orient").reshape(1, 3, 3)
    rest = array(content, picture, "smpl", i, "body_pose").reshape(-1, 3, 3)
    angles = Rotation.from_matrix(np.concatenate([root, rest])).as_rotvec().ravel()
    place = array(content, picture, "camera", i).reshape(3)
    return angles, place, array(content, picture, "smpl", i, "betas").reshape(-1)
