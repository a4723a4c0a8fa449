"""Doubting points that jump away and back faster than anybody can move.

A detector is as confident of a pose it made up as of any other, most of all in the first and last
frames of a sight. A point is believed where it lies near the line through two sightings close to
it, before, after or on both sides: somebody who starts to move agrees with what follows, somebody
who stops with what went before. A glitch agrees with neither.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from mocap.people.runs import person_size, sighting_runs
from mocap.take import Person

#: Pairs of sightings, relative to a point's own, that say where it should be.
_PAIRS = ((-1, 1), (-1, 2), (-2, 1), (-1, -2), (1, 2))
#: At the ends of a run one glitch would spoil every pair there is; there these may speak as well.
_FARTHER_PAIRS = ((-2, -3), (2, 3), (-1, -3), (1, 3))
#: How close to an end that is, sightings.
_END = 2


@dataclass(frozen=True)
class GlitchConfig:
    """What motion allows.

    Attributes:
        noise: distance from where a point should be that is no news, in person sizes.
        acceleration: of hands and feet in quick motion, person sizes a second squared.
        doubted: factor of confidence below which a body counts as doubted, in the mean.
    """

    noise: float = 0.04
    acceleration: float = 40.0
    doubted: float = 0.7


def belief(
    xy: Float[np.ndarray, "sightings points 2"],
    frames: Int[np.ndarray, " sightings"],
    size: float,
    fps: float,
    config: GlitchConfig,
) -> Float[np.ndarray, "sightings points"]:
    """How far each point can be believed, in [0, 1].

    Args:
        xy: points of consecutive sightings, pixels.
        frames: video frame of each.
        size: of the person, pixels.
        fps: frames a second of the video.
        config: what motion allows.
    """
    count = len(xy)
    excess = np.full(xy.shape[:2], np.inf)
    for pair in (*_PAIRS, *_FARTHER_PAIRS):
        here = np.arange(count)
        if pair in _FARTHER_PAIRS:
            here = here[(here < _END) | (here >= count - _END)]
        ends = here[:, None] + np.array(pair)
        inside = ((ends >= 0) & (ends < count)).all(1)
        here, (one, other) = here[inside], ends[inside].T
        before, after = frames[here] - frames[one], frames[other] - frames[here]
        share = (before / (frames[other] - frames[one]))[:, None, None]
        expected = xy[one] + share * (xy[other] - xy[one])
        # The remainder of linear interpolation, of extrapolation as well.
        allowed = config.noise + config.acceleration * np.abs(before * after) / (2 * fps**2)
        gap = np.linalg.norm(xy[here] - expected, axis=-1) / size
        excess[here] = np.minimum(excess[here], gap / allowed[:, None])
    # Nobody is doubted on nobody's word.
    excess[np.isinf(excess)] = 0.0
    return np.asarray(np.minimum(1.0, 1.0 / np.maximum(excess, 1e-6) ** 2))


def doubt_glitches(
    person: Person, fps: float, config: GlitchConfig | None = None
) -> tuple[Person, int]:
    """A person with less confidence in points that jump, and the number of bodies doubted.

    Args:
        person: with left and right put right, or a swap would be taken for a jump.
        fps: frames a second of the video.
        config: what motion allows.
    """
    config = config or GlitchConfig()
    body2d, runs = person.keypoints2d, sighting_runs(person)
    if body2d is None or not runs:
        return person, 0
    confidence, size, count = body2d.confidence.copy(), person_size(person), 0
    for run in runs:
        believed = belief(body2d.xy[run].astype(float), person.frames[run], size, fps, config)
        confidence[run] *= believed.astype(confidence.dtype)
        count += int(np.count_nonzero(believed.mean(1) < config.doubted))
    return replace(person, keypoints2d=replace(body2d, confidence=confidence)), count
