"""The motion that follows its targets within a robot's limits: all frames at once.

Gauss-Newton with backtracking on one energy: what pulls at parts (:mod:`.tasks`), accelerations
that cost, and one-sided terms for joint limits, speeds, the ground and the robot's own body
(:mod:`.barriers`). Frames are tied to their neighbours joint by joint, so that the normal matrix
has a narrow band. Terms a little inside of the limits leave nothing to clip at the end; what
still is beyond a limit is moved inside, jointly over time (:mod:`.limits`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation, Slerp

from mocap.retarget.barriers import Barriers
from mocap.retarget.kinematics import Pose, pose_robot
from mocap.retarget.tasks import Tasks, residuals

#: Longest step of an angle in one iteration, radians.
_STEP = 0.6


@dataclass(frozen=True)
class SolverConfig:
    """How hard the solver tries.

    Attributes:
        coarse: frames a second of a first pass over fewer frames.
        coarse_iterations: of it.
        iterations: of all frames.
        acceleration: of joints that is no effort, rad/s^2, and of the base, m/s^2.
        rest: how far joints that nothing tells stray from where they rest, radians.
        collisions: whether the robot keeps out of itself.
        ground: whether it keeps out of the ground.
    """

    coarse: float = 10.0
    coarse_iterations: int = 14
    iterations: int = 6
    acceleration: tuple[float, float] = (250.0, 60.0)
    rest: float = 3.0
    collisions: bool = True
    ground: bool = True


def start_of(tasks: Tasks) -> Pose:
    """The robot at rest, where the pelvis is to be and as it is to be turned."""
    robot, found, targets = tasks.robot, tasks.found, tasks.targets
    joints = np.tile(robot.resting(), (len(targets), 1))
    bearing = found.bearings["pelvis"]
    body = robot.bodies.index(bearing.body)
    frames = len(targets)
    still = Pose(np.zeros((frames, 3)), np.tile(np.eye(3), (frames, 1, 1)), joints)
    posed = pose_robot(robot, still)
    turn = targets.turns["pelvis"] @ np.swapaxes(posed.turns[body], 1, 2)
    place = targets.pelvis - np.einsum("fab,fb->fa", turn, posed.point(body, bearing.point))
    return Pose(place, turn, joints)


def thinned(pose: Pose, at: np.ndarray, frames: int) -> Pose:
    """A pose known at some frames, at all of them."""
    wanted = np.arange(frames)
    if len(at) < 2:
        return Pose(*(np.repeat(part[:1], frames, 0) for part in vars(pose).values()))
    turn = Slerp(at, Rotation.from_matrix(pose.turn))(np.clip(wanted, at[0], at[-1])).as_matrix()
    place = CubicSpline(at, pose.place)(wanted)
    joints = np.stack([np.interp(wanted, at, column) for column in pose.joints.T], 1)
    return Pose(place, turn, joints)


def solve(
    tasks: Tasks,
    pose: Pose,
    barriers: Barriers,
    config: SolverConfig,
    iterations: int,
    on_iteration: Callable[[], None] | None = None,
) -> Pose:
    """The pose of least energy near a given one."""
    energy = None
    for _ in range(iterations):
        posed = pose_robot(tasks.robot, pose)
        barriers.prepare(pose, posed)
        normal, gradient, now = _equations(tasks, pose, posed, barriers, config)
        energy = now
        step = _step(tasks, normal, gradient, config, barriers.fps, pose, barriers)
        step[:, 3:] *= np.minimum(1.0, _STEP / np.maximum(np.abs(step[:, 3:]).max(1), 1e-9))[
            :, None
        ]
        share = 1.0
        for _ in range(4):
            candidate = _moved(tasks, pose, share * step)
            new = _energy(tasks, candidate, barriers, config)
            if new < energy:
                break
            share *= 0.4
        else:
            break
        gain = energy - new
        pose = candidate
        if on_iteration is not None:
            on_iteration()
        if gain < 1e-3 * new:
            break
    return pose


def _moved(tasks: Tasks, pose: Pose, step: np.ndarray) -> Pose:
    whole = np.zeros((len(pose), 6 + pose.joints.shape[1]))
    whole[:, :6] = step[:, :6]
    whole[:, 6 + tasks.moving] = step[:, 6:]
    return pose.moved(whole)


def _accelerations(tasks: Tasks, config: SolverConfig, fps: float) -> np.ndarray:
    """(n,) weight of second differences of each unknown."""
    joint, base = config.acceleration
    units = np.concatenate(
        [np.full(3, base), np.full(3, 0.5 * joint), np.full(len(tasks.moving), joint)]
    )
    return (fps**2 / units) ** 2 * 1.0


def _seconds(tasks: Tasks, pose: Pose) -> Float[np.ndarray, "inner unknowns"]:
    """Second differences of the unknowns; turns of the base as rotation vectors."""
    place = np.diff(pose.place, 2, axis=0)
    spin = Rotation.from_matrix(pose.turn[1:] @ np.swapaxes(pose.turn[:-1], 1, 2)).as_rotvec()
    joints = np.diff(pose.joints[:, tasks.moving], 2, axis=0)
    return np.concatenate([place, np.diff(spin, axis=0), joints], 1)


def _energy(tasks: Tasks, pose: Pose, barriers: Barriers, config: SolverConfig) -> float:
    posed = pose_robot(tasks.robot, pose)
    total = sum(
        float(np.sum(residuals(tasks, group, posed, False)[0] ** 2)) for group in tasks.groups
    )
    total += float(np.sum(_accelerations(tasks, config, barriers.fps) * _seconds(tasks, pose) ** 2))
    off = (pose.joints - tasks.robot.resting())[:, tasks.moving] / config.rest
    return 0.5 * (total + float(np.sum(off**2))) + barriers.energy(pose, posed)


def _equations(
    tasks: Tasks, pose: Pose, posed: object, barriers: Barriers, config: SolverConfig
) -> tuple[np.ndarray, np.ndarray, float]:
    """Normal matrices (F, n, n) and gradients (F, n) within frames; the whole energy."""
    frames, size = len(pose), tasks.size
    normal, gradient = np.zeros((frames, size, size)), np.zeros((frames, size))
    total = 0.0
    for group in tasks.groups:
        value, slope = residuals(tasks, group, posed, True)
        across = np.swapaxes(slope, 1, 2)
        columns = group.columns
        normal[:, columns[:, None], columns] += across @ slope
        gradient[:, columns] += (across @ value[..., None])[..., 0]
        total += float(np.sum(value**2))
    off = (pose.joints - tasks.robot.resting())[:, tasks.moving] / config.rest
    gradient[:, 6:] += off / config.rest
    np.einsum("fmm->fm", normal)[:, 6:] += config.rest**-2
    total += float(np.sum(off**2))
    seconds = _seconds(tasks, pose)
    total += float(np.sum(_accelerations(tasks, config, barriers.fps) * seconds**2))
    energy = 0.5 * total + barriers.add(pose, posed, normal, gradient)
    return normal, gradient, energy


def _step(
    tasks: Tasks,
    normal: np.ndarray,
    gradient: np.ndarray,
    config: SolverConfig,
    fps: float,
    pose: Pose,
    barriers: Barriers,
) -> Float[np.ndarray, "frames unknowns"]:
    """Solve the banded system of all frames."""
    frames, size = gradient.shape
    band = min(2, frames - 1) * size
    upper = np.zeros((band + 1, frames, size))
    for above in range(min(size, band + 1)):
        upper[band - above, :, above:] = np.diagonal(normal, above, 1, 2)
    right = -gradient
    weights = _accelerations(tasks, config, fps)
    if frames > 2:
        seconds = weights * _seconds(tasks, pose)
        right[:-2] -= seconds
        right[1:-1] += 2 * seconds
        right[2:] -= seconds
        upper[band, :-2] += weights
        upper[band, 1:-1] += 4 * weights
        upper[band, 2:] += weights
        upper[band - size, 1:-1] -= 2 * weights
        upper[band - size, 2:] -= 2 * weights
        upper[band - 2 * size, 2:] += weights
    barriers.add_speeds(pose, upper, right)
    upper[band] += 1e-6 + 1e-9 * upper[band]
    flat = upper.reshape(band + 1, frames * size)
    return solveh_banded(
        flat, right.ravel(), overwrite_ab=True, overwrite_b=True, check_finite=False
    ).reshape(frames, size)
