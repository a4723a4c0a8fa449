"""The motion that follows its targets within a robot's limits: all frames at once.

Levenberg-Marquardt, each frame with damping of its own, on one energy: what pulls at parts
(:mod:`.pulls`), accelerations that cost (:mod:`.ties`), and one-sided terms for joint limits,
speeds, the ground and the robot's own body (:mod:`.barriers`, :mod:`.steps`). These begin a little
inside of the limits, so that hardly anything is left to be moved within them at the end
(:mod:`.limits`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d

from mocap.retarget.barriers import Barriers
from mocap.retarget.kinematics import Pose, Posed, pose_robot, rotation_vectors, twists
from mocap.retarget.neighbours import widened
from mocap.retarget.pulls import Off, Pulls
from mocap.retarget.steps import FROZEN, constrained_step
from mocap.retarget.tasks import Tasks
from mocap.retarget.ties import Ties

#: Longest step of an angle in one iteration, radians.
_STEP = 0.6
#: First damping of every frame: a step of one radian, or metre, costs half of it.
_DAMPING = 1.0
#: How often a step is shortened, where it does harm, before it is given up; by which factor; and
#: what gain is none, as a share.
_TRIES, _SHORTER, _ENOUGH = 5, 0.3, 1e-3


@dataclass(frozen=True)
class SolverConfig:
    """How hard the solver tries.

    Attributes:
        coarse: frames a second of a first pass over fewer frames.
        coarse_iterations: of it, without and with ground and collisions.
        iterations: of all frames, at most.
        repairs: how often frames that violate anything are solved again.
        repair_iterations: of each time.
        acceleration: of joints that is no effort, rad/s^2, and of the base, m/s^2.
        rest: how far joints that nothing tells stray from where they rest, radians.
        collisions: whether the robot keeps out of itself.
        ground: whether it keeps out of the ground.
    """

    coarse: float = 10.0
    coarse_iterations: int = 10
    iterations: int = 4
    repairs: int = 8
    repair_iterations: int = 6
    acceleration: tuple[float, float] = (120.0, 20.0)
    rest: float = 3.0
    collisions: bool = True
    ground: bool = True


@dataclass(frozen=True)
class _State:
    """Where a solve has come to.

    Attributes:
        pose: of all frames.
        posed: the same.
        off: how far parts are off.
        seconds: (F - 2, n) second differences of the unknowns.
        energy: (F,) of each frame, without touches.
    """

    pose: Pose
    posed: Posed
    off: Off
    seconds: Float[np.ndarray, "inner unknowns"]
    energy: Float[np.ndarray, " frames"]


def solve(
    tasks: Tasks,
    pose: Pose,
    barriers: Barriers,
    config: SolverConfig,
    iterations: int,
    on_iteration: Callable[[], None] | None = None,
    frozen: Bool[np.ndarray, " frames"] | None = None,
) -> Pose:
    """The pose of least energy near a given one; frozen frames stay as they are."""
    pulls = Pulls(tasks)

    def state_of(pose: Pose) -> _State:
        posed = pose_robot(tasks.robot, pose)
        off, seconds = pulls.off(posed), _seconds(tasks, pose)
        energy = _energies(tasks, pose, off, seconds, config) + barriers.energies(pose, posed)
        return _State(pose, posed, off, seconds, energy)

    state = state_of(pose)
    damping = np.full(len(pose), _DAMPING)
    still = np.zeros(len(pose), bool) if frozen is None else frozen
    weights = _accelerations(tasks, config)
    for _ in range(iterations):
        pose, posed = state.pose, state.posed
        barriers.prepare(pose, posed)
        turning = twists(tasks.robot, posed, tasks.moving)
        normal, gradient = _equations(tasks, pulls, state, turning, config)
        rows = barriers.rows(pose, posed, turning)
        ties = Ties(weights, state.seconds, *barriers.bends(pose), *barriers.speeds(pose))
        energy = state.energy + barriers.touching(posed)
        firm = np.where(still, FROZEN, damping)
        step = constrained_step(normal, gradient, ties, rows, firm)
        most = np.abs(step[:, 3:]).max(1, keepdims=True)
        step *= np.minimum(1.0, _STEP / np.maximum(most, 1e-9))
        share = np.ones(len(pose))
        for attempt in range(_TRIES):
            candidate = state_of(_moved(tasks, pose, share[:, None] * step))
            new = candidate.energy + barriers.touching(candidate.posed)
            worse = new > energy
            if attempt == 0:
                # Each frame is damped for itself: one that is stuck holds nobody else up.
                damping = np.clip(damping * np.where(worse, 10.0, 0.2), 1e-3, 1e6)
            if new.sum() < energy.sum():
                break
            shorter = np.where(widened(worse, 2), _SHORTER, 1.0)
            share *= gaussian_filter1d(shorter, 1.5, mode="nearest")
        if on_iteration is not None:
            on_iteration()
        if not new.sum() < energy.sum():
            continue  # with more damping
        state = candidate
        if energy.sum() - new.sum() < _ENOUGH * new.sum():
            break
    return state.pose


def _moved(tasks: Tasks, pose: Pose, step: np.ndarray) -> Pose:
    whole = np.zeros((len(pose), 6 + pose.joints.shape[1]))
    whole[:, :6] = step[:, :6]
    whole[:, 6 + tasks.moving] = step[:, 6:]
    return pose.moved(whole)


def _accelerations(tasks: Tasks, config: SolverConfig) -> np.ndarray:
    """(n,) weight of second differences of each unknown."""
    joint, base = config.acceleration
    units = np.concatenate(
        [np.full(3, base), np.full(3, 0.5 * joint), np.full(len(tasks.moving), joint)]
    )
    return (tasks.targets.fps**2 / units) ** 2


def _seconds(tasks: Tasks, pose: Pose) -> Float[np.ndarray, "inner unknowns"]:
    """Second differences of the unknowns; turns of the base as rotation vectors."""
    place = np.diff(pose.place, 2, axis=0)
    spin = rotation_vectors(pose.turn[1:] @ np.swapaxes(pose.turn[:-1], 1, 2))
    joints = np.diff(pose.joints[:, tasks.moving], 2, axis=0)
    return np.concatenate([place, np.diff(spin, axis=0), joints], 1)


def _energies(
    tasks: Tasks, pose: Pose, off: Off, seconds: np.ndarray, config: SolverConfig
) -> Float[np.ndarray, " frames"]:
    """The energy of each frame, without barriers."""
    total = np.sum(off.value**2, 1)
    total[1:-1] += np.sum(_accelerations(tasks, config) * seconds**2, 1)
    strayed = _strayed(tasks, pose, config)
    return 0.5 * (total + np.sum(strayed**2, 1))


def _equations(
    tasks: Tasks, pulls: Pulls, state: _State, turning: np.ndarray, config: SolverConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Normal matrices (F, n, n) and gradients (F, n) of what pulls within frames."""
    slope = pulls.slopes(state.off, turning)
    normal = np.swapaxes(slope, 1, 2) @ slope
    gradient = (state.off.value[:, None] @ slope)[:, 0]
    gradient[:, 6:] += _strayed(tasks, state.pose, config) / config.rest
    np.einsum("fmm->fm", normal)[:, 6:] += config.rest**-2
    return normal, gradient


def _strayed(tasks: Tasks, pose: Pose, config: SolverConfig) -> Float[np.ndarray, "frames moving"]:
    """How far joints are from where they rest, in units of what little it costs."""
    return (pose.joints - tasks.robot.resting())[:, tasks.moving] / config.rest
