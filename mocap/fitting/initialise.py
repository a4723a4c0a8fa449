"""A first guess at every frame's pose, in closed form.

Torso and head get the rotation of a frame spanned by their keypoints; a limb gets the rotation
that lays its first bone along the observed one and its plane of bending in the observed plane.
Where a limb is nearly straight that plane is noise, and the shortest turn takes its place. What
was not seen is taken from before and after; what never was, from a body in its usual pose.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation, Slerp

from mocap.fitting.freedom import compression, limits, means
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.observations import Observations
from mocap.fitting.rig import JOINTS, NAMES, Rig
from mocap.geometry import frame_along, rotation_between, unit_vectors


@dataclass(frozen=True)
class _Limb:
    """A chain of two bones; ``bend`` is where the second goes when the first is held still."""

    upper: str
    middle: str
    end: str
    bend: tuple[float, float, float]


_LIMBS = {
    "hip": _Limb("hip", "knee", "ankle", (0.0, 0.0, -1.0)),
    "shoulder": _Limb("shoulder", "elbow", "wrist", (0.0, 0.0, 1.0)),
}


def initial_pose(rig: Rig, betas: np.ndarray, seen: Observations) -> Pose:
    """A pose for every frame from the 3D keypoints; unseen frames are interpolated.

    Raises:
        ValueError: when no frame is seen at all.
    """
    known = np.flatnonzero(seen.seen)
    if not len(known):
        raise ValueError("no frame has enough keypoints")
    part = seen[known]
    # A fifth of a second of smoothing: enough for a sound start, and the fit restores the rest.
    whole = _filled(rig, betas, part)
    smooth = gaussian_filter1d(whole, 0.04 * seen.fps, axis=0, mode="nearest")
    points = np.einsum("fji,fpj->fpi", part.R, smooth)
    vectors = np.zeros((len(known), JOINTS, 3))
    root, chest = _torso(rig, betas, points, vectors)
    _head(rig, betas, points, chest, vectors)
    for side in ("left", "right"):
        for name, parent in (("hip", root), ("shoulder", chest)):
            _two_bones(rig, betas, points, parent, side, _LIMBS[name], vectors)
    coordinates = np.clip(vectors.reshape(len(known), -1) @ compression().T, *limits())
    rest, _ = rig.shaped(betas)
    hips = _middle_of_hips(part, smooth)
    hip_rest = rig.rest_points(betas)[[rig.point("left_hip"), rig.point("right_hip")]].mean(0)
    pelvis = hips + root @ (rest[0] - hip_rest)
    return _interpolated(Pose(pelvis - rest[0], root, coordinates), known, len(seen))


def _filled(
    rig: Rig, betas: np.ndarray, seen: Observations
) -> Float[np.ndarray, "frames points 3"]:
    """The 3D keypoints with a guess in every place that was not seen."""
    metric, known = seen.metric.copy(), seen.weight > 0
    frames = np.arange(len(seen))
    for point in np.flatnonzero(known.any(0) & ~known.all(0)):
        at = np.flatnonzero(known[:, point])
        for axis in range(3):
            metric[:, point, axis] = np.interp(frames, at, metric[at, point, axis])
    never = ~known.any(0)
    if never.any():
        usual = Pose(np.zeros((1, 3)), np.eye(3)[None], means()[None])
        points = pose_rig(rig, betas, usual).points[0]
        turn, shift = _laid_over(points[~never], metric[:, ~never])
        metric[:, never] = points[never] @ np.swapaxes(turn, -1, -2) + shift[:, None]
    return metric


def _laid_over(
    points: Float[np.ndarray, "points 3"], onto: Float[np.ndarray, "frames points 3"]
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3"]]:
    """Rotations and shifts that bring points nearest to others (Kabsch, 1976)."""
    centre, centres = points.mean(0), onto.mean(1)
    u, _, vt = np.linalg.svd(np.swapaxes(onto - centres[:, None], -1, -2) @ (points - centre))
    u[..., -1] *= np.linalg.det(u @ vt)[:, None]
    turn = u @ vt
    return turn, centres - turn @ centre


def _torso(
    rig: Rig, betas: np.ndarray, points: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    rest = rig.rest_points(betas)
    names = [f"{side}_{joint}" for joint in ("hip", "shoulder") for side in ("left", "right")]
    lh, rh, ls, rs = (points[:, rig.point(name)] for name in names)
    lh0, rh0, ls0, rs0 = (rest[rig.point(name)] for name in names)
    up, up0 = ls + rs - lh - rh, ls0 + rs0 - lh0 - rh0
    root = frame_along(lh - rh, up) @ frame_along(lh0 - rh0, up0).T
    chest = frame_along(ls - rs, up) @ frame_along(ls0 - rs0, up0).T
    bend = Rotation.from_matrix(np.swapaxes(root, -1, -2) @ chest).as_rotvec()
    for joint in ("spine1", "spine2", "spine3"):
        vectors[:, NAMES.index(joint)] = bend / 3
    return root, chest


def _head(
    rig: Rig, betas: np.ndarray, points: np.ndarray, chest: np.ndarray, vectors: np.ndarray
) -> None:
    _, offsets = rig.shaped(betas)
    names = ("left_ear", "right_ear", "nose")
    left, right, nose = (points[:, rig.point(name)] for name in names)
    left0, right0, nose0 = (offsets[rig.point(name)] for name in names)
    head = frame_along(left - right, nose - (left + right) / 2)
    head = head @ frame_along(left0 - right0, nose0 - (left0 + right0) / 2).T
    turn = Rotation.from_matrix(np.swapaxes(chest, -1, -2) @ head).as_rotvec()
    vectors[:, NAMES.index("neck")] = vectors[:, NAMES.index("head")] = turn / 2


def _two_bones(
    rig: Rig,
    betas: np.ndarray,
    points: np.ndarray,
    parent: np.ndarray,
    side: str,
    limb: _Limb,
    vectors: np.ndarray,
) -> None:
    rest = rig.rest_points(betas)
    joints = [NAMES.index(f"{side}_{name}") for name in (limb.upper, limb.middle, limb.end)]
    places = [rig.point(f"{side}_{name}") for name in (limb.upper, limb.middle, limb.end)]
    first, second = (
        unit_vectors(points[:, places[1]] - points[:, places[0]]),
        unit_vectors(points[:, places[2]] - points[:, places[1]]),
    )
    first0, second0 = (
        unit_vectors(rest[places[1]] - rest[places[0]]),
        unit_vectors(rest[places[2]] - rest[places[1]]),
    )
    plain = rotation_between(parent @ first0, first) @ parent
    expected = plain @ np.asarray(limb.bend)
    across = second - np.sum(second * first, -1, keepdims=True) * first
    # Trust the plane of bending from about 15 degrees of bend on.
    trust = np.clip(np.linalg.norm(across, axis=-1, keepdims=True) / 0.5, 0, 1) ** 2
    bend = trust * unit_vectors(across) + (1 - trust) * expected
    whole = frame_along(first, bend) @ frame_along(first0, np.asarray(limb.bend)).T
    local = np.swapaxes(parent, -1, -2) @ whole
    vectors[:, joints[0]] = Rotation.from_matrix(local).as_rotvec()
    lower = rotation_between(whole @ second0, second) @ whole
    vectors[:, joints[1]] = Rotation.from_matrix(np.swapaxes(whole, -1, -2) @ lower).as_rotvec()


def _middle_of_hips(seen: Observations, metric: np.ndarray) -> Float[np.ndarray, "frames 3"]:
    """Where, in the world, the 3D keypoints must stand to be seen where they are."""
    focal = np.stack([seen.K[:, 0, 0], seen.K[:, 1, 1]], -1)[:, None]
    slope = (seen.pixels - seen.K[:, None, :2, 2]) / focal
    frames, points = slope.shape[:2]
    # x + tx = slope_x (z + tz), and the same for y: linear in the translation.
    matrix = np.zeros((frames, points, 2, 3))
    matrix[..., 0, 0] = matrix[..., 1, 1] = 1.0
    matrix[..., 2] = -slope
    target = slope * metric[..., 2:] - metric[..., :2]
    weight = np.sqrt(seen.weight)[..., None]
    matrix = (matrix * weight[..., None]).reshape(frames, -1, 3)
    target = (target * weight).reshape(frames, -1, 1)
    normal = np.swapaxes(matrix, -1, -2) @ matrix + 1e-9 * np.eye(3)
    camera = np.linalg.solve(normal, np.swapaxes(matrix, -1, -2) @ target)[..., 0]
    camera[:, 2] = np.clip(camera[:, 2], 0.3, 200.0)
    camera = gaussian_filter1d(camera, 0.08 * seen.fps, axis=0, mode="nearest")
    return np.einsum("fji,fj->fi", seen.R, camera - seen.t)


def _interpolated(pose: Pose, known: np.ndarray, frames: int) -> Pose:
    if len(known) == frames:
        return pose
    at = np.clip(np.arange(frames), known[0], known[-1])

    def spread(values: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(at, known, column) for column in values.T], -1)

    root = pose.root[[0] * frames]
    if len(known) > 1:
        root = Slerp(known, Rotation.from_matrix(pose.root))(at).as_matrix()
    return Pose(spread(pose.transl), root, spread(pose.coordinates))
