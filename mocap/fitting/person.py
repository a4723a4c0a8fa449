"""One person's motion before anybody knows where the ground is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, RotationSpline

from mocap.errors import FitError
from mocap.fitting.config import FitConfig
from mocap.fitting.initialise import initial_pose
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.observations import Observations, observe
from mocap.fitting.problem import Problem
from mocap.fitting.rig import Rig
from mocap.fitting.solver import solve
from mocap.take import Person, Take, frame_rate

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

#: A person needs this many frames with keypoints for a motion to mean anything.
_LEAST_FRAMES = 3
#: Frames a second at which a motion is roughed out, and the least frames that are left for it.
_ROUGH_FPS, _ROUGH_FRAMES = 15.0, 24


@dataclass(frozen=True)
class Fitted:
    """A person's motion in the world of ``seen``: what it was fitted to, shape and pose.

    ``level`` is the height of what they stand on, metres, once that is known.
    """

    person: Person
    seen: Observations
    betas: Float[np.ndarray, " shape"]
    pose: Pose
    level: float = 0.0


def fit_alone(take: Take, person: Person, body: Body, rig: Rig, config: FitConfig) -> Fitted:
    """Fit one person in the camera's world, as if there were no ground.

    Raises:
        FitError: the person has no keypoints, or is seen in too few frames.
    """
    if person.keypoints2d is None or person.keypoints3d is None:
        raise FitError(f"{person.id}: has no keypoints; run `mocap extract` on the video")
    seen = seen_of(take, person, rig)
    if seen.seen.sum() < _LEAST_FRAMES:
        raise FitError(
            f"{person.id}: seen in {int(seen.seen.sum())} frames; "
            f"a motion needs at least {_LEAST_FRAMES}"
        )
    betas = np.zeros(config.shapes)
    if config.height is not None:
        betas = body.betas_for_height(config.height).double().numpy()[: config.shapes]
    seen = scaled(rig, betas, seen)
    betas, pose = _rough(rig, betas, seen, config)
    problem = Problem(rig, seen, config.weights, betas)
    if config.height is not None:
        betas = with_stature(body, betas, config.height)
    # Another stature takes a little longer to settle down to.
    iterations = 2 if config.height is None else 4
    _, pose = solve(problem, betas, pose, iterations=iterations, free_shape=False, ease=False)
    return Fitted(person, seen, betas, pose)


def _rough(
    rig: Rig, betas: np.ndarray, seen: Observations, config: FitConfig
) -> tuple[np.ndarray, Pose]:
    """Shape and a pose near the best one, from a share of the frames."""
    stride = max(1, min(round(seen.fps / _ROUGH_FPS), len(seen) // _ROUGH_FRAMES))
    kept = np.arange(0, len(seen), stride)
    thin = replace(seen[kept], fps=seen.fps / stride)
    if thin.seen.sum() < _LEAST_FRAMES:
        kept, thin = np.arange(len(seen)), seen
    pose = initial_pose(rig, betas, thin)
    problem = Problem(rig, thin, config.weights, betas)
    betas, pose = solve(problem, betas, pose, iterations=config.iterations, free_shape=True)
    return betas, _between(pose, kept, len(seen))


def _between(pose: Pose, kept: np.ndarray, frames: int) -> Pose:
    """A pose for every frame from that of some, smoothly; the last is kept after its end."""
    if len(kept) == frames:
        return pose
    at = np.clip(np.arange(frames), kept[0], kept[-1])
    low = np.clip(np.searchsorted(kept, at, "right") - 1, 0, len(kept) - 2)
    share = ((at - kept[low]) / (kept[low + 1] - kept[low]))[:, None]
    root = RotationSpline(kept, Rotation.from_matrix(pose.root))(at).as_matrix()
    transl, angles = (
        (1 - share) * values[low] + share * values[low + 1]
        for values in (pose.transl, pose.coordinates)
    )
    return Pose(transl, root, angles)


def seen_of(take: Take, person: Person, rig: Rig) -> Observations:
    """What was seen of a person with keypoints."""
    camera = take.camera
    fps = frame_rate(take.video.timestamps, take.video.fps)
    return observe(person, rig, *camera.at(person.frames), fps, camera)


def scaled(rig: Rig, betas: np.ndarray, seen: Observations) -> Observations:
    """The 3D keypoints brought to the size of the body: the detector's metre is a guess.

    Keypoints lie beside joints: how far apart they are depends on the pose. So sizes are compared
    in a pose like the one that is seen, once keypoints of about the right size have told it.
    """
    factor = _likely(_size(rig, rig.rest_points(betas)[None], seen))
    if seen.seen.any():
        pose = initial_pose(rig, betas, replace(seen, metric=seen.metric * factor))
        factor = _likely(_size(rig, pose_rig(rig, betas, pose).points, seen))
    return replace(seen, metric=seen.metric * factor)


def _likely(size: float) -> float:
    """No detector's metre is farther off than this."""
    return float(np.clip(size, 0.7, 1.4))


def _size(rig: Rig, body: Float[np.ndarray, "frames points 3"], seen: Observations) -> float:
    """How large a body, in every frame or in one for all, is against the 3D keypoints."""
    mine, told = 0.0, 0.0
    for side in ("left", "right"):
        chain = [rig.point(f"{side}_{joint}") for joint in ("shoulder", "hip", "knee", "ankle")]
        for a, b in itertools.pairwise(chain):
            sure = np.minimum(seen.weight[:, a], seen.weight[:, b]) > 0.5
            if sure.sum() >= _LEAST_FRAMES:
                told += _span(seen.metric[sure], a, b)
                mine += _span(body[sure] if len(body) > 1 else body, a, b)
    return mine / told if told > 0 else 1.0


def _span(points: Float[np.ndarray, "frames points 3"], a: int, b: int) -> float:
    return float(np.median(np.linalg.norm(points[:, a] - points[:, b], axis=-1)))


def with_stature(body: Body, betas: np.ndarray, height: float) -> np.ndarray:
    """The nearest shape of exactly a stature, metres."""
    import torch

    tall, small = (body.betas_for_height(h).double().numpy()[: len(betas)] for h in (1.8, 1.76))
    along = tall - small
    for _ in range(8):
        now = float(body.height(torch.as_tensor(betas, dtype=torch.float32))[0])
        longer = torch.as_tensor(betas + along, dtype=torch.float32)
        betas = betas + along * (height - now) / (float(body.height(longer)[0]) - now)
    return betas
