"""Small problems for the solver, built from made-up people."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.fitting.freedom import compression
from mocap.fitting.kinematics import Pose
from mocap.fitting.observations import Observations, observe
from mocap.fitting.problem import Problem
from mocap.fitting.rig import Rig
from mocap.fitting.terms import Weights
from mocap.geometry import Camera
from tests.fitting.synthetic import CLEAN, Actor, Noise, act, coordinates, see, upright

#: A camera that is neither level nor at the origin, nor has square pixels.
TILTED = Camera(
    np.array([[[900.0, 0, 650], [0, 950.0, 350], [0, 0, 1]]]),
    (
        Rotation.from_euler("zxy", [7, 12, 20], degrees=True).as_matrix()
        @ np.diag([-1.0, -1.0, 1.0])
    )[None],
    np.array([[0.3, -0.2, 0.5]]),
)


def observed(
    rig: Rig, actor: Actor, camera: Camera, fps: float, noise: Noise = CLEAN
) -> Observations:
    """What is seen of an actor."""
    person = see(actor, camera, noise)
    return observe(person, rig, *camera.at(person.frames), fps)


def true_pose(actor: Actor) -> Pose:
    """The motion of an actor in the solver's unknowns."""
    pose = actor.pose
    assert pose.global_orient is not None
    assert pose.body_pose is not None
    assert pose.transl is not None
    body = pose.body_pose.numpy()
    vectors = np.concatenate([np.zeros((len(body), 3)), body], axis=1)
    root = Rotation.from_rotvec(pose.global_orient.numpy()).as_matrix()
    return Pose(pose.transl.numpy(), root, vectors @ compression().T)


def small(
    body: Body,
    rig: Rig,
    *,
    frames: int = 12,
    fps: float = 30.0,
    noise: Noise = CLEAN,
    weights: Weights | None = None,
    azimuth: float = 40.0,
    seed: int = 0,
) -> tuple[Problem, Pose]:
    """A problem and the pose it was made from, seen by :data:`TILTED`."""
    pelvis = np.array([0.4, 0.1, 4.0]) + 0.01 * np.arange(frames)[:, None] * [1.0, 0.0, -0.5]
    actor = act(body, coordinates(frames, fps, seed), pelvis, upright(azimuth))
    seen = observed(rig, actor, TILTED, fps, noise)
    return Problem(rig, seen, weights or Weights(), np.zeros(10)), true_pose(actor)


def hidden(problem: Problem, frames: slice | list[int]) -> Problem:
    """The same problem with nothing seen in some frames."""
    weight = problem.seen.weight.copy()
    weight[frames] = 0.0
    return replace(problem, seen=replace(problem.seen, weight=weight))
