"""Splats to pixels on a CPU, tile by tile, with gradients: the same as gsplat's on a GPU.

Splats are composited from front to back with the thresholds of the original 3D Gaussian Splatting
(Kerbl et al. 2023) as gsplat 1.5 has them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from mocap.avatar.projection import Splats
from mocap.avatar.threads import tile_threads
from mocap.errors import AvatarError


def rasterise(
    splats: Splats,
    opacities: Float[Tensor, " splats"],
    features: Float[Tensor, "splats 4"],
    size: tuple[int, int],
) -> tuple[Float[Tensor, "height width 4"], Float[Tensor, "height width"]]:
    """Composite splats, as many tiles at once as PyTorch may use threads.

    Gradients are of means, conics, opacities and features; they do not depend on the threads.

    Args:
        splats: with everything on the CPU.
        opacities: of each, 1/255 to 1.
        features: of each: red, green, blue and depth.
        size: of the picture: width and height, pixels.

    Returns:
        Features, each weighted by how much of it is seen, summed; and the transmittance: how much
        of what is behind them all is seen.

    Raises:
        AvatarError: numba is not installed.
    """
    order = splats.depths.detach().argsort(stable=True)
    return cast(
        tuple[Tensor, Tensor],
        _Raster.apply(splats.means, splats.conics, opacities, features, splats.radii, order, size),
    )


class _Raster(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        conics: Tensor,
        opacities: Tensor,
        features: Tensor,
        radii: Tensor,
        order: Tensor,
        size: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        kernels = _kernels()
        width, height = size
        given = tuple(_doubles(part) for part in (means, conics, opacities, features))
        columns, rows = -(-width // kernels.TILE), -(-height // kernels.TILE)
        starts, dealt = kernels.deal(order.numpy(), given[0], radii.numpy(), columns, rows)
        picture = np.zeros((height, width, kernels.FEATURES))
        transmittance = np.ones((height, width))
        last = np.empty((height, width), np.int64)

        def draw(row: int) -> None:
            tiles = row * columns, (row + 1) * columns
            kernels.composite(*tiles, starts, dealt, *given, picture, transmittance, last)

        _each(draw, rows)
        ctx.saved = (starts, dealt, given, last, transmittance)
        return _like(picture, means), _like(transmittance, means)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, of_picture: Tensor, of_transmittance: Tensor
    ) -> tuple[Tensor | None, ...]:
        kernels = _kernels()
        starts, dealt, given, last, transmittance = ctx.saved
        pulls = _doubles(of_picture)
        behind = _doubles(of_transmittance) * transmittance
        remaining = transmittance.copy()
        partials = np.zeros((len(dealt), kernels.PARTIALS))
        columns = -(-last.shape[1] // kernels.TILE)

        def pull(row: int) -> None:
            tiles = row * columns, (row + 1) * columns
            kernels.pull_back(
                *tiles, starts, dealt, *given, last, pulls, remaining, behind, partials
            )

        _each(pull, (len(starts) - 1) // columns)
        gradients = _like(kernels.gather(dealt, partials, len(given[0])), of_picture)
        means, conics, opacities, features = gradients.split((2, 3, 1, kernels.FEATURES), 1)
        return means, conics, opacities[:, 0], features, None, None, None


def _kernels() -> Any:
    """The compiled loops; importing them takes half a second, and numba."""
    try:
        from mocap.avatar import kernels
    except ImportError as missing:
        raise AvatarError(
            "rendering Gaussians on a CPU needs numba: pip install 'mocap-toolkit[avatar]'"
        ) from missing
    return kernels


def _doubles(tensor: Tensor) -> np.ndarray:
    # A copy: whoever changes theirs before the way back must not change its gradients.
    return np.array(tensor.detach().numpy(), np.float64, order="C")


def _like(array: np.ndarray, tensor: Tensor) -> Tensor:
    return torch.from_numpy(array).to(tensor.dtype, copy=True)


def _each(work: Callable[[int], None], rows: int) -> None:
    """Do the work of every row of tiles, in threads."""
    threads = min(tile_threads(), rows)
    if threads <= 1:
        for row in range(rows):
            work(row)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(rows)))
