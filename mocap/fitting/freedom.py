"""The pose's degrees of freedom: which joint turns about which axes, how far, and how likely.

A pose of 21 joints with three axes each has far more freedom than a body. Knees and elbows are
hinges, the spine bends as one, the forearm twists at the elbow. The 63 axis-angle numbers of
SMPL-X's ``body_pose`` are a linear function of 38 coordinates. Limits say what bodies can do, means
and spreads what they mostly do; the learned prior (:mod:`mocap.fitting.prior`) was made with them,
and takes their place in the fit. Figures follow ranges of motion in common anatomical tables.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mocap.fitting.rig import JOINTS, NAMES


@dataclass(frozen=True)
class Coordinate:
    """One degree of freedom, degrees.

    Attributes:
        joints: the joints that share the turn equally.
        axis: axis of the rest frame, 0 x (left), 1 y (up), 2 z (forward).
        mean: most usual angle.
        spread: standard deviation about it.
        limits: least and greatest angle.
    """

    joints: tuple[str, ...]
    axis: int
    mean: float = 0.0
    spread: float = 25.0
    limits: tuple[float, float] = (-180.0, 180.0)


def _one_side(side: str) -> list[Coordinate]:
    # Mirroring in the sagittal plane keeps turns about x and reverses those about y and z.
    sign = 1.0 if side == "left" else -1.0

    def turn(
        joint: str, axis: int, mean: float, spread: float, low: float, high: float
    ) -> Coordinate:
        limits = (low, high) if axis == 0 or sign > 0 else (-high, -low)
        factor = 1.0 if axis == 0 else sign
        return Coordinate((f"{side}_{joint}",), axis, factor * mean, spread, limits)

    return [
        turn("hip", 0, -12, 40, -140, 45),
        turn("hip", 1, 0, 22, -60, 60),
        turn("hip", 2, 3, 20, -45, 85),
        turn("knee", 0, 22, 40, -3, 155),
        turn("ankle", 0, 0, 18, -45, 55),
        turn("ankle", 1, 0, 10, -30, 30),
        turn("ankle", 2, 0, 8, -25, 25),
        turn("collar", 1, 0, 8, -30, 30),
        turn("collar", 2, 0, 8, -25, 40),
        turn("shoulder", 0, 0, 40, -120, 120),
        turn("shoulder", 1, -10, 40, -150, 100),
        turn("shoulder", 2, -50, 45, -110, 120),
        turn("elbow", 1, -30, 45, -155, 3),
        turn("elbow", 0, 0, 40, -100, 100),
        turn("wrist", 1, 0, 15, -40, 40),
        turn("wrist", 2, 0, 22, -80, 80),
    ]


_SPINE = ("spine1", "spine2", "spine3")
_HEAD = ("neck", "head")

COORDINATES: tuple[Coordinate, ...] = (
    Coordinate(_SPINE, 0, 6, 22, (-50, 100)),
    Coordinate(_SPINE, 1, 0, 18, (-80, 80)),
    Coordinate(_SPINE, 2, 0, 13, (-50, 50)),
    Coordinate(_HEAD, 0, 6, 18, (-60, 60)),
    Coordinate(_HEAD, 1, 0, 22, (-85, 85)),
    Coordinate(_HEAD, 2, 0, 12, (-45, 45)),
    *_one_side("left"),
    *_one_side("right"),
)

#: Unknowns of a frame: translation (3), root rotation (3), coordinates.
SIZE = 6 + len(COORDINATES)


@lru_cache(maxsize=1)
def expansion() -> Float[np.ndarray, "66 coordinates"]:
    """The matrix that turns coordinates into the axis-angle numbers of 22 joints.

    The root's rows are zero: its rotation is no coordinate, for it knows no limits.
    """
    matrix = np.zeros((JOINTS * 3, len(COORDINATES)))
    for column, coordinate in enumerate(COORDINATES):
        for joint in coordinate.joints:
            matrix[3 * NAMES.index(joint) + coordinate.axis, column] = 1 / len(coordinate.joints)
    return matrix


@lru_cache(maxsize=1)
def compression() -> Float[np.ndarray, "coordinates 66"]:
    """The least-squares inverse of :func:`expansion`."""
    return np.linalg.pinv(expansion())


def means() -> np.ndarray:
    """Most usual angles, radians."""
    return np.deg2rad([c.mean for c in COORDINATES])


def spreads() -> np.ndarray:
    """Standard deviations about them, radians."""
    return np.deg2rad([c.spread for c in COORDINATES])


def limits() -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest angles, radians."""
    low, high = np.deg2rad([c.limits for c in COORDINATES]).T
    return low, high
