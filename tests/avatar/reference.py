"""Gaussians rendered slowly and plainly: every pixel asks each of them, and PyTorch derives it."""

import torch
from torch import Tensor

from mocap.avatar import Gaussians, View

#: What gsplat 1.5 and the original implementation have as constants.
NEAR, FAR, BLUR, LEAST_ALPHA, MOST_ALPHA, LEAST_THROUGH = 0.01, 1e10, 0.3, 1 / 255, 0.999, 1e-4
MARGIN = 0.3


def rotation_matrix(quaternion: Tensor) -> Tensor:
    """By the sandwich product q v q*, on three unit vectors."""
    w, v = (quaternion / quaternion.norm())[0], (quaternion / quaternion.norm())[1:]
    axes = torch.eye(3, dtype=v.dtype)
    turned = [
        axis + 2 * torch.linalg.cross(v, torch.linalg.cross(v, axis) + w * axis) for axis in axes
    ]
    return torch.stack(turned, 1)


def pixel_gaussian(
    gaussians: Gaussians, index: int, view: View, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (2,), covariance (2, 2) without blur, and depth of one Gaussian in the picture."""
    x, y, z = view.R @ gaussians.means[index] + view.t
    fx, fy, cx, cy = view.K[0, 0], view.K[1, 1], view.K[0, 2], view.K[1, 2]
    width, height = size
    slope_x = (x / z).clamp(
        -cx / fx - MARGIN * width / (2 * fx), (width - cx) / fx + MARGIN * width / (2 * fx)
    )
    slope_y = (y / z).clamp(
        -cy / fy - MARGIN * height / (2 * fy), (height - cy) / fy + MARGIN * height / (2 * fy)
    )
    zero = torch.zeros_like(z)
    J = torch.stack([fx / z, zero, -fx * slope_x / z, zero, fy / z, -fy * slope_y / z])
    J = J.reshape(2, 3) @ view.R
    turn = rotation_matrix(gaussians.rotations[index])
    covariance = turn @ torch.diag(gaussians.scales[index] ** 2) @ turn.T
    return torch.stack([fx * x / z + cx, fy * y / z + cy]), J @ covariance @ J.T, z


def colour_of(gaussians: Gaussians, index: int, view: View) -> Tensor:
    """Harmonics by the original implementation's polynomials."""
    x, y, z = torch.nn.functional.normalize(
        gaussians.means[index] + view.R.T @ view.t, dim=0
    )  # from the camera
    sh = gaussians.harmonics[index]
    total = 0.28209479177387814 * sh[0]
    if len(sh) > 1:
        total = total + 0.4886025119029199 * (-y * sh[1] + z * sh[2] - x * sh[3])
    if len(sh) > 4:
        total = (
            total
            + 1.0925484305920792 * x * y * sh[4]
            - 1.0925484305920792 * y * z * sh[5]
            + 0.31539156525252005 * (2 * z * z - x * x - y * y) * sh[6]
            - 1.0925484305920792 * x * z * sh[7]
            + 0.5462742152960396 * (x * x - y * y) * sh[8]
        )
    if len(sh) > 9:
        total = (
            total
            - 0.5900435899266435 * y * (3 * x * x - y * y) * sh[9]
            + 2.890611442640554 * x * y * z * sh[10]
            - 0.4570457994644658 * y * (4 * z * z - x * x - y * y) * sh[11]
            + 0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y) * sh[12]
            - 0.4570457994644658 * x * (4 * z * z - x * x - y * y) * sh[13]
            + 1.445305721320277 * z * (x * x - y * y) * sh[14]
            - 0.5900435899266435 * x * (x * x - 3 * y * y) * sh[15]
        )
    return (total + 0.5).clamp_min(0.0)


def render_slowly(
    gaussians: Gaussians,
    view: View,
    size: tuple[int, int],
    background: Tensor,
    antialiased: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour (H, W, 3), alpha (H, W) and depth summed by its weight (H, W)."""
    width, height = size
    depths = gaussians.means.detach() @ view.R[2].detach() + view.t[2].detach()
    like = gaussians.means
    middles = torch.stack(
        torch.meshgrid(
            torch.arange(width).to(like) + 0.5, torch.arange(height).to(like) + 0.5, indexing="xy"
        ),
        -1,
    )
    through = like.new_ones(height, width)
    finished = torch.zeros(height, width, dtype=torch.bool)
    sums = like.new_zeros(height, width, 4)
    for index in depths.argsort(stable=True).tolist():
        if not NEAR <= depths[index] <= FAR:
            continue
        mean, sharp, z = pixel_gaussian(gaussians, index, view, size)
        covariance = sharp + BLUR * torch.eye(2, dtype=z.dtype)
        opacity = gaussians.opacities[index]
        if antialiased:
            opacity = opacity * (torch.linalg.det(sharp) / torch.linalg.det(covariance)).sqrt()
        away = middles - mean
        power = 0.5 * torch.einsum("hwi,ij,hwj->hw", away, torch.linalg.inv(covariance), away)
        alpha = (opacity * (-power).exp()).clamp_max(MOST_ALPHA)
        after = through * (1 - alpha)
        seen = (alpha >= LEAST_ALPHA) & ~finished
        finished = finished | (seen & (after <= LEAST_THROUGH))
        seen = seen & ~finished
        weight = torch.where(seen, alpha * through, 0.0)
        feature = torch.cat([colour_of(gaussians, index, view), z[None]])
        sums = sums + weight[..., None] * feature
        through = torch.where(seen, after, through)
    colour = sums[..., :3] + through[..., None] * background
    return colour, 1 - through, sums[..., 3]
