"""A batch of windows: what the network is shown, and what it should say."""

from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Windows of one person each; missing is NaN with a confidence of 0.

    Attributes:
        xy: the detector's points, pixels.
        xyz: the detector's points, metres, hips-centred, facing axes (x right, y down, z away).
        confidence: the detector's, in [0, 1].
        time: seconds.
        truth: the true points, metres, hips-centred, facing axes.
        truth_xy: the true points, pixels.
        camera: the camera's place from the middle of the hips, metres, heading axes (x to the
            person's left, y up, z to their front).
        middle: of the picture, pixels; NaN where its size is unknown.
        elevation: what is told of the camera's: angle and standard deviation, radians; NaN is
            nothing.
    """

    xy: Float[Tensor, "batch frames 17 2"]
    xyz: Float[Tensor, "batch frames 17 3"]
    confidence: Float[Tensor, "batch frames 17"]
    time: Float[Tensor, "batch frames"]
    truth: Float[Tensor, "batch frames 17 3"]
    truth_xy: Float[Tensor, "batch frames 17 2"]
    camera: Float[Tensor, "batch frames 3"]
    middle: Float[Tensor, "batch frames 2"]
    elevation: Float[Tensor, "batch frames 2"]

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def frames(self) -> int:
        """Of a window."""
        return self.xy.shape[1]

    @property
    def shown(self) -> tuple[Tensor, ...]:
        """What the network is shown, in its order."""
        return self.xy, self.xyz, self.confidence, self.time, self.elevation

    def replaced(self, **parts: Tensor) -> "Batch":
        """The same but for some parts."""
        return replace(self, **parts)
