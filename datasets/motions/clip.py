"""Motion of one performer in the form all corpora are read into.

World: metres, +Y up, as :mod:`mocap.geometry` has it. Joints go by SMPL-X's names. Rotations are
told from a person who stands upright and faces +Z, whatever axes a corpus gives its bones, so that
they mean the same everywhere.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mocap.errors import MocapError


@dataclass(frozen=True)
class MotionClip:
    """The motion of one performer.

    Attributes:
        name: what to call it: the file's name, as a rule.
        performer: who moves; clips of one performer share a shape.
        fps: frames a second, even.
        names: joints, by SMPL-X's names.
        joints: (F, J, 3) world metres; NaN where unknown.
        turns: (F, J, 3, 3) from the axes of a person who stands upright and faces +Z to the
            world's, NaN for joints whose rotation is unknown. None where no rotation is known.
        rest: (J, 3) the joints of that upright person, metres; None where there is none. Limbs
            may point anywhere in it, but not trunk, collars and head.
        contacts: (F, 4) how likely left heel, left ball, right heel and right ball rest, as
            somebody labelled it, NaN where nobody did; None without labels.
        fps_told: whether the file tells how fast its frames were taken.
    """

    name: str
    performer: str
    fps: float
    names: tuple[str, ...]
    joints: Float[np.ndarray, "frames joints 3"]
    turns: Float[np.ndarray, "frames joints 3 3"] | None = None
    rest: Float[np.ndarray, "joints 3"] | None = None
    contacts: Float[np.ndarray, "frames 4"] | None = None
    fps_told: bool = True

    def __len__(self) -> int:
        return len(self.joints)

    def __getitem__(self, part: slice) -> "MotionClip":
        return self._of(part, self.fps / (part.step or 1))

    def place(self, name: str) -> Float[np.ndarray, "frames 3"] | None:
        """A joint over time, None if the clip lacks it."""
        return self.joints[:, self.names.index(name)] if name in self.names else None

    def turn(self, name: str) -> Float[np.ndarray, "frames 3 3"] | None:
        """A joint's rotation over time, None if it is unknown."""
        if self.turns is None or name not in self.names:
            return None
        turns = self.turns[:, self.names.index(name)]
        return None if np.isnan(turns).any() else turns

    def at_rest(self, name: str) -> Float[np.ndarray, "3"] | None:
        """Where a joint is in the upright person, None if that is unknown."""
        if self.rest is None or name not in self.names:
            return None
        return self.rest[self.names.index(name)]

    def scaled(self, factor: float) -> "MotionClip":
        """The same motion of a larger or smaller person."""
        rest = None if self.rest is None else self.rest * factor
        return replace(self, joints=self.joints * factor, rest=rest)

    def turned(self, turn: Float[np.ndarray, "3 3"]) -> "MotionClip":
        """The same motion in a world turned about its origin; the upright person is not."""
        turns = None if self.turns is None else turn @ self.turns
        return replace(self, joints=self.joints @ turn.T, turns=turns)

    def resampled(self, fps: float) -> "MotionClip":
        """The nearest frames at a lower rate: nothing is made up between frames.

        Raises:
            MocapError: ``fps`` is not a positive number.
        """
        if not (np.isfinite(fps) and fps > 0):
            raise MocapError(f"{self.name}: a frame rate of {fps} is not possible")
        if fps >= self.fps:
            return self
        count = int((len(self) - 1) / self.fps * fps + 1e-6) + 1
        at = np.round(np.arange(count) * self.fps / fps).astype(int)
        return self._of(at, fps)

    def _of(self, frames: slice | Int[np.ndarray, " some"], fps: float) -> "MotionClip":
        turns = None if self.turns is None else self.turns[frames]
        contacts = None if self.contacts is None else self.contacts[frames]
        return replace(self, joints=self.joints[frames], turns=turns, contacts=contacts, fps=fps)
