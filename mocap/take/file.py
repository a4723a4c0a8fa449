"""The take as a file, written whole and read with suspicion.

A take is an HDF5 file (``take.h5``) that a reader needs no code of ours to understand: every
dataset carries ``units`` and ``axes``. Units and frames are those of :mod:`mocap.geometry`.
Files are written under a temporary name and renamed, so a file is whole or absent. All of it is
under HDF5's checksums (format 1.10, and see :mod:`mocap.records`), so damage is told, not read.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mocap.errors import TakeError
from mocap.files import write_whole
from mocap.geometry import Camera
from mocap.records import (
    RecordError,
    encoded,
    read_attribute,
    read_record,
    subgroup,
    write_attribute,
    write_record,
)
from mocap.skeletons import SKELETONS, SMPLX_55
from mocap.take.content import CameraRecord, Person, Scene, StageRecord, VideoRecord, World

FORMAT = "mocap-take"
VERSION = 1


@dataclass(frozen=True)
class Take:
    """Everything known of a performance. Stages return new takes; none is changed in place."""

    video: VideoRecord
    camera: Camera
    people: dict[str, Person] = field(default_factory=dict)
    world: World | None = None
    provenance: tuple[StageRecord, ...] = ()
    scene: Scene | None = None

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
        return write_whole(path, _encode(self), error=TakeError)

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
    return encoded(lambda file: _write(file, take))


def _write(file: h5py.File, take: Take) -> None:
    for key, value in {"format": FORMAT, "version": VERSION, "units": "m", "up_axis": "+Y"}.items():
        write_attribute(file, key, value)
    write_record(file.create_group("video"), take.video)
    camera = take.camera
    write_record(
        file.create_group("camera"),
        CameraRecord(
            camera.K,
            camera.R,
            camera.t,
            camera.source,
            camera.model,
            camera.distortion,
            camera.gravity_given,
            camera.note,
        ),
    )
    if take.world is not None:
        write_record(file.create_group("world"), take.world)
    if take.scene is not None:
        write_record(file.create_group("scene"), take.scene)
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
        camera=Camera(
            camera.K,
            camera.R,
            camera.t,
            camera.source,
            camera.distortion,
            camera.model,
            bool(camera.gravity_given),
            camera.note or "",
        ),
        people={
            name: _checked(read_record(subgroup(people, name), Person, id=name), video)
            for name in people
        },
        world=read_record(subgroup(file, "world"), World) if "world" in file else None,
        provenance=tuple(_read_stage(subgroup(provenance, name)) for name in provenance),
        scene=read_record(subgroup(file, "scene"), Scene) if "scene" in file else None,
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
    masks = person.masks
    if masks is not None and (masks.width, masks.height) != (video.width, video.height):
        raise RecordError(
            f"person {person.id}: masks of {masks.width}×{masks.height} pixels, but the video has "
            f"{video.width}×{video.height}"
        )
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
