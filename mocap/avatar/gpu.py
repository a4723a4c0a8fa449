"""The same picture on an NVIDIA GPU, by gsplat (Ye et al. 2024)."""

from collections.abc import Callable
from importlib.util import find_spec
from math import isqrt
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.projection import BLUR, FAR, NEAR, View
from mocap.errors import AvatarError


def accumulate_on_gpu(
    gaussians: Gaussians, view: View, size: tuple[int, int], antialiased: bool
) -> tuple[Float[Tensor, "height width 4"], Float[Tensor, "height width"]]:
    """Colour and depth, weighted by how much of them is seen, and alpha, in single precision.

    Args:
        gaussians: on a GPU.
        view: of the camera, on the same one.
        size: of the picture: width and height, pixels.
        antialiased: whether to compensate for the blur.

    Raises:
        AvatarError: gsplat is not installed, or its kernels could not be compiled or loaded.
    """
    given = gaussians.to(torch.float32)
    if not len(given):
        # gsplat divides by their number. Gradients of nothing are asked for all the same.
        nothing = sum(part.sum() for part in vars(given).values())
        blank = given.means.new_zeros(size[1], size[0], 5) + nothing
        return blank[..., :4].to(gaussians.means.dtype), blank[..., 4].to(gaussians.means.dtype)
    rasterization = _rasterization()
    last_row = view.t.new_tensor([[0.0, 0.0, 0.0, 1.0]])
    world_to_camera = torch.cat([torch.cat([view.R, view.t[:, None]], 1), last_row])
    sums, alpha, _ = rasterization(
        given.means,
        given.rotations,
        given.scales,
        given.opacities,
        given.harmonics,
        world_to_camera[None].float(),
        view.K[None].float(),
        *size,
        near_plane=NEAR,
        far_plane=FAR,
        eps2d=BLUR,
        sh_degree=isqrt(given.harmonics.shape[1]) - 1,
        packed=False,
        render_mode="RGB+D",
        rasterize_mode="antialiased" if antialiased else "classic",
    )
    like = gaussians.means.dtype
    return sums[0].to(like), alpha[0, ..., 0].to(like)


def _rasterization() -> Callable[..., Any]:
    """Gsplat's rasteriser, its kernels loaded; the first time, they are compiled."""
    if find_spec("gsplat") is None:
        raise AvatarError(
            "rendering Gaussians on a GPU needs gsplat: pip install 'mocap-toolkit[avatar]', or "
            "stay on the CPU"
        )
    try:
        from gsplat import rasterization
        from gsplat.cuda._backend import _C
    except (ImportError, RuntimeError, OSError) as fault:
        # Whatever the system refuses, gsplat takes for a sign that all is compiled already.
        refused = fault.__context__ if isinstance(fault.__context__, OSError) else fault
        said = str(refused).strip().partition("\n")[0]
        raise AvatarError(
            f"gsplat's CUDA kernels cannot be compiled or loaded ({said}): they take ninja, a C++ "
            "compiler and a CUDA toolkit of PyTorch's version; install these, or stay on the CPU"
        ) from fault
    if _C is None:
        raise AvatarError(
            "gsplat found no CUDA toolkit to compile its kernels with; install one of PyTorch's "
            "CUDA version, or stay on the CPU"
        )
    return rasterization
