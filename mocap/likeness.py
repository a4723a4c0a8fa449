"""How alike pictures of a person are, and a soft mask is to a hard one: PyTorch, with gradients.

All of these may be parts of a loss: whatever the first argument was made from gets gradients.
:func:`region_about` says which pixels count when an avatar is held beside its person.
"""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

#: Of SSIM: the window's side and standard deviation, pixels, and K1 and K2 of the paper.
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03
#: Share of a person's extent in the picture by which the region about them is wider, and pixels
#: that it is wider at least.
_REGION, _LEAST_REGION = 0.05, 6


def region_about(
    seen: Bool[np.ndarray, "height width"], unclear: Bool[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """The pixels in which an avatar, in front of black, is held beside its person.

    A mask draws them, not the avatar: one that is not there, or lacks a limb, is wrong there.

    Args:
        seen: the person's mask; what it leaves out is black in the picture.
        unclear: pixels that do not count, such as other people's.
    """
    sides = [np.flatnonzero(seen.any(axis)) for axis in (0, 1)]
    extent = max((int(side[-1] - side[0] + 1) for side in sides if len(side)), default=0)
    away = cv2.distanceTransform((~seen).astype(np.uint8), cv2.DIST_L2, 5)
    near = away <= max(_LEAST_REGION, round(_REGION * extent))
    return near & seen.any() & ~unclear


def psnr(
    picture: Float[Tensor, "height width 3"],
    truth: Float[Tensor, "height width 3"],
    weight: Float[Tensor, "height width"] | None = None,
) -> Float[Tensor, ""]:
    """Peak signal-to-noise ratio, decibels, of colours of 0 to 1; infinite of equal pictures.

    Args:
        picture: the one that is judged.
        truth: the one that it should be.
        weight: how much each pixel counts; all alike if None.
    """
    return -10 * torch.log10(_mean((picture - truth).square().mean(-1), weight))


def ssim(
    picture: Float[Tensor, "height width 3"],
    truth: Float[Tensor, "height width 3"],
    weight: Float[Tensor, "height width"] | None = None,
) -> Float[Tensor, ""]:
    """Mean structural similarity of colours of 0 to 1, channel by channel; 1 of equal pictures.

    Args:
        picture: the one that is judged.
        truth: the one that it should be.
        weight: how much each pixel counts; all alike if None.
    """
    return _mean(ssim_map(picture, truth), weight)


def ssim_map(
    picture: Float[Tensor, "height width 3"], truth: Float[Tensor, "height width 3"]
) -> Float[Tensor, "height width"]:
    """Structural similarity pixel by pixel, the mean of the channels.

    Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity", 2004, with its Gaussian window and constants. Beyond its border a
    picture goes on as its own mirror image.
    """
    x, y = picture.movedim(-1, 0), truth.to(picture).movedim(-1, 0)
    moments = _blurred(torch.cat([x, y, x * x, y * y, x * y]))
    mean_x, mean_y, xx, yy, xy = moments.reshape(5, *x.shape)
    variance_x, variance_y = xx - mean_x.square(), yy - mean_y.square()
    covariance = xy - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    light = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    return (light * (2 * covariance + c2) / (variance_x + variance_y + c2)).mean(0)


def soft_iou(
    alpha: Float[Tensor, "height width"],
    mask: Float[Tensor, "height width"],
    weight: Float[Tensor, "height width"] | None = None,
) -> Float[Tensor, ""]:
    """IoU of a soft silhouette, 0 to 1, with a mask: its own for masks of zeros and ones.

    Where the two are apart it has no slope; :func:`stray_distance` has.

    Args:
        alpha: how much of each pixel is covered.
        mask: where it should be.
        weight: how much each pixel counts; all alike if None.
    """
    mask = mask.to(alpha)
    both, either = alpha * mask, alpha + mask - alpha * mask
    return _mean(both, weight) / _mean(either, weight).clamp_min(torch.finfo(alpha.dtype).tiny)


def stray_distance(
    alpha: Float[Tensor, "height width"], distance: Float[Tensor, "height width"]
) -> Float[Tensor, ""]:
    """How far from a mask a soft silhouette is on the mean, pixels; 0 where it covers nothing.

    Args:
        alpha: how much of each pixel is covered.
        distance: of each pixel from the mask, 0 inside (``cv2.distanceTransform`` of the rest).
    """
    covered = alpha.sum().clamp_min(torch.finfo(alpha.dtype).tiny)
    return (alpha * distance.to(alpha)).sum() / covered


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return values.mean()
    weight = weight.to(values)
    return (values * weight).sum() / weight.sum()


def _blurred(channels: Float[Tensor, "channels height width"]) -> Tensor:
    """Each channel under the Gaussian window, mirrored beyond the border."""
    half = WINDOW // 2
    steps = torch.arange(-half, half + 1, dtype=channels.dtype, device=channels.device)
    window = torch.exp(-(steps**2) / (2 * SIGMA**2))
    window = window / window.sum()
    rows, columns = channels.shape[-2:]
    if min(rows, columns) <= half:
        raise ValueError(f"pictures of {columns}×{rows} pixels; SSIM wants {half + 1} at least")
    wide = pad(channels[:, None], (half, half, half, half), mode="reflect")
    return conv2d(conv2d(wide, window[None, None, :, None]), window[None, None, None, :])[:, 0]
