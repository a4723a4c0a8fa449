"""Euler angles: exact at gimbal lock, no jumps between frames, and back to matrices."""

import numpy as np
from jaxtyping import Float

# Below this sine of the distance from gimbal lock the first angle is rounding noise. Choosing it
# freely there costs at most this many radians.
_LOCK = 1e-7


def continuous_euler(
    rotations: Float[np.ndarray, "frames joints 3 3"], order: str
) -> Float[np.ndarray, "frames joints 3"]:
    """Intrinsic Tait-Bryan angles, continuous in time.

    For ``order="ZXY"`` the rotation is ``Rz @ Rx @ Ry`` of column vectors, the meaning BVH gives
    to its channels. Of the two solutions and their whole turns, each frame takes the one nearest
    to the frame before, so curves pass 180 degrees and gimbal lock without a jump where there is
    a continuous curve at all. The first frame has its middle angle within a quarter turn.

    Args:
        rotations: (F, J, 3, 3) rotation matrices.
        order: three different axes, such as ``"ZXY"``.

    Returns:
        (F, J, 3) radians, in the order of ``order``; not limited to one turn.

    Raises:
        ValueError: ``order`` is not a permutation of X, Y and Z.
    """
    if sorted(order) != ["X", "Y", "Z"]:
        raise ValueError(f"rotation order {order!r} is not a permutation of XYZ")
    i, j, k = ("XYZ".index(axis) for axis in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    R = rotations
    first = _first_angle(-sign * R[..., j, k], R[..., k, k])
    cos, sin = np.cos(first), sign * np.sin(first)
    # The other two angles come from what is left after undoing the first, which is well
    # conditioned whatever the first is: so no rotation is lost near gimbal lock.
    middle = np.arctan2(sign * R[..., i, k], cos * R[..., k, k] - sin * R[..., j, k])
    last = np.arctan2(
        sign * (cos * R[..., j, i] + sin * R[..., k, i]), cos * R[..., j, j] + sin * R[..., k, j]
    )
    return _unwound(np.stack([first, middle, last], -1))


def euler_matrices(angles: Float[np.ndarray, "*batch turns"], order: str) -> np.ndarray:
    """The matrices (…, 3, 3) of intrinsic turns (…, n) in radians about the axes of ``order``.

    ``"ZX"`` means ``Rz @ Rx``. scipy's ``Rotation`` goes by way of quaternions, which takes ten
    times as long for a whole motion.
    """
    shape = angles.shape[:-1]
    matrix = np.tile(np.eye(3).reshape(3, 3, *[1] * len(shape)), (1, 1, *shape))
    for turn, axis in enumerate(order):
        # A turn on the right mixes the columns of the two other axes.
        i = ("XYZ".index(axis) + 1) % 3
        j = (i + 1) % 3
        cos, sin = np.cos(angles[..., turn]), np.sin(angles[..., turn])
        before, after = matrix[:, i].copy(), matrix[:, j].copy()
        matrix[:, i] = cos * before + sin * after
        matrix[:, j] = cos * after - sin * before
    return np.moveaxis(matrix, (0, 1), (-2, -1))


def _first_angle(sine: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """The first angle (F, J); where lock leaves it open, that of the frame before."""
    angle = np.arctan2(sine, cosine)
    locked = np.hypot(sine, cosine) < _LOCK
    if not locked.any():
        return angle
    frames = np.arange(len(angle))[:, None]
    source = np.maximum.accumulate(np.where(locked, 0, frames), axis=0)
    angle[0] = np.where(locked[0], 0.0, angle[0])
    return np.take_along_axis(angle, source, axis=0)


def _unwound(angles: np.ndarray) -> np.ndarray:
    """The equivalent angles (F, J, 3) nearest to those of the frame before."""
    # (a, b, c) and (a + pi, pi - b, c + pi) are one rotation. Taking the second form of both of
    # two frames leaves their distance as it was, so whether to change form between two frames
    # does not depend on the form the earlier one ended in: no loop over frames is needed.
    before, after = angles[:-1], angles[1:]
    other = np.pi - after[..., 1] if len(after) else after[..., 1]
    stay = _wrapped(after - before)
    change = np.stack(
        [
            _wrapped(stay[..., 0] + np.pi),
            _wrapped(other - before[..., 1]),
            _wrapped(stay[..., 2] + np.pi),
        ],
        -1,
    )
    flips = np.sum(change**2, -1) < np.sum(stay**2, -1)
    second = np.zeros(angles.shape[:2], dtype=bool)
    second[1:] = np.cumsum(flips, axis=0) % 2 == 1
    shifted = angles + np.pi
    shifted[..., 1] = np.pi - angles[..., 1]
    return np.unwrap(np.where(second[..., None], shifted, angles), axis=0)


def _wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi
