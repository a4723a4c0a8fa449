"""People's motion to robots' trajectories: several people become several robots in one world."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

from mocap.errors import RetargetError
from mocap.progress import Progress, silent
from mocap.retarget.barriers import Barriers
from mocap.retarget.collisions import Collisions
from mocap.retarget.correspondence import Correspondence, correspondence_of
from mocap.retarget.ground import ground_of
from mocap.retarget.human import HumanMotion
from mocap.retarget.kinematics import Pose, pose_robot
from mocap.retarget.limits import within_limits
from mocap.retarget.neighbours import widened
from mocap.retarget.robot import Robot
from mocap.retarget.solver import SolverConfig, solve
from mocap.retarget.starting import some_of, start_of, thinned
from mocap.retarget.targets import scale_of, targets_of
from mocap.retarget.tasks import Tasks, tasks_of
from mocap.retarget.trajectory import Trajectory, of_one_sign

STAGE = "retarget"
#: Motion told more seldom is filled in to this many frames a second.
_LEAST_FPS = 23.9
#: Seconds around bad frames that are solved again.
_ROOM = 0.15
#: Seconds around jumps that are solved again: it takes time to spread them over.
_SPREAD = 0.25
#: How many times stiffer ground and body are each time.
_FIRMER = 1.5
#: Frames that are solved at once, which bounds memory, and by how many more the end of a part is
#: solved with what comes after it.
_PART, _OVERLAP = 1500, 30


@dataclass(frozen=True)
class RetargetConfig:
    """How motion is put on a robot.

    Attributes:
        fps: frames a second of the trajectory; the motion's own if None, but no fewer than 24:
            twice or more times as many of motion that is told more seldom.
        solver: how hard it is tried.
    """

    fps: float | None = None
    solver: SolverConfig = field(default_factory=SolverConfig)


def retarget(
    motions: Sequence[HumanMotion],
    robot: Robot,
    found: Correspondence | None = None,
    config: RetargetConfig | None = None,
    *,
    progress: Progress = silent,
) -> list[Trajectory]:
    """Put people's motion on a robot.

    Args:
        motions: of one take, in one world.
        robot: of the kind that follows each.
        found: what of it is what of a person; worked out if None.
        config: rate and effort.
        progress: told of iterations.

    Returns:
        A trajectory for each motion, in one world.

    Raises:
        RetargetError: the robot is no humanoid, or a motion cannot be followed.
    """
    found = correspondence_of(robot) if found is None else found
    config = config or RetargetConfig()
    motions = [prepared(motion, config) for motion in motions]
    scale = scale_of(motions, found)
    solver = config.solver
    collisions = Collisions(robot) if solver.collisions else None
    total = len(motions) * (2 * solver.coarse_iterations + solver.iterations)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        progress(STAGE, min(done, total), total)

    trajectories = []
    with threadpool_limits(limits=1, user_api="blas"):
        for motion in motions:
            tasks = tasks_of(robot, found, targets_of(motion, found, scale))
            try:
                pose = _followed(tasks, collisions, solver, count)
            except np.linalg.LinAlgError as error:
                raise RetargetError(
                    f"{motion.name}: {robot.name} cannot follow it ({error}); check the "
                    "correspondence file and the model's joint limits"
                ) from error
            trajectories.append(_trajectory(motion, tasks, pose))
    return trajectories


def prepared(motion: HumanMotion, config: RetargetConfig) -> HumanMotion:
    """A motion at the rate that the trajectory is to have.

    Raises:
        RetargetError: at that rate it has no two frames.
    """
    wanted = _at_rate(motion, config)
    if len(wanted) < 2:
        raise RetargetError(
            f"{motion.name}: {len(motion)} frames are no motion at {wanted.fps:g} frames a second; "
            "give a higher --fps"
        )
    return wanted


def _at_rate(motion: HumanMotion, config: RetargetConfig) -> HumanMotion:
    if config.fps is not None and not np.isclose(config.fps, motion.fps, rtol=1e-6):
        return motion.resampled(config.fps)
    if config.fps is None and motion.fps < _LEAST_FPS:
        return motion.resampled(motion.fps * np.ceil(_LEAST_FPS / motion.fps))
    return motion


def _followed(
    tasks: Tasks, collisions: Collisions | None, config: SolverConfig, count: Callable[[], None]
) -> Pose:
    robot, targets = tasks.robot, tasks.targets
    frames, fps = len(targets), targets.fps
    ground = ground_of(robot) if config.ground else None
    stride = max(1, round(fps / config.coarse)) if frames > 4 else 1
    at = np.arange(0, frames, stride)
    few = replace(tasks, targets=some_of(targets, at, fps / stride))
    pose = start_of(few)
    pose = solve(few, pose, Barriers(few, fps / stride), config, config.coarse_iterations, count)
    loose = Barriers(few, fps / stride, ground, collisions)
    pose = solve(few, pose, loose, config, config.coarse_iterations, count)
    barriers = Barriers(tasks, fps, ground, collisions)
    if loose.near is not None:
        barriers.near = np.repeat(widened(loose.near, 1), stride)[:frames]
    pose = _in_parts(tasks, thinned(pose, at, frames), barriers, config, count)
    mended = _mended(tasks, pose, barriers, config)
    joints = within_limits(mended.joints, barriers.limits, fps)
    return mended.with_joints(joints)


def _mended(tasks: Tasks, pose: Pose, barriers: Barriers, config: SolverConfig) -> Pose:
    """Solve what is violated, or jumps, again and again; the pose in which least of it is left."""
    fps = barriers.fps
    inner, best, fewest = None, pose, np.inf
    for attempt in range(config.repairs + 1):
        bad = barriers.violated(pose, pose_robot(tasks.robot, pose), inner)
        jumping = barriers.jumping(pose)
        wrong = bad.sum() + jumping.sum()
        # What mends one thing may spoil another.
        if wrong <= fewest:
            best, fewest = pose, wrong
        if not wrong or attempt == config.repairs:
            break
        inner = widened(bad, max(2, round(_ROOM * fps))) | widened(jumping, round(_SPREAD * fps))
        barriers.firmness = _FIRMER**attempt
        pose = _repaired(tasks, pose, barriers, inner, config)
    return best


def _in_parts(
    tasks: Tasks,
    pose: Pose,
    barriers: Barriers,
    config: SolverConfig,
    count: Callable[[], None],
) -> Pose:
    """Solve long motion in parts, each of which goes on where the one before ends."""
    frames = len(pose)
    place, turn, joints = pose.place.copy(), pose.turn.copy(), pose.joints.copy()
    for start in range(0, frames, _PART):
        at = np.arange(max(start - 2, 0), min(start + _PART + _OVERLAP, frames))
        part = replace(tasks, targets=some_of(tasks.targets, at, barriers.fps))
        held = Barriers(part, barriers.fps, barriers.ground, barriers.collisions)
        held.near = None if barriers.near is None else barriers.near[at]
        given = Pose(place[at], turn[at], joints[at])
        found = solve(part, given, held, config, config.iterations, count, frozen=at < start)
        place[at], turn[at], joints[at] = found.place, found.turn, found.joints
    return Pose(place, turn, joints)


def _repaired(
    tasks: Tasks, pose: Pose, barriers: Barriers, inner: np.ndarray, config: SolverConfig
) -> Pose:
    """Solve some frames again, between neighbours that stay as they are."""
    fps = barriers.fps
    # Two frozen frames on both sides keep stretches apart that are solved in a row.
    at = np.flatnonzero(widened(inner, 2))
    part = replace(tasks, targets=some_of(tasks.targets, at, fps))
    held = Barriers(
        part, fps, barriers.ground, barriers.collisions, firmness=barriers.firmness, calm=True
    )
    mended = solve(part, pose[at], held, config, config.repair_iterations, frozen=~inner[at])
    place, turn, joints = pose.place.copy(), pose.turn.copy(), pose.joints.copy()
    place[inner], turn[inner], joints[inner] = (
        part[inner[at]] for part in (mended.place, mended.turn, mended.joints)
    )
    return Pose(place, turn, joints)


def _trajectory(motion: HumanMotion, tasks: Tasks, pose: Pose) -> Trajectory:
    quaternion = Rotation.from_matrix(pose.turn).as_quat(scalar_first=True)
    return Trajectory(
        robot=tasks.robot.name,
        person=motion.name,
        fps=motion.fps,
        joint_names=tasks.robot.joints,
        body_names=tasks.robot.bodies,
        root_position=pose.place,
        root_quaternion=of_one_sign(quaternion),
        joint_position=pose.joints,
        contacts=motion.contacts,
        scale=tasks.targets.scale,
    )
