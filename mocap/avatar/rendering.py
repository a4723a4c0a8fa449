"""Gaussians as a camera sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.gpu import accumulate_on_gpu
from mocap.avatar.harmonics import colours_from
from mocap.avatar.projection import View, project
from mocap.avatar.raster import rasterise
from mocap.errors import AvatarError
from mocap.geometry import Camera


@dataclass(frozen=True)
class Rendering:
    """A picture of Gaussians.

    Attributes:
        colour: (H, W, 3) red, green and blue, 0 and up, in front of the background.
        alpha: (H, W) how much of the background is hidden, 0 to 1.
        depth: (H, W) metres along the camera's axis, the mean of what is seen; NaN for nothing.
    """

    colour: Float[Tensor, "height width 3"]
    alpha: Float[Tensor, "height width"]
    depth: Float[Tensor, "height width"]


def render(
    gaussians: Gaussians,
    camera: Camera | View,
    size: tuple[int, int],
    *,
    frame: int = 0,
    background: Tensor | Sequence[float] = (0.0, 0.0, 0.0),
    antialiased: bool = False,
) -> Rendering:
    """Render Gaussians, with gradients for whatever of them asks for some.

    Where the Gaussians are on an NVIDIA GPU, gsplat renders them there in single precision;
    elsewhere, this package does on the CPU. Both follow the same conventions and agree within
    rounding.

    Args:
        gaussians: in the world.
        camera: without lens distortion. To get its gradients, a :class:`View` (on a GPU, there are
            none of ``K``).
        size: of the picture: width and height, pixels.
        frame: of a moving camera.
        background: a colour (3,), or a picture (H, W, 3).
        antialiased: whether Gaussians smaller than a pixel, which are drawn as large as one, are
            as much fainter (gsplat's ``rasterize_mode``). Splats trained without it want none.

    Raises:
        AvatarError: the camera's lens is distorted, numba, or gsplat, is not installed, or the
            Gaussians are on a device of another kind.
        ValueError: the picture has no size.
    """
    device = gaussians.means.device.type
    if device not in _ACCUMULATORS:
        raise AvatarError(
            f"Gaussians are rendered on the CPU or an NVIDIA GPU, not on {device!r}; move them "
            "with to('cpu')"
        )
    if min(size) < 1:
        raise ValueError(f"a picture of {size[0]} x {size[1]} pixels")
    view = camera if isinstance(camera, View) else View.of(camera, frame, gaussians.means)
    sums, alpha = _ACCUMULATORS[device](gaussians, view, size, antialiased)
    behind = torch.as_tensor(background).to(sums)
    hit = alpha > 0
    # Divided by one where nothing is: a gradient of nothing by nothing would be NaN everywhere.
    depth = sums[..., 3] / torch.where(hit, alpha, 1.0)
    return Rendering(
        colour=sums[..., :3] + (1 - alpha)[..., None] * behind,
        alpha=alpha,
        depth=torch.where(hit, depth, torch.nan),
    )


def _accumulate(
    gaussians: Gaussians, view: View, size: tuple[int, int], antialiased: bool
) -> tuple[Float[Tensor, "height width 4"], Float[Tensor, "height width"]]:
    """Colour and depth, weighted by how much of them is seen; and alpha."""
    splats = project(gaussians, view, size, antialiased=antialiased)
    place = -view.R.T @ view.t
    colours = colours_from(
        gaussians.harmonics[splats.indices], gaussians.means[splats.indices] - place
    )
    features = torch.cat([colours, splats.depths[:, None]], 1)
    opacities = gaussians.opacities[splats.indices]
    if splats.compensations is not None:
        opacities = opacities * splats.compensations
    sums, transmittance = rasterise(splats, opacities, features, size)
    return sums, 1 - transmittance


_ACCUMULATORS = {"cpu": _accumulate, "cuda": accumulate_on_gpu}
