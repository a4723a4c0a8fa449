"""One person's fit as a problem of least squares: what there is to explain, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.fitting import terms
from mocap.fitting.balance import Balance, mass_shares
from mocap.fitting.flesh import Flesh
from mocap.fitting.freedom import SIZE
from mocap.fitting.kinematics import (
    Pose,
    centre_jacobian,
    point_jacobian,
    points_on,
    pose_rig,
)
from mocap.fitting.observations import Observations
from mocap.fitting.prior import PosePrior, pose_prior, pose_prior_energy
from mocap.fitting.rig import Rig


@dataclass(frozen=True)
class Surroundings:
    """What is around a person: places that feet rest on, the floor, and other people.

    Attributes:
        flesh: the person's own soles and balls.
        floor: height of the floor under the person, metres.
        places: (F, 4, 3) where each sole rests, world metres.
        probability: (F, 4) that it does.
        balance: where the centre of mass should be.
        others: (F, O, 3) centres of other people's balls, world metres; far away when absent.
        their_radii: (O,) metres.
    """

    flesh: Flesh
    floor: float
    places: Float[np.ndarray, "frames 4 3"]
    probability: Float[np.ndarray, "frames 4"]
    balance: Balance
    others: Float[np.ndarray, "frames others 3"]
    their_radii: Float[np.ndarray, " others"]

    def __getitem__(self, part: slice) -> Surroundings:
        return Surroundings(
            self.flesh,
            self.floor,
            self.places[part],
            self.probability[part],
            self.balance[part],
            self.others[part],
            self.their_radii,
        )


@dataclass(frozen=True)
class Problem:
    """One person's fit.

    Attributes:
        rig: the body as the solver sees it.
        seen: what was seen.
        weights: how far to believe it.
        usual_betas: the likeliest shape.
        around: ground and other people, once they are known.
    """

    rig: Rig
    seen: Observations
    weights: terms.Weights
    usual_betas: Float[np.ndarray, " shape"]
    around: Surroundings | None = None

    def __getitem__(self, part: slice) -> Problem:
        around = None if self.around is None else self.around[part]
        return replace(self, seen=self.seen[part], around=around)


def energy(problem: Problem, betas: np.ndarray, pose: Pose) -> float:
    """The energy of a pose of the whole clip, up to a constant."""
    moving = accelerations(problem, pose)
    return data_energy(problem, betas, pose) + float(0.5 * np.sum(moving**2))


def data_energy(problem: Problem, betas: np.ndarray, pose: Pose) -> float:
    """The energy without that of accelerations: a sum over frames."""
    posed = pose_rig(problem.rig, betas, pose)
    nothing = np.zeros((*posed.points.shape, 0))
    total = terms.reprojection_energy(posed.points, problem.seen, problem.weights)
    total += pose_prior_energy(pose.coordinates, PosePrior.load(), problem.weights.prior**-2)
    parts = [terms.metric(problem.rig, posed.points, nothing, problem.seen, problem.weights).values]
    parts += [terms.joint_limits(pose, problem.weights)[0]]
    if problem.around is not None:
        total += _touching_energy(problem, points_on(problem.around.flesh.rig, betas, posed))
        centre = np.einsum("fjk,j->fk", posed.joints, mass_shares())
        total += terms.balance_energy(centre, problem.around.balance, problem.weights)
    return float(total + sum(0.5 * np.sum(part**2) for part in parts))


def data_equations(
    problem: Problem, betas: np.ndarray, pose: Pose
) -> tuple[Float[np.ndarray, "frames m m"], Float[np.ndarray, "frames m"]]:
    """Hessian blocks and gradient of :func:`data_energy`, in the manner of Gauss and Newton."""
    posed = pose_rig(problem.rig, betas, pose)
    jacobian = point_jacobian(problem.rig, pose, posed)
    residuals = list(evidence_terms(problem, posed.points, jacobian))
    if problem.around is not None:
        residuals += _touching(problem, betas, pose)
        residuals.append(
            terms.balanced(
                np.einsum("fjk,j->fk", posed.joints, mass_shares()),
                centre_jacobian(mass_shares(), pose, posed),
                problem.around.balance,
                problem.weights,
            )
        )
    blocks, gradient = np.zeros((len(pose), SIZE, SIZE)), np.zeros((len(pose), SIZE))
    for part in residuals:
        transposed = np.swapaxes(part.jacobian, -1, -2)
        blocks += transposed @ part.jacobian
        gradient += (transposed @ part.values[..., None])[..., 0]
    unusual, by_angle = pose_prior(pose.coordinates, PosePrior.load(), problem.weights.prior**-2)
    beyond, slope = terms.joint_limits(pose, problem.weights)
    angles = np.arange(6, SIZE)
    blocks[:, 6:, 6:] += np.swapaxes(by_angle, -1, -2) @ by_angle
    blocks[:, angles, angles] += slope**2
    gradient[:, 6:] += (unusual[:, None] @ by_angle)[:, 0] + beyond * slope
    return blocks, gradient


def evidence_terms(
    problem: Problem, points: np.ndarray, jacobian: np.ndarray
) -> tuple[terms.Residuals, terms.Residuals]:
    """The residuals of what was seen, with derivatives by whatever the points' are by."""
    return (
        terms.reprojection(points, jacobian, problem.seen, problem.weights),
        terms.metric(problem.rig, points, jacobian, problem.seen, problem.weights),
    )


