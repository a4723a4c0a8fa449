"""Gaussians as cameras all around see them: where their surface is, pixel by pixel.

The mean depth that a picture tells is biased, in three ways, which are dealt with here:

- What Gaussians in front let through adds what is far behind: 2 % of a back that is 25 cm behind
  the chest are 5 mm. A second picture leaves out whatever lies behind the first one's depth.
- A Gaussian's depth is that of its middle, wherever a pixel cuts it, and those whose middles are
  nearer come first: on slanting surfaces depth is too near by about the Gaussians' size. The second
  picture shows each as the plane on which it is densest along a camera's rays (as Zhang et al.
  2024, "RaDe-GS", do in their rasteriser). In inverse depth such planes are linear in the pixel,
  so that rendering their three coefficients in the place of colours tells the depth everywhere.
- At the edge of an arm before a chest a pixel shows some of each: a depth where nothing is. Where
  depth jumps, or the surface is seen at a grazing angle, a picture says nothing of it.
"""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import ndimage
from torch import Tensor

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import constant_harmonics
from mocap.avatar.projection import LEAST_ALPHA, NEAR, View
from mocap.avatar.rendering import Rendering, render
from mocap.avatar.rotations import rotation_matrices
from mocap.geometry import look_at, unit_vectors

#: Metres behind what is seen, beyond which Gaussians are left out.
_BEHIND = 0.02
#: Pixels across a gap between Gaussians, through which is seen what is hidden, or nothing.
_GAP = 5
#: Metres: the depth of nothing.
_ENDLESS = 1e9
#: How much of a pixel is covered, at least, where a surface is.
_LEAST_ALPHA = 0.5
#: The least cosine between the surface's normal and the way to the camera.
_LEAST_COSINE = 0.3
#: The same of a Gaussian's plane: less, and it would reach far out of the Gaussian.
_LEAST_SLANT = 0.1
#: How far cameras are from the middle of what they look at, in half its diagonals.
_DISTANCE = 3.0
#: Pixels around what is looked at.
_MARGIN = 2


@dataclass(frozen=True)
class Sight:
    """What a camera sees of a surface.

    Attributes:
        K: (3, 3) intrinsics, pixels.
        R: (3, 3) rotation, world to camera.
        t: (3,) translation, world to camera, metres.
        planes: (H, W, 4) in the camera's axes, a unit normal that faces the camera, and its product
            with the point seen, metres; zeros where the surface is not known.
        cosines: (H, W) between that normal and the way to the camera; 0 where it is not known.
        empty: (H, W) whether there is nothing but background, and not in a pinhole only.
        depth: (H, W) metres along the camera's axis; NaN where it is not known.
        colour: (H, W, 3) red, green and blue; NaN as depth.
    """

    K: Float[np.ndarray, "3 3"]
    R: Float[np.ndarray, "3 3"]
    t: Float[np.ndarray, "3"]
    planes: Float[np.ndarray, "height width 4"]
    cosines: Float[np.ndarray, "height width"]
    empty: Bool[np.ndarray, "height width"]
    depth: Float[np.ndarray, "height width"]
    colour: Float[np.ndarray, "height width 3"]

    def pixels(
        self, points_world: Float[np.ndarray, "points 3"]
    ) -> tuple[Int[np.ndarray, " points"], Float[np.ndarray, " points"]]:
        """Where points are in the picture, which must show them.

        Returns:
            The pixel's place, row after row, and how far in front of what the pixel shows the
            point is, metres along its normal; 0 where the surface is not known.
        """
        camera = points_world @ self.R.T + self.t
        across, down = (self.K[i, i] * camera[:, i] / camera[:, 2] + self.K[i, 2] for i in range(2))
        places = down.astype(np.int64) * self.depth.shape[1] + across.astype(np.int64)
        planes = self.planes.reshape(-1, 4)[places]
        return places, np.einsum("pi,pi->p", planes[:, :3], camera) - planes[:, 3]

    def points(self) -> Float[np.ndarray, "points 3"]:
        """What is seen, world metres."""
        seen = ~np.isnan(self.depth)
        camera = (_rays(self.K, self.depth.shape) * self.depth[..., None])[seen]
        return (camera - self.t) @ self.R


