"""Nobody hangs in the air at an angle: the centre of mass stays over the feet.

A detector's depth leans people towards the camera or away from it, and the picture hardly tells.
Balance does: while feet rest, the point where gravity and inertia meet the floor (the zero-moment
point, Vukobratovic and Borovac, 2004) lies within them. It is asked for along the line of sight
only; across it the picture knows better.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from mocap.fitting.contacts import Feet, Footing
from mocap.fitting.rig import JOINTS, NAMES, Rig

_GRAVITY = 9.81
#: Segments by the joints at their ends: share of the body's mass, and of the length from the first
#: joint to the segment's centre (de Leva, 1996, means of women and men, rounded).
_SEGMENTS: tuple[tuple[str, str, float, float], ...] = (
    ("head", "neck", 0.068, -0.5),
    ("pelvis", "neck", 0.432, 0.5),
    *(
        (f"{side}_{a}", f"{side}_{b}", mass, share)
        for side in ("left", "right")
        for a, b, mass, share in (
            ("shoulder", "elbow", 0.026, 0.57),
            ("elbow", "wrist", 0.015, 0.46),
            ("wrist", "elbow", 0.006, -0.3),
            ("hip", "knee", 0.145, 0.39),
            ("knee", "ankle", 0.045, 0.44),
            ("ankle", "foot", 0.013, 0.5),
        )
    ),
)
#: Seconds over which the centre of mass is smoothed before it is differentiated, and the most, in
#: metres, that inertia may move the zero-moment point.
_SMOOTHING, _MOST = 0.1, 0.3
#: Beyond where a foot was found to rest its sole still carries, metres.
_MARGIN = 0.03


@dataclass(frozen=True)
class Balance:
    """Where the centre of mass should be, along the line of sight over the ground.

    Attributes:
        direction: (F, 3) unit, horizontal, away from the camera.
        target: (F,) metres along it.
        reach: (F,) how far off still is in balance, metres.
        trust: (F,) in [0, 1]; 0 where nothing rests.
    """

    direction: Float[np.ndarray, "frames 3"]
    target: Float[np.ndarray, " frames"]
    reach: Float[np.ndarray, " frames"]
    trust: Float[np.ndarray, " frames"]

    def __getitem__(self, part: slice) -> Balance:
        return Balance(self.direction[part], self.target[part], self.reach[part], self.trust[part])


@lru_cache(maxsize=1)
def mass_shares() -> Float[np.ndarray, "22"]:
    """What of the centre of mass lies in each joint, were all mass in joints."""
    shares = np.zeros(JOINTS)
    for a, b, mass, share in _SEGMENTS:
        shares[NAMES.index(a)] += mass * (1 - share)
        shares[NAMES.index(b)] += mass * share
    return shares / shares.sum()


def joint_rig(rig: Rig) -> Rig:
    """A rig whose points are its joints."""
    shapes = rig.joint_directions.shape[-1]
    return Rig(
        rig.joints,
        rig.joint_directions,
        np.full(JOINTS, -1),
        np.arange(JOINTS),
        np.zeros((JOINTS, 3)),
        np.zeros((JOINTS, 3, shapes)),
    )


def balance_of(joints: Float[np.ndarray, "frames 22 3"], feet: Feet, footing: Footing) -> Balance:
    """What balance asks of a motion.

    Args:
        joints: of the motion so far, world metres.
        feet: of the same.
        footing: where they rest.
    """
    flat = feet.sight * [1.0, 0.0, 1.0]
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    direction = flat / np.maximum(length, 1e-6)
    weight = footing.probability
    along = np.einsum("fsk,fk->fs", footing.places, direction)
    total = np.maximum(weight.sum(1), 1e-9)
    held = weight > 0
    nearest = np.where(held, along, np.inf).min(1, initial=np.inf)
    farthest = np.where(held, along, -np.inf).max(1, initial=-np.inf)
    some = held.any(1)
    middle = np.where(some, 0.5 * (np.where(some, nearest, 0) + np.where(some, farthest, 0)), 0.0)
    reach = np.where(some, 0.5 * (np.where(some, farthest, 0) - np.where(some, nearest, 0)), 0.0)
    # From straight above, nothing is along the line of sight.
    trust = some * np.minimum(total / 2, 1.0) * np.clip(2 * length[:, 0] - 0.5, 0, 1)
    return Balance(
        direction, middle + _inertia(joints, direction, feet.fps), reach + _MARGIN, trust
    )


def _inertia(joints: np.ndarray, direction: np.ndarray, fps: float) -> Float[np.ndarray, " frames"]:
    """How far ahead of the zero-moment point the centre of mass is, along a direction."""
    if len(joints) < 5:
        return np.zeros(len(joints))
    centre = np.einsum("fjk,j->fk", joints, mass_shares())
    smooth = gaussian_filter1d(centre, max(_SMOOTHING * fps, 0.5), axis=0, mode="nearest")
    pull = np.gradient(np.gradient(smooth, axis=0), axis=0) * fps**2
    ahead = np.maximum(smooth[:, 1], 0.2) / _GRAVITY * np.sum(pull * direction, -1)
    return np.clip(ahead, -_MOST, _MOST)
