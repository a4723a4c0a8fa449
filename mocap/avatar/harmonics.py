"""Colours that depend on where they are seen from: real spherical harmonics to degree 3.

Order and signs are those of the original 3D Gaussian Splatting and of gsplat: with the
Condon-Shortley phase, bands one after another, within a band from order -l to l. A colour is the
sum of coefficients times functions of the direction from the camera to the Gaussian, plus a half,
and never below zero; nothing bounds it from above.
"""

from math import isqrt, pi, sqrt

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.rotations import rotation_matrices

#: The function of degree 0, the same in every direction.
CONSTANT = 0.5 / sqrt(pi)
_LINEAR = sqrt(3 / (4 * pi))
#: Gaussians turned at once, which bounds memory.
_AT_ONCE = 1 << 16
#: Directions, evenly about a sphere (a golden spiral), more than there are coefficients.
_PLACES = torch.arange(24, dtype=torch.float64)
_TURNS, _HEIGHTS = _PLACES * (pi * (3 - sqrt(5))), 1 - (_PLACES + 0.5) / 12
_AROUND = (1 - _HEIGHTS**2).sqrt()
_DIRECTIONS = torch.stack([_AROUND * _TURNS.cos(), _AROUND * _TURNS.sin(), _HEIGHTS], -1)


def colours_from(
    harmonics: Float[Tensor, "gaussians coefficients 3"], directions: Float[Tensor, "gaussians 3"]
) -> Float[Tensor, "gaussians 3"]:
    """Red, green and blue, 0 and up, of Gaussians that are seen in given directions.

    Args:
        harmonics: (N, K, 3) coefficients, K of 1, 4, 9 or 16.
        directions: (N, 3) from the camera to the Gaussians, of any length.
    """
    if harmonics.shape[1] == 1:
        return (CONSTANT * harmonics[:, 0] + 0.5).clamp_min(0.0)
    basis = _basis(isqrt(harmonics.shape[1]) - 1, torch.nn.functional.normalize(directions, dim=-1))
    return (torch.einsum("nk,nkc->nc", basis, harmonics) + 0.5).clamp_min(0.0)


def constant_harmonics(colours: Float[Tensor, "gaussians 3"]) -> Float[Tensor, "gaussians 1 3"]:
    """The coefficients of degree 0 that show colours (0 to 1) in every direction."""
    return ((colours - 0.5) / CONSTANT)[:, None]


def turned(
    harmonics: Float[Tensor, "gaussians coefficients 3"], rotations: Float[Tensor, "gaussians 4"]
) -> Float[Tensor, "gaussians coefficients 3"]:
    """The coefficients of Gaussians that are turned, colours and all.

    A turned function of one degree is again of that degree: what it is in enough directions says
    which.

    Args:
        harmonics: (N, K, 3) coefficients.
        rotations: (N, 4) quaternions ``wxyz`` of any length.
    """
    if harmonics.shape[1] == 1:
        return harmonics
    some = zip(harmonics.split(_AT_ONCE), rotations.split(_AT_ONCE), strict=True)
    return torch.cat([_turned(one, turns) for one, turns in some])


def _turned(harmonics: Tensor, rotations: Tensor) -> Tensor:
    count, coefficients, _ = harmonics.shape
    degree = isqrt(coefficients) - 1
    looks = _DIRECTIONS.to(harmonics)
    before = (rotation_matrices(rotations).mT[:, None] @ looks[..., None])[..., 0]
    seen = _basis(degree, before.reshape(-1, 3)).reshape(count, len(looks), coefficients)
    back = torch.linalg.pinv(_basis(degree, looks))
    return back @ (seen @ harmonics)


def _basis(degree: int, unit: Float[Tensor, "n 3"]) -> Float[Tensor, "n coefficients"]:
    """Every function of a degree and of those below it, in unit directions."""
    x, y, z = unit.unbind(-1)
    functions = [torch.full_like(x, CONSTANT), -_LINEAR * y, _LINEAR * z, -_LINEAR * x]
    if degree >= 2:
        # The plane's part of each function: real and imaginary parts of powers of x + iy.
        xx, yy, zz, xy = x * x, y * y, z * z, x * y
        cos2, sin2 = xx - yy, 2 * xy
        functions += [
            0.25 * sqrt(15 / pi) * sin2,
            -0.5 * sqrt(15 / pi) * y * z,
            0.25 * sqrt(5 / pi) * (3 * zz - 1),
            -0.5 * sqrt(15 / pi) * x * z,
            0.25 * sqrt(15 / pi) * cos2,
        ]
    if degree >= 3:
        cos3, sin3 = x * cos2 - y * sin2, x * sin2 + y * cos2
        functions += [
            -0.25 * sqrt(35 / (2 * pi)) * sin3,
            0.25 * sqrt(105 / pi) * z * sin2,
            -0.25 * sqrt(21 / (2 * pi)) * y * (5 * zz - 1),
            0.25 * sqrt(7 / pi) * z * (5 * zz - 3),
            -0.25 * sqrt(21 / (2 * pi)) * x * (5 * zz - 1),
            0.25 * sqrt(105 / pi) * z * cos2,
            -0.25 * sqrt(35 / (2 * pi)) * cos3,
        ]
    return torch.stack(functions, -1)