def sights(
    gaussians: Gaussians, box: Float[np.ndarray, "2 3"], cameras: int, pixel: float
) -> Iterator[Sight]:
    """What cameras see that stand evenly around; as many at once as PyTorch may use threads.

    Args:
        gaussians: in the world.
        box: least and greatest coordinates of what is to be in the pictures, world metres.
        cameras: how many.
        pixel: metres in the middle of the box that a pixel shows.
    """

    def see(direction: np.ndarray) -> Sight:
        K, R, t, size = _camera(box, direction, pixel)
        view = View(*(torch.from_numpy(part).to(gaussians.means) for part in (K, R, t)))
        with torch.no_grad():
            whole = render(gaussians, view, size)
            front = _unhidden(gaussians, view, whole)
            return _sight((K, R, t), whole, render(front, view, size), _planes(front, view, size))

    threads = torch.get_num_threads()
    # A picture a thread: where other programs run, threads that share one mostly wait.
    pool = ThreadPoolExecutor(
        threads if gaussians.means.device.type == "cpu" else 1,
        initializer=torch.set_num_threads,
        initargs=(1,),
    )
    try:
        yield from pool.map(see, evenly(cameras))
    finally:
        pool.shutdown(cancel_futures=True)
        # What was set in those threads is also what new ones begin with.
        torch.set_num_threads(threads)


def pixels_around(box: Float[np.ndarray, "2 3"], cameras: int, pixel: float) -> int:
    """How many pixels such :func:`sights` have together; each takes about 40 bytes."""
    return sum(math.prod(_camera(box, direction, pixel)[3]) for direction in evenly(cameras))


def evenly(count: int) -> Float[np.ndarray, "count 3"]:
    """Unit directions all around, about as far from each other everywhere (a Fibonacci spiral)."""
    steps = np.arange(count) + 0.5
    height = 1 - 2 * steps / count
    turn = np.pi * (1 + np.sqrt(5)) * steps
    flat = np.sqrt(1 - height**2)
    return np.stack([flat * np.sin(turn), height, flat * np.cos(turn)], -1)


def _camera(
    box: np.ndarray, direction: np.ndarray, pixel: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]]:
    """K, R, t and the size of a picture that shows a box, and no more."""
    middle = box.mean(0)
    distance = _DISTANCE * 0.5 * float(np.linalg.norm(box[1] - box[0]))
    R, t = look_at(middle + distance * direction, middle)
    corners = np.stack(np.meshgrid(*box.T, indexing="ij"), -1).reshape(-1, 3) @ R.T + t
    shown = corners[:, :2] / corners[:, 2:] * (distance / pixel)
    low, high = np.floor(shown.min(0)) - _MARGIN, np.ceil(shown.max(0)) + _MARGIN
    K = np.diag([distance / pixel, distance / pixel, 1.0])
    K[:2, 2] = -low
    width, height = (high - low).astype(int).tolist()
    return K, R, t, (width, height)


