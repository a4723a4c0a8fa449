"""What the fit can be told."""

from dataclasses import dataclass, field

from mocap.fitting.contacts import ContactConfig
from mocap.fitting.terms import Weights


@dataclass(frozen=True)
class FitConfig:
    """How keypoints become motion.

    Attributes:
        height: the people's stature in metres, if known; pins the scale.
        shapes: number of betas solved for.
        iterations: of the solver on the rough motion, at most.
        refine_lens: whether to look for a likelier field of view where it was only assumed.
        rounds: of finding what rests where and solving with it.
        weights: how far off each kind of evidence usually is.
        contacts: what counts as resting on the ground.
    """

    height: float | None = None
    shapes: int = 10
    iterations: int = 14
    refine_lens: bool = True
    rounds: int = 2
    weights: Weights = field(default_factory=Weights)
    contacts: ContactConfig = field(default_factory=ContactConfig)
