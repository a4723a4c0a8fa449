"""Feet and the ground: do they slide, sink or float?

Foot points are the soles' of the body: left heel, left toe, right heel, right toe, in the order
of `mocap.take.Contacts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from mocap.evaluate.averages import mean, percentile
from mocap.evaluate.joints import posed_points
from mocap.take import Person, Take

if TYPE_CHECKING:
    from mocap.body import Body

#: Landmarks in the order of the contacts; bodies whose file names no soles have the skin nearby.
SOLES = ("left_heel_sole", "left_toe_sole", "right_heel_sole", "right_toe_sole")
_SKIN = ("left_heel", "left_big_toe", "right_heel", "right_big_toe")
#: A contact is likelier than not; where nobody has told contacts, one is this near the ground.
_LIKELY, _NEAR = 0.5, 0.03
#: Metres below the ground from which a foot counts as sunk.
SUNK = 0.01


@dataclass(frozen=True)
class FeetReport:
    """Feet against the ground.

    Attributes:
        contact_source: ``"take"``, or ``"height"`` where the take tells no contacts.
        contact_share: share of foot points and frames in contact.
        foot_slide_mm_per_frame: mean displacement from frame to frame, in space, of foot points
            that are in contact in both.
        contact_height_mean_mm: mean distance of foot points in contact from the ground or from
            what the take says the person stands on, either way; likewise 95th percentile and the
            largest.
        penetration_deepest_mm: how deep the deepest foot point sinks, under both.
        penetration_mean_mm: mean over the frames of the deepest foot point's depth, 0 above ground.
        penetration_share: share of frames with a foot point deeper than 1 cm.
    """

    contact_source: str
    contact_share: float
    foot_slide_mm_per_frame: float
    contact_height_mean_mm: float
    contact_height_p95_mm: float
    contact_height_max_mm: float
    penetration_deepest_mm: float
    penetration_mean_mm: float
    penetration_share: float


def sole_points(person: Person, body: Body) -> Float[np.ndarray, "frames 4 3"] | None:
    """A person's foot points in world metres; None where the motion is not of this body."""
    names = SOLES if set(SOLES) <= set(body.landmark_names) else _SKIN
    if not set(names) <= set(body.landmark_names):
        return None
    return posed_points(person, body, names)


def feet_report(take: Take, person: Person, points: Float[np.ndarray, "frames 4 3"]) -> FeetReport:
    """Measure a person's foot points.

    Args:
        take: whose world has the ground; y = 0 where it tells none.
        person: with contacts, or without.
        points: world metres.
    """
    plane = np.array([0.0, 1.0, 0.0, 0.0]) if take.world is None else take.world.ground
    heights = (points @ plane[:3] + plane[3]) / np.linalg.norm(plane[:3])
    contact, source = contact_states(person, heights)
    level = person.contacts.level or 0.0 if person.contacts is not None else 0.0
    touching = np.minimum(np.abs(heights), np.abs(heights - level))[contact]
    heights = heights - min(level, 0.0)
    # A frame in which a foot is unknown is no frame of which to say that nothing sinks.
    lowest = heights[np.isfinite(heights).all(1)].min(1)
    depth = np.maximum(-lowest, 0.0)
    return FeetReport(
        contact_source=source,
        contact_share=mean(contact.astype(float)),
        foot_slide_mm_per_frame=foot_slide(points, contact) * 1000,
        contact_height_mean_mm=mean(touching, times=1000),
        contact_height_p95_mm=percentile(touching, 95, times=1000),
        contact_height_max_mm=percentile(touching, 100, times=1000),
        penetration_deepest_mm=percentile(depth, 100, times=1000),
        penetration_mean_mm=mean(depth, times=1000),
        penetration_share=mean((depth > SUNK).astype(float)),
    )


def contact_states(
    person: Person, heights: Float[np.ndarray, "frames 4"]
) -> tuple[Bool[np.ndarray, "frames 4"], str]:
    """Which foot points are in contact when, and who says so."""
    told = person.contacts
    if told is None:
        # Height alone: asking for slow feet would let no foot slide.
        return np.abs(np.nan_to_num(heights, nan=np.inf)) < _NEAR, "height"
    return np.nan_to_num(told.stacked()) > _LIKELY, "take"


def foot_slide(
    points: Float[np.ndarray, "frames 4 3"], contact: Bool[np.ndarray, "frames 4"]
) -> float:
    """Mean displacement a frame, metres, of points in contact before and after; NaN if none are."""
    if len(points) < 2:
        return float("nan")
    moved = np.linalg.norm(np.diff(points, axis=0), axis=-1)
    return mean(moved[contact[1:] & contact[:-1]])
