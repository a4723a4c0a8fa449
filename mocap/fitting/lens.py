"""The field of view of a camera nobody knows anything about, from how people look through it.

The nearer the camera, the larger are near limbs against far ones, and the more people shrink as
they walk away. A few frames of the fit are solved with lenses of several lengths; where the energy
is least, the lens fits best. The detector's 3D points were made for an ordinary lens, so this is
weak evidence: it is weighed against the usual lens, and helps only where that is far off.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mocap.fitting.config import FitConfig
from mocap.fitting.initialise import initial_pose
from mocap.fitting.kinematics import Pose
from mocap.fitting.observations import Observations
from mocap.fitting.person import scaled, seen_of
from mocap.fitting.problem import Problem, energy
from mocap.fitting.rig import Rig
from mocap.fitting.solver import solve
from mocap.take import Take

logger = logging.getLogger(__name__)

#: Factors on the focal length that are tried, and the log-deviation of lenses about the usual one.
_FACTORS, _USUAL = np.geomspace(0.7, 1 / 0.7, 3), 0.25
#: Frames a person is looked at in, what they are worth together, and people looked at.
_FRAMES, _WORTH, _PEOPLE = 16, 3.0, 2
#: Solver's iterations with the usual lens, and from one lens to the next.
_FIRST, _NEXT = 10, 4
#: How the camera's note ends when that was done.
_REFINED = "likeliest by the people in it"


def refined(take: Take, rig: Rig, config: FitConfig) -> Take:
    """The take with a likelier camera, where its field of view was only assumed."""
    told = take.camera.source != "estimated" or take.video.field_of_view is not None
    if told or not config.refine_lens or take.camera.note.endswith(_REFINED):
        return take
    people = [
        seen_of(take, person, rig)
        for person in take.people.values()
        if person.keypoints2d is not None and person.keypoints3d is not None
    ]
    factor = likely_focal_factor(rig, people, config)
    logger.info("the focal length is multiplied by %.3f", factor)
    K = _longer(take.camera.K, factor)
    angle = 2 * np.arctan(0.5 * max(take.video.width, take.video.height) / K[0, 0, 0])
    note = f"field of view {np.rad2deg(angle):.1f}°, {_REFINED}"
    return replace(take, camera=replace(take.camera, K=K, note=note))


def likely_focal_factor(rig: Rig, people: Sequence[Observations], config: FitConfig) -> float:
    """What the assumed focal length should be multiplied by.

    Args:
        rig: the body as the solver sees it.
        people: what was seen of each, with the assumed focal length.
        config: the energy's weights.
    """
    best = sorted(people, key=lambda seen: -float(seen.weight.sum()))[:_PEOPLE]
    usual = np.zeros(config.shapes)
    told = [
        _energies(rig, scaled(rig, usual, _few(seen)), config)
        for seen in best
        if seen.seen.sum() >= _FRAMES // 2
    ]
    if not told:
        return 1.0
    logs = np.log(_FACTORS)
    cost = _WORTH * np.sum(told, axis=0) + 0.5 * (logs / _USUAL) ** 2
    # The vertex of the parabola through the three, if it is between them.
    before, here, after = cost
    bend = before - 2 * here + after
    if bend <= 0:
        return float(_FACTORS[np.argmin(cost)])
    shift = np.clip(0.5 * (before - after) / bend, -1.0, 1.0)
    return float(np.exp(shift * logs[2]))


def _few(seen: Observations) -> Observations:
    """Some of the frames in which a person is seen, evenly spread."""
    known = np.flatnonzero(seen.seen)
    kept = known[np.unique(np.linspace(0, len(known) - 1, _FRAMES).round().astype(int))]
    # Too far apart for motion to be smooth between them.
    return replace(seen[kept], fps=1.0)


def _energies(rig: Rig, seen: Observations, config: FitConfig) -> Float[np.ndarray, " factors"]:
    """The energy a frame for every focal length, over the least."""
    found = np.zeros(len(_FACTORS))
    middle = len(_FACTORS) // 2
    betas = np.zeros(config.shapes)
    start = _solved(rig, seen, config, 1.0, initial_pose(rig, betas, seen), _FIRST)
    found[middle] = start[1]
    for side in (range(middle + 1, len(_FACTORS)), range(middle - 1, -1, -1)):
        pose = start[0]
        for index in side:
            step = _FACTORS[index] / _FACTORS[index - 1 if index > middle else index + 1]
            nearer = _at_distance(seen, pose, step)
            pose, found[index] = _solved(rig, seen, config, _FACTORS[index], nearer, _NEXT)
    return (found - found.min()) / len(seen)


def _solved(
    rig: Rig, seen: Observations, config: FitConfig, factor: float, pose: Pose, iterations: int
) -> tuple[Pose, float]:
    betas = np.zeros(config.shapes)
    longer = replace(seen, K=_longer(seen.K, factor))
    problem = Problem(rig, longer, config.weights, betas)
    _, pose = solve(problem, betas, pose, iterations=iterations, free_shape=False)
    return pose, energy(problem, betas, pose)


def _longer(K: Float[np.ndarray, "frames 3 3"], factor: float) -> Float[np.ndarray, "frames 3 3"]:
    """Intrinsics with the focal lengths multiplied."""
    return K * np.array([[factor, 1, 1], [1, factor, 1], [1, 1, 1]])


def _at_distance(seen: Observations, pose: Pose, factor: float) -> Pose:
    """The pose farther away, as it must be behind a longer lens to look as large."""
    inside = np.einsum("fij,fj->fi", seen.R, pose.transl) + seen.t
    inside[:, 2] *= factor
    return replace(pose, transl=np.einsum("fji,fj->fi", seen.R, inside - seen.t))
