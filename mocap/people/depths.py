"""Undoing mistakes of depth: a body turned front to back, or one leg's depth given to the other.

From the side left and right lie on each other in the picture, and a detector that names the hind
leg the left one goes on to put it where it believes the left one is. Once the names are right the
depths are not: legs cross through each other and knees bend backwards. Or the whole body leans to
where it should lean from. Of every frame it is asked whether its depths should stay, whether those
of legs, of arms or of both belong to the other side, or whether all should be negated. A body must
be one that can exist (:mod:`mocap.people.chirality`), and must not jump in depth; the best path
through the frames is taken. Nothing in the picture changes.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mocap.people.chirality import bodily_sense
from mocap.people.labelings import ARM_POINTS, LEG_POINTS, ORDERS
from mocap.people.runs import sighting_runs
from mocap.take import Person

_LIMBS = np.concatenate([ARM_POINTS, LEG_POINTS])
#: The readings that take a point's depth from another: as told, all, legs, arms exchanged.
_EXCHANGES = len(ORDERS)
#: Metres of a jump in depth beyond which farther is not worse.
_FARTHEST = 0.3


@dataclass(frozen=True)
class DepthConfig:
    """How reluctantly depths are changed.

    Attributes:
        exchanged: cost a frame of exchanging depths between sides, in metres of mean jump.
        negated: cost a frame of negating them.
        change: cost of going from one reading of depths to another.
        body: worth a frame of a body that bends the way bodies do.
    """

    exchanged: float = 0.02
    negated: float = 0.05
    change: float = 0.05
    body: float = 0.08


def readings(xyz: Float[np.ndarray, "frames 33 3"]) -> Float[np.ndarray, "frames 5 33 3"]:
    """Each body as told, with all, the legs', the arms' depths exchanged, and with all negated."""
    read = np.stack([xyz] * (_EXCHANGES + 1), 1)
    for reading, order in enumerate(ORDERS):
        read[:, reading, :, 2] = xyz[:, order, 2]
    read[:, _EXCHANGES, :, 2] *= -1.0
    return read


def best_readings(
    xyz: Float[np.ndarray, "sightings 33 3"], config: DepthConfig
) -> Int[np.ndarray, " sightings"]:
    """The reading of depths, one of :func:`readings`, for consecutive sightings.

    Args:
        xyz: metric points, left and right put right, axes of the camera.
        config: costs.
    """
    read = readings(xyz.astype(float))
    exchanged = config.exchanged
    own = np.array([0.0, exchanged, exchanged, exchanged, config.negated])
    own = own - config.body * bodily_sense(read)
    depth = read[:, :, _LIMBS, 2]
    switch = config.change * (1 - np.eye(len(own[0])))
    total, back = own[0], np.zeros((len(xyz), len(own[0])), np.int8)
    for sighting in range(1, len(xyz)):
        jump = np.abs(depth[sighting][:, None] - depth[sighting - 1][None])
        # Axes: the new reading, then the one before.
        through = total + switch + np.minimum(jump, _FARTHEST).mean(-1)
        back[sighting] = through.argmin(1)
        total = own[sighting] + through.min(1)
    best = np.zeros(len(xyz), int)
    best[-1] = int(total.argmin())
    for sighting in range(len(xyz) - 1, 0, -1):
        best[sighting - 1] = back[sighting, best[sighting]]
    return best


def undo_depth_flips(person: Person, config: DepthConfig | None = None) -> tuple[Person, int]:
    """A person with depths put right, and the number of frames that were changed.

    Args:
        person: as detected, with left and right put right.
        config: costs.
    """
    body3d, runs = person.keypoints3d, sighting_runs(person)
    if body3d is None or not runs:
        return person, 0
    xyz, count = body3d.xyz.copy(), 0
    for run in runs:
        best = best_readings(xyz[run], config or DepthConfig())
        xyz[run] = readings(xyz[run])[np.arange(len(run)), best]
        count += int(np.count_nonzero(best))
    return replace(person, keypoints3d=replace(body3d, xyz=xyz)), count
