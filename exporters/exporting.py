"""A take in any format: whose motion, which part of it, how it is dressed, and into which files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mocap.body import Body
from mocap.errors import ExportError
from mocap.exporters.amass import write_amass
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.editing import looped, mirrored, part
from mocap.exporters.fbx import write_fbx
from mocap.exporters.foot_rests import rests_from_take
from mocap.exporters.glb import write_glb
from mocap.exporters.joint_tables import encode_c3d, encode_csv, encode_json, encode_trc
from mocap.exporters.meshes import write_meshes
from mocap.exporters.performer import Performer
from mocap.exporters.presets import Preset, preset_named
from mocap.exporters.rigs import Rig, read_rig, retargeted
from mocap.exporters.skin import require_body, skin_from_take
from mocap.exporters.styling import styled
from mocap.exporters.taken import motion_on_beat
from mocap.exporters.usd import write_usd
from mocap.files import write_whole
from mocap.progress import Progress, silent
from mocap.take import Take

#: Every format, as its files' names end.
FORMATS = ("bvh", "fbx", "glb", "usd", "amass", "json", "csv", "trc", "c3d", "obj", "ply")
#: Formats that hold the body's surface.
SURFACES = ("fbx", "glb", "usd")
#: Formats that can hold several people.
SCENES = (*SURFACES, "json")
#: Formats that hold a skeleton of any kind.
SKELETONS = ("bvh", *SURFACES)
MESHES = ("obj", "ply")
#: Formats of the body's own parameters and surface: presets mean nothing to them.
_OWN = ("amass", *MESHES)
#: Formats that may be in any unit, and what the others are in.
_ANY_UNITS = ("bvh", "fbx")
_OWN_UNITS = {kind: "mm" if kind in ("trc", "c3d") else "m" for kind in FORMATS}
#: Formats that say which axis is up.
_ANY_AXES = ("fbx", "usd")

Units = Literal["cm", "m"]


@dataclass(frozen=True)
class ExportConfig:
    """How motion is written.

    Attributes:
        preset: whose names, rest pose, axes and units.
        units: of lengths, where the format has a choice; the preset's if None.
        fps: resample to this rate; the video's own if None.
        start: seconds of the clip to begin at.
        stop: seconds of the clip to end at.
        mirror: whether left and right are exchanged.
        loop: whether the motion goes on with its first frame after its last, on the spot.
        root_motion: whether a root bone travels over the ground, and the hips only move above it;
            with a rig, the bone above its hips.
        mesh: whether the body's surface comes along, in formats that hold one.
        together: whether everybody is in one file, in formats that can.
        rig: a character's file, whose skeleton the motion is put on, without a surface.
    """

    preset: str = "smplx"
    units: Units | None = None
    fps: float | None = None
    start: float | None = None
    stop: float | None = None
    mirror: bool = False
    loop: bool = False
    root_motion: bool = False
    mesh: bool = True
    together: bool = False
    rig: Path | None = None


def export_take(
    take: Take,
    people: Sequence[str],
    kind: str,
    out: str | Path,
    config: ExportConfig | None = None,
    *,
    body: Body | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write people of a take as files of a format.

    Args:
        take: a take with fitted bodies.
        people: their ids.
        kind: one of :data:`FORMATS`.
        out: the folder, made if need be: ``out/person-1.fbx``, or ``out/take.fbx`` for everybody
            in one file; a folder of meshes is ``out/person-1-obj``.
        config: how.
        body: the model they were fitted with; formats that hold a surface need it.
        progress: told of people and frames.

    Returns:
        What was written: files, and folders of meshes.

    Raises:
        ExportError: a person has no motion that can be written in this part of the clip, an
            option is not possible in this format, the rig is none, or a file cannot be written.
    """
    config, out = config or ExportConfig(), Path(out)
    preset = preset_named(config.preset)
    _require_possible(kind, config, body)
    rig = None if config.rig is None else read_rig(config.rig)
    found = [_performer(take, person, kind, config, body) for person in people]
    performers = [performer for performer in found if performer is not None]
    if not performers:
        raise ExportError("nobody is seen in this part of the clip")
    if kind in _OWN:
        return [_write_own(take, one, kind, out, body, progress) for one in performers]
    units: Units | float = config.units or preset.units
    if rig is not None:
        rig = _placed(rig, kind)
        dressed = [retargeted(one, rig, root_motion=config.root_motion) for one in performers]
        preset = replace(preset, up=rig.up, axes=rig.axes)
        units = config.units or _units(rig, kind)
    else:
        # Only some formats can say which way is up.
        preset = preset if kind in _ANY_AXES else replace(preset, up="y")
        dressed = [styled(one, preset, root_motion=config.root_motion) for one in performers]
    together = config.together or kind == "json"
    files = {"take": dressed} if together else {one.name: [one] for one in dressed}
    written: list[Path] = []
    for name, group in files.items():
        progress("files", len(written), len(files))
        path = out / f"{name}.{kind}"
        if config.rig is not None and path.exists() and path.samefile(config.rig):
            raise ExportError(f"{path}: is the rig itself; choose another folder")
        written.append(_WRITERS[kind](group, path, preset, units))
    progress("files", len(files), len(files))
    return written


