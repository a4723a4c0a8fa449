"""Quaternions ``wxyz`` of any length, as splats have them."""

import roma
import torch
from jaxtyping import Float
from torch import Tensor


def rotation_matrices(quaternions: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 3"]:
    """Rotations of quaternions ``wxyz`` of any length."""
    w, x, y, z = torch.nn.functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, -1).reshape(-1, 3, 3)


def product(first: Float[Tensor, "n 4"], second: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """Turns of the second kind, and then of the first."""
    return roma.quat_product(first.roll(-1, -1), second.roll(-1, -1)).roll(1, -1)


def quaternions(matrices: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n 4"]:
    """Quaternions of rotations."""
    return roma.rotmat_to_unitquat(matrices).roll(1, -1)


def blended(
    weights: Float[Tensor, "n joints"], rotations: Float[Tensor, "joints 3 3"]
) -> Float[Tensor, "n 4"]:
    """Joints' rotations in shares, as quaternions of any length: what is blended stays a turn."""
    joints = quaternions(rotations)
    # A quaternion and its opposite are one rotation: all are told as the strongest joint's is.
    alike = (joints.detach() @ joints.detach().T).sign()
    return (weights * alike[weights.argmax(1)]) @ joints
