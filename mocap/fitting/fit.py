"""Everyone's keypoints to SMPL-X motion in one gravity-aligned, metric world."""

from __future__ import annotations

import itertools
import logging
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.errors import FitError
from mocap.fitting.fingers import finger_poses
from mocap.fitting.initialise import initial_pose
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.observations import Observations, observe
from mocap.fitting.rig import NAMES, Rig
from mocap.fitting.solver import Problem, solve
from mocap.fitting.terms import Weights
from mocap.fitting.world import find_floor, find_up
from mocap.geometry import Camera
from mocap.progress import Progress, silent
from mocap.take import BodyMotion, Person, StageRecord, Take, World

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

logger = logging.getLogger(__name__)

STAGE = "fitting"
VERSION = "1"
#: A person needs this many frames with keypoints for a motion to mean anything.
_LEAST_FRAMES = 3


@dataclass(frozen=True)
class FitConfig:
    """How keypoints become motion.

    Attributes:
        height: the person's stature in metres, if known; pins the scale.
        shapes: number of betas solved for.
        iterations: of the solver, at most.
        weights: how far off each kind of evidence usually is.
    """

    height: float | None = None
    shapes: int = 10
    iterations: int = 16
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True)
class _Fitted:
    person: Person
    betas: np.ndarray
    pose: Pose
    fingers: tuple[np.ndarray, np.ndarray]


def fit(take: Take, body: Body, config: FitConfig, progress: Progress = silent) -> Take:
    """Fit the body to everyone in a take.

    Args:
        take: with 2D and 3D keypoints.
        body: the model to fit; results carry its hash.
        config: how.
        progress: called as ``progress("fitting", people done, people)``.

    Returns:
        The take with ``body`` for everyone who could be fitted and ``world`` set. People who
        could not be are kept without a body, and the reason is logged and recorded.

    Raises:
        FitError: when nobody could be fitted.
    """
    started = time.perf_counter()
    rig = Rig.of(body, config.shapes)
    fitted, refused = [], {}
    for done, person in enumerate(take.people.values()):
        progress(STAGE, done, len(take.people))
        try:
            fitted.append(_fit_person(take, person, body, rig, config))
        except FitError as error:
            refused[person.id] = str(error)
            logger.warning("%s", error)
    progress(STAGE, len(take.people), len(take.people))
    if not fitted:
        reasons = "; ".join(refused.values()) or "nobody was found in the clip"
        raise FitError(f"no body could be fitted: {reasons}")
    fitted, camera, world = _stand_on_floor(take, rig, fitted, config)
    # A body of an earlier fit stands in an earlier world.
    people = {name: replace(person, body=None) for name, person in take.people.items()}
    for one in fitted:
        people[one.person.id] = replace(one.person, body=_motion(one, body))
    record = StageRecord(
        STAGE,
        VERSION,
        {**asdict(config), "refused": refused},
        round(time.perf_counter() - started, 3),
        {"body": body.sha256},
    )
    return take.with_stage(record, people=people, camera=camera, world=world)


def _fit_person(take: Take, person: Person, body: Body, rig: Rig, config: FitConfig) -> _Fitted:
    if person.keypoints2d is None or person.keypoints3d is None:
        raise FitError(f"{person.id}: has no keypoints; run `mocap extract` on the video")
    seen = observe(person, rig, *take.camera.at(person.frames), _fps(take))
    if seen.seen.sum() < _LEAST_FRAMES:
        raise FitError(
            f"{person.id}: seen in {int(seen.seen.sum())} frames; "
            f"a motion needs at least {_LEAST_FRAMES}"
        )
    betas = np.zeros(config.shapes)
    if config.height is not None:
        betas = body.betas_for_height(config.height).double().numpy()[: config.shapes]
    seen = replace(seen, metric=seen.metric * _scale(rig, betas, seen))
    problem = Problem(rig, seen, config.weights, betas)
    pose = initial_pose(rig, betas, seen)
    betas, pose = solve(problem, betas, pose, iterations=config.iterations, free_shape=True)
    if config.height is not None:
        betas = _pin_height(body, betas, config.height)
        _, pose = solve(problem, betas, pose, iterations=4, free_shape=False, ease=False)
    return _Fitted(person, betas, pose, finger_poses(person, body, seen))


def _fps(take: Take) -> float:
    times = take.video.timestamps
    return float((len(times) - 1) / (times[-1] - times[0])) if len(times) > 1 else take.video.fps


