"""Truth as a file: JSON of ours, or another take.

The JSON is an object of

- ``joint_names``: J names; ``RHip``, ``right_hip`` and the like are understood;
- ``points``: (frames, J, 3) metres of one person, or ``people``: a list of ``{"id", "points"}``;
- ``missing``: the number that stands for an unknown coordinate (null and NaN do anyway);
- ``cameras`` (optional): by name ``{"matrix", "rotation", "translation", "distortions", "size"}``
  in OpenCV's convention, the rotation a Rodrigues vector from world to camera, metres, pixels
  whose middles have whole numbers;
- ``up_axis`` (optional): ``"+Z"`` and the like, or a vector; where it is not told it is inferred
  from how people stand;
- ``fps`` or ``timestamps`` (optional): times of the points in seconds from the video's first
  frame. Without them point i is video frame i.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.errors import MocapError
from mocap.evaluate.joints import HIPS, LIMBS, canonical
from mocap.evaluate.rigs import RigCamera
from mocap.evaluate.truth import Truth, TruthError, TruthPerson, infer_up, truth_of_take
from mocap.files import write_whole
from mocap.geometry import FROM_OPENCV, Camera
from mocap.take import Take

_HDF5 = b"\x89HDF\r\n\x1a\n"


def load_truth(path: str | Path) -> Truth:
    """Read what a take is to be measured against.

    Args:
        path: a JSON file as described above, or another ``take.h5``.

    Raises:
        TruthError: the file is missing, malformed, or holds no joints that can be compared; one
            line that names the file, what is wrong and the remedy.
        TakeError: it is a take that cannot be read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TruthError(f"{path}: cannot be read ({error.strerror}); check --truth") from error
    if content.startswith(_HDF5):
        return truth_of_take(Take.load(path), path)
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TruthError(
            f"{path}: is neither a take nor JSON ({error}); see `mocap evaluate --help`"
        ) from error
    if not isinstance(told, dict):
        raise TruthError(f"{path}: is JSON, but no object with joint_names and points")
    try:
        return _truth_of_json(told, path)
    except MocapError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TruthError(f"{path}: is malformed: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _truth_of_json(told: dict[str, Any], path: Path) -> Truth:
    if not isinstance(told.get("joint_names"), list):
        raise TruthError(f"{path}: has no list of joint_names; add the names of the points")
    names = tuple(canonical(str(name)) for name in told["joint_names"])
    if not set(HIPS) <= set(names) or len(set(LIMBS) & set(names)) < 4:
        raise TruthError(
            f"{path}: its joint_names lack the hips or most limbs ({', '.join(LIMBS)}); rename them"
        )
    people = _people(told, names, path)
    lengths = {len(person.points) for person in people.values()}
    if len(lengths) != 1:
        raise TruthError(f"{path}: people have different numbers of frames; fill up with missing")
    up, source = _up(told, people, names, path)
    return Truth(
        path=str(path),
        names=names,
        people=people,
        times=_times(told, lengths.pop(), path),
        up=up,
        up_source=source,
        cameras={
            str(name): _camera(entry, f"{path}: camera {name}")
            for name, entry in (told.get("cameras") or {}).items()
        },
    )


def _people(told: dict[str, Any], names: tuple[str, ...], path: Path) -> dict[str, TruthPerson]:
    if "people" in told:
        entries = {str(entry["id"]): entry["points"] for entry in told["people"]}
        if len(entries) != len(told["people"]):
            raise TruthError(f"{path}: two people have the same id; give each their own")
    elif "points" in told:
        entries = {"1": told["points"]}
    else:
        raise TruthError(f"{path}: has neither points nor people; add (frames, joints, 3) metres")
    if not entries:
        raise TruthError(f"{path}: its list of people is empty; add at least one")
    people = {}
    for name, listed in entries.items():
        try:
            points = np.array(listed, dtype=float)
        except (TypeError, ValueError) as error:
            raise TruthError(
                f"{path}: points of {name} are no array of numbers; each frame needs "
                f"{len(names)} points of 3 coordinates"
            ) from error
        if points.ndim != 3 or points.shape[1:] != (len(names), 3) or not len(points):
            raise TruthError(
                f"{path}: points of {name} have shape {points.shape}, not (frames, "
                f"{len(names)}, 3) as joint_names has it"
            )
        missing = told.get("missing")
        if missing is not None:
            points = np.where((points == float(missing)).any(-1, keepdims=True), np.nan, points)
        if not np.isfinite(points).any():
            raise TruthError(f"{path}: every point of {name} is missing; nothing can be compared")
        people[name] = TruthPerson(points)
    return people


def _times(told: dict[str, Any], count: int, path: Path) -> np.ndarray | None:
    if told.get("timestamps") is not None:
        times = np.array(told["timestamps"], float)
        if times.shape != (count,) or not (np.diff(times) > 0).all():
            raise TruthError(f"{path}: timestamps must be {count} increasing numbers, one a frame")
        return times
    if told.get("fps") is not None:
        fps = float(told["fps"])
        if not (math.isfinite(fps) and fps > 0):
            raise TruthError(f"{path}: fps is {told['fps']!r}; give frames a second, or none")
        return np.arange(count) / fps
    return None


def _up(
    told: dict[str, Any], people: dict[str, TruthPerson], names: tuple[str, ...], path: Path
) -> tuple[np.ndarray | None, str]:
    given = told.get("up_axis")
    if given is None:
        found = infer_up(people, names)
        return found, "unknown" if found is None else "how people stand"
    if isinstance(given, str):
        sign, axis = (-1.0 if given.startswith("-") else 1.0), given.lstrip("+-").lower()
        if axis not in ("x", "y", "z") or len(given) > 2:
            raise TruthError(f"{path}: up_axis is {given!r}; write +Y, +Z or the like")
        return sign * np.eye(3)["xyz".index(axis)], "the truth file"
    vector = np.array(given, float)
    if vector.shape != (3,) or not np.linalg.norm(vector) > 1e-9:
        raise TruthError(f"{path}: up_axis is {given!r}; write +Z or three numbers")
    return vector / np.linalg.norm(vector), "the truth file"


def _camera(entry: dict[str, Any], where: str) -> RigCamera:
    try:
        K, rotation, t = (np.array(entry[key], float) for key in _CAMERA_KEYS)
        distortions = np.array(entry.get("distortions") or np.zeros(4), float)
        size = [int(side) for side in entry.get("size") or (2 * K[0, 2], 2 * K[1, 2])]
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise TruthError(f"{where} needs {', '.join(_CAMERA_KEYS)} in numbers") from error
    shapes = (K.shape, rotation.shape, t.shape)
    if shapes != ((3, 3), (3,), (3,)) or distortions.ndim != 1 or len(size) != 2:
        raise TruthError(
            f"{where}: matrix must be 3×3, rotation and translation 3 numbers, size 2; "
            f"found {shapes}"
        )
    R = Rotation.from_rotvec(rotation).as_matrix()
    try:
        camera = Camera((K + FROM_OPENCV)[None], R[None], t[None], "given", distortions)
    except ValueError as error:
        raise TruthError(f"{where} has {error}") from error
    return RigCamera(camera, size[0], size[1])


_CAMERA_KEYS = ("matrix", "rotation", "translation")


def write_truth(truth: Truth, path: str | Path, note: str = "") -> Path:
    """Write truth in the JSON above, rounded to a hundredth of a millimetre.

    Args:
        truth: what to write; cameras must stand still.
        path: the file, written whole or not at all.
        note: where the points came from, for people to read.

    Raises:
        TruthError: the file cannot be written.
    """
    content: dict[str, Any] = {
        "note": note,
        "cameras": {name: _camera_entry(one) for name, one in truth.cameras.items()},
        "joint_names": list(truth.names),
        "people": [
            {"id": name, "points": _rounded(person.points)} for name, person in truth.people.items()
        ],
        "missing": None,
    }
    if truth.up is not None:
        content["up_axis"] = [float(part) for part in truth.up]
    if truth.times is not None:
        content["timestamps"] = [float(time) for time in truth.times]
    text = json.dumps(content, allow_nan=False)
    return write_whole(path, text, error=TruthError, remedy="choose another folder")


def _camera_entry(one: RigCamera) -> dict[str, Any]:
    camera = one.camera
    K, R, t = camera.K[0], camera.R[0], camera.t[0]
    return {
        "matrix": (K - FROM_OPENCV).tolist(),
        "distortions": [] if camera.distortion is None else camera.distortion.tolist(),
        "rotation": Rotation.from_matrix(R).as_rotvec().tolist(),
        "translation": t.tolist(),
        "size": [one.width, one.height],
    }


def _rounded(points: np.ndarray) -> list[Any]:
    listed = np.round(points, 5).astype(object)
    listed[~np.isfinite(points)] = None
    return listed.tolist()
