"""ROMP's and BEV's ``.npz``: everybody in a picture, or in the pictures of a video.

Layout (Sun et al., ICCV 2021, ``simple_romp``): ``results``, a pickled dictionary with a row a
person: ``smpl_thetas`` (P, 72), ``smpl_betas`` (P, 10; BEV's 11th tells the age), ``cam`` (P, 3),
ROMP's a weak perspective of the picture made square, ``cam_trans`` (P, 3) metres, ``joints``
(P, 71, 3) of the model in camera axes (SMPL's 24 first), ``pj2d_org`` (P, 71, 2) pixels and, where
it tracked, ``track_ids``. Of a video, ``video_results.npz`` has ``results`` by the picture's name.
People are put where the joints, seen at 60 degrees along the longer side, as both were trained for,
fall on their pixels; the body follows the joints.
"""

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.results.following import followed
from mocap.datasets.results.linking import linked
from mocap.datasets.results.models import array, frame_numbers, smplx_turns
from mocap.datasets.results.recording import (
    CAMERA_AXES,
    LEVEL,
    Performance,
    Recording,
    level_camera,
)
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.geometry import Camera, rotation_matrices, world_rotations
from mocap.progress import Progress, silent
from mocap.skeletons import SMPLX_55

_NAMES = SMPLX_55.names[:22]
_FPS = 30.0
#: The focal length, in halves of the square around the picture: 443.4 pixels of 512.
_LENS = 443.4 / 256
#: Axis-angles (72,), betas (10,) and joints (22, 3) of somebody in a picture.
_Row = tuple[np.ndarray, np.ndarray, np.ndarray]


def read_romp(path: Path, body: Body, progress: Progress = silent) -> Recording:
    """Read a result of ROMP or BEV.

    Args:
        path: the file.
        body: ours.
        progress: told of frames that the body has followed.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    content = read_arrays(path)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not results:
        raise KeyError("results")
    pictures = (
        [results]
        if "smpl_thetas" in results
        else [results[key] for key in sorted(results, key=_natural)]
    )
    size = next(filter(None, map(_size, pictures)), None)
    if size is None:
        raise MocapError("nobody is in it")
    K = Camera.assumed(*size).K
    rows = [_rows(picture, K[0]) for picture in pictures]
    tracks = _tracks(pictures, rows)
    clips = [_clip(f"person-{number}", track) for number, track in tracks]
    people = [
        _performance(track, one)
        for (_, track), one in zip(tracks, followed(clips, body, progress=progress), strict=True)
    ]
    return Recording("ROMP", "SMPL", CAMERA_AXES, tuple(people), level_camera(K), size=size)


def _natural(name: str) -> list[tuple[int, str]]:
    """What sorts names by the numbers in them."""
    parts = re.split(r"(\d+)", str(name))
    return [(int(part), "") if part.isdigit() else (0, part) for part in parts]


def _rows(picture: Any, K: np.ndarray) -> list[_Row]:
    """Everybody in a picture: axis-angles, betas and joints in the camera's axes."""
    if not isinstance(picture, dict) or "smpl_thetas" not in picture:
        return []
    thetas, betas = array(picture, "smpl_thetas"), array(picture, "smpl_betas")
    joints, pixels = array(picture, "joints"), array(picture, "pj2d_org")
    places = [_translation(*one, K) for one in zip(joints, pixels, strict=True)]
    bodies = [one[: len(_NAMES)] + place for one, place in zip(joints, places, strict=True)]
    return list(zip(thetas, betas, bodies, strict=True))


def _tracks(pictures: list[Any], rows: list[list[_Row]]) -> list[tuple[int, dict[int, _Row]]]:
    """Everybody's rows by frame: by the numbers that the system gives, or by where they are."""
    if all("track_ids" in picture for picture, here in zip(pictures, rows, strict=True) if here):
        found: dict[int, dict[int, _Row]] = defaultdict(dict)
        for frame, here in enumerate(rows):
            numbers = frame_numbers(pictures[frame], "track_ids") if here else np.zeros(0, int)
            if len(numbers) != len(here):
                raise MocapError(
                    f"picture {frame + 1} has {len(here)} people and {len(numbers)} track_ids"
                )
            for number, row in zip(numbers.tolist(), here, strict=True):
                found[number][frame] = row
        return sorted(found.items())
    tracks = linked([[body for *_, body in here] for here in rows])
    return [
        (number, {frame: rows[frame][i] for frame, i in track.items()})
        for number, track in enumerate(tracks, 1)
    ]


def _clip(name: str, by_frame: dict[int, _Row]) -> MotionClip:
    """A person's joints and how they turn, in the world of a level camera."""
    rows = (by_frame[frame] for frame in sorted(by_frame))
    angles, _, joints = (np.stack(one) for one in zip(*rows, strict=True))
    turns = world_rotations(rotation_matrices(smplx_turns(angles)), SMPLX_55.parents)
    return MotionClip(name, name, _FPS, _NAMES, joints, turns[:, : len(_NAMES)]).turned(LEVEL)


def _performance(by_frame: dict[int, _Row], found: Performance) -> Performance:
    """A person's motion in the frames that it was told in."""
    frames = sorted(by_frame)
    betas = np.mean([by_frame[frame][1] for frame in frames], axis=0)
    told = {**found.told, "model": "SMPL", "betas": betas.tolist()}
    return replace(found, frames=np.array(frames), betas=betas, told=told)


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
    """A picture's width and height, from where its pixels are in the square around it.

    ROMP projects weakly, by a scale and an offset; BEV, whose scale and offset mean something else,
    projects by its own lens. Whichever explains the pixels is right.
    """
    if not isinstance(picture, dict) or "smpl_thetas" not in picture:
        return None
    joints, pixels, cam = (array(picture, name) for name in ("joints", "pj2d_org", "cam"))
    if not len(joints):
        return None
    placed = joints[0] + array(picture, "cam_trans")[0] if "cam_trans" in picture else joints[0]
    square = (joints[0, :, :2] * cam[0, 0] + cam[0, 1:3], _LENS * placed[:, :2] / placed[:, 2:])
    fits = []
    for seen in square:
        if np.isfinite(seen).all() and np.ptp(seen, axis=0).min() > 0:
            lines = [np.polyfit(seen[:, axis], pixels[0, :, axis], 1) for axis in (0, 1)]
            off = max(
                float(np.abs(np.polyval(line, seen[:, axis]) - pixels[0, :, axis]).max())
                for axis, line in enumerate(lines)
            )
            # In the square around the picture its middle is at 0.
            fits.append((off, round(2 * lines[0][1]), round(2 * lines[1][1])))
    return min(fits)[1:] if fits else None
