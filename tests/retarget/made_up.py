"""A made-up humanoid, and made-up people for it to follow."""

from dataclasses import replace
from pathlib import Path

import numpy as np
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
