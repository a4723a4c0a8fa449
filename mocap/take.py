"""The take: the one record of a performance, between stages, programs and people.

A take is an HDF5 file (``take.h5``) that a reader needs no code of ours to understand: every
dataset carries ``units`` and ``axes``. Units and frames are those of :mod:`mocap.geometry`.
Files are written under a temporary name and renamed, so a file is whole or absent. All of it is
under HDF5's checksums (format 1.10, and see :mod:`mocap.records`), so damage is told, not read.
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.errors import TakeError
from mocap.geometry import Camera
from mocap.records import (
    RecordError,
    attribute,
    dataset,
    group,
    read_attribute,
    read_record,
    subgroup,
    write_attribute,
    write_record,
)
from mocap.skeletons import SKELETONS, SMPLX_55

FORMAT = "mocap-take"
VERSION = 1


@dataclass(frozen=True)
class VideoRecord:
    """The video a take was made from; ``timestamps`` (F,) are seconds from its first frame."""

    path: str = attribute()
    sha256: str = attribute()
    width: int = attribute()
    height: int = attribute()
    fps: float = attribute()
    timestamps: Float[np.ndarray, " frames"] = dataset("s", "frame")


@dataclass(frozen=True)
class CameraRecord:
    """The camera of :class:`mocap.geometry.Camera`, as stored."""

    K: Float[np.ndarray, "frames 3 3"] = dataset("px", "frame|1, row, column")
    R: Float[np.ndarray, "frames 3 3"] = dataset("1", "frame|1, camera axis, world axis")
    t: Float[np.ndarray, "frames 3"] = dataset("m", "frame|1, camera x y z")
    source: str = attribute()
    model: str = attribute()


@dataclass(frozen=True)
class World:
    """The gravity-aligned world everybody shares.

    Attributes:
        ground: (4,) plane ``a x + b y + c z + d = 0`` in world metres, normal up.
        gravity_source: where "up" came from.
        scale_source: where the metre came from.
    """

    ground: Float[np.ndarray, "4"] = dataset("m", "a b c d")
    gravity_source: str = attribute()
    scale_source: str = attribute()


@dataclass(frozen=True)
class Keypoints2D:
    """Image points: ``xy`` (N, J, 2) pixels, NaN where unseen; ``confidence`` (N, J) in [0, 1]."""

    xy: Float[np.ndarray, "frames points 2"] = dataset("px", "frame, point, x y")
    confidence: Float[np.ndarray, "frames points"] = dataset("1", "frame, point")
    skeleton: str = attribute()
    source: str = attribute()


@dataclass(frozen=True)
class Keypoints3D:
    """Metric points relative to the hips' middle, axes of the camera: ``xyz`` (N, J, 3).

    The axes are those of a camera that has the person in the middle of its picture, as detectors
    that work on crops give them.
    """

    xyz: Float[np.ndarray, "frames points 3"] = dataset("m", "frame, point, x right y down z away")
    skeleton: str = attribute()
    source: str = attribute()


@dataclass(frozen=True)
class Hands2D:
    """Both hands' image points, each in the order of ``hand21``."""

    left: Keypoints2D = group(Keypoints2D, required=True)
    right: Keypoints2D = group(Keypoints2D, required=True)


@dataclass(frozen=True)
class Hands3D:
    """Both hands' metric points, each relative to the hand's own centre, axes of the camera."""

    left: Keypoints3D = group(Keypoints3D, required=True)
    right: Keypoints3D = group(Keypoints3D, required=True)


@dataclass(frozen=True)
class BodyMotion:
    """SMPL-X pose and shape of one person, axis-angle in radians, world metres.

    ``joints`` follow SMPL-X's 55. Betas belong to the model whose hash is recorded, to no other.
    """

    betas: Float[np.ndarray, " shape"] = dataset("1", "component")
    expression: Float[np.ndarray, "frames expressions"] = dataset("1", "frame, component")
    global_orient: Float[np.ndarray, "frames 3"] = dataset("rad", "frame, axis-angle")
    body_pose: Float[np.ndarray, "frames 63"] = dataset("rad", "frame, 21 joints x axis-angle")
    left_hand_pose: Float[np.ndarray, "frames 45"] = dataset("rad", "frame, 15 x axis-angle")
    right_hand_pose: Float[np.ndarray, "frames 45"] = dataset("rad", "frame, 15 x axis-angle")
    jaw_pose: Float[np.ndarray, "frames 3"] = dataset("rad", "frame, axis-angle")
    transl: Float[np.ndarray, "frames 3"] = dataset("m", "frame, world x y z")
    joints: Float[np.ndarray, "frames 55 3"] = dataset("m", "frame, joint, world x y z")
    model: str = attribute()
    model_sha256: str = attribute()
    licence: str = attribute()


