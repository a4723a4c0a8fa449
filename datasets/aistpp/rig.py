"""A rig of nine cameras as AIST++'s, for replicas of the data set.

What is known of the real one: AIST++'s calibration started from eight level cameras on a ring of
5 m about the stage, 45° apart, 1.8 m up, c01 in front (+Z), c02 on the dancer's right (-X) and so
on around, and c09 in front again, 10 cm lower; 1920×1080 pixels with a focal length of 1600.
Bundle adjustment moved them from there, with the floor coming out at some 0.6 to 0.9 m in that
world. What is assumed here: that it moved them by some degrees and decimetres, that lenses bend
straight lines by a per cent at the border, and that all look at the middle of the stage.
"""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.datasets.aistpp.errors import ELSEWHERE, AistError
from mocap.datasets.aistpp.files import CENTIMETRE
from mocap.datasets.aistpp.names import VIEWS
from mocap.files import write_whole
from mocap.geometry import FROM_OPENCV, Camera, look_at

#: Focal length over the picture's width.
_FOCAL = 1600 / 1920
#: Radius of the ring and heights of the cameras above the floor, metres: means and deviations.
_RADIUS, _RADIUS_SPREAD = 4.8, 0.2
_HEIGHT, _HEIGHT_SPREAD = 1.25, 0.15
#: Of directions from the stage, and of aims, radians; of what is aimed at, metres.
_AZIMUTH_SPREAD, _ROLL_SPREAD = np.deg2rad(2.5), np.deg2rad(0.5)
_AIM, _AIM_SPREAD = 0.95, 0.08
#: First radial coefficient of the lenses.
_BEND, _BEND_SPREAD = -0.06, 0.02


def azimuth_of(view: str) -> float:
    """Where a camera stands about the stage, radians: 0 on +Z, +π/2 on +X."""
    number = VIEWS.index(view)
    return 0.0 if view == "c09" else -np.pi / 4 * number


def make_rig(size: tuple[int, int], rng: np.random.Generator) -> dict[str, Camera]:
    """Nine cameras about the world's origin, whose floor is y = 0.

    Args:
        size: width and height of the pictures, pixels.
        rng: how this rig differs from others.
    """
    return {view: _camera(azimuth_of(view), view == "c09", size, rng) for view in VIEWS}


def _camera(azimuth: float, lower: bool, size: tuple[int, int], rng: np.random.Generator) -> Camera:
    azimuth += rng.normal(0, _AZIMUTH_SPREAD)
    radius = rng.normal(_RADIUS, _RADIUS_SPREAD)
    height = rng.normal(_HEIGHT, _HEIGHT_SPREAD) - 0.1 * lower
    place = np.array([radius * np.sin(azimuth), height, radius * np.cos(azimuth)])
    aim = np.array([0.0, _AIM, 0.0]) + rng.normal(0, _AIM_SPREAD, 3)
    R, t = look_at(place, aim, rng.normal(0, _ROLL_SPREAD))
    focal = _FOCAL * size[0] * np.exp(rng.normal(0, 0.02))
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1.0]])
    bend = np.array([rng.normal(_BEND, _BEND_SPREAD), 0, 0, 0, 0])
    return Camera(K[None], R[None], t[None], "given", bend, gravity_given=True)


def write_setting(path: Path, cameras: dict[str, Camera], size: tuple[int, int]) -> None:
    """Write cameras as AIST++ has them: Rodrigues vectors, centimetres, OpenCV's pixels.

    Raises:
        AistError: the file cannot be written.
    """
    entries = [
        {
            "name": view,
            "size": list(size),
            "matrix": (camera.K[0] - FROM_OPENCV).tolist(),
            "distortions": np.zeros(5).tolist()
            if camera.distortion is None
            else camera.distortion.tolist(),
            "rotation": Rotation.from_matrix(camera.R[0]).as_rotvec().tolist(),
            "translation": (camera.t[0] / CENTIMETRE).tolist(),
        }
        for view, camera in cameras.items()
    ]
    write_whole(path, json.dumps(entries), error=AistError, remedy=ELSEWHERE)
