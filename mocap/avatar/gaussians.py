"""3D Gaussians, what a scene or a person is made of.

As in Kerbl et al. 2023, "3D Gaussian Splatting for Real-Time Radiance Field Rendering".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

#: How many coefficients a colour channel has, by the degree of its spherical harmonics.
COEFFICIENTS = (1, 4, 9, 16)


@dataclass(frozen=True)
class Gaussians:
    """Anisotropic blobs of colour, in world metres; gradients flow to whatever asks for them.

    Values are those that are rendered, as in gsplat: scales and opacities are linear. Files, and
    whoever optimises, have their logarithm and logit instead (:mod:`mocap.avatar.ply`).

    Attributes:
        means: (N, 3) centres, metres.
        scales: (N, 3) standard deviations along each Gaussian's own axes, metres.
        rotations: (N, 4) quaternions ``wxyz``, own axes to world; of any length but zero.
        opacities: (N,) from 0 to 1.
        harmonics: (N, K, 3) coefficients of red, green and blue for K of 1, 4, 9 or 16 (degrees 0
            to 3), as in :mod:`mocap.avatar.harmonics`.

    Raises:
        ValueError: shapes, types or devices do not go together.
    """

    means: Float[Tensor, "gaussians 3"]
    scales: Float[Tensor, "gaussians 3"]
    rotations: Float[Tensor, "gaussians 4"]
    opacities: Float[Tensor, " gaussians"]
    harmonics: Float[Tensor, "gaussians coefficients 3"]

    def __post_init__(self) -> None:
        count, coefficients = len(self.means), self.harmonics.shape[1:2]
        wanted: dict[str, tuple[int, ...]] = {
            "means": (count, 3),
            "scales": (count, 3),
            "rotations": (count, 4),
            "opacities": (count,),
            "harmonics": (count, *coefficients, 3),
        }
        for name, shape in wanted.items():
            part = getattr(self, name)
            if part.shape != shape:
                raise ValueError(f"{name} of {count} Gaussians are {shape}, not {(*part.shape,)}")
            if (part.dtype, part.device) != (self.means.dtype, self.means.device):
                raise ValueError(f"{name} are of another type, or elsewhere, than the means")
        if coefficients[0] not in COEFFICIENTS:
            raise ValueError(f"{coefficients[0]} harmonics; there are 1, 4, 9 or 16")

    def __len__(self) -> int:
        return len(self.means)

    def to(self, where: torch.device | torch.dtype | str) -> "Gaussians":
        """The same on another device or in another floating-point type."""
        return Gaussians(
            self.means.to(where),
            self.scales.to(where),
            self.rotations.to(where),
            self.opacities.to(where),
            self.harmonics.to(where),
        )

    def where(self, chosen: Bool[Tensor, " gaussians"]) -> "Gaussians":
        """Those of them that are chosen, in their order."""
        return Gaussians(
            self.means[chosen],
            self.scales[chosen],
            self.rotations[chosen],
            self.opacities[chosen],
            self.harmonics[chosen],
        )
