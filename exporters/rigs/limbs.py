"""Limbs of two bones brought to where their ends should be, with the bend they have."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.geometry import rotation_between

#: How much the limb's own axis counts beside the axis that it is bent about, which a straight limb
#: has none of.
_OWN = 0.05
_ROUNDS = 4


def reached(
    limb: Float[np.ndarray, "frames 3 3"],
    goal: Float[np.ndarray, "frames 3"],
    hinge: Float[np.ndarray, "frames 3"],
) -> tuple[Float[np.ndarray, "frames 3 3"], Float[np.ndarray, "frames 3 3"]]:
    """What turns a limb's two bones so that it ends at a goal, as far as it is long enough.

    The middle joint opens or closes about the axis that it is bent about, then the limb as a whole
    swings the shortest way: a limb that is at its goal stays as it is.

    Args:
        limb: the places of its beginning, middle and end, metres.
        goal: of its end, metres.
        hinge: unit axes about which the middle joint of a straight limb would bend, its end
            going from the first bone's direction the way a right hand's fingers do.

    Returns:
        (F, 3, 3) rotations of the world, of the first bone and of the second.
    """
    first, second = limb[:, 1] - limb[:, 0], limb[:, 2] - limb[:, 1]
    wanted = goal - limb[:, 0]
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    low, high = abs(lengths[0] - lengths[1]), lengths[0] + lengths[1]
    distance = np.clip(np.linalg.norm(wanted, axis=1), low + 1e-6, high - 1e-9)
    upper = np.tile(np.eye(3), (len(limb), 1, 1))
    lower = upper.copy()
    for _ in range(_ROUNDS):
        a, b = _turned(upper, first), _turned(lower, second)
        axis = np.cross(a, b) / (lengths[0] * lengths[1])[:, None] + _OWN * hinge
        axis = _unit(axis - _along(axis, _unit(a + b)))
        now = np.linalg.norm(a + b, axis=1)
        shoulder = _corner(lengths[0], distance, lengths[1])
        shoulder -= _corner(lengths[0], now, lengths[1])
        elbow = _corner(lengths[1], distance, lengths[0])
        elbow -= _corner(lengths[1], now, lengths[0])
        upper = _about(axis, -shoulder) @ upper
        lower = _about(axis, elbow) @ lower
    end = _unit(_turned(upper, first) + _turned(lower, second))
    swing = rotation_between(end, _unit(wanted))
    return swing @ upper, swing @ lower


def _corner(beside: np.ndarray, other: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The angle between two sides of a triangle, by the third."""
    cosine = (beside**2 + other**2 - across**2) / (2.0 * beside * other)
    return np.arccos(np.clip(cosine, -1.0, 1.0))


def _turned(turn: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return (turn @ vectors[..., None])[..., 0]


def _along(vectors: np.ndarray, ways: np.ndarray) -> np.ndarray:
    return np.sum(vectors * ways, axis=-1, keepdims=True) * ways


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(angle[:, None] * axis).as_matrix()
