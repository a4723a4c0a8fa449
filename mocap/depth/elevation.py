"""How high the camera stands: what is told of it, what is read off poses, and what both make."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

# Whatever exceeds this is no angle; nor is NaN, which compares as false.
_LARGEST = 1e9
_STRAIGHT_UP = 0.5 * math.pi
# Standard deviation, radians, at which a told elevation counts half as a feature: about 6 degrees.
_HALF_SURE = 0.1
# Keeps divisions finite where the camera is straight above or below, square metres.
_LITTLE = 1e-6


def _known(elevation: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Whether an elevation is told, the angle, and its standard deviation; 0 where it is not."""
    # Neither is true of NaN.
    known = (elevation.abs() < _LARGEST).all(-1)
    angle, sigma = elevation.masked_fill(~known[..., None], 0.0).unbind(-1)
    return known, angle, sigma


def elevation_features(elevation: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 3"]:
    """What is known of the camera's elevation: sine, cosine and 1, weighed by how sure it is.

    Args:
        elevation: the angle and its standard deviation, radians; NaN is unknown.
    """
    known, angle, sigma = _known(elevation)
    weight = known / (1 + (sigma / _HALF_SURE).square())
    return torch.stack([angle.sin(), angle.cos(), torch.ones_like(angle)], -1) * weight[..., None]


def with_told_elevation(
    camera: Float[Tensor, "*batch 3"], elevation: Float[Tensor, "*batch 2"], own_sigma: Tensor
) -> Float[Tensor, "*batch 3"]:
    """The camera's place, its elevation the mean of its own and the told one by how sure each is.

    Args:
        camera: minus hips' middle, metres, heading axes (y up).
        elevation: the told angle and its standard deviation, radians; NaN is nothing.
        own_sigma: standard deviation of the camera's own elevation, radians.
    """
    known, told, sigma = _known(elevation)
    # Further than straight up is behind the back.
    told = told.clamp(-_STRAIGHT_UP, _STRAIGHT_UP)
    share = known / (1 + (sigma / own_sigma).square())
    x, y, z = camera.unbind(-1)
    level = (x.square() + z.square() + _LITTLE).sqrt()
    own = torch.atan(y / level)
    angle = own + share * (told - own)
    distance = torch.linalg.vector_norm(camera, dim=-1)
    out = distance * angle.cos() / level
    return torch.stack([x * out, distance * angle.sin(), z * out], -1)


def levelled(
    xyz: Float[Tensor, "*batch 17 3"], camera: Float[Tensor, "*batch 3"]
) -> Float[Tensor, "*batch 17 2"]:
    """How far away over the ground, and how far down, points of facing axes are, metres.

    Args:
        xyz: from the hips' middle, facing axes.
        camera: minus hips' middle, heading axes.
    """
    x, y, z = camera[..., None, :].unbind(-1)
    level = (x.square() + z.square() + _LITTLE).sqrt()
    distance = (y.square() + level.square()).sqrt()
    sine, cosine = y / distance, level / distance
    down, away = xyz[..., 1], xyz[..., 2]
    return torch.stack([cosine * away - sine * down, cosine * down + sine * away], -1)
