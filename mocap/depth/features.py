"""What the network is shown: points made independent of picture, place and size.

Everything here is batched, differentiable where that matters, and free of shapes that depend on
data, so that training, inference and ONNX share it. Points are COCO's 17; missing ones are NaN on
the way in, and zero with a confidence of zero on the way out.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from mocap.skeletons import COCO_17

#: The points, in COCO's order.
JOINTS = len(COCO_17)
#: Left and right hip.
HIPS = tuple(COCO_17.indices("left_hip", "right_hip"))

# Whatever exceeds this is no coordinate; nor is NaN, which compares as false.
_LARGEST = 1e9
# Points' usual mean distance from the hips in the picture, metres: the size where no 3D tells it.
_USUAL_SPREAD = 0.45
_LITTLE = 1e-4
# Their sum is the hips' middle.
_HALVES = torch.tensor([0.5 * (joint in HIPS) for joint in range(JOINTS)])


@dataclass(frozen=True)
class Normalised:
    """A batch of windows as the network takes it; missing is zero with a confidence of zero.

    Attributes:
        xy: image points from the hips' middle, y down, in person sizes (about metres).
        confidence_2d: in [0, 1].
        xyz: metres from the hips' middle, facing axes (x right, y down, z away).
        confidence_3d: in [0, 1].
        time: seconds from the window's middle.
        seen: 1 for frames in which anything is seen, else 0.
        centre: image points' centre of each frame from that of the window, in person sizes.
    """

    xy: Float[Tensor, "batch frames 17 2"]
    confidence_2d: Float[Tensor, "batch frames 17"]
    xyz: Float[Tensor, "batch frames 17 3"]
    confidence_3d: Float[Tensor, "batch frames 17"]
    time: Float[Tensor, "batch frames"]
    seen: Float[Tensor, "batch frames"]
    centre: Float[Tensor, "batch frames 2"]


def normalise(
    xy: Float[Tensor, "batch frames 17 2"],
    xyz: Float[Tensor, "batch frames 17 3"],
    confidence: Float[Tensor, "batch frames 17"],
    time: Float[Tensor, "batch frames"],
) -> Normalised:
    """Take picture, place and size out of a batch of windows of one person each.

    The picture's resolution, where in it the person is and how large do not change the result. The
    unit of the picture is common to a window, so that coming nearer still shows: the one in which
    points are as far from the hips as the raw 3D says, on average, which makes it about a metre.

    Args:
        xy: pixels, y down; NaN where missing.
        xyz: metres, facing axes; NaN where missing.
        confidence: in [0, 1]; 0 or NaN is missing.
        time: seconds; may be NaN in frames in which nothing is seen.
    """
    # Both kinds of points go through one computation, the image's with a third coordinate of 0.
    points = torch.stack([pad(xy, (0, 1)), xyz])
    unknown = ~((points.abs().sum(-1) < _LARGEST) & (confidence > 0))
    points = points.masked_fill(unknown[..., None], 0.0)
    weight = confidence.clamp(max=1.0).expand_as(unknown).masked_fill(unknown, 0.0)
    middle = _middle(points, weight, unknown)
    points = (points - middle).masked_fill(unknown[..., None], 0.0)
    flat, deep = points.unbind(0)
    confidence_2d, confidence_3d = weight.unbind(0)
    per_unit = _per_pixel(points[..., :2], weight)
    unseen_2d, unseen_3d = unknown.all(-1).unbind(0)
    unseen = unseen_2d & unseen_3d
    return Normalised(
        xy=flat[..., :2] * per_unit[..., None, None],
        confidence_2d=confidence_2d,
        xyz=deep,
        confidence_3d=confidence_3d,
        time=_from_middle(time, unseen),
        seen=(~unseen).to(xy.dtype),
        centre=_from_mean(middle[0, ..., 0, :2], unseen_2d) * per_unit[..., None],
    )


def _middle(points: Tensor, weight: Tensor, unknown: Tensor) -> Tensor:
    """(…, 1, D) the hips' middle; where a hip is missing, the centre weighted by confidence."""
    left, right = HIPS
    shares = weight / weight.sum(-1, keepdim=True).clamp(min=1e-6)
    lacking = unknown[..., left] | unknown[..., right]
    return torch.where(lacking[..., None], shares, _HALVES.to(points))[..., None, :] @ points


def _per_pixel(image_plane: Tensor, weight: Tensor) -> Tensor:
    """(batch, 1) units in a pixel: mean distances from the middle, in 3D by in the picture.

    Args:
        image_plane: (2, batch, frames, 17, 2) of the picture, pixels, and of the 3D, metres.
        weight: (2, batch, frames, 17) their confidences.
    """
    # Distances, not squares: a single point far off should not shrink all others.
    pixels, metres = torch.linalg.vector_norm(image_plane, dim=-1).clamp(min=1e-3).unbind(0)
    flat, deep = weight.unbind(0)
    # Where there is no 3D, the little that the usual spread counts is all there is.
    in_pixels = (flat * (deep + _LITTLE) * pixels).sum((1, 2))
    in_metres = (flat * (deep * metres + _LITTLE * _USUAL_SPREAD)).sum((1, 2))
    return (in_metres / in_pixels.clamp(min=1e-12))[:, None]


def _from_middle(time: Tensor, unseen: Tensor) -> Tensor:
    """Seconds from the middle between a window's first and last seen frame; 0 where unseen."""
    if time.shape[1] == 1:
        return torch.zeros_like(time)
    first = time.masked_fill(unseen, _LARGEST).amin(1, keepdim=True)
    last = time.masked_fill(unseen, -_LARGEST).amax(1, keepdim=True)
    return (time - 0.5 * (first + last)).masked_fill(unseen, 0.0)


def _from_mean(place: Tensor, unseen: Tensor) -> Tensor:
    """(batch, frames, 2) places from the mean over a window's seen frames; 0 where unseen."""
    if place.shape[1] == 1:
        return torch.zeros_like(place)
    place = place.masked_fill(unseen[..., None], 0.0)
    mean = place.sum(1, keepdim=True) / (~unseen).sum(1).clamp(min=1)[:, None, None]
    return (place - mean).masked_fill(unseen[..., None], 0.0)
