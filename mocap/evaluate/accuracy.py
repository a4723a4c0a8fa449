"""One person's motion against the truth of that person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mocap.evaluate.alignment import fit_heading, root_relative
from mocap.evaluate.angles import ROTATING, bend_angles, local_rotations, rotation_errors
from mocap.evaluate.averages import columns, mean, row_means
from mocap.evaluate.joints import (
    BENDS,
    LIMBS,
    MIRROR,
    ROOT,
    detected_pixels,
    detected_points,
    fitted_keypoints,
    fitted_points,
    pick,
    refined_points,
)
from mocap.evaluate.positions import (
    WINDOW_FRAMES,
    procrustes_errors,
    root_aligned_errors,
    swapped_share,
    window_errors,
)
from mocap.evaluate.truth import Truth
from mocap.geometry import rotation_between, viewing_rays
from mocap.take import Person, Take, frame_rate

# PyTorch takes seconds to import: only what poses a body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class JointAccuracy:
    """One joint's mean errors, in the camera's axes and after an alignment a frame."""

    camera_axes_mm: float
    world_up_to_heading_mm: float
    procrustes_mm: float


@dataclass(frozen=True)
class PoseAccuracy:
    """Where limb joints are relative to the hips; NaN where the truth cannot tell.

    Attributes:
        frames: how many were compared.
        mpjpe_camera_axes_mm: the hips' middles laid on each other, both in their own camera's axes.
        mpjpe_world_up_to_heading_mm: likewise, in upright axes, after the one turn about the
            vertical that fits the whole clip best.
        pa_mpjpe_mm: after a similarity a frame.
        swapped_share: frames that fit clearly better with left and right exchanged.
        bend_mean_degrees: error of how far elbows and knees are bent.
        joints: by name.
    """

    frames: int
    mpjpe_camera_axes_mm: float
    mpjpe_world_up_to_heading_mm: float
    pa_mpjpe_mm: float
    swapped_share: float
    bend_mean_degrees: float
    joints: dict[str, JointAccuracy]


@dataclass(frozen=True)
class WorldAccuracy:
    """Where limb joints are in the world, over windows; see `mocap.evaluate.positions`.

    Attributes:
        window_frames: length of a window.
        w_mpjpe_mm: a similarity fitted to the first two frames of each window.
        wa_mpjpe_mm: a similarity fitted to the whole window.
        w_mpjpe_unscaled_mm: without a scale, so that size counts.
        wa_mpjpe_unscaled_mm: likewise.
    """

    window_frames: int
    w_mpjpe_mm: float
    wa_mpjpe_mm: float
    w_mpjpe_unscaled_mm: float
    wa_mpjpe_unscaled_mm: float


@dataclass(frozen=True)
class PersonAccuracy:
    """One person against the truth.

    Attributes:
        truth: id of the person in the truth.
        person: id of the person in the take.
        detector: the detector's 3D points as they come, read as if in the camera's axes.
        detector_turned: the same, turned along the ray on which the person is seen (which takes
            the take's camera).
        refined: those with their depth put right, turned likewise.
        fit: the body.
        world: the body in the world, over windows of 100 frames and of the length asked for.
        rotation_mean_degrees: error of the body's 22 local rotations, where the truth has them.
        rotation_degrees: by joint.
    """

    truth: str
    person: str
    detector: PoseAccuracy | None
    detector_turned: PoseAccuracy | None
    refined: PoseAccuracy | None
    fit: PoseAccuracy | None
    world: tuple[WorldAccuracy, ...]
    rotation_mean_degrees: float
    rotation_degrees: dict[str, float]


def compare_person(
    take: Take,
    person: Person,
    truth: Truth,
    name: str,
    camera: str | None,
    window: float,
    body: Body | None = None,
) -> PersonAccuracy:
    """Compare one person.

    Args:
        take: of the person.
        person: whom.
        truth: of the same performance.
        name: the person's id in the truth.
        camera: which of the truth's cameras the video is of; None if of none.
        window: length in seconds of the second window.
        body: the model the motion belongs to. A truth that is points alone is where people saw
            joints, and so is compared with where detectors see them on the body; a truth that is
            motion, with joints.
    """
    times = take.times(person)
    true = pick(truth.points_at(name, person.frames, times), truth.names, LIMBS)
    seen_true = upright_true = None
    if camera is not None:
        R = truth.cameras[camera].camera.at(person.frames)[1]
        seen_true = np.einsum("fij,fpj->fpi", R, true)
    if truth.up is not None:
        upright_true = true @ rotation_between(truth.up, _UP).T
    is_motion = truth.people[name].motion is not None
    joints = fitted_points(person) if is_motion else fitted_keypoints(person, body)
    fit = None
    world: tuple[WorldAccuracy, ...] = ()
    if joints is not None:
        seen = np.einsum("fij,fpj->fpi", take.camera.at(person.frames)[1], joints)
        fit = _pose_accuracy(seen, joints, true, seen_true, upright_true)
        long = round(window * frame_rate(times, take.video.fps))
        world = tuple(_world_accuracy(joints, true, n) for n in (WINDOW_FRAMES, max(long, 2)))
    detected, refined = detected_points(person), refined_points(person)
    turned, refined = (
        None if points is None else turned_to_camera(take, person, points)
        for points in (detected, refined)
    )
    rotations = _rotation_errors(take, person, truth, name)
    return PersonAccuracy(
        truth=name,
        person=person.id,
        detector=_seen_accuracy(detected, true, seen_true, upright_true),
        detector_turned=_seen_accuracy(turned, true, seen_true, upright_true),
        refined=_seen_accuracy(refined, true, seen_true, upright_true),
        fit=fit,
        world=world,
        rotation_mean_degrees=mean(rotations),
        rotation_degrees=dict(zip(ROTATING, columns(rotations), strict=True))
        if np.isfinite(rotations).any()
        else {},
    )


def turned_to_camera(
    take: Take, person: Person, detected: Float[np.ndarray, "frames limbs 3"]
) -> Float[np.ndarray, "frames limbs 3"] | None:
    """The detector's points in the camera's axes, as far as the take's camera is right.

    They come in the axes of a camera that faces the person: they are turned with the ray along
    which the hips are seen.
    """
    told = detected_pixels(person)
    if told is None:
        return None
    hips = take.camera.undistort(told[0], person.frames)[:, list(ROOT)].mean(1)
    K = take.camera.at(person.frames)[0]
    rays = np.stack([viewing_rays(pixel, k) for pixel, k in zip(hips, K, strict=True)])
    unseen = ~np.isfinite(rays).all(1)
    rays[unseen] = [0.0, 0.0, 1.0]
    turn = rotation_between(np.array([0.0, 0.0, 1.0]), rays)
    turn[unseen] = np.nan
    return np.einsum("fij,fpj->fpi", turn, detected)


def _seen_accuracy(
    points: np.ndarray | None,
    true: np.ndarray,
    seen_true: np.ndarray | None,
    upright_true: np.ndarray | None,
) -> PoseAccuracy | None:
    """Of points in the camera's axes that are in no world; None where there are none."""
    return None if points is None else _pose_accuracy(points, None, true, seen_true, upright_true)


def _pose_accuracy(
    seen: np.ndarray,
    upright: np.ndarray | None,
    true: np.ndarray,
    seen_true: np.ndarray | None,
    upright_true: np.ndarray | None,
) -> PoseAccuracy:
    nothing = np.full(true.shape[:2], np.nan)
    camera = nothing if seen_true is None else root_aligned_errors(seen, seen_true, ROOT)
    world = nothing
    if upright is not None and upright_true is not None:
        heading = fit_heading(
            root_relative(upright, ROOT).reshape(-1, 3),
            root_relative(upright_true, ROOT).reshape(-1, 3),
        )
        world = root_aligned_errors(upright @ heading.T, upright_true, ROOT)
    procrustes = procrustes_errors(seen, true)
    bends = [bend_angles(points, LIMBS, BENDS) for points in (seen, true)]
    by_joint = zip(
        *(columns(part, times=1000) for part in (camera, world, procrustes)), strict=True
    )
    return PoseAccuracy(
        frames=int(np.isfinite(procrustes).any(1).sum()),
        mpjpe_camera_axes_mm=_frame_mean(camera),
        mpjpe_world_up_to_heading_mm=_frame_mean(world),
        pa_mpjpe_mm=_frame_mean(procrustes),
        swapped_share=_swapped(seen, seen_true, true),
        bend_mean_degrees=mean(np.abs(bends[0] - bends[1])),
        joints={
            name: JointAccuracy(*errors)
            for name, errors in zip(LIMBS, by_joint, strict=True)
            if np.isfinite(errors).any()
        },
    )


def _swapped(seen: np.ndarray, seen_true: np.ndarray | None, true: np.ndarray) -> float:
    if seen_true is not None:
        return swapped_share(seen, seen_true, ROOT, MIRROR)
    # Without common axes every labeling is laid over the truth as well as it can be.
    kept, crossed = (
        row_means(procrustes_errors(points, true)) for points in (seen, seen[:, list(MIRROR)])
    )
    known = np.isfinite(kept) & np.isfinite(crossed)
    return mean((crossed < 0.8 * kept)[known].astype(float))


def _world_accuracy(joints: np.ndarray, true: np.ndarray, frames: int) -> WorldAccuracy:
    figures = [
        _frame_mean(window_errors(joints, true, frames, whole=whole, scaled=scaled))
        for scaled in (True, False)
        for whole in (False, True)
    ]
    return WorldAccuracy(frames, *figures)


def _frame_mean(errors: Float[np.ndarray, "frames joints"]) -> float:
    """The mean of the frames' means, in millimetres: a frame counts as one, as is usual."""
    return mean(row_means(errors), times=1000)


def _rotation_errors(take: Take, person: Person, truth: Truth, name: str) -> np.ndarray:
    """(F, 22) degrees; the root in the world, so that heading counts in it."""
    nothing = np.full((len(person.frames), len(ROTATING)), np.nan)
    motion = truth.people[name].motion
    if person.body is None or motion is None:
        return nothing
    rows = truth.rows_at(person.frames, take.times(person))
    true = np.where((rows >= 0)[:, None, None], local_rotations(motion)[rows], np.nan)
    return rotation_errors(local_rotations(person.body), true)


def compared(truth: Truth) -> Sequence[str]:
    """The limb joints that the truth has."""
    return [name for name in LIMBS if name in truth.names]
