"""Robots out of MJCF and URDF files.

What a model lacks is made up and told in ``notes``: a free joint for a base that is bolted down,
capsules for shapes that are not there, speeds where none is stated.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mocap.errors import RetargetError
from mocap.retarget.meshes import drop_refused_meshes, left_out, settle_meshes
from mocap.retarget.names import robot_file
from mocap.retarget.robot import Robot
from mocap.retarget.scenery import add_scenery
from mocap.retarget.stand_ins import add_capsules, below, drop_missing_textures
from mocap.retarget.urdf import read_urdf

if TYPE_CHECKING:
    import mujoco

#: Speed of joints whose model states none, rad/s (m/s for slides): that of today's humanoids.
ASSUMED_SPEED = 20.0
#: Joints that can move less than this are locked, radians.
_LOCKED = 1e-3
#: Bodies of a model, at most: MuJoCo's reader takes ever longer for each.
_MOST_BODIES = 3000
#: Metres, kilograms and radians that nothing in a robot reaches.
_FARTHEST = 1e5
_log = logging.getLogger(__name__)


def read_robot(name: str | Path) -> Robot:
    """Read a robot's model.

    Args:
        name: an MJCF or URDF file, or a name that :func:`.names.robot_file` knows.

    Raises:
        RetargetError: there is no such robot, MuJoCo cannot read it, or it does not move.
    """
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        # Asked for when MuJoCo is first imported: how it draws where there is no screen.
        os.environ.setdefault("MUJOCO_GL", "egl")
    try:
        import mujoco
    except ImportError as missing:
        raise RetargetError(
            "robots need MuJoCo, which is not installed: pip install 'mocap-toolkit[robots]'"
        ) from missing
    except (AttributeError, RuntimeError) as refused:
        # So it says that it knows no such library, and PyOpenGL that it is not there.
        drawing = os.environ.get("MUJOCO_GL", "")
        raise RetargetError(
            f"MuJoCo cannot be loaded with MUJOCO_GL={drawing} ({refused}); set it to egl or to "
            "disable"
        ) from refused
    if mujoco.get_mju_user_warning() is None:
        # Of itself it writes warnings to a file in whatever folder one is in.
        mujoco.set_mju_user_warning(_log.info)
    path = robot_file(name)
    notes: list[str] = []
    velocity: dict[str, float] = {}
    still: frozenset[str] = frozenset()
    lost: set[str] = set()
    try:
        content = path.read_bytes()
        if content.count(b"<body") + content.count(b"<link") > _MOST_BODIES:
            raise RetargetError(f"{path}: has far too many bodies; give the robot's own model")
        if path.suffix.lower() == ".urdf" or b"<robot" in content[:4096]:
            urdf = read_urdf(path)
            spec = mujoco.MjSpec.from_string(urdf.text)
            velocity, still = urdf.velocity, urdf.still
            lost |= urdf.bared
            if urdf.missing:
                notes.append(left_out(urdf.missing, "not found beside the model or above it"))
            if urdf.weightless:
                some = ", ".join(urdf.weightless[:3])
                notes.append(f"mass or inertia of {some} left out: no body has such")
        else:
            spec = mujoco.MjSpec.from_file(str(path))
            # Kinematics does not mind links without mass.
            spec.compiler.boundmass = max(spec.compiler.boundmass, 1e-6)
            spec.compiler.boundinertia = max(spec.compiler.boundinertia, 1e-9)
        told, bared = settle_meshes(spec, path)
        notes, lost = notes + told, lost | bared
        notes += drop_missing_textures(spec, path)
        base = _base(spec, path)
        notes += _others(spec, base)
        if not any(int(j.type) == int(mujoco.mjtJoint.mjJNT_FREE) for j in base.joints):
            for joint in list(base.joints):
                spec.delete(joint)
            base.add_freejoint()
            notes.append(f"a free joint added to {base.name}")
        notes += add_capsules(base, lost)
        _share_housings(spec, base)
        add_scenery(spec, base)
        model = _compiled(spec, base, notes)
    except (ValueError, OSError) as error:
        text = " ".join(str(error).split())
        raise RetargetError(f"{path}: MuJoCo cannot read this robot: {text}") from error
    return _arrays(path, model, base.name, velocity, still, notes)


def _compiled(spec: Any, base: Any, notes: list[str]) -> mujoco.MjModel:
    """The model, without the meshes that MuJoCo refuses."""
    try:
        # A specification that has failed once fails for good.
        return spec.copy().compile()
    except ValueError:
        told, bared = drop_refused_meshes(spec)
        if not told:
            raise
        notes += [*told, *add_capsules(base, bared)]
        return spec.compile()


def _base(spec: Any, path: Path) -> Any:
    """The body that carries all that moves, with names for whatever moves with it.

    Raises:
        RetargetError: there is none.
    """
    tops = spec.worldbody.bodies
    if not tops:
        raise RetargetError(f"{path}: has no bodies; give the robot's own model, not a scene")
    base = max(tops, key=_joints)
    if _joints(base) < 2:
        raise RetargetError(f"{path}: nothing in it moves; give the robot's own model")
    base.name = base.name or "base"
    taken = {part.name for part in (*spec.bodies, *spec.joints)}
    for kind, parts in (("body", below(base)), ("joint", spec.joints)):
        for number, part in enumerate(parts):
            while not part.name and f"{kind}_{number}" in taken:
                number += len(parts)
            part.name = part.name or f"{kind}_{number}"
            taken.add(part.name)
    return base


def _joints(body: Any) -> int:
    return len(body.joints) + sum(len(link.joints) for link in below(body))


def _share_housings(spec: Any, body: Any) -> None:
    """Leave a body and its children's children out of collisions: they overlap in housings."""
    for child in body.bodies:
        for grandchild in child.bodies:
            spec.add_exclude(bodyname1=body.name, bodyname2=grandchild.name)
        _share_housings(spec, child)


