"""The pickled annotations of one sequence: what each file holds, in metres and seconds.

On disk, in AIST++'s world and in centimetres:

``keypoints3d/*.pkl``
    ``keypoints3d`` and ``keypoints3d_optim`` (N, 17, 3): COCO's points, triangulated from nine
    views, and the same after a smoothing that keeps bones in their lengths.
``keypoints2d/*.pkl``
    ``keypoints2d`` (9, N, 17, 3): x, y and score in each view; ``det_scores`` (9, N);
    ``timestamps`` (N,).
``motions/*.pkl``
    ``smpl_poses`` (N, 72), ``smpl_scaling`` (1,), ``smpl_trans`` (N, 3): SMPL in its own metres,
    enlarged by ``smpl_scaling`` to centimetres, then moved by ``smpl_trans``.

Files come from anywhere, so they are read by an unpickler that knows arrays and nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mocap.datasets.aistpp.errors import AistError
from mocap.datasets.aistpp.names import VIEWS
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError

#: Metres in AIST++'s unit.
CENTIMETRE = 0.01
#: Of all annotations, frames a second.
FPS = 60.0

_AGAIN = "download the annotations again"
#: Steps between two annotated frames in the units that timestamps may be in, and those units.
_CLOCKS = ((1.0, 1 / FPS), (1 / FPS, 1.0), (1e3 / FPS, 1e-3), (1e6 / FPS, 1e-6), (1e9 / FPS, 1e-9))
#: How far, as a factor, a median step may be from those.
_CLOCK_SLACK = 1.25


@dataclass(frozen=True)
class ViewKeypoints:
    """What AIST++'s own detector saw in each view; not MediaPipe.

    Attributes:
        xy: (9, N, 17, 2) COCO's points, pixels; NaN where nobody was found.
        confidence: (9, N, 17) of each point.
        score: (9, N) of the detection.
        times: (N,) seconds from the start of the videos.
    """

    xy: Float[np.ndarray, "views frames 17 2"]
    confidence: Float[np.ndarray, "views frames 17"]
    score: Float[np.ndarray, "views frames"]
    times: Float[np.ndarray, " frames"]


@dataclass(frozen=True)
class SmplMotion:
    """SMPL's pose over time; betas are zero, as AIST++ fits none.

    A point p of the posed body that stands at the origin, in SMPL's metres, is at
    ``scale * p + transl`` of the world.

    Attributes:
        poses: (N, 24, 3) axis-angle of SMPL's joints, the root first.
        scale: of the body: about 0.9 to 1.0.
        transl: (N, 3) world metres.
    """

    poses: Float[np.ndarray, "frames 24 3"]
    scale: float
    transl: Float[np.ndarray, "frames 3"]


def read_keypoints3d(path: Path, *, optimised: bool = True) -> Float[np.ndarray, "frames 17 3"]:
    """COCO's points, metres; NaN where they could not be triangulated.

    Args:
        path: the file.
        optimised: the smoothed points, not the triangulated.

    Raises:
        AistError: the file is missing, damaged, holds more than arrays, or lacks those.
    """
    name = "keypoints3d_optim" if optimised else "keypoints3d"
    points = _array(_content(path), name, path)
    _require(points.ndim == 3 and points.shape[1:] == (17, 3), path, name, points.shape)
    return CENTIMETRE * points


def read_keypoints2d(path: Path) -> ViewKeypoints:
    """What was detected in the nine views.

    Raises:
        AistError: as :func:`read_keypoints3d`.
    """
    content = _content(path)
    points = _array(content, "keypoints2d", path)
    expected = points.ndim == 4 and (points.shape[0], *points.shape[2:]) == (len(VIEWS), 17, 3)
    _require(expected, path, "keypoints2d", points.shape)
    scores = _array(content, "det_scores", path)
    _require(scores.shape == points.shape[:2], path, "det_scores", scores.shape)
    stamps = _array(content, "timestamps", path)
    _require(stamps.shape == points.shape[1:2], path, "timestamps", stamps.shape)
    try:
        times = seconds(stamps)
    except ValueError as error:
        raise AistError(f"{path}: {error}; {_AGAIN}") from None
    return ViewKeypoints(points[..., :2], points[..., 2], scores, times)


def read_motion(path: Path) -> SmplMotion:
    """SMPL's motion.

    Raises:
        AistError: as :func:`read_keypoints3d`, or what it holds cannot be a motion.
    """
    content = _content(path)
    poses = _array(content, "smpl_poses", path)
    count = len(poses) if poses.ndim else 0
    _require(poses.size == 72 * count > 0, path, "smpl_poses", poses.shape)
    transl = _array(content, "smpl_trans", path)
    _require(transl.shape == (count, 3), path, "smpl_trans", transl.shape)
    scaling = _array(content, "smpl_scaling", path)
    _require(scaling.size == 1, path, "smpl_scaling", scaling.shape)
    scale = CENTIMETRE * float(scaling.ravel()[0])
    if not (np.isfinite(scale) and scale > 0):
        raise AistError(f"{path}: scales the body by {scale:g}; {_AGAIN}")
    return SmplMotion(poses.reshape(count, 24, 3), scale, CENTIMETRE * transl)


def seconds(stamps: np.ndarray) -> Float[np.ndarray, " frames"]:
    """Timestamps in seconds, whatever unit they are in; annotations are a sixtieth apart.

    Args:
        stamps: seconds, a decimal fraction of them, or numbers of frames.

    Raises:
        ValueError: they do not increase, or by nothing like a frame.
    """
    stamps = np.asarray(stamps, float)
    if len(stamps) < 2:
        return np.zeros(len(stamps))
    steps = np.diff(stamps)
    if not (steps > 0).all():
        raise ValueError("its timestamps do not increase")
    step = float(np.median(steps))
    for usual, unit in _CLOCKS:
        if 1 / _CLOCK_SLACK < step / usual < _CLOCK_SLACK:
            return stamps * unit
    raise ValueError(f"its timestamps are {step:g} apart, which is a frame in no unit of time")


def _content(path: Path) -> dict[str, Any]:
    try:
        content = read_arrays(path)
    except MocapError as error:
        raise AistError(f"{error}; {_AGAIN}") from error
    if not isinstance(content, dict):
        raise AistError(f"{path}: holds no named arrays; {_AGAIN}")
    return content


def _array(content: dict[str, Any], name: str, path: Path) -> np.ndarray:
    """One of a file's arrays, in double precision."""
    if name not in content:
        known = ", ".join(sorted(map(str, content))) or "nothing"
        raise AistError(f"{path}: has no {name}, but {known}; {_AGAIN}")
    try:
        return np.asarray(content[name], dtype=float)
    except (TypeError, ValueError):
        raise AistError(f"{path}: its {name} are not numbers; {_AGAIN}") from None


def _require(holds: bool, path: Path, name: str, shape: tuple[int, ...]) -> None:
    if not holds:
        raise AistError(f"{path}: its {name} are of shape {shape}; {_AGAIN}")
