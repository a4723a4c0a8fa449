"""From tracklets to identities: who is the same person, and who is nobody.

Tracklets are joined end to start by optimal assignment over all of them at once, on how far the
person would have had to move, how much they would have had to grow, and how they look. What is too
brief or too doubtful to be a person is dropped, and the reason kept.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from mocap.keypoints.sweep import containment, extent
from mocap.people.appearance import unlikeness
from mocap.people.tracks import Sighting, Tracklet

_NEVER = 1e3
#: Sightings that a tracklet must have to be joined to another.
_KNOWN_BY = 3
#: Frames somebody is looked for where they should be, before they are given up.
_LOOKED_FOR = 8


@dataclass(frozen=True)
class IdentityConfig:
    """When tracklets are one person, and when they are a person at all.

    Attributes:
        longest_gap: seconds a person may be out of sight and still be the same.
        longest_overlap: seconds for which two tracklets of one person may both be there.
        speed: sizes a second a person may move while out of sight.
        farthest: sizes they may move at most.
        colour: appearance distance above which two tracklets are two people.
        shortest: seconds of sightings below which a person is dropped.
        least_certainty: mean confidence times the share of frames seen, from first to last
            sight, below which a person is dropped.
        least_size: share of the picture's shorter side below which a person is dropped.
    """

    longest_gap: float = 3.0
    longest_overlap: float = 0.35
    speed: float = 4.0
    farthest: float = 4.0
    colour: float = 0.75
    shortest: float = 0.4
    least_certainty: float = 0.45
    least_size: float = 0.1


@dataclass(frozen=True)
class Dropped:
    """Somebody who was followed and is not in the result, and why."""

    first_frame: int
    last_frame: int
    sightings: int
    reason: str


def settle(
    tracklets: list[Tracklet],
    fps: float,
    clip_frames: int,
    config: IdentityConfig,
    *,
    shorter_side: float = 0.0,
) -> tuple[list[Tracklet], list[Dropped]]:
    """Join tracklets into people and drop what is none.

    Args:
        tracklets: in any order.
        fps: frames a second of the video.
        clip_frames: how many frames the video has.
        config: thresholds.
        shorter_side: of the picture, pixels; 0 lets people be of any size.

    Returns:
        The people, longest seen first, and those dropped with the reason.
    """
    people = _join(tracklets, fps, config)
    kept, dropped = [], []
    for person in people:
        others = [other for other in people if other is not person]
        reason = _why_not(person, fps, clip_frames, config) or _whose_part(person, others)
        if not reason and person.full_size() < config.least_size * shorter_side:
            reason = f"too small to measure ({person.full_size():.0f} pixels)"
        if reason:
            dropped.append(Dropped(person.first, person.last, len(person.sightings), reason))
        else:
            kept.append(person)
    return sorted(kept, key=lambda p: (-len(p.sightings), p.first)), dropped


def _join(everyone: list[Tracklet], fps: float, config: IdentityConfig) -> list[Tracklet]:
    # A sighting or two are too little to know anybody by, and would steal the place of a link.
    fleeting = [t for t in everyone if len(t.sightings) < _KNOWN_BY]
    tracklets = [t for t in everyone if len(t.sightings) >= _KNOWN_BY]
    if len(tracklets) < 2:
        return list(everyone)
    cost = np.array([[_cost_of_joining(a, b, fps, config) for b in tracklets] for a in tracklets])
    follows = {
        int(a): int(b)
        for a, b in zip(*linear_sum_assignment(cost), strict=True)
        if cost[a, b] < _NEVER
    }
    starts = sorted(set(range(len(tracklets))) - set(follows.values()))
    return [*(_chain(tracklets, start, follows) for start in starts), *fleeting]


def _chain(tracklets: list[Tracklet], start: int, follows: dict[int, int]) -> Tracklet:
    whole, at = tracklets[start], start
    while at in follows:
        at = follows[at]
        later = tracklets[at]
        # After a sighting the last, the person was still looked for, in vain.
        in_vain = min(max(later.first - whole.last - 1, 0), _LOOKED_FOR)
        weight = len(later.sightings) / (len(later.sightings) + len(whole.sightings))
        assert whole.appearance is not None
        assert later.appearance is not None
        whole = Tracklet(
            _surer(whole, later),
            (1 - weight) * whole.appearance + weight * later.appearance,
            whole.first,
            max(whole.last, later.last),
            followed=whole.span() + later.span() + in_vain,
        )
    return whole


def _surer(a: Tracklet, b: Tracklet) -> dict[int, Sighting]:
    """The sightings of both; where both have one, the surer."""
    both = {**a.sightings, **b.sightings}
    for frame in a.sightings.keys() & b.sightings.keys():
        both[frame] = max(a.sightings[frame], b.sightings[frame], key=lambda s: s.body.score)
    return both


def _cost_of_joining(a: Tracklet, b: Tracklet, fps: float, config: IdentityConfig) -> float:
    # A newcomer followed backwards may meet the person's own last, doubtful sightings.
    gap = b.first - a.last
    if (
        b.last < a.last
        or b.first <= a.first
        or not -config.longest_overlap * fps <= gap <= config.longest_gap * fps
    ):
        return _NEVER
    gap = max(gap, 1)
    assert a.appearance is not None
    assert b.appearance is not None
    colour = unlikeness(a.appearance, b.appearance)
    (centre_a, size_a), (centre_b, size_b) = _ending(a), _ending(b, start=True)
    # Crouched or half seen, a person still moves as fast as one of their full size.
    size = max(a.full_size(), b.full_size(), 1.0)
    moved = float(np.linalg.norm(centre_a - centre_b)) / size
    growth = abs(np.log(size_b / size_a))
    # A crouch halves the extent of a person; a factor of three is somebody else.
    if (
        colour > config.colour
        or moved > min(0.5 + config.speed * gap / fps, config.farthest)
        or growth > 1.1
    ):
        return _NEVER
    return moved + colour + 0.5 * growth + 0.1 * gap / fps


def _ending(tracklet: Tracklet, *, start: bool = False) -> tuple[np.ndarray, float]:
    frame = tracklet.first if start else tracklet.last
    return extent(tracklet.sightings[frame].body)


def _why_not(person: Tracklet, fps: float, clip_frames: int, config: IdentityConfig) -> str:
    seconds = len(person.sightings) / fps
    # In a clip of a few frames nobody can be seen for long.
    least = min(config.shortest, 0.5 * clip_frames / fps)
    if seconds < least:
        return f"seen for {seconds:.2f} s only (less than {least:.2f} s)"
    # Out of sight is not out of mind: only frames in which the person was looked for count.
    coverage = len(person.sightings) / person.span()
    if coverage * person.score < config.least_certainty:
        return (
            f"not surely a person (seen in {coverage:.0%} of the frames from first to last sight, "
            f"mean confidence {person.score:.2f})"
        )
    return ""


def _whose_part(person: Tracklet, others: list[Tracklet]) -> str:
    """A limb or shadow of somebody: inside the box of a surer person nearly all the time."""
    for other in others:
        shared = [frame for frame in person.sightings if frame in other.sightings]
        if other.score < person.score or len(other.sightings) < 2 * len(person.sightings):
            continue
        inside = [
            containment(person.sightings[frame].body, other.sightings[frame].body) > 0.75
            for frame in shared
        ]
        if sum(inside) > 0.7 * len(person.sightings):
            return "lies inside another person's outline: a part or a double of that person"
    return ""