def _others(spec: Any, base: Any) -> list[str]:
    """What else is in the scene that could have been meant."""
    others = [body for body in spec.worldbody.bodies if body.name != base.name]
    rivals = [body.name or "another" for body in others if _joints(body) > 1]
    if not rivals:
        return []
    return [f"{base.name} is taken for the robot; {', '.join(rivals[:3])} stays where it is"]


def _arrays(
    path: Path,
    model: mujoco.MjModel,
    base: str,
    velocity: dict[str, float],
    still: frozenset[str],
    notes: list[str],
) -> Robot:
    import mujoco

    first = model.body(base).id
    own = [i for i in range(first, model.nbody) if model.body_rootid[i] == first]
    names = tuple(model.body(i).name for i in own)
    kinds = {
        int(mujoco.mjtJoint.mjJNT_HINGE): False,
        int(mujoco.mjtJoint.mjJNT_SLIDE): True,
    }
    moving = [j for j in range(model.njnt) if model.jnt_bodyid[j] in own[1:]]
    for j in moving:
        if int(model.jnt_type[j]) not in kinds:
            raise RetargetError(
                f"{path}: joint {model.joint(j).name} is a ball; give three hinges in its place"
            )
    joints = tuple(model.joint(j).name for j in moving)
    limited = model.jnt_limited[moving].astype(bool)
    low = np.where(limited, model.jnt_range[moving, 0], -np.inf)
    high = np.where(limited, model.jnt_range[moving, 1], np.inf)
    _check_numbers(path, model, own, moving)
    stated = np.array([velocity.get(name, np.nan) for name in joints])
    if np.isnan(stated).any():
        notes.append(f"{ASSUMED_SPEED:g} rad/s assumed where the model states no greatest speed")
    turns = np.zeros((len(own), 9))
    for row, i in enumerate(own):
        mujoco.mju_quat2Mat(turns[row], model.body_quat[i])
    coupled = _coupled(model, moving)
    if coupled:
        names_ = ", ".join(joints[moving.index(j)] for j in sorted(coupled))
        notes.append(f"{names_} held still: the model couples them with other joints")
        still = still | {joints[moving.index(j)] for j in coupled}
    locked = (high - low < _LOCKED) | np.array([name in still for name in joints], bool)
    return Robot(
        name=model.names[: model.names.index(b"\0")].decode() or path.stem,
        path=path,
        model=model,
        bodies=names,
        first=first,
        parents=np.array([-1, *(model.body_parentid[i] - first for i in own[1:])]),
        offsets=np.array([model.body_pos[i] for i in own]),
        turns=turns.reshape(-1, 3, 3),
        joints=joints,
        joint_body=np.array([model.jnt_bodyid[j] - first for j in moving]),
        axes=np.array([model.jnt_axis[j] for j in moving]),
        anchors=np.array([model.jnt_pos[j] for j in moving]),
        slides=np.array([kinds[int(model.jnt_type[j])] for j in moving]),
        low=low,
        high=high,
        speed=np.where(np.isnan(stated), ASSUMED_SPEED, stated),
        locked=locked,
        notes=tuple(notes),
    )


def _coupled(model: mujoco.MjModel, moving: list[int]) -> set[int]:
    """Joints that the model's equalities make others follow."""
    import mujoco

    joints = np.asarray(model.eq_type) == int(mujoco.mjtEq.mjEQ_JOINT)
    active = joints & np.asarray(model.eq_active0, bool)
    return set(model.eq_obj1id[active].tolist()) & set(moving)


def _check_numbers(path: Path, model: mujoco.MjModel, own: list[int], moving: list[int]) -> None:
    """Refuse a model with places that are no numbers, or out of this world."""
    for kind, name, rows, values in (
        ("body", model.body, own, np.hstack([model.body_pos, model.body_quat])[own]),
        ("joint", model.joint, moving, np.hstack([model.jnt_pos, model.jnt_axis])[moving]),
        ("range of joint", model.joint, moving, model.jnt_range[moving]),
        ("mass of body", model.body, own, model.body_mass[own, None]),
    ):
        bad = ~(np.abs(values) < _FARTHEST).all(1)
        if bad.any():
            which = name(rows[int(np.argmax(bad))]).name
            raise RetargetError(
                f"{path}: {kind} {which} has values that are no numbers or beyond reason; "
                "put the model right"
            )
