"""Several calibrated cameras that look at the same scene, and the files that describe them."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.errors import MocapError
from mocap.geometry import Camera

#: Qualisys counts image positions in 64ths of a pixel, and places in millimetres.
_SUBPIXELS, _MILLIMETRES = 64.0, 1000.0
#: Qualisys's camera looks along -Z with y up; OpenCV's along +Z with y down.
_TO_OPENCV = np.diag([1.0, -1.0, -1.0])


class RigError(MocapError):
    """A calibration file that is missing, damaged, or of something else."""


@dataclass(frozen=True)
class RigCamera:
    """A calibrated camera.

    Attributes:
        camera: with its lens; its world may have any axis up.
        width: of the pictures it was calibrated for, pixels.
        height: likewise.
    """

    camera: Camera
    width: int
    height: int


def read_qualisys(path: str | Path) -> dict[str, RigCamera]:
    """The cameras of a Qualisys calibration (``.qca.txt``, which is XML).

    Lengths are millimetres, image positions 64ths of a pixel, distortion coefficients scaled by 64
    as Pose2Sim reads them. The world keeps the file's axes (Z up as a rule).

    Raises:
        RigError: naming the file, what is wrong with it, and the remedy.
    """
    path = Path(path)
    try:
        # The standard parser resolves no external entities; the file is small and local.
        root = ET.fromstring(path.read_bytes())
    except OSError as error:
        raise RigError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except ET.ParseError as error:
        raise RigError(
            f"{path}: is not a Qualisys calibration ({error}); export one as .qca.txt"
        ) from error
    cameras = {}
    for entry in root.iter("camera"):
        name = entry.get("serial") or ""
        try:
            cameras[name] = _qualisys_camera(entry)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RigError(
                f"{path}: camera {name!r} is incomplete ({error}); export the calibration again"
            ) from error
    if not cameras:
        raise RigError(f"{path}: holds no cameras; export a Qualisys calibration as .qca.txt")
    return cameras


def _qualisys_camera(entry: ET.Element) -> RigCamera:
    if float(entry.get("viewrotation", 0)):
        raise ValueError("its picture is shown turned, which is not supported")
    place, lens, view = (
        _numbers(entry.find(tag)) for tag in ("transform", "intrinsic", "fov_video")
    )
    axes = np.array([[place[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)])
    R = _TO_OPENCV @ axes
    centre = np.array([place[axis] for axis in "xyz"]) / _MILLIMETRES
    K = np.array(
        [
            [lens["focalLengthU"], lens.get("skew", 0.0), lens["centerPointU"]],
            [0, lens["focalLengthV"], lens["centerPointV"]],
            [0, 0, _SUBPIXELS],
        ]
    )
    K /= _SUBPIXELS
    K[:2, 2] -= [view["left"], view["top"]]
    names = [f"{kind}Distortion{i}" for kind in ("radial", "tangental") for i in (1, 2)]
    distortion = np.array([lens[name] for name in names]) / _SUBPIXELS
    return RigCamera(
        Camera(K[None], R[None], -(R @ centre)[None], "given", distortion),
        int(view["right"] - view["left"]) + 1,
        int(view["bottom"] - view["top"]) + 1,
    )


def _numbers(element: ET.Element | None) -> dict[str, float]:
    if element is None:
        raise ValueError("it lacks a transform, an intrinsic or a fov_video")
    return {name: float(value) for name, value in element.attrib.items()}