@dataclass(frozen=True)
class Person:
    """One person: an unbroken run of video frames from first to last sight.

    Attributes:
        id: the name used on the command line and in file names.
        frames: (N,) video frame numbers, consecutive.
        observed: (N,) whether the person was detected there; elsewhere the motion is filled in.
        box: (N, 4) x0 y0 x1 y1, pixels; NaN where not observed.
    """

    id: str
    label: str = attribute()
    frames: Int[np.ndarray, " frames"] = dataset("1", "video frame")
    observed: Bool[np.ndarray, " frames"] = dataset("1", "frame")
    box: Float[np.ndarray, "frames 4"] = dataset("px", "frame, x0 y0 x1 y1")
    keypoints2d: Keypoints2D | None = group(Keypoints2D)
    hands2d: Hands2D | None = group(Hands2D)
    keypoints3d: Keypoints3D | None = group(Keypoints3D)
    hands3d: Hands3D | None = group(Hands3D)
    body: BodyMotion | None = group(BodyMotion)

    @property
    def coverage(self) -> float:
        """Share of the person's frames in which it was really seen."""
        return float(np.mean(self.observed))


@dataclass(frozen=True)
class StageRecord:
    """What a stage was run with: enough to run it again and to know if that is needed.

    ``parameters`` are JSON: a tuple becomes a list here, as it would in the file.
    """

    name: str
    version: str
    parameters: dict[str, Any]
    seconds: float
    inputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", json.loads(json.dumps(self.parameters)))


@dataclass(frozen=True)
class Take:
    """Everything known of a performance. Stages return new takes; none is changed in place."""

    video: VideoRecord
    camera: Camera
    people: dict[str, Person] = field(default_factory=dict)
    world: World | None = None
    provenance: tuple[StageRecord, ...] = ()

    def with_stage(self, record: StageRecord, **changes: Any) -> "Take":
        """A take in which a stage's results replace what that stage had left before."""
        earlier = tuple(stage for stage in self.provenance if stage.name != record.name)
        return replace(self, provenance=(*earlier, record), **changes)

    def times(self, person: Person) -> np.ndarray:
        """(N,) seconds of a person's frames."""
        return self.video.timestamps[person.frames]

    def save(self, path: str | Path) -> Path:
        """Write the take, whole or not at all.

        Raises:
            TakeError: the folder cannot be written, or the disk is full.
        """
        path = Path(path)
        content = _encode(self)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise TakeError(
                f"{path}: cannot be written ({error.strerror}); free some space or choose "
                "another folder with --out"
            ) from error
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Take":
        """Read a take.

        Raises:
            TakeError: the file is missing, damaged, something else, or of a newer version.
        """
        path = Path(path)
        if not path.is_file():
            raise TakeError(f"{path}: no such take file; `mocap extract VIDEO` makes one")
        try:
            with h5py.File(path, "r") as file:
                return _read(file, path)
        except (KeyError, TypeError, ValueError, MemoryError) as error:
            raise TakeError(f"{path}: is a damaged take: {error}") from error
        except PermissionError as error:
            raise TakeError(f"{path}: cannot be read ({error.strerror})") from error
        except (OSError, RuntimeError) as error:
            raise TakeError(
                f"{path}: is not a readable HDF5 file (damaged, cut short, or "
                f"something else); make it again with `mocap extract`"
            ) from error


