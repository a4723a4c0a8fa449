"""Random Gaussians in front of a camera that looks somewhere."""

import math

import torch

from mocap.avatar import Gaussians, View
from mocap.geometry import look_at

SIZE = (40, 28)


def random_view(seed: int = 0, dtype: torch.dtype = torch.float64) -> View:
    """A camera about 3 m from the origin, which is nearly in the middle of its picture."""
    generator = torch.Generator().manual_seed(seed)
    place = 3 * torch.nn.functional.normalize(torch.randn(3, generator=generator), dim=0)
    target = 0.2 * torch.randn(3, generator=generator)
    R, t = look_at(place.double().numpy(), target.double().numpy(), roll=0.3)
    K = torch.tensor([[41.0, 0, 21.3], [0, 44.0, 12.9], [0, 0, 1]])
    return View(K.to(dtype), torch.as_tensor(R).to(dtype), torch.as_tensor(t).to(dtype))


def random_gaussians(
    count: int, seed: int = 0, coefficients: int = 16, dtype: torch.dtype = torch.float64
) -> Gaussians:
    """Of all sizes, colours and opacities, within about a metre; some behind a near camera."""
    generator = torch.Generator().manual_seed(100 + seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return Gaussians(
        means=0.6 * normal(count, 3),
        scales=(math.log(0.06) + 0.8 * normal(count, 3)).exp(),
        rotations=normal(count, 4),
        opacities=(1.5 * normal(count)).sigmoid(),
        harmonics=0.4 * normal(count, coefficients, 3),
    ).to(dtype)
