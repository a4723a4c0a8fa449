"""Batches of performances: the items a store of synthetic pairs is made of.

What happens in a batch depends on its number and the seed alone, so that any of them can be made
anew, in any order, on any machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mocap.datasets.pairs import Pairs
from mocap.datasets.synthetic.cameras import random_shot
from mocap.datasets.synthetic.film import Studio, cast, film
from mocap.datasets.synthetic.library import Motion
from mocap.datasets.synthetic.performances import perform

#: Frames a second at which performances are filmed.
FPS = 15.0
#: Frames of a sequence, and performances of a batch.
SEQUENCE, PERFORMANCES = 24, 8
#: Share of batches of single pictures, each of another pose, and how many make up a batch.
_SINGLES, _PICTURES = 0.2, 96
#: Pairs that a batch has in the mean: some frames find nobody, some motions are over early.
USUAL_YIELD = 140


@dataclass(frozen=True)
class Batch:
    """One item.

    Attributes:
        number: of the batch.
        split: what it is for.
        seed: of the whole store.
    """

    number: int
    split: str
    seed: int

    @property
    def key(self) -> str:
        """The name of its file."""
        return f"{self.split}-{self.number:06d}"


def shoot(studio: Studio, motions: Sequence[Motion], batch: Batch) -> Pairs | None:
    """Film a batch.

    Args:
        studio: what draws and looks.
        motions: the library; only those of the batch's split are performed.
        batch: which.
    """
    rng = np.random.default_rng([batch.seed, batch.number, len(batch.split)])
    own = [motion for motion in motions if motion.split == batch.split]
    single = rng.random() < _SINGLES
    count, frames = (_PICTURES, 1) if single else (PERFORMANCES, SEQUENCE)
    parts = []
    for number in range(count):
        motion = perform(own, frames, FPS, rng)
        actor = cast(studio, motion, rng)
        points = actor.points.reshape(-1, 3)
        reach = float(np.linalg.norm(points - points.mean(0), axis=1).max())
        shot = random_shot(points.mean(0).astype(float), min(reach, 1.6), rng)
        name = f"{batch.key}/{number:02d} {motion.name}"
        parts.append(film(studio, actor, shot, FPS, rng, name=name, split=batch.split))
    kept = [part for part in parts if part is not None]
    return Pairs.concatenate(kept) if kept else None
