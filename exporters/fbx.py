"""FBX 7.4, binary: skeletons, their motion, and the surfaces they carry.

What is written here:

- Axes: right-handed, +Y up, as in the take (+Z up where a preset asks for it: GlobalSettings say
  which). The rest pose, which is also the bind pose, is the motion's own: SMPL-X's T-pose, facing
  +Z, unless a preset changes it.
- Units: centimetres, or metres where a preset asks for them; ``UnitScaleFactor`` says which.
- Joints are limb nodes. Their rest axes are in ``PreRotation``, so that ``Lcl Rotation`` is what
  turns them from the rest pose: Euler angles in degrees, order XYZ (``Rz @ Ry @ Rx`` of column
  vectors), which go on past 180 degrees rather than jump.
- A key a frame, linear in between, at the motion's own rate.
- Several people share a scene: each then stands below a null node of their name.

Source: "FBX SDK Programmer's Guide" (Autodesk) for what nodes mean.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.euler import continuous_euler
from mocap.exporters.fbx_nodes import FILE_ID, FILE_TIME, VERSION, Node, document, packed
from mocap.exporters.fbx_objects import Objects, matrix, properties
from mocap.exporters.oriented import RestAxes, oriented
from mocap.exporters.performer import Performer, require_sound
from mocap.files import write_whole

__all__ = ["encode_fbx", "write_fbx"]

#: FBX's ticks in a second.
TICKS = 46_186_158_000
#: Rates with a mode of their own; any other is a custom one.
_MODES = {120.0: 1, 100.0: 2, 60.0: 3, 50.0: 4, 48.0: 5, 30.0: 6, 25.0: 10, 24.0: 11, 1000.0: 12}
_CUSTOM = 14
_CENTIMETRES = {"cm": 1.0, "m": 100.0}
_TIP = 3.0


def write_fbx(
    performers: Sequence[Performer],
    path: str | Path,
    *,
    units: Literal["cm", "m"] = "cm",
    up: Literal["y", "z"] = "y",
    axes: RestAxes = "y",
) -> Path:
    """Write people to an FBX file; the module says with which axes and meaning.

    Args:
        performers: who is in the scene.
        path: the file to write; its folder is made if need be.
        units: of lengths.
        up: which axis of the motions is up.
        axes: of the joints at rest.

    Returns:
        ``path``.

    Raises:
        ExportError: a motion is empty or not finite, or the file cannot be written (nothing is
            left behind then).
    """
    return write_whole(
        path, encode_fbx(performers, units=units, up=up, axes=axes), error=ExportError
    )


def encode_fbx(
    performers: Sequence[Performer],
    *,
    units: Literal["cm", "m"] = "cm",
    up: Literal["y", "z"] = "y",
    axes: RestAxes = "y",
) -> bytes:
    """People as the bytes of an FBX file; the options are those of :func:`write_fbx`."""
    require_sound(performers)
    scale = 100.0 / _CENTIMETRES[units]
    objects = Objects()
    stop = max(one.stop for one in performers)
    layer = _clip(objects, stop)
    for performer in performers:
        above = 0
        if len(performers) > 1:
            above = objects.model(performer.name, "Null", 0, np.zeros(3), np.zeros(3))
        _Actor(objects, performer, above, scale, axes).write(layer)
    settings = _settings(performers[0].motion.fps, stop, _CENTIMETRES[units], up)
    return document([*_header(), settings, *_documents(), *objects.nodes(), _takes(stop)])


class _Actor:
    """One person's nodes."""

    def __init__(
        self, objects: Objects, performer: Performer, above: int, scale: float, axes: RestAxes
    ) -> None:
        self._objects, self._performer, self._above = objects, performer, above
        self._scale = scale
        self._oriented = oriented(performer.motion, axes)
        # What a metre is in a joint's parent.
        self._units = np.full(len(performer.motion.names), scale)
        self._units[performer.holder.count :] /= performer.holder.scale

    def write(self, layer: int) -> None:
        """The joints, their curves on a layer, and the surface."""
        bones = self._bones()
        self._curves(bones, layer)
        if self._performer.skin is not None:
            self._skin(bones)

    def _bones(self) -> list[int]:
        motion, holder = self._performer.motion, self._performer.holder
        offsets = self._oriented.rest_offsets * self._units[:, None]
        # Euler angles of one frame: what a joint's axes are turned by, against its parent's.
        turns = np.rad2deg(continuous_euler(self._oriented.rest_turns[None], "ZYX")[0, :, ::-1])
        found: list[int] = []
        for i, name in enumerate(motion.names):
            above = self._above if motion.parents[i] < 0 else found[motion.parents[i]]
            if i < holder.count:
                scale = holder.scale if i == holder.count - 1 else 1.0
                bone = self._objects.model(name, "Null", above, offsets[i], turns[i], scale)
            else:
                bone = self._objects.model(name, "LimbNode", above, offsets[i], turns[i])
                self._objects.attribute(name, bone, _TIP * self._units[i] / 100.0)
            found.append(bone)
        return found

    def _curves(self, bones: list[int], layer: int) -> None:
        motion = self._performer.motion
        start = self._performer.start
        times = packed(np.rint((start + np.arange(len(motion)) / motion.fps) * TICKS).astype("i8"))
        own = self._oriented.turns_from_rest()
        angles = np.rad2deg(continuous_euler(own, "ZYX"))[..., ::-1].transpose(1, 2, 0)
        angles = np.ascontiguousarray(angles, np.float32)
        for i, bone in enumerate(bones):
            self._objects.animate(bone, layer, "R", "Lcl Rotation", times, angles[i])
        for i in np.flatnonzero(self._oriented.moved).tolist():
            placed = self._oriented.offsets[:, i].T * self._units[i]
            placed = np.ascontiguousarray(placed, np.float32)
            self._objects.animate(bones[i], layer, "T", "Lcl Translation", times, placed)

    def _skin(self, bones: list[int]) -> None:
        skin, objects = self._performer.skin, self._objects
        assert skin is not None
        name = f"{self._performer.name}-body"
        mesh = objects.model(name, "Mesh", self._above, np.zeros(3), np.zeros(3))
        geometry = objects.geometry(
            name, mesh, skin.vertices * self._scale, skin.faces, skin.normals()
        )
        deformer = objects.deformer(name, geometry)
        rest = zip(self._oriented.axes, self._oriented.places, strict=True)
        places = [matrix(axes, place * self._scale) for axes, place in rest]
        for i, bone in enumerate(bones):
            moved = np.flatnonzero(skin.weights[:, i])
            if len(moved):
                objects.cluster(
                    self._performer.motion.names[i],
                    *(deformer, bone),
                    *(moved.astype("i4"), skin.weights[moved, i], places[i]),
                )
        objects.bind_pose(name, {mesh: np.eye(4), **dict(zip(bones, places, strict=True))})


