"""A made-up humanoid, and made-up people for it to follow."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import trimesh
from takes import make_body, rest_offsets

from mocap.retarget import HumanMotion, human_motion

_LEG = """
<body name="{s}_hip" pos="0 {y} -0.1"><joint name="{s}_hip_pitch" axis="0 1 0" range="-2.5 2.5"/>
 <geom type="sphere" size=".03" mass=".5"/>
 <body name="{s}_hip2"><joint name="{s}_hip_roll" axis="1 0 0" range="-1.2 1.2"/>
  <geom type="sphere" size=".03" mass=".5"/>
  <body name="{s}_thigh"><joint name="{s}_hip_yaw" axis="0 0 1" range="-1.5 1.5"/>
   <geom type="capsule" fromto="0 0 -.06 0 0 -.3" size=".04" mass="2"/>
   <body name="{s}_shank" pos="0 0 -.4"><joint name="{s}_knee" axis="0 1 0" range="-.05 2.6"/>
    <geom type="capsule" fromto="0 0 -.06 0 0 -.3" size=".03" mass="1"/>
    <body name="{s}_ankle" pos="0 0 -.4"><joint name="{s}_ankle_pitch" axis="0 1 0" range="-1 1"/>
     <body name="{s}_foot"><joint name="{s}_ankle_roll" axis="1 0 0" range="-.5 .5"/>
      <geom type="box" pos=".04 0 -.04" size=".11 .04 .02" mass=".5"/>
     </body></body></body></body></body></body>
"""
_ARM = """
<body name="{s}_shoulder" pos="0 {y} .4">
 <joint name="{s}_shoulder_pitch" axis="0 1 0" range="-3 3"/><geom size=".02" mass=".3"/>
 <body name="{s}_shoulder2"><joint name="{s}_shoulder_roll" axis="1 0 0" range="-3 3"/>
  <geom size=".02" mass=".3"/>
  <body name="{s}_upper"><joint name="{s}_shoulder_yaw" axis="0 0 1" range="-2.5 2.5"/>
   <geom type="capsule" fromto="0 0 -.05 0 0 -.2" size=".03" mass="1"/>
   <body name="{s}_lower" pos="0 0 -.26"><joint name="{s}_elbow" axis="0 1 0" range="-2.6 .05"/>
    <geom type="capsule" fromto="0 0 -.05 0 0 -.25" size=".025" mass=".7"/>
   </body></body></body></body>
