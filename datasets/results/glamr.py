"""GLAMR's results, pickled: several people in one world, seen by a camera that moves.

Layout (Yuan et al., CVPR 2022): ``person_data`` by number with ``frames`` (N,), of which those of
``exist_frames`` are meant, ``visible`` (N,), ``smpl_orient_world`` (N, 3), ``smpl_pose`` (N, 69)
and ``smpl_beta`` (N, 10) of SMPL, ``root_trans_world`` (N, 3) the place of the pelvis itself, and
``cam_K`` (N, 3, 3), zero where nobody is seen; ``cam_pose`` (F, 4, 4) world to camera. The world
has +Z up and its floor at 0.
"""

from pathlib import Path
from typing import Any

import numpy as np

from mocap.body import Body
from mocap.datasets.results.models import array, frame_numbers, posed
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
    # Everybody's intrinsics are the camera's, where they are seen.
    lenses = [array(content, "person_data", key, "cam_K").reshape(-1, 3, 3) for key in numbers]
    K = np.concatenate([lens[lens[:, 0, 0] > 0] for lens in lenses])[:1]
    if not len(K):
        raise KeyError("cam_K of anybody who is seen")
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
    frames = frame_numbers(content, *person, "frames")
    told = content["person_data"][key]
    here, seen = (
        array(content, *person, name).astype(bool) if name in told else np.ones(len(frames), bool)
        for name in ("exist_frames", "visible")
    )
    root, pose, place = (
        array(content, *person, name)[here]
        for name in ("smpl_orient_world", "smpl_pose", "root_trans_world")
    )
    found = posed(
        f"person-{key}",
        frames[here],
        "SMPL",
        np.concatenate([root, pose], axis=1),
        place,
        array(content, *person, "smpl_beta"),
        body,
        at="pelvis",
        seen=seen[here],
    )
    return found.placed(Z_UP_TO_Y_UP, np.zeros(3))
