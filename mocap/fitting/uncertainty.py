"""How far off each joint may be.

At the energy's minimum the inverse of its Hessian is the covariance of the unknowns, if the
energy's deviations are right. A detector's errors last for many frames, so that more frames are no
more evidence: every moment is worth one frame. Where nothing was seen, the error grows with the
time from the nearest sight at the speed at which this person's joint moves in this clip.
"""

import numpy as np
from jaxtyping import Float

from mocap.fitting.balance import joint_rig
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig
from mocap.fitting.person import Fitted
from mocap.fitting.problem import Problem, data_equations
from mocap.fitting.rig import JOINTS, Rig
from mocap.fitting.terms import Weights
from mocap.skeletons import SMPLX_55

#: Moments a second at which it is worked out; between them it is interpolated.
_RATE = 8.0
#: What the deviations of the energy leave out, by comparison with known motion: what the detector
#: gets wrong as a habit, and the body's proportions.
_CALIBRATION = 1.4
#: Frames whose derivatives are held at once.
_CHUNK = 64
#: Farther off than this nobody can be, metres.
_MOST = 1.0
#: Error that joints of fingers and face add to wrist's and head's, metres.
_BEYOND = 0.01


def joint_sigma(rig: Rig, one: Fitted, weights: Weights) -> Float[np.ndarray, "frames 55"]:
    """Root mean square error to be expected of each joint relative to the pelvis, metres.

    That of the pelvis itself is of its place in the world, given the body's size.
    """
    frames, fps = len(one.pose), one.seen.fps
    stride = max(1, round(fps / _RATE))
    problem = Problem(rig, one.seen, weights, one.betas)
    span = stride * max(1, _CHUNK // stride)
    found = np.concatenate(
        [
            _sigma_of(problem, one.pose, slice(start, min(start + span, frames)), stride)
            for start in range(0, frames, span)
        ]
    )
    middles = np.minimum(np.arange(len(found)) * stride + 0.5 * (stride - 1), frames - 1)
    every, known = np.arange(frames), np.isfinite(found).all(1)
    sigma = np.stack([np.interp(every, middles[known], column) for column in found[known].T], -1)
    sigma = _CALIBRATION * np.hypot(sigma, _drift(rig, one))
    return _all_joints(np.minimum(sigma, _MOST))


def _sigma_of(
    problem: Problem, pose: Pose, part: slice, stride: int
) -> Float[np.ndarray, "moments 22"]:
    """Of 22 joints at every ``stride`` frames of a part, by the mean evidence of those frames.

    NaN where nothing was seen.
    """
    blocks, _ = data_equations(problem[part], problem.usual_betas, pose[part])
    # Frames in which nothing was seen take nothing from the evidence of the others.
    sure = problem.seen[part].seen.astype(float)
    starts = np.arange(0, len(blocks), stride)
    count = np.add.reduceat(sure, starts)
    information = np.add.reduceat(blocks * sure[:, None, None], starts)
    information /= np.maximum(count, 1.0)[:, None, None]
    covariance = np.linalg.inv(information + 1e-6 * np.eye(blocks.shape[-1]))
    middles = np.minimum(starts + stride // 2, len(blocks) - 1)
    at = pose[part]
    moments = Pose(at.transl[middles], at.root[middles], at.coordinates[middles])
    joints = joint_rig(problem.rig)
    jacobian = point_jacobian(joints, moments, pose_rig(joints, problem.usual_betas, moments))
    jacobian[:, 1:] -= jacobian[:, :1]
    rows = jacobian.reshape(len(moments), -1, jacobian.shape[-1])
    variance = np.sum((rows @ covariance) * rows, -1).reshape(len(moments), JOINTS, 3).sum(-1)
    return np.where(count[:, None] > 0, np.sqrt(variance), np.nan)


def _drift(rig: Rig, one: Fitted) -> Float[np.ndarray, "frames 22"]:
    """What a joint may have done since it was seen last, or before it is seen next."""
    frames, fps, seen = len(one.pose), one.seen.fps, one.seen.seen
    if seen.all() or frames < 2:
        return np.zeros((frames, JOINTS))
    joints = pose_rig(rig, one.betas, one.pose).joints
    relative = np.concatenate([joints[:, :1], joints[:, 1:] - joints[:, :1]], 1)
    speed = np.linalg.norm(np.diff(relative, axis=0), axis=-1) * fps
    both = seen[1:] & seen[:-1]
    usual = np.sqrt(np.mean(speed[both] ** 2, 0)) if both.any() else np.full(JOINTS, 0.5)
    sights = np.flatnonzero(seen)
    every = np.arange(frames)
    after = np.minimum(np.searchsorted(sights, every), len(sights) - 1)
    away = np.minimum(
        np.abs(sights[after] - every), np.abs(every - sights[np.maximum(after - 1, 0)])
    )
    return away[:, None] / fps * usual


def _all_joints(sigma: Float[np.ndarray, "frames 22"]) -> Float[np.ndarray, "frames 55"]:
    """Fingers and face are as far off as what they hang on, and a little more."""
    whole = np.zeros((len(sigma), len(SMPLX_55)))
    whole[:, :JOINTS] = sigma
    for joint in range(JOINTS, len(SMPLX_55)):
        carrier = joint
        while carrier >= JOINTS:
            carrier = SMPLX_55.parents[carrier]
        whole[:, joint] = np.hypot(sigma[:, carrier], _BEYOND)
    return whole
