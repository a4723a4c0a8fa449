"""Undoing swaps of left and right.

A detector that takes a back for a front, or one leg for the other, swaps sides for a few frames at
full confidence. Limbs do not change places from one frame to the next, so the best path through
{as told, all swapped, legs swapped, arms swapped} under continuity in the picture finds where they
were. Only labels change; the 3D points keep their depth (negating it as well measures worse).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Person

_MIRROR = np.array(MEDIAPIPE_33.mirror)
_KEPT = np.arange(len(MEDIAPIPE_33))
_IS_LEG = np.array(
    [any(part in name for part in ("hip", "knee", "ankle", "heel", "foot")) for name in
     MEDIAPIPE_33.names]
)  # fmt: skip
_IS_ARM = np.array(
    [any(part in name for part in ("shoulder", "elbow", "wrist", "pinky", "index", "thumb"))
     and "foot" not in name for name in MEDIAPIPE_33.names]
)  # fmt: skip
#: The relabelings, as orders of points.
_ORDERS = np.stack(
    [_KEPT, _MIRROR, np.where(_IS_LEG, _MIRROR, _KEPT), np.where(_IS_ARM, _MIRROR, _KEPT)]
)
_LIMBS = np.flatnonzero(_IS_LEG | _IS_ARM)
#: How many frames back continuity is asked for.
_MEMORY = 3
#: Frames out of sight after which somebody may have turned round: what was before tells nothing.
_LONGEST_GAP = 8


@dataclass(frozen=True)
class SideConfig:
    """How reluctantly sides are swapped.

    Attributes:
        swapped: cost a frame of any swap, in person sizes of summed displacement.
        partly: further cost a frame of swapping arms or legs alone, which is rarer.
        change: cost of going from one labeling to another.
    """

    swapped: float = 0.003
    partly: float = 0.006
    change: float = 0.06


def best_labels(
    xy: Float[np.ndarray, "frames 33 2"],
    confidence: Float[np.ndarray, "frames 33"],
    size: float,
    config: SideConfig,
) -> Int[np.ndarray, " frames"]:
    """The most continuous relabeling of consecutive sightings.

    Args:
        xy: points of the sightings, pixels.
        confidence: of the points.
        size: the person's size, pixels.
        config: costs.

    Returns:
        For each sighting the relabeling: 0 as told, 1 all swapped, 2 legs, 3 arms.
    """
    count = len(_ORDERS)
    partly = config.swapped + config.partly
    own = np.array([0.0, config.swapped, partly, partly])
    switch = config.change * (1 - np.eye(count))
    # A state is the labels of the last frames, newest first: one frame in which the detector saw
    # nothing but a blur must not cut the thread.
    shape = (count,) * _MEMORY
    total, back = np.zeros(shape), np.zeros((len(xy), *shape), np.int8)
    for frame in range(1, len(xy)):
        # Axes: the new label, then those of the state before.
        through = np.broadcast_to(total, (count, *shape)) + own.reshape(-1, *(1,) * _MEMORY)
        for lag in range(1, min(frame, _MEMORY) + 1):
            moved = _displacement(xy[[frame - lag, frame]], confidence[[frame - lag, frame]], size)
            cost = (moved + (switch if lag == 1 else 0.0)).T / lag
            through = through + cost.reshape(
                count, *(count if axis == lag - 1 else 1 for axis in range(_MEMORY))
            )
        # The oldest label is forgotten: keep the best, and which it was.
        back[frame] = through.argmin(-1)
        total = through.min(-1)
    return _trace(total, back)


def _trace(total: np.ndarray, back: np.ndarray) -> Int[np.ndarray, " frames"]:
    state = [int(i) for i in np.unravel_index(int(total.argmin()), total.shape)]
    labels = np.zeros(len(back), int)
    for frame in range(len(back) - 1, -1, -1):
        labels[frame] = state[0]
        state = [*state[1:], int(back[(frame, *state)])]
    return labels


def _displacement(xy: np.ndarray, confidence: np.ndarray, size: float) -> np.ndarray:
    """Mean limb displacement (before, after) for every pair of relabelings, in person sizes."""
    limbs = _ORDERS[:, _LIMBS]
    weight = confidence[0][limbs][:, None] * confidence[1][limbs][None]
    gap = np.linalg.norm(xy[0][limbs][:, None] - xy[1][limbs][None], axis=-1) / size
    # A limb that flies is no swap: beyond a third of the person's size, farther is not worse.
    gap = np.minimum(gap, 0.33)
    return (weight * gap).sum(-1) / np.maximum(weight.sum(-1), 1e-6)


def undo_swaps(person: Person, config: SideConfig | None = None) -> tuple[Person, int]:
    """A person with left and right put right, and the number of frames that were changed.

    Swaps of the whole body or of the arms move the hands along.
    """
    body2d, body3d = person.keypoints2d, person.keypoints3d
    if body2d is None or body3d is None or body2d.skeleton != MEDIAPIPE_33.name:
        return person, 0
    rows = np.flatnonzero(np.isfinite(body2d.xy).all((1, 2)))
    if len(rows) < 2:
        return person, 0
    sizes = np.nanmax(person.box[rows, 2:] - person.box[rows, :2], axis=1)
    size = float(np.median(sizes))
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > _LONGEST_GAP + 1) + 1)
    labels = np.concatenate(
        [
            best_labels(body2d.xy[run], body2d.confidence[run], size, config or SideConfig())
            for run in runs
        ]
    )
    order = np.tile(_KEPT, (len(person.frames), 1))
    order[rows] = _ORDERS[labels]
    every = np.arange(len(order))[:, None]
    arms = np.zeros(len(order), bool)
    arms[rows] = np.isin(labels, (1, 3))
    changed = replace(
        person,
        keypoints2d=replace(
            body2d, xy=body2d.xy[every, order], confidence=body2d.confidence[every, order]
        ),
        keypoints3d=replace(body3d, xyz=body3d.xyz[every, order]),
        hands2d=_exchanged(person.hands2d, arms, ("xy", "confidence")),
        hands3d=_exchanged(person.hands3d, arms, ("xyz",)),
    )
    return changed, int(np.count_nonzero(labels))


def _exchanged(hands, frames: np.ndarray, names: tuple[str, ...]):  # type: ignore[no-untyped-def]
    """Both hands with their places exchanged in some frames."""
    if hands is None:
        return None
    left, right = {}, {}
    for name in names:
        one, other = getattr(hands.left, name), getattr(hands.right, name)
        where = frames.reshape(-1, *(1,) * (one.ndim - 1))
        left[name], right[name] = np.where(where, other, one), np.where(where, one, other)
    return replace(hands, left=replace(hands.left, **left), right=replace(hands.right, **right))