def _require_possible(kind: str, config: ExportConfig, body: Body | None) -> None:
    if kind not in FORMATS:
        raise ExportError(f"there is no format {kind!r}; choose one of {', '.join(FORMATS)}")
    if config.together and kind not in SCENES:
        raise ExportError(f"a file of {kind} holds one person; {', '.join(SCENES)} hold several")
    if kind in _OWN and (config.preset != "smplx" or config.root_motion):
        raise ExportError(f"{kind} holds the body's own parameters, which no preset changes")
    unit = _OWN_UNITS.get(kind)
    if config.units not in (None, unit) and kind not in _ANY_UNITS:
        raise ExportError(f"{kind} files are in {unit}; leave units out")
    if kind in MESHES and not config.mesh:
        raise ExportError(f"{kind} holds nothing but the body's surface; choose another format")
    if config.rig is not None:
        _require_rigged(kind, config)
    elif body is None and (kind in MESHES or (kind in SURFACES and config.mesh)):
        raise ExportError(f"{kind} holds the body's surface, and no body was given")


def _require_rigged(kind: str, config: ExportConfig) -> None:
    if kind not in SKELETONS:
        raise ExportError(f"{kind} holds no rig's skeleton; {', '.join(SKELETONS)} do")
    if config.preset != "smplx":
        raise ExportError(
            f"a rig has names and axes of its own: choose it or the preset {config.preset}"
        )


def _placed(rig: Rig, kind: str) -> Rig:
    """A rig in the axes of its file where the format can have them, with +Y up where it cannot."""
    as_it_is = kind in _ANY_AXES or (kind == "bvh" and Path(rig.name).suffix.lower() == ".bvh")
    return rig if as_it_is else rig.standing_on_y()


def _units(rig: Rig, kind: str) -> Units | float:
    """The units of a rig's file, as far as the format can have them."""
    return rig.metres if kind == "bvh" else "m" if rig.metres == 1.0 else "cm"


def _performer(
    take: Take, person: str, kind: str, config: ExportConfig, body: Body | None
) -> Performer | None:
    """A person as chosen and edited; None if not seen in this part of the clip."""
    motion, start = motion_on_beat(take, person, fps=config.fps)
    skin = None
    if kind in SURFACES and config.mesh and config.rig is None:
        assert body is not None
        skin = skin_from_take(take, person, body)
    rests = rests_from_take(take, person, motion, start)
    whole = Performer(person, motion, skin, start, rests=rests)
    found = part(whole, config.start, config.stop)
    if found is not None and config.mirror:
        found = mirrored(found)
    if found is not None and config.loop:
        found = looped(found)
    return found


def _write_own(
    take: Take, performer: Performer, kind: str, out: Path, body: Body | None, progress: Progress
) -> Path:
    """A person in a format of the body's own parameters, or of its surface."""
    fitted = take.people[performer.name].body
    assert fitted is not None
    if kind == "amass":
        return write_amass(performer, fitted, out / f"{performer.name}.npz")
    assert body is not None
    require_body(take, performer.name, body)
    form: Literal["obj", "ply"] = "obj" if kind == "obj" else "ply"
    folder = out / f"{performer.name}-{kind}"
    return write_meshes(performer, fitted, body, folder, kind=form, progress=progress)


def _plain(content: bytes, path: Path) -> Path:
    return write_whole(path, content, error=ExportError)


#: Writes people to a file, as a preset wants, in these units.
_Writer = Callable[[list[Performer], Path, Preset, Units | float], Path]
_WRITERS: dict[str, _Writer] = {
    "bvh": lambda who, path, _, units: _plain(encode_bvh(who[0].motion, units=units), path),
    "fbx": lambda who, path, preset, units: write_fbx(
        who, path, units="m" if units in ("m", 1.0) else "cm", up=preset.up, axes=preset.axes
    ),
    "glb": lambda who, path, preset, _: write_glb(who, path, axes=preset.axes),
    "usd": lambda who, path, preset, _: write_usd(who, path, up=preset.up, axes=preset.axes),
    "json": lambda who, path, *_: _plain(encode_json(who), path),
    "csv": lambda who, path, *_: _plain(encode_csv(who[0]), path),
    "trc": lambda who, path, *_: _plain(encode_trc(who[0], path.name), path),
    "c3d": lambda who, path, *_: _plain(encode_c3d(who[0]), path),
}