def _unhidden(gaussians: Gaussians, view: View, whole: Rendering) -> Gaussians:
    """Without those that lie well behind what is seen where their middles are."""
    centres = gaussians.means @ view.R.T + view.t
    pixels = (centres @ view.K.T)[:, :2] / centres[:, 2:].clamp_min(NEAR)
    height, width = whole.depth.shape
    columns, rows = pixels.floor().long().unbind(-1)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    # Through a gap of a few pixels what is behind is seen, which is hidden all the same.
    depth = np.nan_to_num(_array(whole.depth), nan=_ENDLESS)
    opened = torch.from_numpy(ndimage.grey_opening(depth, _GAP)).to(centres)
    seen = opened[rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
    return gaussians.where(~(inside & (centres[:, 2] > seen + _BEHIND)))


def _planes(
    gaussians: Gaussians, view: View, size: tuple[int, int]
) -> Float[np.ndarray, "height width 3"]:
    """Coefficients of the plane that is seen; their product with a pixel's ray is 1 / depth."""
    centres = gaussians.means @ view.R.T + view.t
    axes = view.R @ rotation_matrices(gaussians.rotations)
    # The density's gradient along the ray to the middle, which is the plane's normal.
    along = (axes.mT @ torch.nn.functional.normalize(centres, dim=-1)[..., None])[..., 0]
    thinnest = gaussians.scales.amin(-1, keepdim=True)
    normals = (axes @ (along * (thinnest / gaussians.scales) ** 2)[..., None])[..., 0]
    normals = torch.nn.functional.normalize(normals, dim=-1)
    products = (normals * centres).sum(-1, keepdim=True)
    inverse = normals / products.maximum(_LEAST_SLANT * centres.norm(dim=-1, keepdim=True))
    # Colours are never negative.
    shift = inverse.amin(0) if len(inverse) else inverse.new_zeros(3)
    planes = Gaussians(
        gaussians.means,
        gaussians.scales,
        gaussians.rotations,
        gaussians.opacities,
        constant_harmonics(inverse - shift),
    )
    shown = render(planes, view, size)
    return _array(shown.colour / shown.alpha.clamp_min(LEAST_ALPHA)[..., None] + shift)


def _sight(
    camera: tuple[np.ndarray, np.ndarray, np.ndarray],
    whole: Rendering,
    front: Rendering,
    planes: np.ndarray,
) -> Sight:
    K, R, t = camera
    covered, alpha = _array(whole.alpha) >= _LEAST_ALPHA, _array(front.alpha)
    rays = _rays(K, covered.shape)
    seen = covered & (alpha >= _LEAST_ALPHA)
    depth = 1 / np.where(seen, np.einsum("hwi,hwi->hw", planes, rays), np.nan)
    points = rays * depth[..., None]
    normals = unit_vectors(np.cross(_slope(points, 0), _slope(points, 1)))
    cosines = -np.einsum("hwi,hwi->hw", normals, unit_vectors(rays))
    offsets = np.einsum("hwi,hwi->hw", normals, points)
    known = cosines >= _LEAST_COSINE
    planes = np.where(known[..., None], np.concatenate([normals, offsets[..., None]], -1), 0.0)
    # Pictures have a black background, of which nothing must be left in the colours.
    colour = _array(front.colour) / np.where(seen, alpha, np.nan)[..., None]
    parts = (K, R, t, planes, np.where(known, cosines, 0.0))
    K, R, t, planes, cosines = (part.astype(np.float32) for part in parts)
    return Sight(
        K,
        R,
        t,
        planes,
        cosines,
        _background(covered),
        depth.astype(np.float32),
        colour.astype(np.float32),
    )


def _background(covered: np.ndarray) -> np.ndarray:
    """What is not covered, without pinholes between Gaussians."""
    labels, _ = ndimage.label(~covered)
    return ~covered & (np.bincount(labels.ravel())[labels] > _GAP**2)


def _rays(K: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Directions (H, W, 3) of pixels' middles, as far ahead as the camera's axis is long: 1."""
    rows, columns = np.indices(shape, dtype=K.dtype) + 0.5
    across, down = (columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1]
    return np.stack([across, down, np.ones_like(across)], -1)


def _slope(points: np.ndarray, axis: int) -> np.ndarray:
    """From pixel to pixel; at the edge of what is seen, on the side that is."""
    ahead = np.diff(points, axis=axis, append=np.nan)
    before = np.diff(points, axis=axis, prepend=np.nan)
    both = 0.5 * (ahead + before)
    return np.where(np.isnan(both), np.where(np.isnan(ahead), before, ahead), both)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().double().numpy()
