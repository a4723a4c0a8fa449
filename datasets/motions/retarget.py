"""Motion of a corpus's skeleton to motion of our body.

The body first gets the performer's proportions, then every frame's pose is solved for: damped
Gauss-Newton (Levenberg-Marquardt) on the targets of :mod:`.targets`, all frames at once, with
joint limits and a weak pull to the usual pose for what the corpus does not tell. A second, shorter
round pulls towards the smoothed first one instead, so that what is not told at least stays calm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from threadpoolctl import threadpool_limits

from mocap.body import Body, BodyPose
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.proportions import proportions
from mocap.datasets.motions.start import first_pose
from mocap.datasets.motions.targets import Targets, jointed, targets_of
from mocap.errors import MocapError
from mocap.fitting.freedom import SIZE, limits, means, spreads
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig
from mocap.fitting.rig import JOINTS, NAMES, Rig

#: Frames whose derivatives are held at once.
_CHUNK = 256
#: The share of the work that the first round is.
_FIRST = 0.75
#: How far an angle may stray beyond its limits, radians.
_LIMIT = 0.03
#: How weak the pull to the usual pose is, in its spreads; the pull to the smoothed pose, radians.
_USUAL, _CALM = 6.0, 0.35
#: Seconds over which the second round's pull is smoothed.
_SMOOTHING = 0.1
_SHAPES = 10
#: Joints whose distance from the clip's is reported: where skeletons agree what a joint is.
COMPARED = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)


@dataclass(frozen=True)
class BodyClip:
    """Motion of our body, made from a corpus's.

    Attributes:
        name: of the clip.
        performer: whose betas these are.
        fps: frames a second.
        betas: (B,) the shape.
        pose: translation, root rotation and coordinates of every frame; world metres, radians.
        error: (F,) mean distance of limb joints from the clip's, metres.
    """

    name: str
    performer: str
    fps: float
    betas: Float[np.ndarray, " shape"]
    pose: Pose
    error: Float[np.ndarray, " frames"]

    def __len__(self) -> int:
        return len(self.pose)

    def body_pose(self, part: slice | None = None) -> BodyPose:
        """The motion as the body model takes it, double precision."""
        pose = self.pose if part is None else self.pose[part]
        vectors = pose.rotation_vectors()
        return BodyPose(
            betas=torch.as_tensor(self.betas),
            global_orient=torch.as_tensor(vectors[:, 0]),
            body_pose=torch.as_tensor(vectors[:, 1:].reshape(len(pose), -1)),
            transl=torch.as_tensor(pose.transl),
        )


def to_body(
    clip: MotionClip,
    body: Body,
    *,
    betas: Float[np.ndarray, " shape"] | None = None,
    iterations: int = 12,
    on_frames: Callable[[int], None] = lambda done: None,
) -> BodyClip:
    """Turn a clip into motion of the body.

    Args:
        clip: in metres.
        body: the body.
        betas: its shape; the clip's own proportions if None. Clips of one performer share one:
            see :func:`.proportions.proportions`.
        iterations: of the first round, at most.
        on_frames: told how many frames are done.

    Raises:
        MocapError: the clip is no motion that a body could follow.
    """
    rig = jointed(Rig.of(body, _SHAPES))
    betas = proportions([clip], rig) if betas is None else betas
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            pose = _solved(clip, rig, betas, iterations, on_frames)
    except ValueError as error:  # what numpy's and SciPy's linear algebra fail with
        raise MocapError(f"{clip.name}: no body can follow it: {error}") from error
    if not (np.isfinite(pose.coordinates).all() and np.isfinite(pose.transl).all()):
        raise MocapError(f"{clip.name}: no body can follow it: its poses are not finite")
    joints = pose_rig(rig, betas, pose).joints
    shown = [name for name in COMPARED if name in clip.names]
    told = clip.joints[:, [clip.names.index(name) for name in shown]]
    gaps = np.linalg.norm(joints[:, [NAMES.index(name) for name in shown]] - told, axis=-1)
    return BodyClip(clip.name, clip.performer, clip.fps, betas, pose, np.nanmean(gaps, 1))


def to_bodies(
    clips: Sequence[MotionClip],
    body: Body,
    *,
    on_fault: Callable[[MotionClip, MocapError], None] | None = None,
) -> list[BodyClip]:
    """Several clips of one performer, with one shape for all.

    Args:
        clips: one at least, in metres.
        body: the body.
        on_fault: told of clips that no body can follow, which are then left out.

    Raises:
        MocapError: the clips tell no shape; or, without ``on_fault``, no body can follow one.
    """
    betas = proportions(clips, Rig.of(body, _SHAPES))
    found = []
    for clip in clips:
        try:
            found.append(to_body(clip, body, betas=betas))
        except MocapError as error:
            if on_fault is None:
                raise
            on_fault(clip, error)
    return found


def _solved(
    clip: MotionClip,
    rig: Rig,
    betas: np.ndarray,
    iterations: int,
    on_frames: Callable[[int], None],
) -> Pose:
    rest, _ = rig.shaped(betas)
    targets = targets_of(clip, rig, betas)
    pose = first_pose(clip, rest[:JOINTS])
    frames = len(pose)
    usual = np.tile(means(), (frames, 1))
    loose = np.broadcast_to(_USUAL * spreads(), usual.shape)
    first = _FIRST if frames > 4 else 1.0
    pose = _round(
        rig,
        betas,
        pose,
        targets,
        (usual, loose),
        iterations,
        lambda done: on_frames(round(first * done)),
    )
    if frames > 4:
        calm = gaussian_filter1d(pose.coordinates, _SMOOTHING * clip.fps, axis=0, mode="nearest")
        pose = _round(
            rig,
            betas,
            pose,
            targets,
            (calm, np.full_like(calm, _CALM)),
            4,
            lambda done: on_frames(round(first * frames + (1.0 - first) * done)),
        )
    return pose


def _round(
    rig: Rig,
    betas: np.ndarray,
    pose: Pose,
    targets: Targets,
    pull: tuple[np.ndarray, np.ndarray],
    iterations: int,
    on_frames: Callable[[int], None],
) -> Pose:
    parts = []
    for start in range(0, len(pose), _CHUNK):
        part = slice(start, start + _CHUNK)
        towards = (pull[0][part], pull[1][part])
        parts.append(_minimised(rig, betas, pose[part], targets[part], towards, iterations))
        on_frames(min(start + _CHUNK, len(pose)))
    return Pose(
        np.concatenate([p.transl for p in parts]),
        np.concatenate([p.root for p in parts]),
        np.concatenate([p.coordinates for p in parts]),
    )


def _minimised(
    rig: Rig,
    betas: np.ndarray,
    pose: Pose,
    targets: Targets,
    pull: tuple[np.ndarray, np.ndarray],
    iterations: int,
) -> Pose:
    """Levenberg-Marquardt (Marquardt, 1963) with damping of each frame's own."""
    damping = np.full(len(pose), 1e-3)
    points, angles = _residuals(rig, betas, pose, targets, pull)
    energy = _energy(points, angles)
    for _ in range(iterations):
        normal, gradient = _normal_equations(rig, betas, pose, targets, pull, points, angles)
        diagonal = np.einsum("fmm->fm", normal)
        diagonal += damping[:, None] * diagonal + 1e-9
        step = -np.linalg.solve(normal, gradient[..., None])[..., 0]
        step *= np.minimum(1.0, 0.5 / np.maximum(np.abs(step[:, 3:]).max(1), 1e-9))[:, None]
        candidate = pose.moved(step)
        new_points, new_angles = _residuals(rig, betas, candidate, targets, pull)
        new_energy = _energy(new_points, new_angles)
        better = new_energy < energy
        damping = np.where(better, damping * 0.3, damping * 8.0)
        pose = Pose(
            np.where(better[:, None], candidate.transl, pose.transl),
            np.where(better[:, None, None], candidate.root, pose.root),
            np.where(better[:, None], candidate.coordinates, pose.coordinates),
        )
        points = np.where(better[:, None, None], new_points, points)
        angles = np.where(better[:, None], new_angles, angles)
        gain = np.where(better, energy - new_energy, 0.0)
        energy = np.minimum(energy, new_energy)
        if np.all(gain < 1e-4 * energy + 1e-6) and better.any():
            break
    return pose


