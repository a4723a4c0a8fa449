"""Shape directions from sampled bodies, and the regressor that finds joints on the surface."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from mocap.skeletons import SMPLX_55

#: Share of the variance given to the joints: bone lengths decide a fit more than girths.
_JOINT_SHARE = 0.6

#: Surface points that determine a joint, the nearest ones: fewer would do, with weights ten times
#: as large that amplify rounding.
_REGRESSOR_POINTS = 1500


@dataclass(frozen=True)
class ShapeSpace:
    """Bodies as ``template + directions @ betas``, betas of zero mean and unit variance.

    Attributes:
        template: vertices of the mean body, metres.
        directions: displacement of every vertex by one standard deviation of each component.
        joints: the mean body's joints.
        joint_directions: the same for the joints.
        residual: mean distance in metres between held-out bodies' vertices and their
            reconstructions.
    """

    template: Float[np.ndarray, "vertices 3"]
    directions: Float[np.ndarray, "components vertices 3"]
    joints: Float[np.ndarray, "55 3"]
    joint_directions: Float[np.ndarray, "components 55 3"]
    residual: float


def vertex_areas(
    vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]
) -> Float[np.ndarray, " vertices"]:
    """A third of the area of the triangles around each vertex, square metres."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    return np.bincount(faces.ravel(), np.repeat(area, 3), minlength=len(vertices))


def principal_shapes(
    vertices: Float[np.ndarray, "samples vertices 3"],
    joints: Float[np.ndarray, "samples 55 3"],
    faces: Int[np.ndarray, "faces 3"],
    components: int,
    held_out: int,
) -> ShapeSpace:
    """Principal components of bodies and their joints together.

    Vertices count by the area around them, or the dense meshes of face and hands would decide.

    Args:
        vertices: bodies in the T-pose, metres.
        joints: their joints.
        faces: triangles.
        components: number of shape directions.
        held_out: bodies, the last ones, that only measure the residual.
    """
    used = len(vertices) - held_out
    mean, mean_joints = vertices[:used].mean(axis=0), joints[:used].mean(axis=0)
    area = vertex_areas(mean, faces)
    metric = np.concatenate(
        [
            np.sqrt((1 - _JOINT_SHARE) * area / area.sum()),
            np.full(len(SMPLX_55), np.sqrt(_JOINT_SHARE / len(SMPLX_55))),
        ]
    )[:, None]
    stacked = np.concatenate([vertices - mean, joints - mean_joints], axis=1)
    flat = (stacked * metric).reshape(len(stacked), -1)
    variance, scores = np.linalg.eigh(flat[:used] @ flat[:used].T / used)
    order = np.argsort(variance)[::-1][:components]
    # Scores of unit variance over the samples: a direction is the bodies' covariance with it.
    scores = scores[:, order] * np.sqrt(used)
    directions = np.tensordot(scores.T / used, stacked[:used], axes=1)
    directions *= _signs(mean, directions[:, : vertices.shape[1]])[:, None, None]
    basis = (directions * metric).reshape(components, -1)
    betas = np.linalg.solve(basis @ basis.T, basis @ flat[used:].T).T
    count = vertices.shape[1]
    error = stacked[used:, :count] - np.tensordot(betas, directions[:, :count], axes=1)
    return ShapeSpace(
        template=mean,
        directions=directions[:, :count],
        joints=mean_joints,
        joint_directions=directions[:, count:],
        residual=float(np.linalg.norm(error, axis=-1).mean()) if held_out else float("nan"),
    )


def _signs(mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Signs that make a body with a positive component taller, measured crown to sole."""
    up = directions[..., 1]
    taller = np.ptp(mean[:, 1] + up, axis=1) - np.ptp(mean[:, 1] - up, axis=1)
    return np.where(taller >= 0, 1.0, -1.0)


def joint_regressor(
    space: ShapeSpace,
    expressions: Float[np.ndarray, "expressions vertices 3"],
    mirror: Int[np.ndarray, " vertices"],
) -> Float[np.ndarray, "55 vertices"]:
    """Signed weights that find every joint of a shaped body on its surface.

    Of all weights that reproduce the joints for the template and every shape direction, and keep
    them still under every expression, those nearest to a plain mean of the surrounding skin; each
    row sums to 1. Left and right rows mirror each other.
    """
    regressor = np.zeros((len(SMPLX_55), len(space.template)))
    tree = cKDTree(space.template)
    for i, name in enumerate(SMPLX_55.names):
        if name.startswith("right_"):
            continue
        chosen = tree.query(space.joints[i], _REGRESSOR_POINTS)[1]
        midline = not name.startswith("left_")
        if midline:
            chosen = np.union1d(chosen, mirror[chosen])
        row = _solve_row(space, expressions, i, chosen)
        regressor[i, chosen] = row
        if midline:
            regressor[i] = 0.5 * (regressor[i] + regressor[i, mirror])
        else:
            regressor[SMPLX_55.mirror[i]] = regressor[i, mirror]
    return regressor


def _solve_row(
    space: ShapeSpace, expressions: np.ndarray, joint: int, chosen: np.ndarray
) -> np.ndarray:
    # Relative to the joint, so that the row's sum and the place are conditions of like size.
    template = space.template[chosen] - space.joints[joint]
    moving = expressions[:, chosen]
    moving = moving[np.abs(moving).max(axis=(1, 2)) > 1e-6]
    conditions = np.concatenate(
        [
            np.ones((1, len(chosen))),
            template.T,
            space.directions[:, chosen].transpose(0, 2, 1).reshape(-1, len(chosen)),
            moving.transpose(0, 2, 1).reshape(-1, len(chosen)),
        ]
    )
    wanted = np.concatenate(
        [
            [1.0, 0.0, 0.0, 0.0],
            space.joint_directions[:, joint].ravel(),
            np.zeros(3 * len(moving)),
        ]
    )
    scale = np.ones(len(wanted))
    scale[:4] = 30.0
    conditions, wanted = conditions * scale[:, None], wanted * scale
    plain = np.full(len(chosen), 1.0 / len(chosen))
    gram = conditions @ conditions.T
    # The ridge gives up a tenth of a millimetre for smaller weights.
    gram[np.diag_indices_from(gram)] += 1e-7
    return plain + conditions.T @ np.linalg.solve(gram, wanted - conditions @ plain)
