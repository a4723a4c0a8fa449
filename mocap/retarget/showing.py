"""Pictures of robots beside the people they follow."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8
from scipy.ndimage import gaussian_filter1d

from mocap.errors import RetargetError
from mocap.geometry import Y_UP_TO_Z_UP
from mocap.retarget.human import JOINTS, NAMES, HumanMotion
from mocap.retarget.robot import Robot
from mocap.retarget.trajectory import Trajectory
from mocap.skeletons import SMPLX_55

if TYPE_CHECKING:
    import mujoco

#: How far to the side the person stands, in the robot's world's scale, metres.
_BESIDE = 1.4
#: The first of MuJoCo's groups of geoms that are not drawn.
_HIDDEN = 3
#: The darkest that anything is drawn, of 1.
_DARKEST = 0.2
_LEFT, _RIGHT, _MIDDLE = (1.0, 0.5, 0.0, 1.0), (0.0, 0.55, 1.0, 1.0), (0.9, 0.9, 0.9, 1.0)
_FLOOR = (0.55, 0.6, 0.65, 1.0)


def film(
    robot: Robot,
    trajectory: Trajectory,
    motion: HumanMotion,
    *,
    size: tuple[int, int] = (640, 480),
    frames: Sequence[int] | None = None,
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Pictures of a robot with the person's skeleton beside it, RGB.

    Args:
        robot: that moves.
        trajectory: how.
        motion: the person's, at the same rate.
        size: width and height, pixels.
        frames: which; all if None.

    Raises:
        RetargetError: this machine cannot draw.
    """
    import mujoco
    from OpenGL.error import Error as OpenGLError

    model = _dressed(robot)
    model.vis.global_.offwidth, model.vis.global_.offheight = size
    try:
        renderer = mujoco.Renderer(model, size[1], size[0], max_geom=20000)
    # Every library that draws says in its own way what it lacks; "disable" leaves none of them.
    except (
        *(mujoco.FatalError, OpenGLError, RuntimeError, OSError),
        *(ImportError, AttributeError),
    ) as error:
        raise RetargetError(
            f"pictures cannot be drawn here ({error}); set MUJOCO_GL to egl or osmesa"
        ) from error
    data = mujoco.MjData(model)
    states = trajectory.states()
    options = mujoco.MjvOption()
    # What only collides would hide what is seen.
    hidden = [g for g in range(_HIDDEN, 6) if (model.geom_group != g).any()]
    for group in hidden:
        options.geomgroup[group] = 0
    floored = bool((model.geom_type == int(mujoco.mjtGeom.mjGEOM_PLANE)).any())
    aside = _aside(motion) * _BESIDE * trajectory.scale
    people = trajectory.scale * motion.joints @ Y_UP_TO_Z_UP.T + aside
    middle = _calm(trajectory.root_position + 0.5 * aside, motion.fps)
    camera = mujoco.MjvCamera()
    camera.distance, camera.elevation = 3.6 * trajectory.scale, -12.0
    camera.azimuth = float(np.degrees(np.arctan2(aside[1], aside[0]))) + 80.0
    try:
        for frame in range(len(trajectory)) if frames is None else frames:
            data.qpos[robot.in_qpos] = states[frame]
            for step in (mujoco.mj_kinematics, mujoco.mj_comPos, mujoco.mj_camlight):
                step(model, data)
            camera.lookat[:] = middle[frame]
            renderer.update_scene(data, camera, options)
            # They would take longer than all the rest.
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            if not floored:
                _floor(renderer.scene, middle[frame])
            _skeleton(renderer.scene, people[frame], trajectory.scale)
            yield renderer.render()
    finally:
        renderer.close()


def _dressed(robot: Robot) -> mujoco.MjModel:
    """The model as it is drawn: each link once, and as quickly as programs can draw."""
    model = copy.copy(robot.model)
    # Without a graphics card, smooth edges take twice as long as all the rest.
    model.vis.quality.offsamples = 0
    model.vis.headlight.ambient[:], model.vis.headlight.diffuse[:] = 0.4, 0.35
    model.vis.headlight.specular[:] = 0.0
    # Black, which stands for a texture that is not read, would hide all form.
    model.geom_rgba[:, :3] = np.maximum(model.geom_rgba[:, :3], _DARKEST)
    model.mat_rgba[:, :3] = np.maximum(model.mat_rgba[:, :3], _DARKEST)
    # URDF's links have a shape that is seen and one that collides, in the same place.
    seen = (model.geom_contype | model.geom_conaffinity) == 0
    dressed = np.isin(model.geom_bodyid, model.geom_bodyid[seen & (model.geom_group < _HIDDEN)])
    model.geom_group[dressed & ~seen] = _HIDDEN
    return model


def _aside(motion: HumanMotion) -> np.ndarray:
    """A level unit vector to the left of where the person faces most of the time."""
    left = (motion.turn("pelvis")[:, :, 0] @ Y_UP_TO_Z_UP.T) * [1.0, 1.0, 0.0]
    mean = left.mean(0)
    if np.linalg.norm(mean) < 0.2:
        mean = np.array([1.0, 0.0, 0.0])
    return mean / np.linalg.norm(mean)


def _calm(path: np.ndarray, fps: float) -> np.ndarray:
    return gaussian_filter1d(path, 0.4 * fps, axis=0, mode="nearest")


def _floor(scene: mujoco.MjvScene, middle: np.ndarray) -> None:
    """Tiles, so that feet that slide are seen to."""
    import mujoco

    corner = np.round(middle[:2])
    for x in range(-3, 4):
        for y in range(-3, 4):
            shade = 1.0 if (int(corner[0]) + x + int(corner[1]) + y) % 2 else 0.85
            place = np.array([corner[0] + x, corner[1] + y, -0.005])
            colour = np.array([*(shade * part for part in _FLOOR[:3]), 1.0], np.float32)
            geom = scene.geoms[scene.ngeom]
            half = np.array([0.5, 0.5, 0.005])
            mujoco.mjv_initGeom(
                geom, mujoco.mjtGeom.mjGEOM_BOX, half, place, np.eye(3).ravel(), colour
            )
            scene.ngeom += 1


def _skeleton(scene: mujoco.MjvScene, joints: np.ndarray, scale: float) -> None:
    import mujoco

    kind: Any = mujoco.mjtGeom.mjGEOM_CAPSULE
    for joint in range(1, JOINTS):
        name = NAMES[joint]
        colour = _LEFT if "left" in name else _RIGHT if "right" in name else _MIDDLE
        geom = scene.geoms[scene.ngeom]
        none = np.zeros(3)
        mujoco.mjv_initGeom(geom, kind, none, none, np.zeros(9), np.array(colour, np.float32))
        start = joints[SMPLX_55.parents[joint]]
        mujoco.mjv_connector(geom, kind, 0.025 * scale, start, joints[joint])
        scene.ngeom += 1
