"""What many cameras see of a surface, made into one signed distance on a grid.

As Curless and Levoy 1996, "A volumetric method for building complex models from range images", with
distances along the surface's normals in the place of those along rays, which are too great where a
surface is seen at a slant. A camera says nothing of what is farther behind a surface than the
reach. What hardly any camera can see is taken for the inside, so that surfaces close; libraries for
fusion leave such places open, which is why the few lines that it takes are here.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage

from mocap.avatar.surrounding import Sight
from mocap.progress import Progress

#: Voxels in front of a surface and behind it in which distances are told.
_REACH = 2.0
#: A point is outside where more than this part of what cameras say of it, by weight, is so.
_LEAST_SEEN = 0.05
#: Voxels along the side of a cell: those far from all that is seen are looked at as one.
CELL = 4
#: Points at once: as many as stay in a processor's cache.
_CHUNK = 2**14


@dataclass(frozen=True)
class Grid:
    """Points in space, evenly apart.

    Attributes:
        origin: (3,) the first of them, world metres.
        spacing: between neighbours, metres.
        shape: points along x, y and z; multiples of :data:`CELL`.
    """

    origin: Float[np.ndarray, "3"]
    spacing: float
    shape: tuple[int, int, int]

    @classmethod
    def over(cls, box: Float[np.ndarray, "2 3"], spacing: float) -> "Grid":
        """A grid that covers a box, given by its least and greatest coordinates, world metres."""
        cells = np.ceil((box[1] - box[0]) / (CELL * spacing)).astype(int)
        # The rest lies on both sides of the box.
        rest = CELL * spacing * cells - (box[1] - box[0]) - spacing
        x, y, z = (CELL * cells).tolist()
        return cls(box[0] - 0.5 * rest, spacing, (x, y, z))

    @property
    def box(self) -> Float[np.ndarray, "2 3"]:
        """Least and greatest coordinates, world metres."""
        return np.stack([self.origin, self.origin + self.spacing * (np.array(self.shape) - 1)])


def fuse(sights: Sequence[Sight], grid: Grid, *, progress: Progress) -> Float[np.ndarray, "x y z"]:
    """Metres from the surface at every point of a grid: positive outside, negative inside.

    No farther than the reach: two voxels.

    Args:
        sights: whose pictures show the whole grid.
        grid: where to tell distances.
        progress: told of points.
    """
    near = _near(sights, grid)
    cells = np.argwhere(near)
    steps = np.arange(CELL)
    within = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1)
    far_centres = CELL * np.argwhere(~near) + 0.5 * (CELL - 1)
    voxels = (CELL * cells[:, None] + within.reshape(1, -1, 3)).reshape(-1, 3)
    points = grid.origin + grid.spacing * np.concatenate([far_centres, voxels])
    told = _distances(sights, points.astype(np.float32), _REACH * grid.spacing, progress)

    coarse = np.empty(near.shape, np.float32)
    coarse[~near] = told[: len(far_centres)]
    field = coarse.repeat(CELL, 0).repeat(CELL, 1).repeat(CELL, 2)
    field[tuple(voxels.T)] = told[len(far_centres) :]
    return field


def _near(sights: Sequence[Sight], grid: Grid) -> Bool[np.ndarray, "x y z"]:
    """In which cells something is seen, or in their neighbours."""
    near = np.zeros([length // CELL for length in grid.shape], bool)
    for sight in sights:
        cells = np.floor((sight.points() - grid.origin) / (CELL * grid.spacing) + 0.5 / CELL)
        inside = ((cells >= 0) & (cells < near.shape)).all(-1)
        near[tuple(cells[inside].astype(int).T)] = True
    return ndimage.binary_dilation(near, np.ones((3, 3, 3)))


def _distances(
    sights: Sequence[Sight], points: np.ndarray, reach: float, progress: Progress
) -> np.ndarray:
    told = np.empty(len(points), np.float32)

    def tell(first: int) -> int:
        chunk = slice(first, first + _CHUNK)
        told[chunk] = _distances_of(sights, points[chunk], reach)
        return min(first + _CHUNK, len(points))

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for done in pool.map(tell, range(0, len(points), _CHUNK)):
            progress("surface", done, len(points))
    return told


def _distances_of(sights: Sequence[Sight], points: np.ndarray, reach: float) -> np.ndarray:
    """By the cameras' weighted mean; what is seen at a slant counts less, and so what is behind."""
    total, weight, hidden = np.zeros((3, len(points)), np.float32)
    for sight in sights:
        places, distances = sight.pixels(points)
        cosines, empty = sight.cosines.ravel()[places], sight.empty.ravel()[places]
        share = cosines**2 * (1 + distances / reach).clip(0, 1)
        share = np.where(empty, 1, share)
        total += share * np.where(empty, reach, distances.clip(-reach, reach))
        weight += share
        hidden += distances < -reach
    outside = weight > _LEAST_SEEN * (weight + hidden)
    return np.where(outside, total / np.where(outside, weight, 1), -reach)
