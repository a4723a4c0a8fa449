"""Several calibrated cameras that look at the same scene."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mocap.calibration import read_calibration
from mocap.errors import CalibrationError
from mocap.geometry import Camera


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


def read_rig(path: str | Path, names: Iterable[str]) -> dict[str, RigCamera]:
    """Cameras of one calibration file, in one world with +Y up.

    Args:
        path: in any of :data:`mocap.calibration.FORMATS`.
        names: of the cameras.

    Raises:
        CalibrationError: the file cannot be read, lacks one of them, or does not tell the size of
            its picture, its place, or which way is up there.
    """
    rig = {}
    for name in names:
        found = read_calibration(path, name)
        if found.size is None:
            raise CalibrationError(f"{path}:{name}: has no picture size; add width and height")
        if not found.has_gravity:
            raise CalibrationError(
                f"{path}:{name}: has no place in a world whose up is known; add rotation, "
                "translation and up_axis"
            )
        rig[name] = RigCamera(found.camera(), *found.size)
    return rig
