"""WHAM's ``wham_output.pkl``, of joblib: several people, seen by a camera that may move.

Layout (Shin et al., CVPR 2024): by a person's number, ``pose`` (N, 72) and ``trans`` (N, 3) in the
camera's axes (x right, y down, z away); ``pose_world`` and ``trans_world`` in a world whose +Y is
up, the latter where the hips' middle is, not the model's translation; ``betas`` (N, 10) of SMPL,
``frame_ids`` (N,). Everybody's world is their own; here it is that of who is seen longest, and the
others stand where its camera sees them. The focal length is the picture's diagonal, unless WHAM was
given another.
"""

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mocap.body import Body
from mocap.datasets.results.models import array, frame_numbers, posed
from mocap.datasets.results.recording import Performance, Recording, camera_between
from mocap.datasets.unpickling import read_arrays
from mocap.geometry import Camera

#: What pictures are taken to measure where nobody says: the intrinsics follow from it.
_SIZE = (1920, 1080)


def read_wham(path: Path, body: Body, size: tuple[int, int] | None) -> Recording:
    """Read a result of WHAM.

    Args:
        path: the file.
        body: ours.
        size: of the video's pictures, if it is at hand: the file does not tell.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    if not isinstance(content, dict) or not content:
        raise KeyError("people by their numbers")
    seen = [_told(content, key, "pose", "trans", body, "origin") for key in content]
    longest = int(np.argmax([len(one.frames) for one in seen]))
    world = _told(content, list(content)[longest], "pose_world", "trans_world", body, "hips")
    count = 1 + max(int(one.frames[-1]) for one in seen)
    R, t = camera_between(world, seen[longest], count)
    people = [_from_camera(one, R, t) for one in seen]
    people[longest] = world
    width, height = size or _SIZE
    focal = math.hypot(width, height)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    camera = Camera(K[None], R, t, source="given", gravity_given=True, note="of WHAM")
    return Recording(
        "WHAM",
        "SMPL",
        "+Y up, metres",
        tuple(people),
        camera,
        gravity="WHAM's world",
        size=size,
    )


def _told(
    content: Any, key: Any, pose: str, place: str, body: Body, at: Literal["origin", "hips"]
) -> Performance:
    return posed(
        f"person-{key}",
        frame_numbers(content, key, "frame_ids"),
        "SMPL",
        array(content, key, pose),
        array(content, key, place),
        array(content, key, "betas"),
        body,
        at=at,
    )


def _from_camera(one: Performance, R: np.ndarray, t: np.ndarray) -> Performance:
    """In the world, of a person told in the camera's axes."""
    back = np.swapaxes(R[one.frames], 1, 2)
    return one.placed(back, -(back @ t[one.frames][..., None])[..., 0])
