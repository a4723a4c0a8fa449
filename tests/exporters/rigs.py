"""Rigs written by ourselves, and people who walk on feet whose places are known."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygltflib
from takes import rest_offsets

from mocap.exporters import PRESETS, Performer, SkeletalMotion
from mocap.exporters.bvh import encode_bvh
from mocap.exporters.fbx import write_fbx
from mocap.exporters.foot_rests import Rests
from mocap.exporters.glb import write_glb
from mocap.exporters.rigs.limbs import reached
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.rig import Rig
from mocap.exporters.rigs.soles import feet_of_body, feet_of_rig
from mocap.exporters.styling import styled
from mocap.skeletons import SMPLX_55

#: Bones that make legs a fifth longer.
LONG_LEGS = {f"{side}_{joint}": 1.2 for side in ("left", "right") for joint in ("knee", "ankle")}
#: Metres a walker goes in a cycle of a second, and the share of it that a foot stands.
STRIDE, STANDS = 0.8, 0.6


def standing(stretched: Mapping[str, float] | None = None) -> Performer:
    """One frame of the plain skeleton of made-up takes at rest, with longer bones."""
    offsets = rest_offsets()
    for name, factor in (stretched or {}).items():
        offsets[SMPLX_55.index(name)] *= factor
    return Performer("rig", _motion(offsets, np.tile(np.eye(3), (1, 55, 1, 1)), offsets[:1]))


def rig_file(path: Path, preset: str, stretched: Mapping[str, float] | None = None) -> Path:
    """A preset's own file of the plain skeleton: .fbx, .glb or .bvh."""
    wanted = PRESETS[preset]
    up = wanted.up if path.suffix == ".fbx" else "y"
    one = styled(standing(stretched), replace(wanted, up=up))
    if path.suffix == ".fbx":
        return write_fbx([one], path, units=wanted.units, up=up, axes=wanted.axes)
    if path.suffix == ".glb":
        return write_glb([one], path, axes=wanted.axes)
    path.write_bytes(encode_bvh(one.motion, units=wanted.units))
    return path


def rig_of_preset(
    folder: Path, preset: str, stretched: Mapping[str, float] | None = None, kind: str = "glb"
) -> Rig:
    """The same, read."""
    return read_rig(rig_file(folder / f"{preset}.{kind}", preset, stretched))


def held(path: Path, preset: str) -> Path:
    """A preset's own .glb as Blender has characters in centimetres: below a small, lying node."""
    gltf = pygltflib.GLTF2().load(str(rig_file(path, preset)))
    root = gltf.scenes[0].nodes[0]
    for node in gltf.nodes:
        node.translation = [100 * x for x in node.translation]
    bound = gltf.bufferViews[gltf.accessors[gltf.skins[0].inverseBindMatrices].bufferView]
    part = slice(bound.byteOffset, bound.byteOffset + bound.byteLength)
    content = bytearray(gltf.binary_blob())
    matrices = np.frombuffer(content[part], "f4").reshape(-1, 4, 4).copy()
    matrices[:, 3, :3] *= 100
    content[part] = matrices.tobytes()
    gltf.set_binary_blob(bytes(content))
    half = 0.5**0.5
    above = pygltflib.Node(
        name="Armature", children=[root], rotation=[-half, 0, 0, half], scale=[0.01] * 3
    )
    gltf.nodes.append(above)
    gltf.scenes[0].nodes = [len(gltf.nodes) - 1]
    gltf.save(str(path))
    return path


