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

#: The function of degree 0, the same in every direction.
CONSTANT = 0.5 / sqrt(pi)
_LINEAR = sqrt(3 / (4 * pi))


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
