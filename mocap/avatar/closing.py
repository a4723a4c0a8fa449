"""The one closed surface where signed distances change their sign.

By marching cubes that settle ambiguous cubes consistently (Lewiner et al. 2003), as scikit-image
has them: every edge of the result belongs to two triangles.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy import ndimage, sparse

from mocap.errors import AvatarError

#: Distances nearer to zero than this part of the greatest would make triangles without an area.
_NUDGE = 1e-3


def closed_surface(
    distances: Float[np.ndarray, "x y z"],
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """The surface of the largest thing, without what floats around it and cavities inside.

    Args:
        distances: positive outside, which is also all that is beyond the grid.

    Returns:
        Vertices, in steps of the grid from its first point; and triangles, counter-clockwise from
        outside.

    Raises:
        AvatarError: nothing is inside, or scikit-image is not installed.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError as missing:
        raise AvatarError(
            "making meshes needs scikit-image: pip install 'mocap-toolkit[avatar]'"
        ) from missing
    greatest = max(float(np.abs(distances).max(initial=0.0)), 1e-9)
    padded = np.pad(distances, 1, constant_values=greatest)
    inside = _filled(_largest(padded < 0))
    if not inside.any():
        raise AvatarError(
            "the Gaussians enclose nothing: they are too few or too faint, or thinner than a voxel;"
            " give all of an avatar's, or a finer resolution"
        )
    size = np.maximum(np.abs(padded), _NUDGE * greatest)
    vertices, faces, _, _ = marching_cubes(
        np.where(inside, -size, size), 0.0, gradient_direction="descent"
    )
    vertices, faces = _largest_component(vertices.astype(np.float64), faces.astype(np.int64))
    return vertices - 1, faces


def _largest(inside: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(inside)
    if count <= 1:
        return inside
    return labels == 1 + np.bincount(labels.ravel())[1:].argmax()


def _filled(inside: np.ndarray) -> np.ndarray:
    """With whatever cannot be reached from the first point, which is outside."""
    labels, _ = ndimage.label(~inside)
    return labels != labels[0, 0, 0]


def _largest_component(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cubes may cut in two what points that only touch by their corners hold together."""
    edges = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    links = sparse.coo_array((np.ones(len(edges), bool), tuple(edges.T)), 2 * (len(vertices),))
    count, labels = sparse.csgraph.connected_components(links, directed=False)
    if count == 1:
        return vertices, faces
    kept = labels == np.bincount(labels).argmax()
    return vertices[kept], (np.cumsum(kept) - 1)[faces[kept[faces[:, 0]]]]
