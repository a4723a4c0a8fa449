"""Robots: MJCF and URDF read into arrays that forward kinematics needs, and MuJoCo's model.

World of a robot: metres, **+Z up**. Joints turn about one axis or slide along one. What a model
lacks is made up and told in ``notes``: a free joint for a base that is bolted down, capsules for
meshes that are not there, speeds where none is stated.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.errors import RetargetError
from mocap.retarget.meshes import drop_refused_meshes, left_out, settle_meshes
from mocap.retarget.names import robot_file
from mocap.retarget.stand_ins import add_capsules
from mocap.retarget.urdf import read_urdf

if TYPE_CHECKING:
    import mujoco

#: Speed of joints whose model states none, rad/s (m/s for slides): that of today's humanoids.
ASSUMED_SPEED = 20.0
#: Joints that can move less than this are locked, radians.
_LOCKED = 1e-3


@dataclass(frozen=True, eq=False)
class Robot:
    """A robot whose base is free.

    Attributes:
        name: the model's.
        path: its file.
        model: MuJoCo's.
        bodies: (B,) names; the base comes first, parents before children. MuJoCo's body of
            index i is ``bodies[i - first]``.
        first: MuJoCo's index of the base.
        parents: (B,) -1 for the base.
        offsets: (B, 3) from the parent, in its axes, metres.
        turns: (B, 3, 3) from a body's axes to its parent's, at zero.
        joints: (J,) names, in MuJoCo's order.
        joint_body: (J,) the body that each moves.
        axes: (J, 3) unit, in that body's axes.
        anchors: (J, 3) a point of the axis, in that body's axes, metres.
        slides: (J,) whether it slides.
        low: (J,) least position, radians or metres; -inf without limit.
        high: (J,) greatest.
        speed: (J,) greatest speed, rad/s or m/s.
        locked: (J,) joints that cannot move, or only follow others.
        notes: what was made up or left out.
    """

    name: str
    path: Path
    model: mujoco.MjModel
    bodies: tuple[str, ...]
    first: int
    parents: Int[np.ndarray, " bodies"]
    offsets: Float[np.ndarray, "bodies 3"]
    turns: Float[np.ndarray, "bodies 3 3"]
    joints: tuple[str, ...]
    joint_body: Int[np.ndarray, " joints"]
    axes: Float[np.ndarray, "joints 3"]
    anchors: Float[np.ndarray, "joints 3"]
    slides: Bool[np.ndarray, " joints"]
    low: Float[np.ndarray, " joints"]
    high: Float[np.ndarray, " joints"]
    speed: Float[np.ndarray, " joints"]
    locked: Bool[np.ndarray, " joints"]
    notes: tuple[str, ...]

    @cached_property
    def _joints_of(self) -> tuple[tuple[int, ...], ...]:
        rows: list[list[int]] = [[] for _ in self.bodies]
        for joint, body in enumerate(self.joint_body):
            rows[body].append(joint)
        return tuple(map(tuple, rows))

    def joints_of(self, body: int) -> tuple[int, ...]:
        """The joints that move a body against its parent, the outermost last."""
        return self._joints_of[body]

    def above(self, body: int) -> tuple[int, ...]:
        """A body and its ancestors, the base first."""
        found = []
        while body >= 0:
            found.append(body)
            body = int(self.parents[body])
        return tuple(reversed(found))

    def joints_to(self, body: int) -> tuple[int, ...]:
        """The joints that move a body, from the base outwards."""
        return self._joints_to[body]

    @cached_property
    def _joints_to(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(j for link in self.above(body) for j in self.joints_of(link))
            for body in range(len(self.bodies))
        )

    @cached_property
    def in_qpos(self) -> Int[np.ndarray, " values"]:
        """(7 + J,) where MuJoCo's qpos has the base's place and quaternion, and each joint."""
        return self._rows(self.model.jnt_qposadr, 7)

    @cached_property
    def in_qvel(self) -> Int[np.ndarray, " values"]:
        """(6 + J,) where MuJoCo's qvel has the base's motion and turn, and each joint's speed."""
        return self._rows(self.model.jnt_dofadr, 6)

    def _rows(self, addresses: np.ndarray, base: int) -> np.ndarray:
        own = np.flatnonzero(self.model.body_rootid[self.model.jnt_bodyid] == self.first)
        free, *rest = addresses[own]
        return np.array([*range(free, free + base), *rest])

    def resting(self) -> Float[np.ndarray, " joints"]:
        """Zero, or the limit nearest to it."""
        return np.clip(np.zeros(len(self.joints)), self.low, self.high)


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
    path = robot_file(name)
    notes: list[str] = []
    velocity: dict[str, float] = {}
    mimics: frozenset[str] = frozenset()
    lost: set[str] = set()
    try:
        if path.suffix.lower() == ".urdf" or b"<robot" in path.read_bytes()[:4096]:
            urdf = read_urdf(path)
            spec = mujoco.MjSpec.from_string(urdf.text)
            velocity, mimics = urdf.velocity, urdf.mimics
            lost |= urdf.bared
            if urdf.missing:
                notes.append(left_out(urdf.missing, "not found beside the model or above it"))
        else:
            spec = mujoco.MjSpec.from_file(str(path))
            # Kinematics does not mind links without mass.
            spec.compiler.boundmass = max(spec.compiler.boundmass, 1e-6)
            spec.compiler.boundinertia = max(spec.compiler.boundinertia, 1e-9)
        told, bared = settle_meshes(spec, path)
        notes, lost = notes + told, lost | bared
        base = _base(spec, path)
        if not any(int(j.type) == int(mujoco.mjtJoint.mjJNT_FREE) for j in base.joints):
            for joint in list(base.joints):
                spec.delete(joint)
            base.add_freejoint()
            notes.append(f"a free joint added to {base.name}")
        notes += add_capsules(base, lost)
        _share_housings(spec, base)
        model = _compiled(spec, base, notes)
    except (ValueError, OSError) as error:
        text = " ".join(str(error).split())
        raise RetargetError(f"{path}: MuJoCo cannot read this robot: {text}") from error
    return _arrays(path, model, base.name, velocity, mimics, notes)


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
    """The body that carries all that moves."""
    tops = spec.worldbody.bodies
    if not tops:
        raise RetargetError(f"{path}: has no bodies; give the robot's own model, not a scene")

    def joints(body: Any) -> int:
        return len(body.joints) + sum(joints(child) for child in body.bodies)

    base = max(tops, key=joints)
    if joints(base) < 2:
        raise RetargetError(f"{path}: nothing in it moves; give the robot's own model")
    if not base.name:
        base.name = "base"
    return base


