"""Which pictures of a clip to make an avatar from: those that together show most of the person."""

from collections.abc import Sequence

import numpy as np
import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.colouring import pixels_seen
from mocap.avatar.looks import Look
from mocap.take import Person

#: How often a place has to be seen (in the pictures that show it best) to be seen enough.
_OFTEN = 3.0


def candidates(person: Person, most: int) -> list[int]:
    """Rows of a person's frames with a mask of them, evenly over the clip.

    Args:
        person: with masks.
        most: how many rows at most.
    """
    if person.masks is None:
        return []
    rows = np.flatnonzero((person.masks.runs > 1) & person.observed)
    if not len(rows):
        rows = np.flatnonzero(person.masks.runs > 1)
    at = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [int(row) for row in rows[np.unique(at)]]


def best(avatar: Avatar, looks: Sequence[Look], count: int) -> list[int]:
    """The places of pictures that together show every part of an avatar largest and often.

    One after another, that which adds most is taken: what is already seen enough counts for less.

    Args:
        avatar: a few hundred Gaussians are enough.
        looks: to choose from.
        count: how many at most.
    """
    if not looks:
        return []
    # Small pictures of a person far away are worth less: pixels are counted as they are.
    seen = torch.stack([pixels_seen(avatar, look) / look.shrunk**2 for look in looks])
    enough = _OFTEN * seen.amax(0).clamp_min(1e-6)
    so_far, chosen = torch.zeros_like(enough), list[int]()
    for _ in range(min(count, len(looks))):
        gains = (1 - torch.exp(-3 * (so_far + seen) / enough)).sum(1)
        gains[chosen] = -1
        chosen.append(int(gains.argmax()))
        so_far = so_far + seen[chosen[-1]]
    return sorted(chosen)


def held_out(left: Sequence[int], count: int) -> tuple[list[int], list[int]]:
    """Of pictures that are not learned from, some to measure on, and others to decide by.

    What was decided by a picture is no longer measured by it. Both are spread evenly.

    Args:
        left: the pictures.
        count: of either at most; of few pictures each gets half, and measuring one more.
    """
    measured = _spread(left, min(count, (len(left) + 1) // 2))
    return measured, _spread([one for one in left if one not in measured], count)


def _spread(items: Sequence[int], count: int) -> list[int]:
    return list(items[:: max(1, len(items) // max(count, 1))][:count])
