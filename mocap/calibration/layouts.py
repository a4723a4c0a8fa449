"""Where each calibration program puts what: a document's cameras, in one form.

| written by | file | worlds' up, unit |
|---|---|---|
| OpenCV, ROS ``camera_info``, hand | YAML, XML, JSON, text of intrinsics | as stated |
| anipose | TOML, a table a camera | as stated |
| Pose2Sim | the same, every table with ``fisheye`` | +Z, metres |
| AIST++ | JSON, a list of cameras | +Y, centimetres |
| Qualisys Track Manager | ``.qca.txt``: XML | +Z, millimetres |
| Kalibr | ``camchain.yaml`` | none |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from mocap.calibration.documents import Document

#: Keys under which programs write the same thing, simplified by :func:`_plain`.
_MATRIX = ("matrix", "cameramatrix", "k", "intrinsics", "intrinsic", "intrinsicmatrix", "mtx")
_DISTORTION = (
    "distortion", "distortions", "dist", "distcoeffs", "distortioncoefficients", "distcoef",
    "distortioncoeffs", "distortioncoefs", "d", "distcoefs",
)  # fmt: skip
_ROTATION = ("r", "rotation", "rvec", "rotationvector", "rotationmatrix")
_TRANSLATION = ("t", "translation", "tvec", "translationvector")
_SIZE = ("size", "imagesize", "resolution", "imgsize", "imsize")
_UNITS = {
    f"{prefix}{word}": size * factor
    for word, size in (("m", 1.0), ("meter", 1.0), ("meters", 1.0), ("metre", 1.0), ("metres", 1.0))
    for prefix, factor in (
        (("", 1.0), ("c", 0.01), ("m", 0.001))
        if word == "m"
        else (("", 1.0), ("centi", 0.01), ("milli", 0.001))
    )
}
_FISHEYE = ("fisheye", "equidistant", "equi", "kannalabrandt4", "kb4")


@dataclass(frozen=True)
class Described:
    """A camera as its file describes it, nothing checked.

    Attributes:
        name: of the camera; empty if the file gives none.
        matrix: intrinsics: (3, 3), nine numbers, or fx fy cx cy; pixels.
        distortion: coefficients.
        model: of the lens, as the file names it; None if it does not.
        size: width and height in pixels.
        rotation: world to camera: (3, 3), nine numbers or a rotation vector.
        translation: world to camera.
        up: the world's vertical axis, such as ``"+Z"``, as the file states it.
        usual_up: what it is in all files of this layout.
        unit: metres in the translation's unit; None if unknown.
    """

    name: str
    matrix: Any
    distortion: Any = None
    model: str | None = None
    size: Any = None
    rotation: Any = None
    translation: Any = None
    up: str | None = None
    usual_up: str | None = None
    unit: float | None = None


def cameras_of(document: Document) -> list[Described]:
    """Every camera in a document; none if it is of no known layout."""
    if isinstance(document, Element):
        return _qualisys(document)
    if isinstance(document, list):
        # AIST++'s settings, which state neither.
        entries = {f"camera {i}": entry for i, entry in enumerate(document, start=1)}
        return _several(entries, {}, up="+Y", unit=0.01)
    if not isinstance(document, Mapping):
        return []
    keys = {_plain(key): value for key, value in document.items()}
    inside = keys.get("cameras")
    if isinstance(inside, list):
        inside = {f"camera {i}": entry for i, entry in enumerate(inside, start=1)}
    if isinstance(inside, Mapping):
        return _several(inside, document)
    if one := _described("", document, document, None, None):
        return [one]
    about = document.get("metadata")
    return _several(document, about if isinstance(about, Mapping) else {}, **_habits(document))


def _habits(document: Mapping[str, Any]) -> dict[str, Any]:
    """Pose2Sim's world stands on its +Z; it can be told from anipose's by its ``fisheye`` keys."""
    tables = [entry for entry in document.values() if isinstance(entry, Mapping)]
    cameras = [entry for entry in tables if "matrix" in entry]
    is_pose2sim = bool(cameras) and all("fisheye" in entry for entry in cameras)
    return {"up": "+Z", "unit": 1.0} if is_pose2sim else {}


def _several(
    entries: Mapping[str, Any],
    about: Mapping[str, Any],
    up: str | None = None,
    unit: float | None = None,
) -> list[Described]:
    found = (_described(key, entry, about, up, unit) for key, entry in entries.items())
    return [one for one in found if one is not None]


def _described(
    key: str, entry: Any, about: Mapping[str, Any], up: str | None, unit: float | None
) -> Described | None:
    """One mapping as a camera; what holds for the whole file is in ``about``."""
    if not isinstance(entry, Mapping):
        return None
    keys = {_plain(name): value for name, value in entry.items()}
    whole = {_plain(name): value for name, value in about.items()}
    matrix = _first(keys, _MATRIX)
    if matrix is None and {"fx", "fy", "cx", "cy"} <= keys.keys():
        matrix = [keys[name] for name in ("fx", "fy", "cx", "cy")]
    if isinstance(matrix, Mapping):
        inner = {_plain(name): value for name, value in matrix.items()}
        matrix = inner.get("data", [inner.get(name) for name in ("fx", "fy", "cx", "cy")])
    if matrix is None:
        return None
    size = _first(keys, _SIZE)
    if size is None:
        width, height = (keys.get(side, keys.get(f"image{side}")) for side in ("width", "height"))
        size = None if width is None or height is None else [width, height]
    words = [keys.get(name) for name in ("distortionmodel", "model", "cameramodel")]
    if keys.get("fisheye") is True:
        words.insert(0, "fisheye")
    stated = keys.get("unit", keys.get("units", whole.get("unit", whole.get("units"))))
    return Described(
        str(keys.get("name") or keys.get("cameraname") or key),
        matrix,
        _data(_first(keys, _DISTORTION)),
        next((str(word) for word in words if word), None),
        _data(size),
        _data(_first(keys, _ROTATION)),
        _data(_first(keys, _TRANSLATION)),
        keys.get("upaxis", whole.get("upaxis")),
        up,
        _UNITS.get(str(stated).lower(), unit),
    )


def _plain(key: object) -> str:
    return "".join(letter for letter in str(key).lower() if letter.isalnum())


def _first(keys: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((keys[name] for name in names if keys.get(name) is not None), None)


def _data(value: Any) -> Any:
    """The numbers of an OpenCV or ROS matrix, which is a mapping with ``data``."""
    return value.get("data") if isinstance(value, Mapping) else value


def is_fisheye(model: str | None) -> bool:
    """Whether a file's own word for its lens means OpenCV's fisheye model."""
    return model is not None and _plain(model) in _FISHEYE


def _qualisys(root: Element) -> list[Described]:
    """The cameras of QTM's calibration export.

    Lengths in the picture are in 64ths of a pixel of the sensor, those of the world in mm. The
    transform's rows are the camera's x (right), y (up) and z (backward) axes and ``x y z`` its
    place, all in the world. Distortion is of normalised coordinates, so without unit.
    """
    found = []
    for entry in root.iter("camera"):
        lens, place, view = (entry.find(tag) for tag in ("intrinsic", "transform", "fov_video"))
        if lens is None or place is None or view is None:
            continue
        number = {**_numbers(lens), **_numbers(place), **_numbers(view)}
        left, top = number["left"], number["top"]
        axes = [[number[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)]
        R = np.diag([1.0, -1.0, -1.0]) @ np.array(axes)
        t = -R @ [number[axis] for axis in "xyz"]
        found.append(
            Described(
                entry.get("serial", ""),
                [
                    number["focalLengthU"] / 64,
                    number["focalLengthV"] / 64,
                    number["centerPointU"] / 64 - left,
                    number["centerPointV"] / 64 - top,
                ],
                [
                    number["radialDistortion1"],
                    number["radialDistortion2"],
                    number["tangentalDistortion1"],
                    number["tangentalDistortion2"],
                    number.get("radialDistortion3", 0.0),
                ],
                "opencv",
                [number["right"] - left + 1, number["bottom"] - top + 1],
                R,
                t,
                usual_up="+Z",
                unit=0.001,
            )
        )
    return found


def _numbers(entry: Element) -> dict[str, float]:
    return {name: float(value) for name, value in entry.attrib.items()}
