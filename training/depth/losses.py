"""What the refiner is trained for: pure functions of batches, each the mean over what is known.

Points are metres, hips-centred, facing axes (x right, y down, z away). Missing truth is NaN and
counts nothing. All return a scalar that is 0 for a perfect answer, the likelihoods excepted.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.skeletons import COCO_17

#: Bones whose lengths a body keeps, each beside its counterpart on the other side.
_PAIRED = [
    (COCO_17.indices(f"left_{a}", f"left_{b}"), COCO_17.indices(f"right_{a}", f"right_{b}"))
    for a, b in (
        ("shoulder", "elbow"),
        ("elbow", "wrist"),
        ("hip", "knee"),
        ("knee", "ankle"),
        ("shoulder", "hip"),
    )
]
_ACROSS = [COCO_17.indices(f"left_{name}", f"right_{name}") for name in ("shoulder", "hip")]
_LEFT, _RIGHT = (torch.tensor([pair[side] for pair in _PAIRED]) for side in (0, 1))
_BONES = torch.cat([_LEFT, _RIGHT, torch.tensor(_ACROSS)])
_FACE = 5
#: A distance's slope is undefined at 0; micrometres below which it is taken for flat.
_SMALL = 1e-6

Points = Float[Tensor, "batch frames 17 3"]
Scalar = Float[Tensor, ""]


def joint_weights(face: float, like: Tensor) -> Float[Tensor, "17"]:
    """Weights of the joints: 1, those of the face ``face``."""
    weights = torch.ones(len(COCO_17), dtype=like.dtype, device=like.device)
    weights[:_FACE] = face
    return weights


def _mean(values: Tensor, known: Tensor, weights: Tensor | float = 1.0) -> Scalar:
    """The weighted mean of what is known; 0 where nothing is."""
    share = known.to(values.dtype) * weights
    # NaN times 0 is NaN, in gradients too: values must have been made finite before.
    return (values * share).sum() / share.sum().clamp(min=1e-6)


def _gap(predicted: Points, true: Points) -> tuple[Points, Float[Tensor, "batch frames 17"]]:
    """Errors, 0 where the truth is unknown, and where it is known."""
    known = true.isfinite().all(-1)
    return torch.where(known[..., None], predicted - true, 0.0), known


def _length(vectors: Tensor) -> Tensor:
    return vectors.square().sum(-1).add(_SMALL**2).sqrt()


def position_loss(predicted: Points, true: Points, weights: Tensor | float = 1.0) -> Scalar:
    """Mean distance of points, metres."""
    gap, known = _gap(predicted, true)
    return _mean(_length(gap) - _SMALL, known, weights)


def depth_loss(predicted: Points, true: Points, weights: Tensor | float = 1.0) -> Scalar:
    """Mean distance of points along the viewing axis, metres."""
    gap, known = _gap(predicted, true)
    return _mean(gap[..., 2].abs(), known, weights)


def laplace_loss(
    predicted: Points,
    true: Points,
    sigma: Float[Tensor, "batch frames 17"],
    weights: Tensor | float = 1.0,
) -> Scalar:
    """Mean negative logarithm of the density of the true points, heavy-tailed.

    The density at distance r falls as exp(-r/b) in every direction, b = σ/√12, so that σ is the
    root mean square of r. Smallest where σ is 2/√3 times the mean of r.

    Args:
        predicted: points.
        true: points.
        sigma: of each point, metres.
        weights: of the joints.
    """
    gap, known = _gap(predicted, true)
    scale = sigma / math.sqrt(12.0)
    density = _length(gap) / scale + 3 * scale.log() + math.log(8 * math.pi)
    return _mean(density, known, weights)


def gaussian_loss(
    predicted: Points,
    true: Points,
    sigma: Float[Tensor, "batch frames 17"],
    weights: Tensor | float = 1.0,
) -> Scalar:
    """The same of a Gaussian, σ/√3 along each axis; smallest where σ² is the mean of r²."""
    gap, known = _gap(predicted, true)
    deviation = sigma / math.sqrt(3.0)
    density = (
        0.5 * gap.square().sum(-1) / deviation.square()
        + 3 * deviation.log()
        + 1.5 * math.log(2 * math.pi)
    )
    return _mean(density, known, weights)


def bone_lengths(points: Points, bones: Tensor = _BONES) -> Float[Tensor, "batch frames bones"]:
    """Distances between the ends of bones, metres; NaN where an end is missing."""
    ends = bones.to(points.device)
    return _length(points[..., ends[:, 0], :] - points[..., ends[:, 1], :])


def bone_loss(predicted: Points, true: Points) -> Scalar:
    """Mean difference of bone lengths, metres."""
    wanted = bone_lengths(true)
    known = wanted.isfinite()
    return _mean(torch.where(known, bone_lengths(predicted) - wanted, 0.0).abs(), known)


def symmetry_loss(predicted: Points, true: Points) -> Scalar:
    """Mean difference between lengths on the left and on the right, metres.

    Args:
        predicted: points.
        true: points; they tell what is known, and nothing else.
    """
    sides = (_LEFT, _RIGHT)
    known = torch.stack([bone_lengths(true, side) for side in sides]).isfinite().all(0)
    left, right = (bone_lengths(predicted, side) for side in sides)
    return _mean((left - right).abs(), known)


def direction_loss(
    predicted: Float[Tensor, "batch frames 3"], true: Float[Tensor, "batch frames 3"]
) -> Scalar:
    """Mean of 1 - cos of the angle between two places of the camera, seen from the pelvis."""
    known = true.isfinite().all(-1)
    wanted = torch.where(known[..., None], true, 1.0)
    cosine = torch.nn.functional.cosine_similarity(predicted, wanted, dim=-1)
    return _mean(1 - cosine, known)


def distance_loss(
    predicted: Float[Tensor, "batch frames 3"], true: Float[Tensor, "batch frames 3"]
) -> Scalar:
    """Mean difference of the logarithms of the camera's distances."""
    known = true.isfinite().all(-1)
    wanted = torch.where(known[..., None], true, 1.0)
    return _mean((_length(predicted).log() - _length(wanted).log()).abs(), known)


def velocity_loss(
    predicted: Points,
    true: Points,
    time: Float[Tensor, "batch frames"],
    weights: Tensor | float = 1.0,
) -> Scalar:
    """Mean error of the points' velocities between frames that follow one another, metres a second.

    0 for single frames.

    Args:
        predicted: points.
        true: points.
        time: of the frames, seconds; NaN in frames that are missing.
        weights: of the joints.
    """
    step = time.diff(dim=1)[..., None]
    change = true.diff(dim=1)
    known = change.isfinite().all(-1) & (step.abs() > 1e-4)
    gap = torch.where(known[..., None], predicted.diff(dim=1) - change, 0.0)
    pace = torch.where(known, step.abs(), 1.0)
    return _mean((_length(gap) - _SMALL) / pace, known, weights)
