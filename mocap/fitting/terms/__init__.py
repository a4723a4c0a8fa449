"""The energy, term by term.

Each term is a pure function from a pose (or what follows from it) to weighted residuals and their
derivatives: the energy is half the sum of their squares. Robust terms fold the weight of
iteratively reweighted least squares (Geman and McClure, 1985) into the residual.
"""

from mocap.fitting.terms.evidence import (
    metric,
    reprojection,
    reprojection_energy,
)
from mocap.fitting.terms.habits import acceleration_scale, joint_limits
from mocap.fitting.terms.surroundings import (
    above_floor,
    apart,
    balance_energy,
    balanced,
    resting,
)
from mocap.fitting.terms.weights import Residuals, Weights

__all__ = [
    "Residuals",
    "Weights",
    "above_floor",
    "acceleration_scale",
    "apart",
    "balance_energy",
    "balanced",
    "joint_limits",
    "metric",
    "reprojection",
    "reprojection_energy",
    "resting",
]