"""


def humanoid(
    *,
    arms: bool = True,
    waist: bool = True,
    free: bool = True,
    named: bool = True,
    ball: bool = False,
) -> str:
    """An MJCF: 0.84 m of leg, faces +X, joints at zero stand straight with hanging arms."""
    legs = "".join(_LEG.format(s=s, y=y) for s, y in (("left", 0.09), ("right", -0.09)))
    both = "".join(_ARM.format(s=s, y=y) for s, y in (("left", 0.2), ("right", -0.2)))
    turn = '<joint name="waist" axis="0 0 1" range="-1 1"/>' if waist else ""
    neck = '<joint name="neck" type="ball"/>' if ball else '<joint name="neck" axis="0 0 1"/>'
    text = f"""
    <mujoco model="made_up"><compiler angle="radian" autolimits="true"/><worldbody>
     <body name="pelvis" pos="0 0 .96">{"<freejoint/>" if free else ""}
      <geom type="box" size=".05 .07 .05" mass="5"/>{legs}
      <body name="chest" pos="0 0 .08">{turn}
       <geom type="box" pos="0 0 .25" size=".07 .12 .15" mass="8"/>{both if arms else ""}
       <body name="head" pos="0 0 .45">{neck}
        <geom type="sphere" pos="0 0 .1" size=".08" mass="2"/>
       </body></body></body></worldbody></mujoco>"""
    if not named:
        for number, name in enumerate(
            ("left", "right", "hip", "knee", "ankle", "elbow", "shoulder")
        ):
            text = text.replace(f'"{name}', f'"p{number}').replace(f"_{name}", f"_p{number}")
    return text


def written(folder: Path, **options: bool) -> Path:
    """The made-up humanoid as a file."""
    path = folder / "made_up.xml"
    path.write_text(humanoid(**options))
    return path


def marching(frames: int = 90, fps: float = 30.0, name: str = "person-1") -> HumanMotion:
    """Somebody who marches on the spot and swings both arms."""
    time = np.arange(frames) / fps
    pose = np.zeros((frames, 55, 3))
    lift = np.sin(2 * np.pi * 0.8 * time)
    for side, (hip, knee, sign) in {"left": (1, 4, 1.0), "right": (2, 5, -1.0)}.items():
        up = np.maximum(sign * lift, 0.0) ** 2
        pose[:, hip, 0] = -0.9 * up
        pose[:, knee, 0] = 1.2 * up
        shoulder = 16 if side == "left" else 17
        # Arms hang, and swing against the legs.
        pose[:, shoulder, 2] = -1.2 * (1 if side == "left" else -1)
        pose[:, shoulder + 2, 1] = -(0.6 + 0.4 * lift) * (1 if side == "left" else -1)
    body = make_body(pose, np.tile([0.0, 0.95, 0.0], (frames, 1)), rest_offsets())
    return human_motion(name, body.joints, pose, time)


def moved(motion: HumanMotion, by: tuple[float, float, float]) -> HumanMotion:
    """The same motion elsewhere."""
    return replace(motion, joints=motion.joints + np.array(by))


def collada(
    mesh: trimesh.Trimesh,
    kind: str = "triangles",
    *,
    unit: float = 1.0,
    up: str = "Y_UP",
    placed: bool = True,
) -> str:
    """A mesh as COLLADA; placed, it is one metre along x within a quarter turn about z."""
    place, turn = (1 / unit, 90) if placed else (0, 0)
    rows = mesh.faces
    if kind in ("triangles", "polylist"):
        count = f"<vcount>{'3 ' * len(rows)}</vcount>" if kind == "polylist" else ""
        body = f"{count}<p>{' '.join(f'0 {row}' for row in rows.ravel())}</p>"
    else:
        body = "".join(f"<p>{' '.join(f'0 {row}' for row in face)}</p>" for face in rows)
    # A point that no triangle uses is no part of the surface.
    values = " ".join(f"{value:.9g}" for value in [*mesh.vertices.ravel(), 9, 9, 9])
    return f"""<?xml version="1.0"?>
    <COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
    <asset><unit meter="{unit}"/><up_axis>{up}</up_axis></asset>
    <library_geometries><geometry id="g"><mesh>
    <source id="at"><float_array id="a">{values}</float_array><technique_common>
    <accessor source="#a" count="{len(mesh.vertices) + 1}" stride="3"/></technique_common></source>
    <vertices id="v"><input semantic="POSITION" source="#at"/></vertices>
    <{kind} count="{len(rows)}"><input semantic="NORMAL" source="#n" offset="0"/>
    <input semantic="VERTEX" source="#v" offset="1"/>{body}</{kind}></mesh></geometry>
    </library_geometries><library_visual_scenes><visual_scene id="s"><node id="outer">
    <rotate>0 0 1 {turn}</rotate><node><translate>{place} 0 0</translate>
    <instance_geometry url="#g"/></node></node></visual_scene></library_visual_scenes>
    <scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


_LINK = """<link name="{name}"><inertial><mass value="1"/>
<inertia ixx=".01" iyy=".01" izz=".01" ixy="0" ixz="0" iyz="0"/></inertial>{shape}</link>"""
_JOINT = """<joint name="{name}_joint" type="revolute"><parent link="{above}"/>
<child link="{name}"/><origin xyz="{at}"/><axis xyz="{axis}"/>
<limit lower="{low}" upper="{high}" velocity="12" effort="1"/></joint>"""
#: Boxes of the walker's links: size and middle, metres.
_BOXES = {
    "thigh": ((0.1, 0.1, 0.4), (0, 0, -0.2)),
    "shank": ((0.08, 0.08, 0.4), (0, 0, -0.2)),
    "foot": ((0.22, 0.08, 0.05), (0.04, 0, -0.025)),
}


