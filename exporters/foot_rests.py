"""When a person's feet rest, as a take tells it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.exporters.motion import SkeletalMotion
from mocap.take import Take


@dataclass(frozen=True, eq=False)
class Rests:
    """When a person's feet rest.

    Attributes:
        probability: (F, 4) how likely left heel, left ball, right heel and right ball do.
        level: height of what the person stands on, metres.
    """

    probability: Float[np.ndarray, "frames 4"]
    level: float = 0.0


def rests_from_take(
    take: Take, person_id: str, motion: SkeletalMotion, start: float | None = None
) -> Rests | None:
    """When one person's feet rest in the frames of a motion; None where the take does not say.

    Args:
        take: a take with fitted bodies.
        person_id: whose.
        motion: the person's whole motion, perhaps at another rate.
        start: the time of its first frame in the clip, seconds; the person's own if None.
    """
    person = take.people[person_id]
    if person.contacts is None:
        return None
    times = np.asarray(take.times(person), dtype=float)
    wanted = (times[0] if start is None else start) + np.arange(len(motion)) / motion.fps
    told = np.nan_to_num(person.contacts.stacked().astype(float))
    likely = np.stack([np.interp(wanted, times, one) for one in told.T], axis=1)
    return Rests(likely, person.contacts.level or 0.0)
