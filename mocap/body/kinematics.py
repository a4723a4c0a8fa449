"""Forward kinematics and linear blend skinning of a joint tree, batched and differentiable."""

from functools import lru_cache
from itertools import pairwise

import roma
import torch
from jaxtyping import Float
from torch import Tensor


@lru_cache(maxsize=8)
def _levels(parents: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Joints grouped by depth, and for each joint its place in that grouping."""
    depth = [0] * len(parents)
    for i, parent in enumerate(parents):
        depth[i] = depth[parent] + 1 if parent >= 0 else 0
    levels = tuple(
        tuple(i for i, d in enumerate(depth) if d == level) for level in range(max(depth) + 1)
    )
    order = [i for level in levels for i in level]
    return levels, tuple(order.index(i) for i in range(len(parents)))


def rotation_matrices(
    rotation_vectors: Float[Tensor, "*batch 3"],
) -> Float[Tensor, "*batch 3 3"]:
    """Axis-angle (radians) to rotation matrices, with finite gradients at zero."""
    return roma.rotvec_to_rotmat(rotation_vectors)


def forward_kinematics(
    rotations: Float[Tensor, "batch joints 3 3"],
    rest_joints: Float[Tensor, "batch joints 3"],
    parents: tuple[int, ...],
) -> tuple[Float[Tensor, "batch joints 3 3"], Float[Tensor, "batch joints 3"]]:
    """World rotations and positions of a tree's joints.

    Args:
        rotations: each joint's rotation relative to its parent.
        rest_joints: joint positions in the rest pose, metres; batch may be 1.
        parents: each joint's parent, -1 at the root, parents before children.

    Returns:
        Rotations from the rest frame to the world, and positions in metres; the root stays where
        it rests.
    """
    levels, place = _levels(parents)
    turned, placed = [rotations[:, list(levels[0])]], [rest_joints[:, list(levels[0])]]
    placed[0] = placed[0].expand(len(rotations), -1, -1)
    for above, level in pairwise(levels):
        joints, up = list(level), [parents[i] for i in level]
        slots = [above.index(i) for i in up]
        parent_turn = turned[-1][:, slots]
        offset = rest_joints[:, joints] - rest_joints[:, up]
        moved = (parent_turn @ offset[..., None]).squeeze(-1)
        placed.append(placed[-1][:, slots] + moved)
        turned.append(parent_turn @ rotations[:, joints])
    order = list(place)
    return torch.cat(turned, dim=1)[:, order], torch.cat(placed, dim=1)[:, order]


def skin(
    rest_vertices: Float[Tensor, "batch vertices 3"],
    rest_joints: Float[Tensor, "batch joints 3"],
    rotations: Float[Tensor, "batch joints 3 3"],
    joints: Float[Tensor, "batch joints 3"],
    weights: Float[Tensor, "vertices joints"],
) -> Float[Tensor, "batch vertices 3"]:
    """Linear blend skinning.

    Args:
        rest_vertices: vertices in the rest pose, metres; batch may be 1.
        rest_joints: joints in the rest pose; batch may be 1.
        rotations: from the rest frame to the world, per joint.
        joints: posed joints, metres.
        weights: rows that sum to 1.
    """
    shift = joints - (rotations @ rest_joints[..., None]).squeeze(-1)
    transforms = torch.cat([rotations, shift[..., None]], dim=-1).flatten(2)
    blended = (weights @ transforms).unflatten(-1, (3, 4))
    turned = (blended[..., :3] @ rest_vertices[..., None]).squeeze(-1)
    return turned + blended[..., 3]
