"""Everybody on the ground, and nobody in somebody else.

People and places are found in turns: what rests where by the motion so far, then the motion that
keeps it there, while the others hold still.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mocap.fitting.balance import Balance, balance_of
from mocap.fitting.config import FitConfig
from mocap.fitting.contacts import Footing, contact_probability, resting_places
from mocap.fitting.flesh import Flesh
from mocap.fitting.ground import feet_of
from mocap.fitting.kinematics import pose_rig
from mocap.fitting.person import Fitted
from mocap.fitting.problem import Problem, Surroundings
from mocap.fitting.rig import Rig
from mocap.fitting.solver import solve
from mocap.take import Person

#: Solver's iterations a round.
_ITERATIONS = 2
#: Farther apart than this, metres between pelvises, people do not touch.
_NEAR = 2.0
#: Where balls of the absent are: out of everybody's way.
_AWAY = 1e6


def settle(
    rig: Rig,
    flesh: Flesh,
    fitted: Sequence[Fitted],
    config: FitConfig,
    passed: Callable[[Person], None] = lambda person: None,
) -> tuple[list[Fitted], list[Float[np.ndarray, "frames 4"]]]:
    """Feet held where they rest, nobody under the floor, and bodies apart.

    Args:
        rig: the body as the solver sees it.
        flesh: what of it touches.
        fitted: people on the floor y = 0.
        config: weights, and what counts as rest.
        passed: told of each person who was gone over, round after round.

    Returns:
        The people, and how probably each of their foot points rests.
    """
    people = list(fitted)
    for _ in range(config.rounds):
        for index, one in enumerate(people):
            feet = feet_of(rig, flesh, one)
            resting = contact_probability(feet, config.contacts)
            footing = resting_places(feet, resting, one.level, config.contacts)
            joints = pose_rig(rig, one.betas, one.pose).joints
            balance = balance_of(joints, feet, footing)
            around = _around(flesh, people, index, footing, balance)
            problem = Problem(rig, one.seen, config.weights, one.betas, around)
            _, pose = solve(
                problem, one.betas, one.pose, iterations=_ITERATIONS, free_shape=False, ease=False
            )
            people[index] = replace(one, pose=pose)
            passed(one.person)
    return people, [
        contact_probability(feet_of(rig, flesh, one), config.contacts) for one in people
    ]


def _around(
    flesh: Flesh, people: Sequence[Fitted], index: int, footing: Footing, balance: Balance
) -> Surroundings:
    """What is around one of the people: the places of rest, and the others as they are now."""
    one = people[index]
    first, frames = int(one.person.frames[0]), len(one.pose)
    pelvis = one.pose.transl
    clouds = []
    for other in (*people[:index], *people[index + 1 :]):
        start = int(other.person.frames[0])
        low, high = max(first, start), min(first + frames, start + len(other.pose))
        if low >= high:
            continue
        mine, theirs = slice(low - first, high - first), slice(low - start, high - start)
        gap = np.linalg.norm(pelvis[mine] - other.pose.transl[theirs], axis=-1)
        if not (gap < _NEAR).any():
            continue
        balls = pose_rig(flesh.rig, other.betas, other.pose[theirs]).points[:, flesh.balls]
        cloud = np.full((frames, balls.shape[1], 3), _AWAY)
        cloud[mine] = balls
        clouds.append(cloud)
    others = np.concatenate([*clouds, np.zeros((frames, 0, 3))], axis=1)
    return Surroundings(
        flesh,
        min(one.level, 0.0),
        footing.places,
        footing.probability,
        balance,
        others,
        np.tile(flesh.radii, len(clouds)),
    )
