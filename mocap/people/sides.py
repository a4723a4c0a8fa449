"""Undoing swaps of left and right.

A detector that takes a back for a front, or one leg for the other, swaps sides for a few frames,
or for most of a clip, at full confidence. Two things are asked of every relabeling {as told, all
swapped, legs swapped, arms swapped}. Limbs go on as they went, in the picture: that ties frames to
each other, without saying which of two opposite stories is true. And the body must be one that can
exist, with feet and knees to the front: :mod:`mocap.people.chirality` says so of single frames,
and of the same frames seen in a mirror. The best path under both is taken, so that the frames that
are sure decide for those that are not, few as they may be.

Only labels change; a point keeps its depth (negating it as well measures worse).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mocap.keypoints.detector import Detection
from mocap.people.chirality import evidence_for_labels
from mocap.people.continuity import MEMORY, jerkiness, transition
from mocap.people.labelings import MOVES_ARMS, ORDERS
from mocap.people.runs import person_size, sighting_runs
from mocap.take import Person


@dataclass(frozen=True)
class SideConfig:
    """How reluctantly sides are swapped, and what speaks for it.

    Attributes:
        swapped: cost a frame of any swap, in person sizes of summed displacement.
        partly: further cost a frame of swapping arms or legs alone, which is rarer.
        change: cost of going from one labeling to another.
        body: worth a frame of a body that bends the way bodies do, against one that bends the
            other way.
    """

    swapped: float = 0.003
    partly: float = 0.006
    change: float = 0.06
    body: float = 0.05


def best_labels(
    xy: Float[np.ndarray, "sightings 33 2"],
    confidence: Float[np.ndarray, "sightings 33"],
    size: float,
    config: SideConfig,
    *,
    frames: Int[np.ndarray, " sightings"] | None = None,
    evidence: Float[np.ndarray, "sightings 4"] | None = None,
) -> Int[np.ndarray, " sightings"]:
    """The relabeling of consecutive sightings that is most continuous and best supported.

    Args:
        xy: points of the sightings, pixels.
        confidence: of the points.
        size: the person's size, pixels.
        config: costs.
        frames: video frame of each sighting; one after the other if None.
        evidence: what speaks for each labeling in each sighting, in bodies; nothing if None.

    Returns:
        For each sighting the relabeling: 0 as told, 1 all swapped, 2 legs, 3 arms.
    """
    count = len(ORDERS)
    frames = np.arange(len(xy)) if frames is None else frames
    partly = config.swapped + config.partly
    own = np.tile([0.0, config.swapped, partly, partly], (len(xy), 1))
    if evidence is not None:
        own = own - config.body * evidence
    switch = (config.change * (1 - np.eye(count))).reshape(count, count, 1, 1)
    jerk = jerkiness(xy, confidence, frames, size)
    # A state is the labels of the last frames, newest first: one frame in which the detector saw
    # nothing but a blur must not cut the thread.
    total, back = np.zeros((count,) * MEMORY), np.zeros((len(xy), *(count,) * MEMORY), np.int8)
    for sighting in range(len(xy)):
        # Axes: the new label, then those of the state before. Before the first nothing changes.
        through = total + own[sighting].reshape(-1, 1, 1, 1) + transition(jerk[sighting])
        if sighting:
            through = through + switch
        # The oldest label is forgotten: keep the best, and which it was.
        back[sighting] = through.argmin(-1)
        total = through.min(-1)
    return _trace(total, back)


def _trace(total: np.ndarray, back: np.ndarray) -> Int[np.ndarray, " sightings"]:
    state = [int(i) for i in np.unravel_index(int(total.argmin()), total.shape)]
    labels = np.zeros(len(back), int)
    for sighting in range(len(back) - 1, -1, -1):
        labels[sighting] = state[0]
        state = [*state[1:], int(back[(sighting, *state)])]
    return labels


def undo_swaps(
    person: Person,
    config: SideConfig | None = None,
    mirrored: Mapping[int, Detection] | None = None,
) -> tuple[Person, int]:
    """A person with left and right put right, and the number of frames that were changed.

    Swaps of the whole body or of the arms move the hands along.

    Args:
        person: as detected.
        config: costs.
        mirrored: what the detector says of the mirror image of some video frames, with the
            mirroring undone.
    """
    config = config or SideConfig()
    body2d, runs = person.keypoints2d, sighting_runs(person)
    if body2d is None or not runs:
        return person, 0
    size = person_size(person)
    labels = [
        best_labels(
            body2d.xy[run],
            body2d.confidence[run],
            size,
            config,
            frames=person.frames[run],
            evidence=evidence_for_labels(person, run, mirrored or {}),
        )
        for run in runs
    ]
    every = np.concatenate(labels)
    return relabeled(person, np.concatenate(runs), every), int(np.count_nonzero(every))


def relabeled(person: Person, rows: np.ndarray, labels: np.ndarray) -> Person:
    """A person whose points are relabeled in some rows, hands with the arms they hang on."""
    body2d, body3d = person.keypoints2d, person.keypoints3d
    assert body2d is not None
    assert body3d is not None
    order = np.tile(ORDERS[0], (len(person.frames), 1))
    order[rows] = ORDERS[labels]
    every = np.arange(len(order))[:, None]
    arms = np.zeros(len(order), bool)
    arms[rows] = MOVES_ARMS[labels]
    return replace(
        person,
        keypoints2d=replace(
            body2d, xy=body2d.xy[every, order], confidence=body2d.confidence[every, order]
        ),
        keypoints3d=replace(body3d, xyz=body3d.xyz[every, order]),
        hands2d=_exchanged(person.hands2d, arms, ("xy", "confidence")),
        hands3d=_exchanged(person.hands3d, arms, ("xyz",)),
    )


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
