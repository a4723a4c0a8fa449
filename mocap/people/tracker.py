"""Following people through a clip, each on a crop of their own.

Frames are read in windows. Each window opens with a sweep that finds newcomers; everybody known is
then followed frame by frame on their own crop, and newcomers are followed backwards too, through
the window before, to where they came from. In every frame the candidates of all crops are pooled
and dealt out to the people by optimal assignment, so that two people who touch cannot end up on
one body. Memory is bounded by two windows of frames.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from mocap.keypoints.crops import Crop
from mocap.keypoints.detector import Detection, Image, PointDetector
from mocap.keypoints.hands import detect_hands
from mocap.keypoints.sweep import (
    SweepConfig,
    containment,
    distance,
    distinct,
    extent,
    person_crop,
    sweep,
)
from mocap.people.appearance import describe, unlikeness
from mocap.people.tracks import Sighting, Tracklet
from mocap.video import Frame

logger = logging.getLogger(__name__)

#: Frames held at once stay below this many bytes, whatever their resolution.
_WINDOW_BYTES = 96 * 2**20

#: The cost of a pairing that must not be.
_NEVER = 1e3

#: Logarithm of the greatest change of size between a sighting and the next.
_LARGEST_GROWTH = float(np.log(1.7))


@dataclass(frozen=True)
class TrackerConfig:
    """How people are followed.

    Attributes:
        sweep: how newcomers are found.
        window: frames between two sweeps (fewer where frames are large).
        patience: frames a lost person is looked for before the tracklet ends.
        wider: paddings tried in turn when a person is not found on the ordinary crop.
        least_score: mean confidence of torso and limbs below which a sighting is noise.
        reach: how far, in person sizes, a person may be from where they were expected.
        colour: weight of appearance, and of doubt, against position in the assignment.
    """

    sweep: SweepConfig = field(default_factory=SweepConfig)
    window: int = 15
    patience: int = 8
    wider: tuple[float, ...] = (1.7,)
    least_score: float = 0.3
    reach: float = 0.35
    colour: float = 0.3


class Tracker:
    """Follows people through a stream of frames; see the module's text.

    Args:
        body: detects body points.
        hands: detects hand points, or None to leave hands out.
        config: thresholds.
    """

    def __init__(
        self, body: PointDetector, hands: PointDetector | None, config: TrackerConfig
    ) -> None:
        self._body, self._hands, self._config = body, hands, config
        self._active: list[Tracklet] = []
        self._missed: dict[int, int] = {}
        self._ended: list[Tracklet] = []

    def follow(self, frames: Iterable[Frame]) -> Iterator[int]:
        """Take in frames in order; yields the number of frames done after each window."""
        previous: list[Frame] = []
        done = 0
        for window in _windows(frames, self._config.window):
            for frame in window:
                self._step(frame, self._active)
                if frame is window[0]:
                    newcomers = self._find_newcomers(frame)
                    self._follow_backwards(newcomers, previous)
                    self._active += newcomers
            done += len(window)
            yield done
            previous = window

    def tracklets(self) -> list[Tracklet]:
        """Everybody followed so far, in order of first sight."""
        return sorted(self._ended + self._active, key=lambda tracklet: tracklet.frames[0])

    def _find_newcomers(self, frame: Frame) -> list[Tracklet]:
        known = self._seen_in(frame.index)
        newcomers = []
        for detection in sweep(frame.image, self._body, self._config.sweep):
            if any(self._belongs_to(detection, other) for other in known):
                continue
            tracklet = Tracklet()
            look = describe(frame.image, detection)
            tracklet.add(frame.index, self._sighting(frame.image, detection), look)
            newcomers.append(tracklet)
        return newcomers

    def _belongs_to(self, detection: Detection, known: Detection) -> bool:
        """Whether a newcomer is but a view, or a limb, of somebody followed already."""
        if distance(detection, known) < self._config.sweep.same:
            return True
        smaller = extent(detection)[1] < 0.6 * extent(known)[1]
        return smaller and containment(detection, known) > 0.75

    def _follow_backwards(self, newcomers: list[Tracklet], previous: list[Frame]) -> None:
        lost: dict[int, int] = {}
        following = list(newcomers)
        for frame in reversed(previous):
            if not following:
                return
            self._assign(frame, following, taken=self._seen_in(frame.index))
            following = [t for t in following if self._keep(t, frame.index, lost)]

    def _step(self, frame: Frame, tracklets: list[Tracklet]) -> None:
        self._assign(frame, tracklets, taken=[])
        for tracklet in list(tracklets):
            if not self._keep(tracklet, frame.index, self._missed):
                tracklets.remove(tracklet)
                self._ended.append(tracklet)

    def _keep(self, tracklet: Tracklet, frame: int, missed: dict[int, int]) -> bool:
        key = id(tracklet)
        missed[key] = 0 if frame in tracklet.sightings else missed.get(key, 0) + 1
        return missed[key] <= self._config.patience

    def _seen_in(self, frame: int) -> list[Detection]:
        everyone = (*self._ended, *self._active)
        return [t.sightings[frame].body for t in everyone if frame in t.sightings]

    def _assign(self, frame: Frame, tracklets: list[Tracklet], taken: list[Detection]) -> None:
        """Deal one frame's candidates out to the people followed."""
        expected = {id(t): t.predict(frame.index) for t in tracklets}
        waiting = list(tracklets)
        for padding in (self._config.sweep.padding, *self._config.wider):
            if not waiting:
                return
            crops = [person_crop(expected[id(t)], padding) for t in waiting]
            found = self._candidates(frame.image, crops, taken)
            looks = [describe(frame.image, candidate) for candidate in found]
            guesses = [expected[id(t)] for t in waiting]
            for tracklet, column in self._deal(waiting, guesses, found, looks):
                sighting = self._sighting(frame.image, found[column])
                tracklet.add(frame.index, sighting, looks[column])
                taken = [*taken, sighting.body]
            waiting = [t for t in waiting if frame.index not in t.sightings]

    def _candidates(
        self, image: Image, crops: list[Crop], taken: list[Detection]
    ) -> list[Detection]:
        seen: list[Detection] = []
        for crop in crops:
            if crop.overlaps(image):
                seen += crop.detect(image, self._body)
        good = [d for d in seen if d.score >= self._config.least_score]
        same = self._config.sweep.same
        free = [d for d in good if all(distance(d, other) > same for other in taken)]
        return distinct(free, same)

    def _deal(
        self,
        tracklets: list[Tracklet],
        expected: list[Detection],
        candidates: list[Detection],
        looks: list[np.ndarray],
    ) -> list[tuple[Tracklet, int]]:
        """The best one-to-one pairing of people and candidates within reach."""
        if not candidates:
            return []
        cost = np.full((len(tracklets), len(candidates)), _NEVER)
        for row, (tracklet, guess) in enumerate(zip(tracklets, expected, strict=True)):
            for column, candidate in enumerate(candidates):
                away = _displacement(guess, candidate)
                if away <= self._config.reach and tracklet.appearance is not None:
                    colour = unlikeness(tracklet.appearance, looks[column])
                    doubt = 1.0 - candidate.score
                    cost[row, column] = away + self._config.colour * (colour + doubt)
        pairs = zip(*linear_sum_assignment(cost), strict=True)
        return [
            (tracklets[row], int(column)) for row, column in pairs if cost[row, column] < _NEVER
        ]

    def _sighting(self, image: Image, body: Detection) -> Sighting:
        if self._hands is None:
            return Sighting(body, {"left": None, "right": None})
        return Sighting(body, detect_hands(image, body, self._hands))


def _displacement(expected: Detection, found: Detection) -> float:
    """How far a person is from where they were expected, in person sizes.

    The boxes are compared as well as the points: limbs may fly while the person stays. A person
    who doubles or halves from one look to the next is a limb taken for a person.
    """
    (centre, size), (centre_found, size_found) = extent(expected), extent(found)
    apart = float(np.linalg.norm(centre - centre_found)) / max(size, size_found, 1.0)
    growth = abs(np.log(max(size_found, 1.0) / max(size, 1.0)))
    if growth > _LARGEST_GROWTH:
        return _NEVER
    return min(distance(expected, found), apart + 0.3 * growth)


def _windows(frames: Iterable[Frame], length: int) -> Iterator[list[Frame]]:
    window: list[Frame] = []
    for frame in frames:
        window.append(frame)
        if len(window) >= min(length, max(2, _WINDOW_BYTES // frame.image.nbytes)):
            yield window
            window = []
    if window:
        yield window
