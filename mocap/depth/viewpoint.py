"""Fifteen measures of a pose in the picture that tell from where it is seen."""

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.skeletons import COCO_17

#: What is measured, in the order of :func:`viewpoint_features`. Lengths are in the unit of the
#: normalised picture, y is down, and left is the person's own.
VIEWPOINT_FEATURES: dict[str, str] = {
    "shoulder_height_difference": "how much lower the left shoulder is than the right one",
    "hip_height_difference": "how much lower the left hip is than the right one",
    "shoulder_width": "left shoulder minus right one along x: negative from behind",
    "hip_width": "left hip minus right one along x: negative from behind",
    "left_arm_length": "shoulder to elbow to wrist",
    "right_arm_length": "shoulder to elbow to wrist",
    "left_leg_length": "hip to knee to ankle",
    "right_leg_length": "hip to knee to ankle",
    "torso_height": "from the hips' middle to the shoulders' middle",
    "torso_width": "mean of the distances between shoulders and between hips",
    "arm_length_ratio": "logarithm of left arm by right: the nearer one looks longer",
    "leg_length_ratio": "logarithm of left leg by right",
    "torso_aspect": "logarithm of torso height by width: large from the side, small from above",
    "nose_offset": "nose minus shoulders' middle along x: where the face points",
    "body_centre": "how far below the hips' middle the seen points' centre is",
}

# Lengths below this make no ratio, and no ratio is beyond e to this.
_LEAST_LENGTH = 0.02
_MOST_LOG_RATIO = 3.0

# Differences between (means of) points, by the names of either side.
_DIFFERENCES: tuple[tuple[str, str], ...] = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    *(
        (f"{side}_{end}", f"{side}_{start}")
        for start, end in (
            ("shoulder", "elbow"),
            ("hip", "knee"),
            ("elbow", "wrist"),
            ("knee", "ankle"),
        )
        for side in ("left", "right")
    ),
    ("left_shoulder right_shoulder", "left_hip right_hip"),
    ("nose", "left_shoulder right_shoulder"),
    ("", "left_hip right_hip"),
)
_ACROSS, _UPPER, _LOWER = slice(0, 2), slice(2, 6), slice(6, 10)
_TORSO, _NOSE, _PELVIS = slice(10, 11), 11, 12

# For every feature the differences it is made from.
_MADE_FROM: tuple[tuple[int, ...], ...] = (
    (0,),
    (1,),
    (0,),
    (1,),
    *((limb, limb + 4) for limb in (2, 3, 4, 5)),
    (10,),
    (0, 1),
    (2, 3, 6, 7),
    (4, 5, 8, 9),
    (0, 1),
    (11,),
    (12,),
)


def _weights() -> Tensor:
    """(differences, 17): each row takes one (mean of) points minus another."""
    weights = torch.zeros(len(_DIFFERENCES), len(COCO_17))
    for row, names in enumerate(_DIFFERENCES):
        for sign, side in zip((1.0, -1.0), names, strict=True):
            for name in side.split():
                weights[row, COCO_17.index(name)] = sign / len(side.split())
    return weights


def _needs() -> Tensor:
    """(17, features): 1 for points without which a feature is not known."""
    uses = (_weights() != 0).float()
    return torch.stack([uses[list(made)].amax(0) for made in _MADE_FROM], -1)


_WEIGHTS, _NEEDS = _weights(), _needs()


def viewpoint_features(
    xy: Float[Tensor, "*batch 17 2"], confidence: Float[Tensor, "*batch 17"]
) -> Float[Tensor, "*batch 15"]:
    """The measures of :data:`VIEWPOINT_FEATURES`, in its order; 0 where their points are missing.

    Args:
        xy: normalised image points (:class:`mocap.depth.features.Normalised`).
        confidence: in [0, 1]; 0 is missing.
    """
    apart = _WEIGHTS.to(xy) @ xy
    length = torch.linalg.vector_norm(apart, dim=-1)
    limbs = length[..., _UPPER] + length[..., _LOWER]
    width = length[..., _ACROSS].mean(-1, keepdim=True)
    sizes = torch.cat([limbs, length[..., _TORSO], width], -1)
    logarithms = torch.log(sizes + _LEAST_LENGTH)
    ratios = logarithms[..., 0::2] - logarithms[..., 1::2]
    shares = confidence / confidence.sum(-1, keepdim=True).clamp(min=1e-6)
    below = (shares * xy[..., 1]).sum(-1, keepdim=True) + apart[..., _PELVIS, 1:]
    measured = torch.cat(
        [
            apart[..., _ACROSS, 1],
            apart[..., _ACROSS, 0],
            sizes,
            ratios.clamp(-_MOST_LOG_RATIO, _MOST_LOG_RATIO),
            apart[..., _NOSE, :1],
            below,
        ],
        dim=-1,
    )
    missing = (confidence <= 0).to(xy.dtype) @ _NEEDS.to(xy)
    return measured.masked_fill(missing > 0, 0.0)