def _touching(problem: Problem, betas: np.ndarray, pose: Pose) -> list[terms.Residuals]:
    """The residuals of the surroundings, with derivatives of those points only that touch."""
    around, weights = problem.around, problem.weights
    assert around is not None
    flesh = around.flesh
    points = pose_rig(flesh.rig, betas, pose).points
    nothing = np.zeros((*points.shape, 0))
    under = terms.above_floor(points, nothing, around.floor + flesh.clearance, weights).values
    touches = np.any(under != 0, axis=0)
    touches[flesh.soles] |= np.any(around.probability > 0, axis=0)
    balls, others = points[:, flesh.balls], around.others.shape[1] > 0
    if others:
        near = terms.apart(
            balls, nothing[:, flesh.balls], flesh.radii, around.others, around.their_radii, weights
        )
        touches[flesh.balls] |= np.any(near.values != 0, axis=0)
    if not touches.any():
        return []
    rig = flesh.rig.only(touches)
    posed = pose_rig(rig, betas, pose)
    jacobian = point_jacobian(rig, pose, posed)
    soles, bodies = np.flatnonzero(touches[flesh.soles]), np.flatnonzero(touches[flesh.balls])
    feet, rest = slice(0, len(soles)), slice(len(soles), None)
    out = [
        terms.above_floor(posed.points, jacobian, around.floor + flesh.clearance[touches], weights),
        terms.resting(
            posed.points[:, feet],
            jacobian[:, feet],
            around.places[:, soles],
            around.probability[:, soles],
            weights,
        ),
    ]
    if others and len(bodies):
        out.append(
            terms.apart(
                posed.points[:, rest],
                jacobian[:, rest],
                flesh.radii[bodies],
                around.others,
                around.their_radii,
                weights,
            )
        )
    return out


def _touching_energy(problem: Problem, points: np.ndarray) -> float:
    around, weights = problem.around, problem.weights
    assert around is not None
    flesh, nothing = around.flesh, np.zeros((*points.shape, 0))
    soles, balls = flesh.soles, flesh.balls
    parts = [
        terms.above_floor(points, nothing, around.floor + flesh.clearance, weights),
        terms.resting(
            points[:, soles], nothing[:, soles], around.places, around.probability, weights
        ),
    ]
    if around.others.shape[1]:
        parts.append(
            terms.apart(
                points[:, balls],
                nothing[:, balls],
                flesh.radii,
                around.others,
                around.their_radii,
                weights,
            )
        )
    return float(sum(0.5 * np.sum(part.values**2) for part in parts))


def accelerations(problem: Problem, pose: Pose) -> Float[np.ndarray, "inner m"]:
    """Weighted second differences of every unknown, for frames 1 to F-2."""
    if len(pose) < 3:
        return np.zeros((0, SIZE))
    turns = Rotation.from_matrix(pose.root[1:] @ np.swapaxes(pose.root[:-1], -1, -2)).as_rotvec()
    second = np.concatenate(
        [np.diff(pose.transl, 2, axis=0), np.diff(turns, axis=0), np.diff(pose.coordinates, 2, 0)],
        axis=1,
    )
    return second * terms.acceleration_scale(problem.seen.fps, problem.weights)