def _clip(objects: Objects, stop: float) -> int:
    """The stack and layer that curves are on."""
    ticks = np.int64(round(stop * TICKS))
    stack = objects.plain(
        "AnimationStack",
        *("motion", "AnimStack", ""),
        properties(
            ("LocalStop", "KTime", "Time", "", ticks),
            ("ReferenceStop", "KTime", "Time", "", ticks),
        ),
    )
    layer = objects.plain("AnimationLayer", "motion", "AnimLayer", "", properties())
    objects.connect(layer, stack)
    return layer


def _header() -> list[Node]:
    header = Node("FBXHeaderExtension")
    header.add("FBXHeaderVersion", 1003)
    header.add("FBXVersion", VERSION)
    header.add("EncryptionType", 0)
    header.add("Creator", "mocap-toolkit")
    return [
        header,
        Node("FileId", FILE_ID),
        Node("CreationTime", FILE_TIME),
        Node("Creator", "mocap-toolkit"),
    ]


def _settings(fps: float, stop: float, centimetres: float, up: str) -> Node:
    mode = _MODES.get(fps, _CUSTOM)
    settings = Node("GlobalSettings")
    settings.add("Version", 1000)
    standing, front, sign = (1, 2, 1) if up == "y" else (2, 1, -1)
    settings.nodes.append(
        properties(
            ("UpAxis", "int", "Integer", "", standing),
            ("UpAxisSign", "int", "Integer", "", 1),
            ("FrontAxis", "int", "Integer", "", front),
            ("FrontAxisSign", "int", "Integer", "", sign),
            ("CoordAxis", "int", "Integer", "", 0),
            ("CoordAxisSign", "int", "Integer", "", 1),
            ("OriginalUpAxis", "int", "Integer", "", standing),
            ("OriginalUpAxisSign", "int", "Integer", "", 1),
            ("UnitScaleFactor", "double", "Number", "", centimetres),
            ("OriginalUnitScaleFactor", "double", "Number", "", centimetres),
            ("TimeMode", "enum", "", "", mode),
            ("CustomFrameRate", "double", "Number", "", fps if mode == _CUSTOM else -1.0),
            ("TimeSpanStart", "KTime", "Time", "", np.int64(0)),
            ("TimeSpanStop", "KTime", "Time", "", np.int64(round(stop * TICKS))),
        )
    )
    return settings


def _documents() -> list[Node]:
    documents = Node("Documents")
    documents.add("Count", 1)
    one = documents.add("Document", np.int64(1), "Scene", "Scene")
    one.add("RootNode", np.int64(0))
    return [documents, Node("References")]


def _takes(stop: float) -> Node:
    ticks = np.int64(round(stop * TICKS))
    takes = Node("Takes")
    takes.add("Current", "motion")
    take = takes.add("Take", "motion")
    take.add("FileName", "motion.tak")
    take.add("LocalTime", np.int64(0), ticks)
    take.add("ReferenceTime", np.int64(0), ticks)
    return takes
