"""How far away a surface is, pixel by pixel, drawn without a graphics card.

A body's triangles are a few pixels large: all of a size are filled at once.
"""

import numpy as np
from jaxtyping import Float, Int

#: Pixels looked at together, which bounds memory.
_AT_ONCE = 1 << 20


def depth_map(
    pixels: Float[np.ndarray, "vertices 2"],
    depth: Float[np.ndarray, " vertices"],
    faces: Int[np.ndarray, "faces 3"],
    width: int,
    height: int,
) -> Float[np.ndarray, "height width"]:
    """Distance to what is nearest in each pixel; infinite where nothing is.

    Args:
        pixels: where the vertices are seen, whole numbers in the middles of pixels; triangles
            with a missing (NaN) vertex are left out.
        depth: of the vertices, in any unit.
        faces: triangles, counter-clockwise from outside; those seen from inside are left out.
        width: of the picture, pixels.
        height: of the picture, pixels.
    """
    nearest = np.full(height * width, np.inf, np.float32)
    corners, low, extent = _in_sight(pixels, faces, width, height)
    distances = depth[faces[corners]]
    places = pixels[faces[corners]]
    # Triangles of like size, up to powers of two, are filled by one grid.
    sizes = np.ceil(np.log2(np.maximum(extent.max(1, initial=1), 1))).astype(int)
    for size in np.unique(sizes):
        alike = np.flatnonzero(sizes == size)
        side = 2 ** int(size)
        step = max(1, _AT_ONCE // side**2)
        for start in range(0, len(alike), step):
            some = alike[start : start + step]
            _fill(nearest, places[some], distances[some], low[some], extent[some], side, width)
    return nearest.reshape(height, width)


def _in_sight(
    pixels: np.ndarray, faces: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which faces are seen, and the first pixel (x, y) and the size of the box about each."""
    places = pixels[faces]
    a, b, c = np.moveaxis(places, 1, 0)
    with np.errstate(invalid="ignore"):
        # With y down, what is counter-clockwise has a negative area; of NaN nothing is true.
        seen = _cross(b - a, c - a) < 0
    found = np.flatnonzero(seen)
    most = np.array([width, height])
    low = np.ceil(np.maximum(places[found].min(1), 0)).astype(int)
    high = np.floor(np.minimum(places[found].max(1), most - 1)).astype(int)
    extent = high - low + 1
    inside = (extent > 0).all(1)
    return found[inside], low[inside], extent[inside]


def _fill(
    nearest: np.ndarray,
    places: Float[np.ndarray, "triangles 3 2"],
    distances: Float[np.ndarray, "triangles 3"],
    low: Int[np.ndarray, "triangles 2"],
    extent: Int[np.ndarray, "triangles 2"],
    side: int,
    width: int,
) -> None:
    """Enter triangles of boxes of up to ``side`` pixels into a flat depth map."""
    a, b, c = np.moveaxis(places, 1, 0)
    area = _cross(b - a, c - a)[:, None]
    steps = np.arange(side)
    # A point's shares of the second and third corner are linear in its x and y.
    to_b, to_c = (b - a)[..., None] / area[..., None], (c - a)[..., None] / area[..., None]
    at_b = _cross(low - a, c - a)[:, None] / area
    at_c = _cross(b - a, low - a)[:, None] / area
    of_b = (at_b + to_c[:, 1] * steps)[:, None] - (to_c[:, 0] * steps)[..., None]
    of_c = (at_c - to_b[:, 1] * steps)[:, None] + (to_b[:, 0] * steps)[..., None]
    inside = (of_b >= 0) & (of_c >= 0) & (of_b + of_c <= 1)
    inside &= (steps < extent[:, :1])[:, None] & (steps < extent[:, 1:])[..., None]
    triangle, y, x = np.nonzero(inside)
    near = distances[triangle, 0]
    met = near + of_b[inside] * (distances[triangle, 1] - near)
    met += of_c[inside] * (distances[triangle, 2] - near)
    np.minimum.at(nearest, (low[triangle, 1] + y) * width + low[triangle, 0] + x, met)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
