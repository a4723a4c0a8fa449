"""A tracklet: one person followed without a break, before identities are settled."""

from dataclasses import dataclass, field

import numpy as np

from mocap.keypoints.detector import Detection
from mocap.keypoints.sweep import distance, extent

#: How quickly a remembered appearance takes up a new one, per frame.
_ADOPTION = 0.05
#: Logarithm of the greatest change of size between a sighting and the next.
_LARGEST_GROWTH = float(np.log(1.7))


@dataclass(frozen=True)
class Sighting:
    """One person in one video frame.

    Attributes:
        body: the body's points.
        hands: those of each hand, where it was found.
        mirrored: the body's points as the detector finds them in the picture's mirror image, with
            the mirroring undone; None where it did not look.
    """

    body: Detection
    hands: dict[str, Detection | None]
    mirrored: Detection | None = None


@dataclass(eq=False)
class Tracklet:
    """The sightings of one person, by video frame; ``reflected`` are those looked at mirrored."""

    sightings: dict[int, Sighting] = field(default_factory=dict)
    appearance: np.ndarray | None = None
    first: int = -1
    last: int = -1
    largest: float = 0.0
    followed: int = 0
    reflected: list[int] = field(default_factory=list)

    @property
    def frames(self) -> list[int]:
        """Video frames with a sighting, ascending."""
        return sorted(self.sightings)

    @property
    def score(self) -> float:
        """Mean confidence over the tracklet."""
        return float(np.mean([sighting.body.score for sighting in self.sightings.values()]))

    @property
    def mirrored(self) -> dict[int, Detection]:
        """What was seen in the mirror, by video frame."""
        seen = ((frame, sighting.mirrored) for frame, sighting in self.sightings.items())
        return {frame: found for frame, found in seen if found is not None}

    def add(self, frame: int, sighting: Sighting, appearance: np.ndarray) -> None:
        """Record a sighting and let the remembered appearance follow slowly."""
        self.first = min(self.first, frame) if self.sightings else frame
        self.last = max(self.last, frame)
        self.sightings[frame] = sighting
        # Somebody who walks away grows small in earnest.
        self.largest = max(0.99 * self.largest, extent(sighting.body)[1])
        if self.appearance is None:
            self.appearance = appearance.copy()
        else:
            self.appearance += _ADOPTION * (appearance - self.appearance)

    def predict(self, frame: int) -> Detection:
        """Where the person should be seen before the first or after the last sighting.

        The velocity is taken over the nearest few frames and dies out with distance, because a
        person lost for long is likelier to have stopped than to have gone on for ever.
        """
        nearest = self.last if frame >= self.last else self.first
        inward = -1 if nearest == self.last else 1
        other = next(
            (n for n in range(nearest + 3 * inward, nearest, -inward) if n in self.sightings),
            nearest,
        )
        here, there = self.sightings[nearest].body, self.sightings[other].body
        if other == nearest:
            return here
        velocity = np.median(here.xy - there.xy, axis=0) / (nearest - other)
        steps = frame - nearest
        return here.moved(velocity * np.sign(steps) * 6.0 * (1.0 - np.exp(-abs(steps) / 6.0)))

    def span(self) -> int:
        """Frames over which the person was followed, time out of sight between not counted."""
        return self.followed or self.last - self.first + 1

    def full_size(self) -> float:
        """Extent in pixels at nearly full stretch."""
        return float(np.percentile([extent(s.body)[1] for s in self.sightings.values()], 90))


def displacement(expected: Detection, found: Detection) -> float:
    """How far a person is from where they were expected, in person sizes.

    The boxes are compared as well as the points: limbs may fly while the person stays. A person
    who doubles or halves from one look to the next is a limb taken for a person, infinitely far.
    """
    (centre, size), (centre_found, size_found) = extent(expected), extent(found)
    apart = float(np.linalg.norm(centre - centre_found)) / max(size, size_found, 1.0)
    growth = abs(np.log(max(size_found, 1.0) / max(size, 1.0)))
    if growth > _LARGEST_GROWTH:
        return float("inf")
    return min(distance(expected, found), apart + 0.3 * growth)
