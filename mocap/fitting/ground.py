"""One gravity, one floor and one scale for everybody.

People are fitted alone first, each as large as an average adult and as far away as that makes
them. Then up is found from all that tells it, and the sizes of people are reconciled: whoever
stands on the same floor has the camera equally high above the feet.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mocap.fitting.config import FitConfig
from mocap.fitting.contacts import Feet, contact_probability, places_of_rest
from mocap.fitting.flesh import Flesh
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.person import Fitted, with_stature
from mocap.fitting.reconcile import Rests, agree
from mocap.fitting.rig import NAMES, Rig
from mocap.geometry import Camera, rotation_between
from mocap.scene import Gravity, camera_gravity
from mocap.take import Take, World

if TYPE_CHECKING:
    from mocap.body import Body

logger = logging.getLogger(__name__)

#: How far, in radians, a standing person leans on the average of a clip.
_LEAN = np.deg2rad(7.0)
#: How far below a floor bodies may seem to be, metres, and in what share of frames farther.
_DEEP, _BURIED = 0.15, 0.05
#: What the metre rests on when no height is given: of one person, of several.
_SCALES = ("an adult of average build", "adults of average build on one floor")


def stand(
    take: Take, body: Body, rig: Rig, flesh: Flesh, fitted: Sequence[Fitted], config: FitConfig
) -> tuple[list[Fitted], Camera, World]:
    """Turn, resize and lift everyone, and the camera, so that up is +Y and the floor is y = 0.

    Args:
        take: for its camera and the lines in its picture.
        body: the model.
        rig: the body as the solver sees it.
        flesh: what of it touches.
        fitted: people in the world of the take's camera.
        config: a given height, and what counts as resting.
    """
    camera = take.camera
    gravity = _gravity(take, rig, fitted)
    turn = _level(camera.R[0].T @ gravity.up)
    people = [_moved(rig, one, turn, np.zeros(3)) for one in fitted]
    camera = replace(camera, R=camera.R @ turn.T)
    centre = -camera.R[0].T @ camera.t[0]
    feet = [feet_of(rig, flesh, one) for one in people]
    rests = [_rests(own, one.seen.size, config) for own, one in zip(feet, people, strict=True)]
    found = agree(rests, centre, gravity.sigma, sizes_free=config.height is None)
    for name, factor in zip((one.person.id for one in people), found.factors, strict=True):
        logger.info("%s is scaled by %.3f to stand where the others do", name, factor)
    people = [
        _resized(body, rig, one, float(factor), centre)
        for one, factor in zip(people, found.factors, strict=True)
    ]
    turn = _level(found.up)
    people = [_moved(rig, one, turn, np.zeros(3)) for one in people]
    lowest = [feet_of(rig, flesh, one).lowest[one.seen.seen] for one in people]
    floor = found.floor if found.floor is not None else float(np.concatenate(lowest).min())
    lift = np.array([0.0, -floor, 0.0])
    people = [
        replace(one, level=_level_of(level, own - floor, config))
        for one, level, own in zip(people, found.levels, lowest, strict=True)
    ]
    R = camera.R @ turn.T
    camera = replace(camera, R=R, t=camera.t - R @ lift)
    scale = f"height {config.height} m, given" if config.height else _SCALES[len(people) > 1]
    world = World(np.array([0.0, 1.0, 0.0, 0.0]), gravity.source, scale)
    people = [_seen_by(camera, _moved(rig, one, np.eye(3), lift)) for one in people]
    return people, camera, world


def _moved(rig: Rig, one: Fitted, turn: np.ndarray, shift: np.ndarray) -> Fitted:
    """A motion after a change of world: points x become ``turn @ x + shift``."""
    pelvis = rig.shaped(one.betas)[0][0]
    transl = (one.pose.transl + pelvis) @ turn.T + shift - pelvis
    return replace(one, pose=Pose(transl, turn @ one.pose.root, one.pose.coordinates))


def _seen_by(camera: Camera, one: Fitted) -> Fitted:
    _, R, t = camera.at(one.person.frames)
    return replace(one, seen=replace(one.seen, R=R, t=t))


def _gravity(take: Take, rig: Rig, fitted: Sequence[Fitted]) -> Gravity:
    """Up in the camera's axes, and where it comes from."""
    R = take.camera.R[0]
    leans = []
    for one in fitted:
        joints = pose_rig(rig, one.betas, one.pose).joints[one.seen.seen]
        ankles = joints[:, [NAMES.index("left_ankle"), NAMES.index("right_ankle")]].mean(1)
        lean = mean_lean(ankles @ R.T, joints[:, NAMES.index("neck")] @ R.T)
        if lean is not None:
            leans.append((lean, _LEAN))
    segments = None if take.scene is None else take.scene.segments
    found = camera_gravity(take.camera, segments, leans)
    logger.info("up from %s, to %.1f degrees", found.source, np.rad2deg(found.sigma))
    return found


