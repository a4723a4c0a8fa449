"""Quaternions for formats that want them."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation


def quaternions(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 4"]:
    """(…, 4) unit quaternions x, y, z, w of rotations (…, 3, 3)."""
    found = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    return found.reshape(*rotations.shape[:-2], 4)


def continuous_quaternions(
    rotations: Float[np.ndarray, "frames joints 3 3"],
) -> Float[np.ndarray, "frames joints 4"]:
    """(F, J, 4) x, y, z, w in 32 bits, each with the sign that is nearer to the frame before."""
    turns = quaternions(rotations)
    apart = np.sum(turns[1:] * turns[:-1], axis=-1) < 0
    turns[1:][np.cumsum(apart, axis=0) % 2 == 1] *= -1
    return turns.astype(np.float32)
