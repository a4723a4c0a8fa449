"""How far off each kind of evidence usually is, and the form in which the terms answer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Weights:
    """Standard deviations of the energy's terms: how far off each kind of evidence usually is.

    Attributes:
        reprojection: of a keypoint in the picture, as a share of the person's height there.
        outlier: errors of reprojection and of balance beyond this many deviations count less and
            less.
        depth: of a bone's extent along the viewing ray, metres.
        lateral: of a point across the ray, metres; holds the size of the body.
        prior: factor on the deviations of the learned pose prior; more than 1, for a frame's pose
            is like that of the frame before, and no news.
        limit: of an angle beyond its limits, radians.
        acceleration: of a coordinate, rad/s².
        root_acceleration: of the root's rotation, rad/s².
        translation_acceleration: of the root's place, m/s²; depth moves as smoothly.
        shape: of a beta, in its own deviations.
        rest: of a resting foot point about its place, metres.
        balance: of the centre of mass about where it is in balance, metres.
        floor: of what is under the floor, metres.
        apart: of how deep two bodies are in each other, metres.
    """

    reprojection: float = 0.015
    outlier: float = 3.0
    depth: float = 0.10
    lateral: float = 0.12
    prior: float = 1.58
    limit: float = 0.05
    acceleration: float = 30.0
    root_acceleration: float = 15.0
    translation_acceleration: float = 4.0
    shape: float = 1.0
    rest: float = 0.01
    balance: float = 0.03
    floor: float = 0.004
    apart: float = 0.02


@dataclass(frozen=True)
class Residuals:
    """Weighted residuals (F, n) and their derivative (F, n, m) by the unknowns of their frame."""

    values: Float[np.ndarray, "frames residuals"]
    jacobian: Float[np.ndarray, "frames residuals unknowns"]
