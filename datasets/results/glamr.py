"""GLAMR's results, pickled: several people in one world, seen by a camera that moves.

Layout (Yuan et al., CVPR 2022): ``person_data`` by number with ``frames`` (N,),
``smpl_orient_world`` (N, 3), ``smpl_pose`` (N, 69) and ``smpl_beta`` (N, 10) of SMPL,
``root_trans_world`` (N, 3) the place of the pelvis joint itself, and ``cam_K`` (N, 3, 3);
``cam_pose`` (F, 4, 4) world to camera. The world has +Z up and its floor at 0.
"""

from pathlib import Path
from typing import Any

import numpy as np

from mocap.body import Body
from mocap.datasets.results.models import array, posed
from mocap.datasets.results.recording import Performance, Recording
from mocap.datasets.unpickling import read_arrays
from mocap.geometry import Z_UP_TO_Y_UP, Camera


def read_glamr(path: Path, body: Body) -> Recording:
    """Read a result of GLAMR.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    numbers = content.get("person_data") if isinstance(content, dict) else None
    if not isinstance(numbers, dict) or not numbers:
        raise KeyError("person_data")
    people = tuple(_told(content, key, body) for key in numbers)
    pose = array(content, "cam_pose").reshape(-1, 4, 4)
    # Everybody's intrinsics are the camera's, in their own frames.
    K = array(content, "person_data", next(iter(numbers)), "cam_K").reshape(-1, 3, 3)[:1]
    camera = Camera(
        K, pose[:, :3, :3] @ Z_UP_TO_Y_UP.T, pose[:, :3, 3],
        source="given", gravity_given=True, note="of GLAMR",
    )  # fmt: skip
    width, height = (round(2 * value) for value in K[0, :2, 2])
    return Recording(
        "GLAMR",
        "SMPL",
        "+Z up, metres",
        people,
        camera,
        gravity="GLAMR's world",
        size=(width, height),
    )


def _told(content: Any, key: Any, body: Body) -> Performance:
    person = ("person_data", key)
    root = array(content, *person, "smpl_orient_world")
    angles = np.concatenate([root, array(content, *person, "smpl_pose")], axis=1)
    frames = array(content, *person, "frames").astype(int)
    found = posed(
        f"person-{key}",
        frames,
        "SMPL",
        angles,
        array(content, *person, "root_trans_world"),
        array(content, *person, "smpl_beta"),
        body,
        at_pelvis=True,
    )
    return found.placed(Z_UP_TO_Y_UP, np.zeros(3))