def _encode(take: Take) -> bytes:
    """The file as bytes. HDF5 crashes when a disk is full; so it does not meet the disk."""
    # From 1.10 on, HDF5 keeps checksums of all that it writes around the arrays.
    options = {"driver": "core", "backing_store": False, "libver": ("v110", "v110")}
    with h5py.File("take.h5", "w", **options) as file:
        _write(file, take)
        file.flush()
        return file.id.get_file_image()


def _write(file: h5py.File, take: Take) -> None:
    for key, value in {"format": FORMAT, "version": VERSION, "units": "m", "up_axis": "+Y"}.items():
        write_attribute(file, key, value)
    write_record(file.create_group("video"), take.video)
    camera = take.camera
    write_record(
        file.create_group("camera"),
        CameraRecord(camera.K, camera.R, camera.t, camera.source, "opencv"),
    )
    if take.world is not None:
        write_record(file.create_group("world"), take.world)
    people = file.create_group("people", track_order=True)
    for name, person in take.people.items():
        if name != person.id or "/" in name or name in ("", "."):
            raise RecordError(f"{name!r} cannot be the id under which person {person.id!r} is kept")
        entry = people.create_group(name)
        write_record(entry, _checked(person, take.video))
        entry.visititems(_name_points)
    provenance = file.create_group("provenance", track_order=True)
    for stage in take.provenance:
        entry = provenance.create_group(stage.name)
        for key, value in asdict(stage).items():
            write_attribute(entry, key, json.dumps(value) if isinstance(value, dict) else value)


def _name_points(_: str, item: h5py.Group | h5py.Dataset) -> None:
    if isinstance(item, h5py.Group) and "skeleton" in item.attrs:
        write_attribute(item, "names", SKELETONS[read_attribute(item, "skeleton")].names)
    elif item.name.endswith("/body/joints"):
        write_attribute(item, "names", SMPLX_55.names)


def _read(file: h5py.File, path: Path) -> Take:
    kind = read_attribute(file, "format") if "format" in file.attrs else None
    if kind != FORMAT:
        raise TakeError(f"{path}: is HDF5, but not a take (its format is {kind!r}, not {FORMAT!r})")
    version = int(read_attribute(file, "version"))
    if version > VERSION:
        raise TakeError(
            f"{path}: is a take of version {version}; this program reads up to "
            f"{VERSION}. Install a newer mocap-toolkit"
        )
    video = read_record(subgroup(file, "video"), VideoRecord)
    camera = read_record(subgroup(file, "camera"), CameraRecord)
    people, provenance = subgroup(file, "people"), subgroup(file, "provenance")
    return Take(
        video=video,
        camera=Camera(camera.K, camera.R, camera.t, camera.source),
        people={
            name: _checked(read_record(subgroup(people, name), Person, id=name), video)
            for name in people
        },
        world=read_record(subgroup(file, "world"), World) if "world" in file else None,
        provenance=tuple(_read_stage(subgroup(provenance, name)) for name in provenance),
    )


def _checked(person: Person, video: VideoRecord) -> Person:
    """Refuse a person whose arrays disagree about the frames, or whose frames are no run."""
    count, length = len(person.frames), len(video.timestamps)
    if not count or person.frames[0] < 0 or person.frames[-1] >= length:
        raise RecordError(f"person {person.id}: frames are not among the video's {length}")
    if np.any(np.diff(person.frames) != 1):
        raise RecordError(f"person {person.id}: frames are not consecutive")
    for name, array in _arrays_over_frames(person):
        if len(array) != count:
            raise RecordError(f"person {person.id}: {name} has {len(array)} frames, not {count}")
    return person


def _arrays_over_frames(record: Any, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
    for item in fields(record):
        value = getattr(record, item.name)
        if is_dataclass(value):
            yield from _arrays_over_frames(value, f"{prefix}{item.name}/")
        elif value is not None and item.metadata.get("axes", "").split(",")[0] == "frame":
            yield prefix + item.name, value


def _read_stage(entry: h5py.Group) -> StageRecord:
    return StageRecord(
        name=str(read_attribute(entry, "name")),
        version=str(read_attribute(entry, "version")),
        parameters=json.loads(read_attribute(entry, "parameters")),
        seconds=float(read_attribute(entry, "seconds")),
        inputs=json.loads(read_attribute(entry, "inputs")),
    )
