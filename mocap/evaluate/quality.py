"""What can be said of a take's motion without any truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mocap.evaluate.alignment import root_relative
from mocap.evaluate.averages import mean, percentile
from mocap.evaluate.feet import FeetReport, feet_report, sole_points
from mocap.evaluate.joints import (
    BONES,
    LIMBS,
    ROOT,
    detected_pixels,
    detected_points,
    fitted_keypoints,
    fitted_points,
    picture_height,
)
from mocap.evaluate.plausibility import problems
from mocap.evaluate.steadiness import bone_variation, jitter
from mocap.take import Person, Take, frame_rate

if TYPE_CHECKING:
    from mocap.body import Body

#: Keypoints a detector is this sure of are what a body should lie over.
_SURE = 0.5


@dataclass(frozen=True)
class Steadiness:
    """How a motion moves, whoever made it; over the twelve limb joints.

    Attributes:
        jitter_10m_per_s3: of joints relative to the hips' middle, at the report's frame rate.
        bone_variation_percent: standard deviation of bone lengths over their mean.
    """

    jitter_10m_per_s3: float
    bone_variation_percent: float


@dataclass(frozen=True)
class Reprojection:
    """How far the fitted body's keypoints are from the detected ones in the picture."""

    mean_px: float
    p95_px: float
    mean_share_of_height: float


@dataclass(frozen=True)
class PersonQuality:
    """One person's motion on its own.

    Attributes:
        person: the id.
        frames: how many video frames the person is in.
        observed_share: in how many of them it was seen.
        fps: frames a second, on which jitter and slide depend.
        plausible: whether this is a motion at all.
        problems: what makes it none, in words. Nothing of the fit is measured then: a statue has
            no jitter and slides on no foot.
        detector: steadiness of the detector's 3D points, if there are any.
        fit: steadiness of the body.
        world_jitter_10m_per_s3: jitter of the body in the world, its travel included.
        reprojection: against the detector's 2D points, if there are any.
        feet: None where the body that the motion belongs to is not at hand.
    """

    person: str
    frames: int
    observed_share: float
    fps: float
    plausible: bool
    problems: tuple[str, ...]
    detector: Steadiness | None = None
    fit: Steadiness | None = None
    world_jitter_10m_per_s3: float = float("nan")
    reprojection: Reprojection | None = None
    feet: FeetReport | None = None


def measure_person(take: Take, person: Person, body: Body | None) -> PersonQuality:
    """Everything of one person that needs no truth.

    Args:
        take: with the camera and the ground.
        person: one of its people.
        body: the model the motion belongs to; without it feet are not measured, and joints are
            compared with keypoints.
    """
    fps = frame_rate(take.times(person), take.video.fps)
    found = problems(take, person)
    detected = detected_points(person)
    quality = PersonQuality(
        person=person.id,
        frames=len(person.frames),
        observed_share=person.coverage,
        fps=fps,
        plausible=not found,
        problems=found,
        detector=None if detected is None else _steadiness(detected, fps),
    )
    joints = fitted_points(person)
    if found or joints is None:
        return quality
    soles = None if body is None else sole_points(person, body)
    seen = fitted_keypoints(person, body)
    assert seen is not None
    return replace(
        quality,
        fit=_steadiness(joints, fps),
        world_jitter_10m_per_s3=jitter(joints, fps),
        reprojection=reprojection(take, person, seen),
        feet=None if soles is None else feet_report(take, person, soles),
    )


def _steadiness(points: np.ndarray, fps: float) -> Steadiness:
    return Steadiness(
        jitter(root_relative(points, ROOT), fps), 100 * bone_variation(points, LIMBS, BONES)
    )


def reprojection(take: Take, person: Person, points: np.ndarray) -> Reprojection | None:
    """Distance in the picture of a body's limb keypoints (F, 12, 3) from surely detected ones."""
    told = detected_pixels(person)
    if told is None:
        return None
    pixels, confidence = told
    gaps = np.linalg.norm(take.camera.project(points, person.frames) - pixels, axis=-1)
    gaps = np.where(confidence > _SURE, gaps, np.nan)
    return Reprojection(mean(gaps), percentile(gaps, 95), mean(gaps) / picture_height(person))
