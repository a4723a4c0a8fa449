"""One camera out of a calibration file, chosen by name and checked."""

import logging
import re
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.calibration.checks import checked_distortion, checked_matrix, checked_size
from mocap.calibration.documents import read_document
from mocap.calibration.layouts import Described, cameras_of
from mocap.calibration.record import Calibration
from mocap.errors import CalibrationError
from mocap.geometry import rotation_between

logger = logging.getLogger(__name__)

#: What can be read, for help texts.
FORMATS = (
    "Pose2Sim or anipose TOML, OpenCV or ROS YAML and XML, Kalibr YAML, Qualisys .qca.txt, "
    "AIST++ JSON, JSON or text of intrinsics"
)

_AXES = {
    sign + axis: direction * np.eye(3)[number]
    for sign, direction in (("+", 1.0), ("-", -1.0), ("", 1.0))
    for number, axis in enumerate("XYZ")
}
#: Of a translation in metres; beyond, it must be millimetres.
_FARTHEST = 100.0
#: Degrees by which cameras are rolled or tipped, at most, unless their file says so outright.
_MOST_TILT = 60.0


def read_calibration(
    path: str | Path,
    camera: str | None = None,
    size: tuple[int, int] | None = None,
    *,
    clip: str = "",
) -> Calibration:
    """Read a camera's calibration; see :data:`FORMATS`.

    The extrinsics are used only where the way up is known in their world: the file states it
    (``up_axis = "+Z"``, beside the camera's other keys or for the whole file), or its format fixes
    it (Qualisys and Pose2Sim: +Z; AIST++: +Y). Translations without a unit are in metres, or, if
    that put the camera farther than 100 m away, in millimetres.

    Args:
        path: the file.
        camera: its name, if the file holds several.
        size: width and height of the video, upright; see :meth:`Calibration.fitted`.
        clip: name of the video, by which a camera is chosen that goes by the same name
            (``cam01`` for ``cam_01``) or by a part of it (``c01`` for ``dance_c01_take2``).

    Raises:
        CalibrationError: it cannot be read, holds no such camera, or one that cannot be.
    """
    path = Path(path)
    try:
        cameras = cameras_of(read_document(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CalibrationError(f"{path}: lacks what such a calibration has: {error}") from error
    if not cameras:
        raise CalibrationError(f"{path}: holds no camera in any known form ({FORMATS})")
    one = _chosen(path, cameras, camera, clip)
    where = f"{path}:{one.name}" if one.name else str(path)
    try:
        calibration = _calibration(path, one, where)
    except (TypeError, ValueError) as error:
        raise CalibrationError(f"{where}: is no calibration of a camera: {error}") from error
    return calibration if size is None else calibration.fitted(*size)


def _chosen(path: Path, cameras: list[Described], camera: str | None, clip: str) -> Described:
    if camera is not None:
        found = [one for one in cameras if one.name == camera] or [
            one for one in cameras if _bare(one.name) == _bare(camera)
        ]
    elif len(cameras) == 1:
        return cameras[0]
    else:
        parts = {_bare(part) for part in re.split(r"[\W_]+", clip)} | {_bare(clip)}
        found = [one for one in cameras if _bare(one.name) in parts]
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in cameras)
    if camera is not None:
        raise CalibrationError(f"{path}: holds no camera {camera!r}, but {names}")
    raise CalibrationError(
        f"{path}: holds {len(cameras)} cameras; say which with {path}:NAME, of {names}"
    )


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _calibration(path: Path, one: Described, where: str) -> Calibration:
    size = checked_size(one.size)
    matrix = checked_matrix(one.matrix, size)
    model, distortion = checked_distortion(one.distortion, one.model, matrix, size)
    attitude = _attitude(one, where)
    return Calibration(
        path.name,
        one.name,
        matrix.tolist(),
        size,
        tuple(distortion.tolist()),
        model,
        *((None, None) if attitude is None else (part.tolist() for part in attitude)),
    )


def _attitude(one: Described, where: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Rotation and translation from a world with +Y up; None if the way up is not known."""
    if one.rotation is None:
        return None
    R = _rotation(one.rotation)
    t = np.zeros(3) if one.translation is None else np.array(one.translation, float).reshape(3)
    if not np.isfinite(t).all():
        raise ValueError(f"its translation is {t.tolist()}")
    axis = one.up or one.usual_up
    if axis is None:
        logger.info("%s: pose not used: the file does not state up_axis", where)
        return None
    if str(axis).upper() not in _AXES:
        raise ValueError(f"its up_axis is {axis!r}; known are +X, -X, +Y, -Y, +Z and -Z")
    up = _AXES[str(axis).upper()]
    tilt = np.rad2deg(np.arccos(np.clip(R @ up @ [0.0, -1.0, 0.0], -1, 1)))
    if one.up is None and tilt > _MOST_TILT:
        logger.warning(
            "%s: pose not used: with %s up, which is usual in such files, the camera would be "
            "tilted by %.0f degrees; if it was, state up_axis in the file",
            *(where, axis, tilt),
        )
        return None
    return R @ rotation_between(up, np.array([0.0, 1.0, 0.0])).T, t * _metres(one, t, where)


def _rotation(given: object) -> np.ndarray:
    numbers = np.array(given, float).ravel()
    if not np.isfinite(numbers).all() or numbers.size not in (3, 9):
        raise ValueError("its rotation is neither a vector of three numbers nor a 3×3 matrix")
    if numbers.size == 3:
        return Rotation.from_rotvec(numbers).as_matrix()
    R = numbers.reshape(3, 3)
    if np.abs(R @ R.T - np.eye(3)).max() > 0.01 or np.linalg.det(R) < 0:
        raise ValueError("its 3×3 rotation is none: rows are not square to each other, or mirror")
    return Rotation.from_matrix(R).as_matrix()


def _metres(one: Described, t: np.ndarray, where: str) -> float:
    if one.unit is not None:
        return one.unit
    if np.linalg.norm(t) <= _FARTHEST:
        return 1.0
    logger.warning("%s: translation taken to be in millimetres; state its unit", where)
    return 0.001
