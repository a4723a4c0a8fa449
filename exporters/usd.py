"""USD with UsdSkel: skeletons, their motion, and the surfaces they carry.

What is written here:

- Axes: right-handed, ``upAxis`` Y (Z where a preset asks for it); people face +Z in the rest
  pose, which is SMPL-X's T-pose unless a preset changes it and which is the bind pose too. Units:
  ``metersPerUnit`` 1.
- A time code is a frame: ``timeCodesPerSecond`` is the motion's own rate.
- Each person is a ``SkelRoot`` with a ``Skeleton`` and a ``SkelAnimation``: translations,
  rotations (quaternions) and scales of joints in their parents' axes. Up to eight joints move a
  vertex.
- ``.usda`` is text, ``.usdc`` and ``.usd`` are binary, by the file's name.

Source: "UsdSkel schemas", OpenUSD documentation, Pixar.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.oriented import RestAxes, oriented
from mocap.exporters.performer import Performer, require_sound
from mocap.exporters.quaternions import continuous_quaternions
from mocap.exporters.skin import Skin
from mocap.files import write_whole

__all__ = ["encode_usd", "write_usd"]

#: How a file's name ends, and the encoding it stands for.
KINDS = {".usd": "usdc", ".usdc": "usdc", ".usda": "usda"}
_ODD = re.compile(r"\W")


def write_usd(
    performers: Sequence[Performer],
    path: str | Path,
    *,
    up: Literal["y", "z"] = "y",
    axes: RestAxes = "y",
) -> Path:
    """Write people to a USD file; the module says with which axes and meaning.

    Args:
        performers: who is in the scene.
        path: the file to write, ``.usd``, ``.usdc`` or ``.usda``; its folder is made if need be.
        up: which axis of the motions is up.
        axes: of the joints at rest.

    Returns:
        ``path``.

    Raises:
        ExportError: ``usd-core`` is not installed, a motion is empty or not finite, or the file
            cannot be written (nothing is left behind then).
    """
    kind = KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise ExportError(f"{path}: must end in {', '.join(KINDS)}")
    return write_whole(path, encode_usd(performers, kind, up=up, axes=axes), error=ExportError)


def encode_usd(
    performers: Sequence[Performer],
    kind: str = "usdc",
    *,
    up: Literal["y", "z"] = "y",
    axes: RestAxes = "y",
) -> bytes:
    """People as the bytes of a USD file; the options are those of :func:`write_usd`."""
    require_sound(performers)
    pxr = _Pxr()
    stage = pxr.Usd.Stage.CreateInMemory()
    fps = performers[0].motion.fps
    pxr.UsdGeom.SetStageUpAxis(stage, up.upper())
    pxr.UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(fps)
    stage.SetFramesPerSecond(fps)
    stage.SetStartTimeCode(fps * min(one.start for one in performers))
    stage.SetEndTimeCode(fps * max(one.stop for one in performers))
    scene = pxr.UsdGeom.Xform.Define(stage, "/scene")
    stage.SetDefaultPrim(scene.GetPrim())
    pxr.Usd.ModelAPI(scene.GetPrim()).SetKind("component")
    for performer in performers:
        _Actor(pxr, stage, performer, axes).write(fps)
    return _bytes(stage, kind)


class _Pxr:
    """The modules of OpenUSD; they take a while to load, and are an extra."""

    def __init__(self) -> None:
        try:
            from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, Vt
        except ImportError as missing:
            raise ExportError(
                "writing USD needs usd-core; `pip install 'mocap-toolkit[usd]'` installs it"
            ) from missing
        self.Gf, self.Sdf, self.Usd, self.UsdGeom = Gf, Sdf, Usd, UsdGeom
        self.UsdShade, self.UsdSkel, self.Vt = UsdShade, UsdSkel, Vt


class _Actor:
    """One person's part of a stage."""

    def __init__(self, pxr: _Pxr, stage: Any, performer: Performer, axes: RestAxes) -> None:
        self._pxr, self._stage, self._performer = pxr, stage, performer
        motion = performer.motion
        self._place = f"/scene/{_token(performer.name)}"
        self._oriented = oriented(motion, axes)
        self._joints: list[str] = []
        for name, parent in zip(motion.names, motion.parents, strict=True):
            own = _token(name)
            self._joints.append(own if parent < 0 else f"{self._joints[parent]}/{own}")

    def write(self, fps: float) -> None:
        """The skeleton, its motion and its surface, in a root of their own."""
        skel, told = self._pxr.UsdSkel, self._oriented
        root = skel.Root.Define(self._stage, self._place)
        skeleton = skel.Skeleton.Define(self._stage, f"{self._place}/skeleton")
        skeleton.CreateJointsAttr(self._joints)
        matrix = self._pxr.Vt.Matrix4dArray.FromNumpy
        skeleton.CreateBindTransformsAttr(matrix(_matrices(told.axes, told.places)))
        skeleton.CreateRestTransformsAttr(matrix(_matrices(told.rest_turns, told.rest_offsets)))
        animation = self._animation(fps)
        binding = skel.BindingAPI.Apply(skeleton.GetPrim())
        binding.CreateAnimationSourceRel().SetTargets([animation.GetPath()])
        if self._performer.skin is not None:
            self._surface(self._performer.skin, skeleton.GetPath())
            extent = _extent(self._performer.skin.vertices)
            root.CreateExtentAttr(self._pxr.Vt.Vec3fArray.FromNumpy(extent))

    def _animation(self, fps: float) -> Any:
        motion, vt = self._performer.motion, self._pxr.Vt
        animation = self._pxr.UsdSkel.Animation.Define(self._stage, f"{self._place}/motion")
        animation.CreateJointsAttr(self._joints)
        ones = np.ones((len(self._joints), 3), "f2")
        animation.CreateScalesAttr(vt.Vec3hArray.FromNumpy(ones))
        turns = continuous_quaternions(self._oriented.turns)
        places = self._oriented.offsets.astype("f4")
        codes = fps * (self._performer.start + np.arange(len(motion)) / motion.fps)
        turned = animation.CreateRotationsAttr()
        moved = animation.CreateTranslationsAttr()
        for code, turn, place in zip(codes.tolist(), turns, places, strict=True):
            turned.Set(vt.QuatfArray.FromNumpy(turn), code)
            moved.Set(vt.Vec3fArray.FromNumpy(place), code)
        return animation

    def _surface(self, skin: Skin, skeleton: Any) -> None:
        pxr = self._pxr
        vt = pxr.Vt
        mesh = pxr.UsdGeom.Mesh.Define(self._stage, f"{self._place}/body")
        mesh.CreatePointsAttr(vt.Vec3fArray.FromNumpy(skin.vertices.astype("f4")))
        mesh.CreateNormalsAttr(vt.Vec3fArray.FromNumpy(skin.normals().astype("f4")))
        mesh.SetNormalsInterpolation("vertex")
        mesh.CreateFaceVertexCountsAttr(vt.IntArray.FromNumpy(np.full(len(skin.faces), 3, "i4")))
        mesh.CreateFaceVertexIndicesAttr(
            vt.IntArray.FromNumpy(np.ascontiguousarray(skin.faces, "i4").ravel())
        )
        mesh.CreateSubdivisionSchemeAttr("none")
        mesh.CreateExtentAttr(vt.Vec3fArray.FromNumpy(_extent(skin.vertices)))
        mesh.CreateDisplayColorAttr([pxr.Gf.Vec3f(0.72, 0.72, 0.75)])
        who, much = skin.strongest_joints(8)
        binding = pxr.UsdSkel.BindingAPI.Apply(mesh.GetPrim())
        count = who.shape[1]
        binding.CreateJointIndicesPrimvar(False, count).Set(
            vt.IntArray.FromNumpy(who.astype("i4").ravel())
        )
        binding.CreateJointWeightsPrimvar(False, count).Set(
            vt.FloatArray.FromNumpy(much.astype("f4").ravel())
        )
        binding.CreateGeomBindTransformAttr(pxr.Gf.Matrix4d(1.0))
        binding.CreateSkeletonRel().SetTargets([skeleton])


def _token(name: str) -> str:
    """A name as OpenUSD allows it: letters, digits and underscores, no digit first."""
    plain = _ODD.sub("_", name)
    return plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"


def _matrices(rotations: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """(J, 4, 4) transforms of row vectors, as OpenUSD has them."""
    found = np.tile(np.eye(4), (len(positions), 1, 1))
    found[:, :3, :3] = np.swapaxes(rotations, 1, 2)
    found[:, 3, :3] = positions
    return found


def _extent(vertices: np.ndarray) -> np.ndarray:
    return np.stack([vertices.min(0), vertices.max(0)]).astype("f4")


def _bytes(stage: Any, kind: str) -> bytes:
    """A stage as a file of a kind; OpenUSD goes by the ending of a file's name."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"motion.{kind}"
        stage.GetRootLayer().Export(str(path))
        return path.read_bytes()
