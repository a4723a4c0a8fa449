"""Where a robot's feet go: through the air as the person's do, and still while they rest.

While a foot rests, its sole is level on the ground, or stands on its heel's or its toe's edge,
and what rests of it stays in one place. Between rests it follows the person's, moved so that it
comes and goes without a jolt. A foot that turns on its ball keeps the ball in place.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter1d, label
from scipy.spatial.transform import Rotation

from mocap.easing import eased

#: Seconds over which a foot leaves the place it is kept in for where it would be, and back.
_BLEND = 0.2
#: Seconds over which the way that a resting foot points is smoothed, and over which pitch is.
_CALM = 0.05
#: Turn within a rest beyond which the foot pivots, radians; drift beyond which it slides, metres.
_PIVOT, _SLIDE = 0.35, 0.1
#: Heights over the level people stand on that are taken for it, metres.
_ON_LEVEL = 0.06

#: Cosine of a foot's tilt beyond which it rests on its tip.
_STEEP = 0.5

HEEL, TOE, FLAT, FREE = 0, 1, 2, 3


@dataclass(frozen=True)
class Path:
    """Where a foot is to be, the robot's world: metres, +Z up.

    Attributes:
        places: (F, 3) of the point in question: middle of the sole, or of its heel's or toe's
            edge.
        turns: (F, 3, 3) from the axes of a foot that stands level and points along +X (its left
            along +Y) to the world's.
        rests: (F,) what rests: ``HEEL``, ``TOE``, ``FLAT`` or ``FREE``.
        run: (F,) number of the rest, 0 in the air.
        held: (F,) how much the place is kept, 0 to 1.
        pinned: (F,) whether it may not slide.
        pivots: (F,) whether it turns on the spot.
        tips: (F,) whether it rests so steeply, on its tip, that its turn is its own affair.
    """

    places: Float[np.ndarray, "frames 3"]
    turns: Float[np.ndarray, "frames 3 3"]
    rests: Int[np.ndarray, " frames"]
    run: Int[np.ndarray, " frames"]
    held: Float[np.ndarray, " frames"]
    pinned: Bool[np.ndarray, " frames"]
    pivots: Bool[np.ndarray, " frames"]
    tips: Bool[np.ndarray, " frames"]


def path_of(
    middle: Float[np.ndarray, "frames 3"],
    turns: Float[np.ndarray, "frames 3 3"],
    rests: Bool[np.ndarray, "frames 2"],
    edges: Float[np.ndarray, "3 3"],
    level: float,
    fps: float,
) -> Path:
    """The path of a robot's foot.

    Args:
        middle: where the foot's reference, the point of the sole below the ankle, would be.
        turns: how it would be turned.
        rests: whether heel and ball rest.
        edges: (3, 3) heel, toe and middle of the robot's sole from the reference, in the level
            foot's axes, metres.
        level: height of what the person stands on, metres.
        fps: frames a second.
    """
    frames = len(middle)
    run, count = label(rests.any(1))
    kind = np.where(rests.all(1), FLAT, np.where(rests[:, 0], HEEL, TOE))
    kind = np.where(run > 0, kind, FREE)
    yaw, pitch = _angles(turns)
    shift, turned = np.zeros((frames, 3)), np.zeros((frames, 3))
    pinned, pivots, tips = (np.zeros(frames, bool) for _ in range(3))
    for one in range(1, count + 1):
        at = np.flatnonzero(run == one)
        steep = np.abs(turns[at, 2, 2]) < _STEEP
        if steep.any():
            kind[at] = HEEL if (kind[at] == HEEL).mean() > 0.5 else TOE
        spots = middle[at] + np.einsum("fab,fb->fa", turns[at], edges[kind[at]])
        if steep.any():
            wanted, pivot = turns[at], False
            places = _on_tip(spots, level)
        else:
            angles, pivot = _standing(yaw[at], pitch[at], kind[at], fps)
            if pivot:
                kind[at] = TOE
                spots = middle[at] + np.einsum("fab,b->fa", turns[at], edges[TOE])
            wanted = _matrices(angles)
            places = _kept(spots, kind[at], angles, edges, level)
        slides = np.linalg.norm((spots - places)[:, :2], axis=1).max() > _SLIDE
        if slides:
            places[:, :2] = spots[:, :2]
        pinned[at], pivots[at], tips[at] = not (slides or steep.any()), pivot, steep.any()
        reference = places - np.einsum("fab,fb->fa", wanted, edges[kind[at]])
        shift[at] = reference - middle[at]
        turned[at] = Rotation.from_matrix(wanted @ np.swapaxes(turns[at], 1, 2)).as_rotvec()
    shift, held = eased(shift, run, _BLEND * fps)
    turned, _ = eased(turned, run, _BLEND * fps)
    wanted = Rotation.from_rotvec(turned).as_matrix() @ turns
    reference = middle + shift
    which = np.where(kind == FREE, FLAT, kind)
    places = reference + np.einsum("fab,fb->fa", wanted, edges[which])
    # Soles in the air stay above the ground.
    ends = reference[:, None] + np.einsum("fab,pb->fpa", wanted, edges)
    under = np.minimum(ends[..., 2].min(1), 0.0)
    places[:, 2] -= np.where(run > 0, 0.0, under)
    return Path(places, wanted, kind, run, held, pinned, pivots, tips)


def _angles(turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Yaw and pitch (toes down is positive) of feet that point along +X when level."""
    ahead = turns[:, :, 0]
    yaw = np.arctan2(ahead[:, 1], ahead[:, 0])
    return np.unwrap(yaw), -np.arcsin(np.clip(ahead[:, 2], -1.0, 1.0))


