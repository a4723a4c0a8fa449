"""Putting right what a detector gets wrong of one person over time, in the order it must be done.

Sides first: a swap looks like a jump, and depths are judged by which side is which. Then depths,
and last what is left that nobody could have moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mocap.keypoints.detector import Detection
from mocap.people.averaging import averaged
from mocap.people.depths import DepthConfig, undo_depth_flips
from mocap.people.glitches import GlitchConfig, doubt_glitches
from mocap.people.sides import SideConfig, undo_swaps
from mocap.take import Person


@dataclass(frozen=True)
class Amends:
    """How many of a person's frames were changed, and how.

    Attributes:
        swapped: left and right of body, arms or legs were swapped back.
        flipped: depths were given back to the other side, or negated.
        doubted: the body jumped, and lost confidence.
        mirrored: looked at in the mirror as well.
        averaged: points are the mean of what is seen directly and in the mirror.
    """

    swapped: int = 0
    flipped: int = 0
    doubted: int = 0
    mirrored: int = 0
    averaged: int = 0


def put_right(
    person: Person,
    fps: float,
    *,
    sides: SideConfig,
    depths: DepthConfig | None,
    glitches: GlitchConfig | None,
    mirrored: Mapping[int, Detection] | None = None,
    average: bool = False,
) -> tuple[Person, Amends]:
    """A person as far as possible as they were, and what was done.

    Args:
        person: as detected.
        fps: frames a second of the video.
        sides: how reluctantly left and right are swapped.
        depths: how reluctantly depths are; None leaves them.
        glitches: what motion allows; None believes everything.
        mirrored: what was seen in the mirror, by video frame.
        average: whether points become the mean of both, where there are two.
    """
    flipped = doubted = both = 0
    person, swapped = undo_swaps(person, sides, mirrored)
    if average:
        person, both = averaged(person, mirrored or {})
    if depths is not None:
        person, flipped = undo_depth_flips(person, depths)
    if glitches is not None:
        person, doubted = doubt_glitches(person, fps, glitches)
    return person, Amends(swapped, flipped, doubted, len(mirrored or {}), both)


def amends_told(amends: Mapping[str, Amends]) -> dict[str, dict[str, int]]:
    """Everybody's amends as a take's provenance holds them, by what was done and by person."""
    return {
        key: {name: getattr(one, attribute) for name, one in amends.items()}
        for key, attribute in (
            ("frames_with_sides_swapped_back", "swapped"),
            ("frames_with_depths_put_right", "flipped"),
            ("frames_doubted", "doubted"),
            ("frames_seen_in_the_mirror", "mirrored"),
            ("frames_averaged_with_the_mirror", "averaged"),
        )
    }