def walker(frames: int = 75, fps: float = 30.0) -> Performer:
    """Somebody who walks ahead upright, feet flat; what stands does not move at all."""
    offsets = rest_offsets()
    one = _motion(offsets, np.tile(np.eye(3), (frames, 55, 1, 1)), np.zeros((frames, 3)))
    rest = one.rest_positions()
    cycle = np.arange(frames) / fps
    root = np.zeros((frames, 3))
    root[:, 2] = STRIDE * cycle
    feet = feet_of_body(rest)
    root[:, 1] = 0.93 * (feet["left"].leg + feet["left"].height) - (rest[1, 1] - rest[0, 1])
    rotations, stands = one.rotations.copy(), []
    joints = rest - rest[0] + root[:, None]
    for side, foot in feet.items():
        phase = cycle + (0.0 if side == "left" else 0.5)
        stood, part = np.floor(phase), phase % 1.0
        swing = np.clip((part - STANDS) / (1.0 - STANDS), 0.0, 1.0)
        goal = joints[:, foot.joints[2]].copy()
        ahead = stood + swing * swing * (3.0 - 2.0 * swing) + STANDS / 2 - (phase - cycle)
        goal[:, 2] = STRIDE * ahead
        goal[:, 1] = foot.height + 0.1 * np.sin(np.pi * swing) ** 2
        hinge = np.tile([1.0, 0.0, 0.0], (frames, 1))
        upper, lower = reached(joints[:, list(foot.joints)], goal, hinge)
        hip, knee, ankle = foot.joints
        rotations[:, hip] = upper
        rotations[:, knee] = np.swapaxes(upper, 1, 2) @ lower
        rotations[:, ankle] = np.swapaxes(lower, 1, 2)
        stands += [part < STANDS] * 2
    motion = replace(one, rotations=rotations, root_position=root, fps=fps)
    return Performer("walker", motion, rests=Rests(np.stack(stands, 1).astype(float)))


def soles(one: Performer) -> np.ndarray:
    """(F, 4, 3) left heel and ball, right heel and ball, of SMPL-X's joints."""
    motion = one.motion
    joints, world = motion.joints(), motion.world_rotations()
    feet = feet_of_body(motion.rest_positions()).values()
    return np.concatenate(
        [f.placed(joints[:, f.joints[2]], world[:, f.joints[2]]) for f in feet], 1
    )


def rig_soles(one: Performer, rig: Rig, source: Performer) -> np.ndarray:
    """The same of a rig that moves as a source, +Y up."""
    body = feet_of_body(source.motion.rest_positions())
    joints = one.motion.joints() @ rig.upright
    stands = np.swapaxes(rig.skeleton.world_rotations(), 2, 3)
    turns = rig.upright.T @ one.motion.world_rotations() @ stands @ rig.upright
    feet = feet_of_rig(rig, body).values()
    return np.concatenate(
        [f.placed(joints[:, f.joints[2]], turns[:, f.joints[2]]) for f in feet], 1
    )


def slide(points: np.ndarray, rests: np.ndarray) -> float:
    """Mean way over the ground, metres a frame, of points (F, P, 3) while they rest (F, P)."""
    steps = np.linalg.norm(np.diff(points[..., [0, 2]], axis=0), axis=-1)
    return float(steps[rests[1:] & rests[:-1]].mean())


def _motion(offsets: np.ndarray, rotations: np.ndarray, root: np.ndarray) -> SkeletalMotion:
    return SkeletalMotion(SMPLX_55.names, SMPLX_55.parents, offsets, rotations, root, 30.0)


def on_controls(path: Path, *, twin: bool = False) -> Path:
    """Blender's human as Rigify makes it: legs and collars hang from controls beside the hips.

    Args:
        path: of the .glb to write.
        twin: whether controls of the limbs' names lie beside the bones, as ``ORG-`` bones do.
    """
    one = styled(standing(), PRESETS["rigify"])
    motion, places = one.motion, one.motion.rest_positions()
    names = ["rig", "torso", "ORG-chest", "tweak_breast"]
    chest = places[motion.names.index("spine.003")]
    parents, where = [-1, 0, 1, 2], [np.zeros(3), places[0], chest, chest + [0.0, -0.1, 0.05]]
    for i, (name, parent) in enumerate(zip(motion.names, motion.parents, strict=True)):
        hangs = name.startswith(("thigh", "shoulder"))
        names.append(f"DEF-{name}")
        parents.append(1 if hangs else parent + 4 if i else 0)
        where.append(places[i])
    if twin:
        names += [f"ORG-{name}" for name in motion.names]
        parents += [1] * len(motion.names)
        where += list(places)
    at = np.stack(where)
    offsets = at - np.where(np.array(parents)[:, None] >= 0, at[parents], 0.0)
    still = np.tile(np.eye(3), (1, len(names), 1, 1))
    skeleton = SkeletalMotion(tuple(names), tuple(parents), offsets, still, offsets[:1], 30.0)
    return write_glb([replace(one, motion=skeleton)], path, axes="world")
