"""Gaussians in space to Gaussians in a picture, by their first derivative (Zwicker et al. 2001).

What gsplat 1.5 does with ``packed=False`` in either of its modes, constants and all, in plain
PyTorch: gradients reach Gaussians and camera. What decides which pixels are looked at (culling,
radii, order) has no gradient.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mocap.avatar.gaussians import Gaussians
from mocap.avatar.rotations import rotation_matrices
from mocap.errors import AvatarError
from mocap.geometry import Camera

#: Metres in front of the camera between which Gaussians are seen.
NEAR, FAR = 0.01, 1e10
#: Square pixels added to every variance: nothing falls between pixels.
BLUR = 0.3
#: Of a Gaussian in a pixel: less is not drawn.
LEAST_ALPHA = 1 / 255
#: Standard deviations at which an opaque Gaussian is as faint as that.
EXTENT = 3.33
#: Of the picture's half width: how far outside of it the projection is linearised truly.
_MARGIN = 0.3


@dataclass(frozen=True)
class View:
    """One look of a pinhole camera, in tensors, so that gradients can reach it.

    Attributes:
        K: (3, 3) intrinsics, pixels; skew is not looked at.
        R: (3, 3) rotation, world to camera (x right, y down, z forward).
        t: (3,) translation, world to camera, metres.
    """

    K: Float[Tensor, "3 3"]
    R: Float[Tensor, "3 3"]
    t: Float[Tensor, "3"]

    @classmethod
    def of(cls, camera: Camera, frame: int, like: Tensor) -> "View":
        """How a camera looks in a video frame, in a tensor's type and on its device.

        Raises:
            AvatarError: the camera's lens is distorted.
        """
        if camera.bends:
            raise AvatarError(
                "Gaussians are rendered without lens distortion, and this camera has some; "
                "undistort its pictures, and leave the coefficients out"
            )
        return cls.pinhole(camera, frame, like)

    @classmethod
    def pinhole(cls, camera: Camera, frame: int, like: Tensor) -> "View":
        """The same of any camera, as if its lens did not distort."""
        K, R, t = (part[min(frame, len(part) - 1)] for part in (camera.K, camera.R, camera.t))
        return cls(*(torch.as_tensor(part).to(like) for part in (K, R, t)))

    def bordered(self, columns: int, rows: int) -> "View":
        """The same of a picture that shows so much more on either side, above and below."""
        K = self.K.clone()
        K[:2, 2] += K.new_tensor([columns, rows])
        return replace(self, K=K)

    def to(self, like: Tensor) -> "View":
        """The same in a tensor's type and on its device."""
        return View(self.K.to(like), self.R.to(like), self.t.to(like))


@dataclass(frozen=True)
class Splats:
    """The Gaussians that a picture shows, in pixels.

    Attributes:
        indices: (M,) which of the Gaussians these are, in their order.
        means: (M, 2) centres, pixels; the middle of the first pixel is (0.5, 0.5).
        conics: (M, 3) the inverse covariance's xx, xy and yy, per square pixel.
        depths: (M,) along the camera's axis, metres.
        radii: (M, 2) whole pixels in x and y beyond which a Gaussian is too faint to be drawn.
        compensations: (M,) by which opacities are multiplied; None where they stay as they are.
    """

    indices: Int[Tensor, " splats"]
    means: Float[Tensor, "splats 2"]
    conics: Float[Tensor, "splats 3"]
    depths: Float[Tensor, " splats"]
    radii: Int[Tensor, "splats 2"]
    compensations: Float[Tensor, " splats"] | None = None


def project(
    gaussians: Gaussians, view: View, size: tuple[int, int], *, antialiased: bool = False
) -> Splats:
    """The Gaussians that are in front of a camera and touch its picture.

    Args:
        gaussians: in the world.
        view: of the camera.
        size: of the picture: width and height, pixels.
        antialiased: whether what the blur adds to a Gaussian's area is taken from its opacity, as
            in Yu et al. 2024, "Mip-Splatting".
    """
    depths = gaussians.means.detach() @ view.R[2].detach() + view.t[2].detach()
    ahead = (depths >= NEAR) & (depths <= FAR) & (gaussians.opacities.detach() >= LEAST_ALPHA)
    ahead = ahead.nonzero()[:, 0]
    centres = gaussians.means[ahead] @ view.R.T + view.t
    axes = view.R @ _axes(gaussians.rotations[ahead], gaussians.scales[ahead])
    means, covariances = _in_pixels(centres, axes, view.K, size)
    xx, xy, yy = covariances[:, 0, 0] + BLUR, covariances[:, 0, 1], covariances[:, 1, 1] + BLUR
    determinants = xx * yy - xy * xy
    sharp = covariances[:, 0, 0] * covariances[:, 1, 1] - xy * xy

    with torch.no_grad():
        opacities = gaussians.opacities[ahead]
        if antialiased:
            opacities = opacities * (sharp / determinants).clamp_min(0).sqrt()
        extents = (2 * (opacities / LEAST_ALPHA).log()).sqrt().clamp_max(EXTENT)
        radii = (extents[:, None] * torch.stack([xx, yy], -1).sqrt()).ceil()
        touches = (means + radii > 0) & (means - radii < means.new_tensor(size)) & (radii > 0)
        solid = (determinants > 0) & determinants.isfinite() & (opacities >= LEAST_ALPHA)
        shown = (touches.all(-1) & solid).nonzero()[:, 0]

    conics = torch.stack([yy, -xy, xx], -1)[shown] / determinants[shown, None]
    # As far as pixels are counted: what is larger covers every picture.
    whole = radii[shown].clamp_max(2**30).int()
    # Of what is shown none is zero, where the root has no derivative.
    compensations = (sharp[shown] / determinants[shown]).sqrt() if antialiased else None
    return Splats(ahead[shown], means[shown], conics, centres[shown, 2], whole, compensations)


def _axes(rotations: Float[Tensor, "n 4"], scales: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3 3"]:
    """Each Gaussian's own axes as columns, a standard deviation long: M of M M^T = covariance."""
    return rotation_matrices(rotations) * scales[:, None]


def _in_pixels(
    centres: Float[Tensor, "n 3"],
    axes: Float[Tensor, "n 3 3"],
    K: Float[Tensor, "3 3"],
    size: tuple[int, int],
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2 2"]]:
    """Centres, and covariances by the projection's derivative at (nearly) the centre."""
    focal, middle = K.diagonal()[:2], K[:2, 2]
    slopes = centres[:, :2] / centres[:, 2:]
    # Far outside of the picture the derivative is absurd: it is taken no farther than the margin.
    extent = centres.new_tensor(size)
    margin = _MARGIN * 0.5 * extent / focal
    bounded = torch.minimum(
        torch.maximum(slopes, -middle / focal - margin), (extent - middle) / focal + margin
    )
    along = axes[:, :2] - bounded[:, :, None] * axes[:, 2:]
    flat = focal[:, None] / centres[:, 2, None, None] * along
    return slopes * focal + middle, flat @ flat.mT