def _residuals(
    rig: Rig,
    betas: np.ndarray,
    pose: Pose,
    targets: Targets,
    pull: tuple[np.ndarray, np.ndarray],
) -> tuple[Float[np.ndarray, "frames targets 3"], Float[np.ndarray, "frames angles"]]:
    """Weighted residuals of the targets, and of pull and limits (C numbers each)."""
    summed = targets.sums @ pose_rig(rig, betas, pose).points
    low, high = limits()
    beyond = np.minimum(pose.coordinates - low, 0) + np.maximum(pose.coordinates - high, 0)
    angles = [(pose.coordinates - pull[0]) / pull[1], beyond / _LIMIT]
    return (summed - targets.wanted) * targets.weight[..., None], np.concatenate(angles, 1)


def _energy(points: np.ndarray, angles: np.ndarray) -> Float[np.ndarray, " frames"]:
    return 0.5 * (np.sum(points**2, axis=(1, 2)) + np.sum(angles**2, axis=1))


def _normal_equations(
    rig: Rig,
    betas: np.ndarray,
    pose: Pose,
    targets: Targets,
    pull: tuple[np.ndarray, np.ndarray],
    points: np.ndarray,
    angles: np.ndarray,
) -> tuple[Float[np.ndarray, "frames m m"], Float[np.ndarray, "frames m"]]:
    posed = pose_rig(rig, betas, pose)
    frames, count = len(pose), posed.points.shape[1]
    jacobian = point_jacobian(rig, pose, posed).reshape(frames, count, 3 * SIZE)
    rows = (targets.sums @ jacobian) * targets.weight[..., None]
    rows = rows.reshape(frames, -1, SIZE)
    across = np.swapaxes(rows, -1, -2)
    normal = across @ rows
    gradient = (across @ points.reshape(frames, -1, 1))[..., 0]
    pulled, beyond = np.split(angles, 2, axis=1)
    slope = (beyond != 0) / _LIMIT
    np.einsum("fmm->fm", normal)[:, 6:] += 1 / pull[1] ** 2 + slope**2
    gradient[:, 6:] += pulled / pull[1] + beyond * slope
    return normal, gradient