def walking_urdf(
    folder: Path, suffix: str, *, up: str = "Z_UP", turned: bool = False, package: str = ""
) -> Path:
    """A URDF of a pelvis and two legs whose shapes are meshes of one format, soles 0.05 m down.

    Args:
        folder: gets the files.
        suffix: of the meshes; ``.stl`` are of letters.
        up: what COLLADA files say is up.
        turned: whether their points are turned so that +Y is.
        package: what to name the meshes with, such as ``package://robot/``.
    """
    for name, (size, middle) in _BOXES.items():
        mesh = trimesh.creation.box(size)
        mesh.apply_translation(middle)
        if turned:
            mesh.vertices = mesh.vertices[:, [0, 2, 1]] * [1, 1, -1]
        path = folder / f"{name}{suffix}"
        if suffix == ".dae":
            path.write_text(collada(mesh, "polylist", up=up, placed=False))
        elif suffix.lower() == ".stl":
            mesh.export(path, file_type="stl_ascii")
        else:
            mesh.export(path)
    links, joints = [_LINK.format(name="pelvis", shape="")], []
    for side, y in (("left", 0.1), ("right", -0.1)):
        above = "pelvis"
        for part, at, axis, low, high in (
            ("hip", f"0 {y} 0", "1 0 0", -1.2, 1.2),
            ("hip2", "0 0 0", "0 0 1", -1.2, 1.2),
            ("thigh", "0 0 0", "0 1 0", -2.5, 2.5),
            ("shank", "0 0 -.4", "0 1 0", -0.05, 2.6),
            ("ankle", "0 0 -.4", "0 1 0", -1, 1),
            ("foot", "0 0 0", "1 0 0", -0.5, 0.5),
        ):
            mesh = f'<geometry><mesh filename="{package}{part}{suffix}"/></geometry>'
            shape = f"<collision>{mesh}</collision>" if part in _BOXES else ""
            name = f"{side}_{part}"
            links.append(_LINK.format(name=name, shape=shape))
            joints.append(
                _JOINT.format(name=name, above=above, at=at, axis=axis, low=low, high=high)
            )
            above = name
    path = folder / f"walker{suffix}.urdf"
    path.write_text(f'<robot name="walker">{"".join(links + joints)}</robot>')
    return path


def _pair(names: str, places: tuple[tuple[float, float], ...], height: float) -> str:
    return "".join(
        f"""<body name="{name}_a" pos="{x} {y} {height}"><joint name="{name}_roll" axis="1 0 0"
        range="-1 1"/><geom size=".03"/><body name="{name}_b"><joint name="{name}_pitch"
        axis="0 1 0" range="-1 1"/><geom type="capsule" fromto="0 0 0 0 0 -.2" size=".02"/>
        <body name="{name}_c" pos="0 0 -.2"><joint name="{name}_bend" axis="0 1 0" range="-2 0"/>
        <geom type="capsule" fromto="0 0 0 0 0 -.2" size=".02"/></body></body></body>"""
        for name, (x, y) in zip(names.split(), places, strict=True)
    )


def quadruped() -> str:
    """An MJCF of what walks on four legs."""
    legs = _pair(
        "fl_leg fr_leg rl_leg rr_leg", ((0.2, 0.1), (0.2, -0.1), (-0.2, 0.1), (-0.2, -0.1)), 0
    )
    return f"""<mujoco><compiler angle="radian"/><worldbody><body pos="0 0 .4"><freejoint/>
    <geom type="box" size=".25 .1 .05"/>{legs}</body></worldbody></mujoco>"""


def two_arms() -> str:
    """An MJCF of a trunk on a pedestal with two arms."""
    arms = _pair("left_arm right_arm", ((0, 0.2), (0, -0.2)), 0.3)
    return f"""<mujoco><compiler angle="radian"/><worldbody><body pos="0 0 1">
    <geom type="box" pos="0 0 -.2" size=".1 .1 .5"/>{arms}</body></worldbody></mujoco>"""


def two_robots() -> str:
    """The made-up humanoid, and the same again a metre ahead, bolted down."""
    text, other = humanoid(), humanoid(free=False)
    again = other[other.index("<body") : other.rindex("</worldbody>")]
    again = again.replace('name="', 'name="other_').replace('pos="0 0 .96"', 'pos="1 0 .96"')
    return text.replace("</worldbody>", f"{again}</worldbody>")


def flat_scene() -> str:
    """The made-up humanoid on a floor, after a ball that is free, too."""
    return humanoid().replace(
        "<worldbody>",
        '<worldbody><geom type="plane" size="5 5 .1"/><body name="ball" pos="2 0 1"><freejoint/>'
        '<geom size=".1"/></body>',
    )
