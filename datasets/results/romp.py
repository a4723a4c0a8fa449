"""ROMP's and BEV's ``.npz``: everybody in a picture, or in the pictures of a video.

Layout (Sun et al., ICCV 2021, ``simple_romp``): ``results``, a pickled dictionary with a row a
person: ``smpl_thetas`` (P, 72), ``smpl_betas`` (P, 10), ``cam`` (P, 3) a weak perspective of the
picture made square, ``joints`` (P, 71, 3) of the model in camera axes (SMPL's 24 first),
``pj2d_org`` (P, 71, 2) pixels and, over time, ``track_ids``. Of a video, ``video_results.npz`` has
``results`` by the picture's name. A scale is no distance: people are put where the joints, seen at
60 degrees along the longer side, as ROMP was trained for, fall on their pixels. The body follows
the joints.
"""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.results.bvh import followed
from mocap.datasets.results.models import array, smplx_turns, world_rotations
from mocap.datasets.results.recording import (
    CAMERA_AXES,
    LEVEL,
    Performance,
    Recording,
    level_camera,
)
from mocap.datasets.unpickling import read_arrays
from mocap.geometry import Camera
from mocap.skeletons import SMPLX_55

_NAMES = SMPLX_55.names[:22]
_FPS = 30.0


def read_romp(path: Path, body: Body) -> Recording:
    """Read a result of ROMP or BEV.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not results:
        raise KeyError("results")
    pictures = [results] if "smpl_thetas" in results else [results[key] for key in sorted(results)]
    size = next(filter(None, map(_size, pictures)), None)
    if size is None:
        raise KeyError("results/smpl_thetas of anybody")
    K = Camera.assumed(*size).K
    rows: dict[int, dict[int, tuple[np.ndarray, ...]]] = defaultdict(dict)
    for frame, picture in enumerate(pictures):
        for person, row in _rows(picture, K[0]):
            rows[person][frame] = row
    people = [_performance(person, by_frame, body) for person, by_frame in sorted(rows.items())]
    return Recording("ROMP", "SMPL", CAMERA_AXES, tuple(people), level_camera(K), size=size)


def _rows(picture: Any, K: np.ndarray) -> list[tuple[int, tuple[np.ndarray, ...]]]:
    """Everybody in a picture: number, axis-angles, betas and joints in the camera's axes."""
    if not isinstance(picture, dict) or "smpl_thetas" not in picture:
        return []
    thetas, betas = array(picture, "smpl_thetas"), array(picture, "smpl_betas")
    joints, pixels = array(picture, "joints"), array(picture, "pj2d_org")
    numbers = array(picture, "track_ids") if "track_ids" in picture else np.arange(len(thetas)) + 1
    found: list[tuple[int, tuple[np.ndarray, ...]]] = []
    for i, number in enumerate(numbers.astype(int).tolist()):
        place = _translation(joints[i], pixels[i], K)
        found.append((number, (thetas[i], betas[i], joints[i, : len(_NAMES)] + place)))
    return found


def _performance(
    number: int, by_frame: dict[int, tuple[np.ndarray, ...]], body: Body
) -> Performance:
    """A person's motion: the body follows SMPL's joints, turned as they are."""
    frames = sorted(by_frame)
    rows = (by_frame[frame] for frame in frames)
    angles, betas, joints = (np.stack(one) for one in zip(*rows, strict=True))
    turns = world_rotations(smplx_turns(angles))
    name = f"person-{number}"
    clip = MotionClip(name, name, _FPS, _NAMES, joints, turns[:, : len(_NAMES)]).turned(LEVEL)
    found = followed(clip, body, name)
    told = {**found.told, "model": "SMPL", "betas": betas.mean(0).tolist()}
    return replace(found, frames=np.array(frames), betas=betas.mean(0), told=told)


def _translation(
    joints: Float[np.ndarray, "joints 3"], pixels: Float[np.ndarray, "joints 2"], K: np.ndarray
) -> Float[np.ndarray, "3"]:
    """The translation with which joints fall on pixels: linear least squares."""
    rays = (pixels - K[:2, 2]) / K[[0, 1], [0, 1]]
    rows = np.zeros((len(joints), 2, 3))
    rows[:, 0, 0] = rows[:, 1, 1] = 1.0
    rows[:, :, 2] = -rays
    right = rays * joints[:, 2:] - joints[:, :2]
    return np.linalg.lstsq(rows.reshape(-1, 3), right.ravel(), rcond=None)[0]


def _size(picture: Any) -> tuple[int, int] | None:
    """A picture's width and height, from where a weak perspective of it puts pixels."""
    if not isinstance(picture, dict) or "smpl_thetas" not in picture:
        return None
    joints, pixels, cam = (array(picture, name) for name in ("joints", "pj2d_org", "cam"))
    square = joints[0, :, :2] * cam[0, 0] + cam[0, 1:]
    # In the square around the picture its middle is at 0.
    middles = [np.polyfit(square[:, axis], pixels[0, :, axis], 1)[1] for axis in (0, 1)]
    return round(2 * middles[0]), round(2 * middles[1])