def _matrices(angles: np.ndarray) -> np.ndarray:
    return Rotation.from_euler("ZYX", angles).as_matrix()


def _standing(
    yaw: np.ndarray, pitch: np.ndarray, kind: np.ndarray, fps: float
) -> tuple[np.ndarray, bool]:
    """(N, 3) yaw, pitch and roll of a foot within one rest, and whether it pivots."""
    flat = kind == FLAT
    chosen = flat if flat.any() else np.ones(len(yaw), bool)
    pivot = bool(np.ptp(yaw[chosen]) > _PIVOT)
    calm = gaussian_filter1d(yaw, _CALM * fps, mode="nearest")
    around = calm if pivot else np.full(len(yaw), np.mean(yaw[chosen]))
    # What people's soles measure while flat is no tilt.
    offset = np.mean(pitch[flat]) if flat.any() else 0.0
    tilt = pitch - offset
    tilt = np.where(
        kind == TOE, np.maximum(tilt, 0), np.where(kind == HEEL, np.minimum(tilt, 0), 0)
    )
    tilt = gaussian_filter1d(tilt, _CALM * fps, mode="nearest") if len(tilt) > 1 else tilt
    tilt = np.where(flat, 0.0, tilt)
    return np.stack([around, tilt, np.zeros_like(tilt)], 1), pivot


def _on_tip(spots: np.ndarray, level: float) -> np.ndarray:
    """(N, 3) where the tip of a steep foot is kept."""
    places = np.tile(spots.mean(0), (len(spots), 1))
    places[:, 2] = _grounded(float(places[0, 2]), level)
    return places


def _grounded(height: float, level: float) -> float:
    """The height of what is rested on."""
    near = min((level, 0.0), key=lambda one: abs(height - one))
    return near if abs(height - near) < _ON_LEVEL else max(height, 0.0)


def _kept(
    spots: np.ndarray,
    kind: np.ndarray,
    angles: np.ndarray,
    edges: np.ndarray,
    level: float,
) -> np.ndarray:
    """(N, 3) where the resting point is kept within one rest: one footprint for all its parts."""
    wanted = _matrices(angles * [1.0, 0.0, 0.0])
    flat = kind == FLAT
    chosen = flat if flat.any() else np.ones(len(kind), bool)
    back = np.einsum("fab,fb->fa", wanted, edges[kind])
    centre = (spots - back)[chosen].mean(0)
    places = centre + back
    if (kind == kind[0]).all():
        places[:] = spots[chosen].mean(0)
    places[:, 2] = _grounded(float(spots[chosen, 2].mean()), level)
    return places
