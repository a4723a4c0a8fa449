"""Whether pictures that were left out say that something got better, or only by chance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.shaping import difference
from mocap.body import BodyPose

#: Standard errors by which the mean has to be better.
_SURE = 2.0


@dataclass(frozen=True)
class Verdict:
    """What pictures say of a change.

    Attributes:
        before: the mean difference from them, of colours from 0 to 1.
        after: the same with the change.
        doubt: the standard error of what is between these two; infinite where too few were looked
            at to tell.
    """

    before: float = 0.0
    after: float = 0.0
    doubt: float = np.inf

    @classmethod
    def of(
        cls, before: Float[np.ndarray, " pictures"], after: Float[np.ndarray, " pictures"]
    ) -> "Verdict":
        """By the differences from each picture, in the order of time."""
        gains = before - after
        if len(gains) < 2:
            return cls(float(before.mean()), float(after.mean()))
        doubt = gains.std(ddof=1) / np.sqrt(len(gains) / _repetition(gains))
        return cls(float(before.mean()), float(after.mean()), float(doubt))

    @property
    def better(self) -> bool:
        """Whether the change is one for the better beyond chance."""
        return self.before - self.after > _SURE * self.doubt

    @property
    def kept(self) -> float:
        """The mean difference with the change if it is better, without it if not."""
        return self.after if self.better else self.before


def differences(
    avatar: Avatar, pose: BodyPose, looks: Sequence[Look]
) -> Float[np.ndarray, " pictures"]:
    """How far an avatar in motion is from each picture, on backgrounds of three greys.

    Args:
        avatar: of the person.
        pose: of every frame.
        looks: of some of them.
    """
    found = np.zeros(len(looks))
    for number, look in enumerate(looks):
        carriage = avatar.carriage(BodyPose.of(pose, avatar.betas, [look.row]))
        for grey in (0.0, 0.5, 1.0):
            found[number] += float(difference(look, carriage, avatar.gaussians, np.full(3, grey)))
    return found / 3


def _repetition(gains: Float[np.ndarray, " pictures"]) -> float:
    """Of how many pictures each says the same: of a first-order autoregressive process."""
    off = gains - gains.mean()
    square = float(off @ off)
    likeness = float(off[1:] @ off[:-1]) / square if square > 0 else 0.0
    likeness = min(max(likeness, 0.0), 1 - 2 / len(gains))
    return (1 + likeness) / (1 - likeness)
