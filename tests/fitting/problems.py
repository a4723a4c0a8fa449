"""Small problems for the solver, built from made-up people."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.fitting.balance import Balance
from mocap.fitting.flesh import Flesh
from mocap.fitting.freedom import compression
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.observations import Observations, observe
from mocap.fitting.person import Fitted
from mocap.fitting.problem import Problem, Surroundings
from mocap.fitting.rig import Rig
from mocap.fitting.terms import Weights
from mocap.geometry import Camera

from .synthetic import CLEAN, Actor, Noise, act, coordinates, see, upright

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


def known(
    rig: Rig,
    actor: Actor,
    camera: Camera,
    *,
    fps: float = 30.0,
    noise: Noise = CLEAN,
    name: str = "person-1",
) -> Fitted:
    """An actor as a fit that went well leaves them: the true motion, and what was seen of it."""
    person = see(actor, camera, noise, name=name)
    seen = observe(person, rig, *camera.at(person.frames), fps)
    betas = actor.pose.betas
    assert betas is not None
    return Fitted(person, seen, betas.numpy(), true_pose(actor))


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


def leaning(pose: Pose, trust: np.ndarray) -> Balance:
    """A balance that somebody has who stands about eight centimetres farther along +Z."""
    direction = np.tile([0.28, 0.0, 0.96], (len(pose), 1))
    target = np.sum(pose.transl * direction, axis=-1) + 0.08
    return Balance(direction, target, np.full(len(pose), 0.02), trust)


def surrounded(
    problem: Problem, pose: Pose, flesh: Flesh, *, aside: float = 0.113, seed: int = 0
) -> tuple[Problem, Pose]:
    """The same person with the soles about the floor, and somebody else ``aside`` metres away.

    The world is lifted until half of the soles are under the floor. Feet rest a few centimetres
    from where they are, some surely and some not at all. Balance asks for a step back. The other is
    a copy of the person, away in the first frame.
    """
    rng = np.random.default_rng(seed)
    betas, seen = problem.usual_betas, problem.seen
    soles = pose_rig(flesh.rig, betas, pose).points[:, flesh.soles]
    lift = np.array([0.0, -float(np.median(soles[..., 1])), 0.0])
    seen = replace(seen, t=seen.t - seen.R @ lift)
    pose = replace(pose, transl=pose.transl + lift)
    points = pose_rig(flesh.rig, betas, pose).points
    probability = rng.uniform(0.5, 1.0, points[:, flesh.soles].shape[:2])
    probability[rng.uniform(size=probability.shape) < 0.3] = 0.0
    others = points[:, flesh.balls] + aside * np.array([0.8, 0.0, 0.6])
    others[0] = 1e6
    around = Surroundings(
        flesh,
        0.0,
        points[:, flesh.soles] + rng.normal(0, 0.02, (len(pose), 4, 3)),
        probability,
        leaning(pose, rng.uniform(0.2, 1.0, len(pose))),
        others,
        flesh.radii,
    )
    return replace(problem, seen=seen, around=around), pose
