"""Following people through a clip, each on a crop of their own.

Now and then, and sooner when somebody is missing, a sweep finds newcomers. Everybody known is
followed frame by frame on their own crop, and newcomers are followed backwards too, through the
frames still held, to where they came from. In every frame the candidates of all crops are pooled
and dealt out to the people by optimal assignment, so that two people who touch cannot end up on
one body. Hands are looked for in a thread of their own, a few frames behind the bodies. Frames are
read in windows, and memory is bounded by two of them.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from mocap.keypoints.detector import Detection, Image, PointDetector
from mocap.keypoints.hands import detect_hands
from mocap.keypoints.mirrored import look_in_mirror
from mocap.keypoints.sweep import (
    SweepConfig,
    distance,
    distinct,
    extent,
    is_part,
    look,
    outline,
    person_crop,
    sweep,
)
from mocap.people.appearance import describe, unlikeness
from mocap.people.reflection import MirrorConfig, is_due
from mocap.people.tracks import Sighting, Tracklet, displacement
from mocap.video import Frame

Hands = dict[str, Detection | None]

#: Frames held at once stay below this many bytes, whatever their resolution.
_WINDOW_BYTES = 96 * 2**20

#: Sightings from which on somebody is worth a second look.
_WELL_KNOWN = 5

#: The cost of a pairing that must not be.
_NEVER = 1e3

#: Least share of a person's largest extent so far that they may shrink to: a tight crouch.
_SMALLEST = 0.33


@dataclass(frozen=True)
class TrackerConfig:
    """How people are followed.

    Attributes:
        sweep: how newcomers are found.
        window: frames held at a time (fewer where frames are large).
        sweep_every: seconds between two sweeps, at least.
        sweep_when_missing: the same while somebody who was followed is out of sight.
        patience: frames a lost person is looked for before the tracklet ends; somebody seen
            only briefly is given up sooner.
        wider: paddings tried in turn when a person is not found on the ordinary crop.
        least_score: mean confidence of torso and limbs below which a sighting is noise.
        reach: how far, in person sizes, a person may be from where they were expected.
        colour: weight of appearance, and of doubt, against position in the assignment.
        mirror: when people are looked at in the mirror as well.
    """

    sweep: SweepConfig = field(default_factory=SweepConfig)
    window: int = 30
    sweep_every: float = 1.0
    sweep_when_missing: float = 0.3
    patience: int = 8
    wider: tuple[float, ...] = (1.7, 2.5)
    least_score: float = 0.3
    reach: float = 0.35
    colour: float = 0.3
    mirror: MirrorConfig = field(default_factory=MirrorConfig)


class Tracker:
    """Follows people through a stream of frames; see the module's text.

    Args:
        body: detects the body points of several people at once.
        hands: detects hand points, or None to leave hands out.
        config: thresholds.
        alone: detects one person's body points, for those with nobody near; ``body`` if None.
        mirror: detects one person's body points in mirror images now and then, to tell left from
            right; None leaves them out.
    """

    def __init__(
        self,
        body: PointDetector,
        hands: PointDetector | None,
        config: TrackerConfig,
        *,
        alone: PointDetector | None = None,
        mirror: PointDetector | None = None,
    ) -> None:
        self._body, self._hands, self._config = body, hands, config
        self._alone, self._mirror = alone or body, mirror
        self._active: list[Tracklet] = []
        self._missed: dict[int, int] = {}
        self._ended: list[Tracklet] = []
        self._last_sweep = -float("inf")
        self._hand_thread = ThreadPoolExecutor(1, thread_name_prefix="hands")
        self._looking: list[tuple[Tracklet, int, Future[Hands]]] = []

    def follow(self, frames: Iterable[Frame]) -> Iterator[int]:
        """Take in frames in order; yields the number of frames done after each window."""
        previous: list[Frame] = []
        done = 0
        try:
            for window in _windows(frames, self._config.window):
                for place, frame in enumerate(window):
                    self._step(frame)
                    if self._sweep_is_due(frame):
                        self._welcome(frame, [*previous, *window[:place]])
                done += len(window)
                yield done
                # Waiting here and not sooner keeps both threads busy, and memory bounded.
                self._collect_hands(before=window[0].index)
                previous = window
            self._collect_hands(before=None)
        finally:
            self._hand_thread.shutdown(wait=True, cancel_futures=True)

    def tracklets(self) -> list[Tracklet]:
        """Everybody followed so far, in order of first sight."""
        return sorted(self._ended + self._active, key=lambda tracklet: tracklet.frames[0])

    def _sweep_is_due(self, frame: Frame) -> bool:
        """Whether to look for newcomers: now and then, and sooner when somebody is missing."""
        waited = frame.time - self._last_sweep
        if waited >= self._config.sweep_every:
            return True
        recent = frame.index - self._config.window
        missing = any(
            recent <= t.last < frame.index and len(t.sightings) >= _WELL_KNOWN
            for t in (*self._active, *self._ended)
        )
        return missing and waited >= self._config.sweep_when_missing

    def _welcome(self, frame: Frame, previous: list[Frame]) -> None:
        """Find newcomers and follow them back to where they came from."""
        self._last_sweep = frame.time
        known = self._seen_in(frame.index)
        newcomers = []
        for detection in sweep(frame.image, self._body, self._config.sweep, known):
            if not any(self._belongs_to(detection, other) for other in known):
                tracklet = Tracklet()
                self._record(tracklet, frame, detection, describe(frame.image, detection))
                newcomers.append(tracklet)
        self._follow_backwards(newcomers, previous)
        self._active += newcomers

    def _belongs_to(self, detection: Detection, known: Detection) -> bool:
        """Whether a newcomer is but a view, or a limb, of somebody followed already."""
        same = distance(detection, known) < self._config.sweep.same
        return same or is_part(detection, known)

    def _follow_backwards(self, newcomers: list[Tracklet], previous: list[Frame]) -> None:
        lost: dict[int, int] = {}
        following = list(newcomers)
        for frame in reversed(previous):
            if not following:
                return
            self._assign(frame, following, taken=self._seen_in(frame.index))
            following = [t for t in following if self._keep(t, frame.index, lost)]

    def _step(self, frame: Frame) -> None:
        self._assign(frame, self._active, taken=[])
        kept = [t for t in self._active if self._keep(t, frame.index, self._missed)]
        self._ended += [t for t in self._active if t not in kept]
        self._active = kept

    def _keep(self, tracklet: Tracklet, frame: int, missed: dict[int, int]) -> bool:
        key = id(tracklet)
        missed[key] = 0 if frame in tracklet.sightings else missed.get(key, 0) + 1
        return missed[key] <= min(self._config.patience, 1 + len(tracklet.sightings) // 2)

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
            guesses = [expected[id(t)] for t in waiting]
            narrow = padding == self._config.sweep.padding
            found = self._candidates(frame.image, guesses, padding, taken, alone=narrow)
            looks = [describe(frame.image, candidate) for candidate in found]
            for tracklet, column in self._deal(waiting, guesses, found, looks):
                self._record(tracklet, frame, found[column], looks[column])
                taken = [*taken, found[column]]
            # A wider look is for people whom we know, not for every shadow.
            waiting = [
                t
                for t in waiting
                if frame.index not in t.sightings and len(t.sightings) >= _WELL_KNOWN
            ]

    def _candidates(
        self,
        image: Image,
        guesses: list[Detection],
        padding: float,
        taken: list[Detection],
        *,
        alone: bool,
    ) -> list[Detection]:
        """What is seen on the crops about people's expected places, and is nobody else's.

        ``alone`` lets one look for a single person where nobody else is near.
        """
        seen: list[Detection] = []
        for guess in guesses:
            crop = person_crop(guess, padding)
            others = [other for other in (*guesses, *taken) if other is not guess]
            crowded = not alone or any(crop.share_of(outline(o)) > 0.02 for o in others)
            if crop.overlaps(image):
                detector = self._body if crowded else self._alone
                seen += look(image, crop, detector, self._config.sweep.padding)
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
                away = displacement(guess, candidate)
                if extent(candidate)[1] < _SMALLEST * tracklet.largest:
                    away = _NEVER
                if away <= self._config.reach and tracklet.appearance is not None:
                    colour = unlikeness(tracklet.appearance, looks[column])
                    doubt = 1.0 - candidate.score
                    cost[row, column] = away + self._config.colour * (colour + doubt)
        pairs = zip(*linear_sum_assignment(cost), strict=True)
        return [
            (tracklets[row], int(column)) for row, column in pairs if cost[row, column] < _NEVER
        ]

    def _record(
        self, tracklet: Tracklet, frame: Frame, body: Detection, appearance: np.ndarray
    ) -> None:
        """Note a sighting, and have its hands looked for in their own time."""
        reflection = None
        if self._mirror is not None and is_due(tracklet, frame.index, body, self._config.mirror):
            tracklet.reflected.append(frame.index)
            reflection = look_in_mirror(frame.image, body, self._mirror, self._config.sweep)
        sighting = Sighting(body, {"left": None, "right": None}, reflection)
        tracklet.add(frame.index, sighting, appearance)
        if self._hands is not None:
            job = self._hand_thread.submit(detect_hands, frame.image, body, self._hands)
            self._looking.append((tracklet, frame.index, job))

    def _collect_hands(self, before: int | None) -> None:
        """Wait for the hands of frames before one (of all, if None) and note them."""
        due = [item for item in self._looking if before is None or item[1] < before]
        self._looking = [item for item in self._looking if item not in due]
        for tracklet, frame, job in due:
            found = replace(tracklet.sightings[frame], hands=job.result())
            tracklet.sightings[frame] = found


def _windows(frames: Iterable[Frame], length: int) -> Iterator[list[Frame]]:
    window: list[Frame] = []
    for frame in frames:
        window.append(frame)
        if len(window) >= min(length, max(2, _WINDOW_BYTES // frame.image.nbytes)):
            yield window
            window = []
    if window:
        yield window