def _share_housings(spec: Any, body: Any) -> None:
    """Leave a body and its children's children out of collisions: they overlap in housings."""
    for child in body.bodies:
        for grandchild in child.bodies:
            if body.name and grandchild.name:
                spec.add_exclude(bodyname1=body.name, bodyname2=grandchild.name)
        _share_housings(spec, child)


def _arrays(
    path: Path,
    model: mujoco.MjModel,
    base: str,
    velocity: dict[str, float],
    mimics: frozenset[str],
    notes: list[str],
) -> Robot:
    import mujoco

    first = model.body(base).id
    own = [i for i in range(first, model.nbody) if model.body_rootid[i] == first]
    names = tuple(model.body(i).name or f"body_{i}" for i in own)
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
    joints = tuple(model.joint(j).name or f"joint_{j}" for j in moving)
    limited = model.jnt_limited[moving].astype(bool)
    low = np.where(limited, model.jnt_range[moving, 0], -np.inf)
    high = np.where(limited, model.jnt_range[moving, 1], np.inf)
    stated = np.array([velocity.get(name, np.nan) for name in joints])
    if np.isnan(stated).any():
        notes.append(f"{ASSUMED_SPEED:g} rad/s assumed where the model states no greatest speed")
    turns = np.zeros((len(own), 9))
    for row, i in enumerate(own):
        mujoco.mju_quat2Mat(turns[row], model.body_quat[i])
    locked = (high - low < _LOCKED) | np.array([name in mimics for name in joints], bool)
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