def mean_lean(
    ankles: Float[np.ndarray, "frames 3"], necks: Float[np.ndarray, "frames 3"]
) -> Float[np.ndarray, "3"] | None:
    """The direction from feet to neck while a person stands tall, camera axes; None if never."""
    spans = necks - ankles
    lengths = np.linalg.norm(spans, axis=-1)
    directions = spans / np.maximum(lengths, 1e-6)[:, None]
    # Within 45 degrees of the camera's up and nearly at full stretch: standing, not bowing.
    tall = (lengths > 0.9 * np.percentile(lengths, 90)) & (-directions[:, 1] > 0.7)
    if tall.sum() < 5:
        return None
    median = np.median(directions[tall], axis=0)
    return median / np.linalg.norm(median)


def _level(up: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    return rotation_between(up, np.array([0.0, 1.0, 0.0]))


def feet_of(rig: Rig, flesh: Flesh, one: Fitted) -> Feet:
    """What tells whether a person's feet rest."""
    posed = pose_rig(flesh.rig, one.betas, one.pose)
    points, pelvis = posed.points, posed.joints[:, 0]
    keypoints = [
        rig.point(f"{side}_{point}")
        for side in ("left", "right")
        for point in ("heel", "foot_index")
    ]
    return Feet(
        points[:, flesh.soles],
        (points[..., 1] - flesh.clearance).min(1),
        np.einsum("fji,fj->fi", one.seen.R, one.seen.rays),
        np.linalg.norm(np.einsum("fij,fj->fi", one.seen.R, pelvis) + one.seen.t, axis=-1),
        np.where(one.seen.seen[:, None], one.seen.weight[:, keypoints], np.nan),
        one.seen.fps,
    )


def _rests(feet: Feet, size: float, config: FitConfig) -> Rests:
    """Where feet are seen to rest."""
    seen = np.isfinite(feet.confidence)
    probability = np.where(seen, contact_probability(feet, config.contacts), 0.0)
    places, frames = places_of_rest(feet.soles, probability)
    return Rests(places, frames / feet.fps, size)


def _resized(
    body: Body, rig: Rig, one: Fitted, factor: float, centre: Float[np.ndarray, "3"]
) -> Fitted:
    """A person made larger and farther away, so that the picture stays the same."""
    import torch

    if abs(factor - 1.0) < 1e-3:
        return one
    now = float(body.height(torch.as_tensor(one.betas, dtype=torch.float32))[0])
    betas = with_stature(body, one.betas, now * factor)
    before, after = rig.shaped(one.betas)[0][0], rig.shaped(betas)[0][0]
    transl = centre + factor * (one.pose.transl + before - centre) - after
    seen = replace(one.seen, metric=one.seen.metric * factor)
    return replace(one, seen=seen, betas=betas, pose=replace(one.pose, transl=transl))


def _level_of(level: float, lowest: Float[np.ndarray, " frames"], config: FitConfig) -> float:
    """The height over the floor of what a person stands on; 0 for the floor itself.

    Nobody is far below what they stand on, frame after frame: then they stand on it no more.
    """
    level = level if np.isfinite(level) and abs(level) > config.contacts.snap[0] else 0.0
    reached = float(np.percentile(lowest, 100 * _BURIED))
    return reached if reached < level - _DEEP else level
