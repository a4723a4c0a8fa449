"""Which points of a grid are inside of a closed surface."""

import numpy as np
import trimesh
from jaxtyping import Bool, Float


def occupancy(
    surface: trimesh.Trimesh,
    origin: Float[np.ndarray, "3"],
    spacing: float,
    shape: tuple[int, int, int],
) -> Bool[np.ndarray, "x y z"]:
    """Whether each point is inside, by the triangles that a line from below goes through.

    Where a surface overlaps itself, as an arm that is pressed into a chest does, is inside as well.

    Args:
        surface: closed, with faces counter-clockwise from outside; none of its vertices may have
            the x and y of a point.
        origin: the first point, in the surface's units.
        spacing: between points.
        shape: of the grid: points along x, y and z.
    """
    triangles = (surface.triangles - origin) / spacing
    which, columns = _columns(triangles[:, :, :2], shape[:2])
    corners = triangles[which]
    # Twice the signed areas of the triangles between the column and each side.
    shares = np.stack([_area(corners, columns, i) for i in range(3)], -1)
    hit = (shares > 0).all(1) | (shares < 0).all(1)
    shares, columns, corners = shares[hit], columns[hit], corners[hit]
    area = shares.sum(1)
    heights = np.einsum("ni,ni->n", shares, corners[:, :, 2]) / area
    first = np.ceil(heights).astype(int).clip(0, shape[2])
    entered = np.zeros((shape[0], shape[1], shape[2] + 1), np.int32)
    # A triangle that faces down is one through which a line from below comes in.
    np.add.at(entered, (columns[:, 0], columns[:, 1], first), -np.sign(area).astype(np.int32))
    return np.cumsum(entered, 2)[..., :-1] > 0


def _columns(flat: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Every column within the bounds of each triangle: which triangle, and the column's x and y."""
    low = np.ceil(flat.min(1)).astype(int).clip(0)
    high = np.minimum(np.floor(flat.max(1)).astype(int) + 1, shape)
    extent = (high - low).clip(0)
    counts = extent.prod(1)
    which = np.repeat(np.arange(len(flat)), counts)
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = extent[which, 1]
    return which, low[which] + np.stack([place // rows, place % rows], -1)


def _area(corners: np.ndarray, points: np.ndarray, corner: int) -> np.ndarray:
    start, end = corners[:, (corner + 1) % 3, :2], corners[:, (corner + 2) % 3, :2]
    along, away = end - start, points - start
    return along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]
