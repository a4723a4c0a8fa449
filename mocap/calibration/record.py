"""A calibrated camera, and what becomes of it when its picture is scaled, cropped or turned.

Pixels are OpenCV's, as in the files: (0, 0) is the *middle* of the upper left one. The camera that
:meth:`Calibration.camera` makes has this package's, where that is (0.5, 0.5).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mocap.errors import CalibrationError
from mocap.geometry import FROM_OPENCV, Camera

#: What encoders cut away to come to whole blocks, or add.
_BLOCK = 16
#: Sides are rounded when pictures are scaled.
_ROUNDING = 2.0

_Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Calibration:
    """One camera as a file describes it; plain numbers, so that it can go into a take's record.

    Attributes:
        file: name of the file.
        name: of the camera in that file; empty where it has none.
        matrix: (3, 3) intrinsics in OpenCV's pixels.
        size: width and height of the picture it was calibrated for, None if the file is silent.
        distortion: coefficients of the lens as in :mod:`mocap.distortion`; empty for none.
        model: of the lens: ``"opencv"`` or ``"fisheye"``.
        rotation: (3, 3) world to camera in a world with +Y up; None unless the way up is known.
        translation: (3,) world to camera, metres; None likewise.
    """

    file: str
    name: str
    matrix: _Matrix
    size: tuple[int, int] | None = None
    distortion: tuple[float, ...] = ()
    model: str = "opencv"
    rotation: _Matrix | None = None
    translation: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        # A take's record has been through JSON, which knows no tuples.
        for name in ("matrix", "size", "distortion", "rotation", "translation"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))

    @property
    def has_gravity(self) -> bool:
        """Whether the camera's attitude to the vertical is known."""
        return self.rotation is not None

    @property
    def label(self) -> str:
        """The file and the camera's name in it."""
        return f"{self.file}:{self.name}" if self.name else self.file

    def fitted(self, width: int, height: int, rotation: int = 0) -> "Calibration":
        """The same camera for upright pictures of a size.

        A calibration of just that size is one of the upright picture. One of the sides exchanged
        is one of the picture as stored, and is turned with it: a video that players (and
        :mod:`mocap.video`) turn by a quarter was calibrated with the camera lying on its side.
        Another size of the same shape is scaled. A side that differs by less than 16 pixels has
        been cut at its end, to whole blocks, by the encoder.

        Args:
            width: of the picture, pixels.
            height: of the picture, pixels.
            rotation: degrees clockwise by which the stored picture was turned upright.

        Raises:
            CalibrationError: its picture has another shape.
        """
        if self.size is None:
            return replace(self, size=(width, height))
        direct = self._resized(width, height)
        turned = self._turned(rotation)._resized(width, height) if rotation in (90, 270) else None
        if direct is None and turned is None:
            raise CalibrationError(self._misfit(width, height))
        return direct or turned or self

    def camera(self) -> Camera:
        """The camera; level at the world's origin, looking along +Z, where the way up is unknown.

        Pictures are of :attr:`size`.
        """
        level = Camera.assumed(1, 1)
        R = level.R if self.rotation is None else np.array(self.rotation)[None]
        t = level.t if self.translation is None else np.array(self.translation)[None]
        return Camera(
            (np.array(self.matrix, float) + FROM_OPENCV)[None],
            R,
            t,
            "given",
            np.array(self.distortion) if self.distortion else None,
            self.model,
            self.has_gravity,
            f"calibration {self.label}",
        )

    def _resized(self, width: int, height: int) -> "Calibration | None":
        """For a picture scaled, or cut at its end; None if it is of another shape."""
        assert self.size is not None
        w, h = self.size
        cut = abs(width - w), abs(height - h)
        if min(cut) == 0 and max(cut) < _BLOCK:
            return replace(self, size=(width, height))
        if abs(width * h / w - height) > _ROUNDING and abs(height * w / h - width) > _ROUNDING:
            return None
        scale = np.diag([width / w, height / h, 1.0])
        middle = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        matrix = np.linalg.inv(middle) @ scale @ middle @ np.array(self.matrix)
        return replace(self, matrix=_frozen(matrix.tolist()), size=(width, height))

    def _turned(self, rotation: int) -> "Calibration":
        """For a picture turned clockwise by a multiple of 90 degrees."""
        one = self
        for _ in range(rotation // 90):
            one = one._turned_by_a_quarter()
        return one

    def _turned_by_a_quarter(self) -> "Calibration":
        assert self.size is not None
        width, height = self.size
        (fx, _, cx), (_, fy, cy), _ = self.matrix
        # What was at (x, y) comes to (height - 1 - y, x), what was ahead stays ahead.
        matrix = ((fy, 0.0, height - 1 - cy), (0.0, fx, cx), (0.0, 0.0, 1.0))
        quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        distortion = self.distortion
        if self.model == "opencv" and distortion:
            k1, k2, p1, p2, *more = distortion
            # (p2, p1) is a vector in the picture.
            distortion = (k1, k2, p2, -p1, *more)
        R, t = self.rotation, self.translation
        return replace(
            self,
            matrix=matrix,
            size=(height, width),
            distortion=distortion,
            rotation=None if R is None else _frozen((quarter @ np.array(R)).tolist()),
            translation=None if t is None else _frozen((quarter @ np.array(t)).tolist()),
        )

    def _misfit(self, width: int, height: int) -> str:
        assert self.size is not None
        w, h = self.size
        text = f"{self.label}: is calibrated for {w}×{h} pixels, but the video has {width}×{height}"
        if (w > h) != (width > height):
            return (
                f"{text} and no mark of having been turned; give a calibration of upright pictures"
            )
        return f"{text}; give the calibration of this camera at the video's shape"


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