def _scale(rig: Rig, betas: np.ndarray, seen: Observations) -> float:
    """What brings the 3D keypoints to the size of the body: the detector's metre is a guess."""
    rest, _ = rig.shaped(betas)
    mine, told = 0.0, 0.0
    for side in ("left", "right"):
        chain = [f"{side}_{joint}" for joint in ("shoulder", "hip", "knee", "ankle")]
        for a, b in itertools.pairwise(chain):
            weight = np.minimum(seen.weight[:, rig.point(a)], seen.weight[:, rig.point(b)])
            sure = weight > 0.5
            if sure.sum() < _LEAST_FRAMES:
                continue
            spans = seen.metric[sure, rig.point(a)] - seen.metric[sure, rig.point(b)]
            told += float(np.median(np.linalg.norm(spans, axis=-1)))
            mine += float(np.linalg.norm(rest[NAMES.index(a)] - rest[NAMES.index(b)]))
    return float(np.clip(mine / told, 0.7, 1.4)) if told > 0 else 1.0


def _pin_height(body: Body, betas: np.ndarray, height: float) -> np.ndarray:
    """The nearest shape of exactly a stature."""
    import torch

    along = body.betas_for_height(height).double().numpy()[: len(betas)]
    along = along - body.betas_for_height(float(height) * 0.98).double().numpy()[: len(betas)]
    for _ in range(8):
        now = float(body.height(torch.as_tensor(betas, dtype=torch.float32))[0])
        longer = torch.as_tensor(betas + along, dtype=torch.float32)
        betas = betas + along * (height - now) / (float(body.height(longer)[0]) - now)
    return betas


def _stand_on_floor(
    take: Take, rig: Rig, fitted: list[_Fitted], config: FitConfig
) -> tuple[list[_Fitted], Camera, World]:
    """Turn and lift everyone, and the camera, so that up is +Y and the floor is y = 0."""
    R = take.camera.R[0]
    joints = [pose_rig(rig, one.betas, one.pose).joints for one in fitted]
    ankles = [NAMES.index("left_ankle"), NAMES.index("right_ankle")]
    standing = [
        (where[one.person.observed][:, ankles].mean(1), where[one.person.observed][:, 12])
        for one, where in zip(fitted, joints, strict=True)
    ]
    upright = find_up(standing, np.stack([R[0], -R[1], R[2]]))
    turn = _level(upright.up)
    turned = [_moved(rig, one, turn, np.zeros(3)) for one in fitted]
    feet = []
    for one in turned:
        points = pose_rig(rig, one.betas, one.pose).points
        names = ("left_heel", "right_heel", "left_foot_index", "right_foot_index")
        heights = points[:, [rig.point(name) for name in names], 1]
        feet.append(np.where(one.person.observed[:, None], heights, np.nan))
    floor = find_floor(feet, _fps(take)) or 0.0
    lift = np.array([0.0, -floor, 0.0])
    R_new = take.camera.R @ turn.T
    camera = Camera(take.camera.K, R_new, take.camera.t - R_new @ lift, take.camera.source)
    scale = f"height {config.height} m, given" if config.height else "an adult of average build"
    world = World(np.array([0.0, 1.0, 0.0, 0.0]), upright.source, scale)
    return [_moved(rig, one, np.eye(3), lift) for one in turned], camera, world


def _level(up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    axis = np.cross(up, [0.0, 1.0, 0.0])
    sine = float(np.linalg.norm(axis))
    angle = np.arctan2(sine, up[1])
    return Rotation.from_rotvec(axis / max(sine, 1e-12) * angle).as_matrix()


def _moved(rig: Rig, one: _Fitted, turn: np.ndarray, shift: np.ndarray) -> _Fitted:
    """A motion after a change of world: points x become ``turn @ x + shift``."""
    pelvis = rig.shaped(one.betas)[0][0]
    transl = (one.pose.transl + pelvis) @ turn.T + shift - pelvis
    return replace(one, pose=Pose(transl, turn @ one.pose.root, one.pose.coordinates))


def _motion(one: _Fitted, body: Body) -> BodyMotion:
    import torch

    from mocap.body import BodyPose

    frames = len(one.pose)
    vectors = one.pose.rotation_vectors()
    left, right = one.fingers
    motion = BodyMotion(
        betas=one.betas,
        expression=np.zeros((frames, 10)),
        global_orient=_continuous(vectors[:, 0]),
        body_pose=vectors[:, 1:].reshape(frames, 63),
        left_hand_pose=left,
        right_hand_pose=right,
        jaw_pose=np.zeros((frames, 3)),
        transl=one.pose.transl,
        joints=np.zeros((frames, 55, 3)),
        model=body.name,
        model_sha256=body.sha256,
        licence=body.licence,
    )
    exact = body.to(dtype=torch.float64)
    with torch.no_grad():
        joints = exact.forward(BodyPose.of(motion, exact.template)).joints
    return replace(motion, joints=joints.numpy())


def _continuous(vectors: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """The same rotations as vectors that do not jump where the angle passes half a turn."""
    out = vectors.copy()
    for frame in range(1, len(out)):
        angle = np.linalg.norm(out[frame])
        if angle > 1e-6:
            other = out[frame] * (1 - 2 * np.pi / angle)
            if np.sum((other - out[frame - 1]) ** 2) < np.sum((out[frame] - out[frame - 1]) ** 2):
                out[frame] = other
    return out
