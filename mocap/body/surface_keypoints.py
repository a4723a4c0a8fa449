"""Keypoints regressed from a surface alone: a matrix over vertices, as SMPL's users know it.

For programs that have a mesh and no pose. Points inside the body have no exact such row, for skin
slides over joints; theirs is the mean of vertices that comes nearest over many poses and shapes.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from mocap.body.keypoints import keypoint_regressor
from mocap.body.model import Body
from mocap.body.pose import BodyPose
from mocap.skeletons import SMPLX_55

_POSES, _SEED = 192, 7
#: Vertices a point is a mean of: of those this many times as far as the nearest, thinned to so
#: many. The chest's skin is four times as far from the spine as the back's.
_REACH, _MOST = 5.0, 800
#: How much more it counts that weights sum to 1 than that a point is found to the metre.
_SUM = 1e3


def surface_regressor(body: Body, name: str) -> Float[np.ndarray, "keypoints vertices"]:
    """A matrix that takes a posed surface to the keypoints of a set.

    Landmarks on the skin are exact. What lies inside is some millimetres off what
    :func:`mocap.body.keypoints.regress` says, centimetres at worst; where the pose is known, that
    is to be preferred. It takes seconds to find: keep it.

    Args:
        body: the model whose vertices they are.
        name: of the set, as for :func:`mocap.body.keypoints.keypoint_regressor`.

    Returns:
        (K, V) mostly zeros, rows that sum to 1 and that left and right mirror:
        ``keypoints = matrix @ vertices``.

    Raises:
        BodyError: there is no such set, or the body lacks a point of it.
    """
    weights = keypoint_regressor(body, name).weights
    used = np.flatnonzero(weights.any(axis=0))
    return weights[:, used] @ _rows(body, used)


def _rows(body: Body, used: Int[np.ndarray, " points"]) -> Float[np.ndarray, "points vertices"]:
    """Rows for some of the body's joints and landmarks, which are numbered in this order."""
    template = body.template.double().cpu().numpy()
    surfaces, places = _examples(body)
    marks, joints = body.landmarks, len(SMPLX_55)
    rows = np.zeros((len(used), len(template)))
    for row, point in zip(rows, used, strict=True):
        mark = point - joints
        if mark >= 0 and marks.joints[mark] < 0:
            np.add.at(row, marks.vertices[mark], marks.weights[mark])
        else:
            near = _nearby(template, places[0, point])
            row[near] = _shares(surfaces[:, near], places[:, point])
    # Vertices that are chosen on one side are not those chosen on the other.
    across = cKDTree(template).query(template * [-1.0, 1.0, 1.0])[1]
    opposite = [int(np.flatnonzero(used == other)[0]) for other in _mirror(body)[used]]
    mirrored = np.zeros_like(rows)
    np.add.at(mirrored.T, across, rows[opposite].T)
    return (rows + mirrored) / 2


def _mirror(body: Body) -> Int[np.ndarray, " points"]:
    """For each joint and landmark its counterpart on the other side."""
    names = body.landmark_names
    swapped = map(_other_side, names)
    return np.array([*SMPLX_55.mirror, *(len(SMPLX_55) + names.index(name) for name in swapped)])


def _other_side(name: str) -> str:
    return name.replace("left", "right") if "left" in name else name.replace("right", "left")


def _examples(
    body: Body,
) -> tuple[Float[np.ndarray, "poses vertices 3"], Float[np.ndarray, "poses points 3"]]:
    """Surfaces, and where joints and landmarks are; the first are the mean body's T-pose."""
    with torch.no_grad():
        posed = body.forward(_poses(body), return_vertices=True, return_landmarks=True)
    assert posed.vertices is not None
    assert posed.landmarks is not None
    points = torch.cat([posed.joints, posed.landmarks], dim=1)
    return posed.vertices.double().cpu().numpy(), points.double().cpu().numpy()


def _poses(body: Body) -> BodyPose:
    """Poses of people who move a lot, and shapes; the first is the mean body's T-pose."""
    random = np.random.default_rng(_SEED)
    angles = random.normal(0.0, 0.3, (_POSES, 21, 3))
    names = body.joint_names[1:22]
    for side, sign in (("left", 1.0), ("right", -1.0)):
        angles[:, names.index(f"{side}_knee"), 0] = random.uniform(0.0, 2.2, _POSES)
        angles[:, names.index(f"{side}_hip"), 0] = random.uniform(-1.8, 0.4, _POSES)
        angles[:, names.index(f"{side}_elbow"), 1] = -sign * random.uniform(0.0, 2.2, _POSES)
        angles[:, names.index(f"{side}_shoulder"), 2] = -sign * random.uniform(-0.9, 1.3, _POSES)
    betas = random.normal(0.0, 1.0, (_POSES, min(10, body.num_betas)))
    angles[0], betas[0] = 0.0, 0.0

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(values).to(body.template)

    return BodyPose(betas=tensor(betas), body_pose=tensor(angles.reshape(_POSES, -1)))


def _nearby(template: np.ndarray, place: np.ndarray) -> Int[np.ndarray, " chosen"]:
    distance = np.linalg.norm(template - place, axis=1)
    near = np.flatnonzero(distance < _REACH * distance.min())
    return near[:: -(-len(near) // _MOST)]


def _shares(surfaces: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Shares (C,) of vertices (P, C, 3) whose means are nearest to points (P, 3)."""
    away = (surfaces - wanted[:, None]).transpose(0, 2, 1).reshape(-1, surfaces.shape[1])
    system = np.vstack([away, np.full(surfaces.shape[1], _SUM)])
    found = nnls(system, np.append(np.zeros(len(away)), _SUM))[0]
    return found / found.sum()
