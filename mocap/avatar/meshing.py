"""Gaussians to a closed mesh with colours: pictures from all around, fused (:mod:`.fusion`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import trimesh
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from mocap.avatar.closing import closed_surface
from mocap.avatar.clumps import largest_clump
from mocap.avatar.fusion import Grid, fuse
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.rotations import rotation_matrices
from mocap.avatar.surrounding import Sight, pixels_around, sights
from mocap.errors import AvatarError
from mocap.progress import Progress, silent

#: Of a voxel: what a pixel shows.
_PIXEL = 0.8
#: Standard deviations from their middles to which Gaussians are shown.
_EXTENT = 3.0
#: Voxels around them.
_MARGIN = 3
#: Points of a grid, at most: some gigabytes.
_MOST_POINTS = 150_000_000
#: Pixels of all cameras, at most: four gigabytes.
_MOST_PIXELS = 100_000_000
#: Voxels from what a pixel shows within which its colour is a vertex's.
_COLOURS_WITHIN = 2.0


@dataclass(frozen=True)
class Mesh:
    """A closed surface, world metres.

    Attributes:
        vertices: (V, 3) metres.
        faces: (F, 3) triangles, counter-clockwise from outside; each edge belongs to two.
        colours: (V, 3) red, green and blue, 0 to 1, as pictures have them (sRGB).
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    colours: Float[np.ndarray, "vertices 3"]

    @property
    def surface(self) -> trimesh.Trimesh:
        """Without its colours, for measuring."""
        return trimesh.Trimesh(self.vertices, self.faces, process=False)


def mesh_of(
    gaussians: Gaussians,
    *,
    cameras: int = 24,
    resolution: float = 0.005,
    progress: Progress = silent,
) -> Mesh:
    """The closed surface of what most of the Gaussians make up: a person.

    It lies where Gaussians stop half of the light. Those that lie on a body, and are flat, give the
    body again to a millimetre; those that are as thick as wide, a body that is fatter by most of
    their standard deviation, as in pictures. Whatever hangs together with nothing of the rest is
    left out, and so are cavities.

    Args:
        gaussians: in the world.
        cameras: how many look at them, evenly from all around; with fewer, hollows fill up.
        resolution: metres from voxel to voxel, and about the length of triangles' edges.
        progress: told of pictures, then of points in space.

    Raises:
        AvatarError: there are no Gaussians, some are not finite, they enclose nothing, the
            resolution is too fine for their extent or for so many cameras, or numba or
            scikit-image is not installed.
        ValueError: there are no cameras, or the resolution is no length.
    """
    if cameras < 1 or not 0 < resolution < np.inf:
        raise ValueError(f"{cameras} cameras, {resolution} m from voxel to voxel")
    shown = largest_clump(gaussians)
    grid = _grid(shown, resolution)
    _require_room(grid, cameras)
    seen = []
    for sight in sights(shown, grid.box, cameras, _PIXEL * resolution):
        seen.append(sight)
        progress("depth pictures", len(seen), cameras)
    vertices, faces = closed_surface(fuse(seen, grid, progress=progress))
    vertices = grid.origin + resolution * vertices
    return Mesh(vertices, faces, _colours(vertices, seen, _COLOURS_WITHIN * resolution))


def _grid(gaussians: Gaussians, resolution: float) -> Grid:
    axes = rotation_matrices(gaussians.rotations.detach()) * gaussians.scales.detach()[:, None]
    extents = _EXTENT * axes.square().sum(-1).sqrt()
    means = gaussians.means.detach()
    low, high = (means - extents).amin(0), (means + extents).amax(0)
    box = np.stack([corner.cpu().double().numpy() for corner in (low, high)])
    box += _MARGIN * resolution * np.array([[-1.0], [1.0]])
    points = float(np.prod((box[1] - box[0]) / resolution))
    if points > _MOST_POINTS:
        coarser = resolution * (points / _MOST_POINTS) ** (1 / 3)
        raise AvatarError(
            f"the Gaussians extend over {' x '.join(f'{side:.3g}' for side in box[1] - box[0])} m, "
            f"too far for voxels of {resolution:g} m; choose {1.01 * coarser:.3g} m, or leave out "
            "what is no person"
        )
    return Grid.over(box, resolution)


def _require_room(grid: Grid, cameras: int) -> None:
    pixels = pixels_around(grid.box, cameras, _PIXEL * grid.spacing)
    if pixels > _MOST_PIXELS:
        fewer = int(0.97 * cameras * _MOST_PIXELS / pixels)
        coarser = 1.03 * grid.spacing * (pixels / _MOST_PIXELS) ** 0.5
        raise AvatarError(
            f"{cameras} cameras are too many for voxels of {grid.spacing:g} m: their pictures have "
            f"{pixels / 1e6:.4g} million pixels, and there is room for {_MOST_PIXELS / 1e6:g}; "
            f"choose {fewer} cameras, or {coarser:.3g} m"
        )


def _colours(
    vertices: np.ndarray, seen: Sequence[Sight], within: float
) -> Float[np.ndarray, "vertices 3"]:
    """The mean of what cameras see of each vertex, those most that look at it straight.

    A vertex that none sees has the colour of the nearest one that is seen.
    """
    points = vertices.astype(np.float32)
    total, weight = np.zeros((len(points), 3)), np.zeros(len(points))
    for sight in seen:
        places, distances = sight.pixels(points)
        share = np.where(np.abs(distances) < within, sight.cosines.ravel()[places] ** 2, 0.0)
        found = share > 0
        total[found] += share[found, None] * sight.colour.reshape(-1, 3)[places[found]]
        weight += share
    known = weight > 0
    if not known.any():
        raise AvatarError("no camera sees the Gaussians' surface; choose more cameras")
    mean = (total[known] / weight[known, None]).clip(0, 1)
    return mean[cKDTree(vertices[known]).query(vertices)[1]]
