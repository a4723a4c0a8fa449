"""From where a person is seen: the camera about the pelvis, and poses in a facing camera's axes.

Two frames describe a view, both at the middle of the hips and in metres:

*Heading axes* belong to the person. y is the world's up, x the horizontal part of the line from the
right hip to the left, z = x × y, which points to the front of somebody who stands. They are told
from the hips and never from the torso, which fails when somebody bends over.

*Facing axes* belong to the view. They are those of a camera (OpenCV: x right, y down, z away) that
looks straight at the middle of the hips: the camera's own, turned the shortest way that brings the
ray to the hips onto +z. MediaPipe's metric points, and a take's ``keypoints3d``, are in them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.geometry import rotation_between, view_angles

#: The world's up.
UP = np.array([0.0, 1.0, 0.0])

#: A line of the hips that is steeper than this against the horizontal tells no heading, radians.
STEEPEST = np.deg2rad(75.0)


@dataclass(frozen=True)
class ViewAngles:
    """Where the camera is as the person would say it.

    Attributes:
        azimuth: (F,) radians about the up axis: 0 for a camera in front, +π/2 for one on the
            person's left, ±π for one behind.
        elevation: (F,) radians above the horizontal through the pelvis.
        camera_relative: (F, 3) the camera's centre from the pelvis in heading axes, metres.
        heading: (F,) yaw of the person in the world, radians: 0 for somebody who faces +Z, +π/2
            for +X.
    """

    azimuth: Float[np.ndarray, " frames"]
    elevation: Float[np.ndarray, " frames"]
    camera_relative: Float[np.ndarray, "frames 3"]
    heading: Float[np.ndarray, " frames"]


def viewpoints(
    hips: Float[np.ndarray, "frames 2 3"],
    up: Float[np.ndarray, "3"],
    camera_centre: Float[np.ndarray, "#frames 3"],
    *,
    sequence: Int[np.ndarray, " frames"] | None = None,
) -> ViewAngles:
    """The view of every frame, from the camera's actual place and the pelvis.

    Where the hips stand above each other (within 15° of vertical) or are NaN, the heading is that
    of the last frame that tells one; before the first such frame, that of the first. A sequence in
    which no frame tells one has NaN angles.

    Args:
        hips: the left and the right hip, world metres.
        up: the world's up vector, :data:`UP` as a rule; where it is another, ``heading`` counts in
            the world turned the shortest way that makes it +Y.
        camera_centre: of each frame or, with a leading axis of 1, of all, world metres.
        sequence: which sequence each frame is of, sequences being contiguous: no heading is
            borrowed across them. None if all are of one.
    """
    turn = rotation_between(up / np.linalg.norm(up), UP)
    hips, camera_centre = hips @ turn.T, camera_centre @ turn.T
    heading = headings(hips, sequence)
    offset = camera_centre - hips.mean(1)
    relative = np.einsum("fij,fj->fi", heading_axes(heading), offset)
    azimuth, elevation = view_angles(relative)
    return ViewAngles(azimuth, elevation, relative, heading)


def heading_axes(heading: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotations from a world with +Y up to heading axes (their rows are the axes)."""
    sine, cosine = np.sin(heading), np.cos(heading)
    zero, one = np.zeros_like(sine), np.ones_like(sine)
    rows = [[cosine, zero, -sine], [zero, one, zero], [sine, zero, cosine]]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def headings(
    hips: Float[np.ndarray, "frames 2 3"], sequence: Int[np.ndarray, " frames"] | None = None
) -> Float[np.ndarray, " frames"]:
    """Yaw of people in a world with +Y up, borrowed where the hips tell none; see `viewpoints`."""
    left = hips[:, 0] - hips[:, 1]
    level = np.hypot(left[:, 0], left[:, 2])
    # Written so that NaN tells nothing.
    telling = level > np.cos(STEEPEST) * np.linalg.norm(left, axis=-1)
    # x × y = (−x_z, 0, x_x): the front.
    own = np.arctan2(-left[:, 2], left[:, 0])
    lender = _lenders(telling, sequence)
    return np.where(lender >= 0, own[lender], np.nan)


def _lenders(
    telling: Bool[np.ndarray, " frames"], sequence: Int[np.ndarray, " frames"] | None
) -> Int[np.ndarray, " frames"]:
    """The frame whose heading each frame takes; -1 where its sequence has none."""
    count = len(telling)
    if sequence is None:
        sequence = np.zeros(count, int)
    numbers = np.arange(count)
    before = np.maximum.accumulate(np.where(telling, numbers, -1))
    after = np.minimum.accumulate(np.where(telling, numbers, count)[::-1])[::-1]
    from_before = (before >= 0) & (sequence[before] == sequence)
    from_after = (after < count) & (sequence[np.minimum(after, count - 1)] == sequence)
    return np.where(from_before, before, np.where(from_after, after, -1))


def camera_centres(
    R: Float[np.ndarray, "frames 3 3"], t: Float[np.ndarray, "frames 3"]
) -> Float[np.ndarray, "frames 3"]:
    """Where cameras stand in the world, metres, of world-to-camera rotations and translations."""
    return -np.einsum("fji,fj->fi", R, t)


def facing_axes(
    pelvis: Float[np.ndarray, "frames 3"],
    R: Float[np.ndarray, "#frames 3 3"],
    t: Float[np.ndarray, "#frames 3"],
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotations from the world to facing axes (their rows are the axes).

    Args:
        pelvis: the middle of the hips, world metres.
        R: world to camera, of each frame or of all.
        t: likewise, metres.
    """
    seen = (R @ pelvis[..., None])[..., 0] + t
    ray = seen / np.linalg.norm(seen, axis=-1, keepdims=True)
    return rotation_between(ray, np.array([0.0, 0.0, 1.0])) @ R


def facing_pose(
    points_world: Float[np.ndarray, "frames points 3"],
    pelvis: Float[np.ndarray, "frames 3"],
    R: Float[np.ndarray, "#frames 3 3"],
    t: Float[np.ndarray, "#frames 3"],
) -> Float[np.ndarray, "frames points 3"]:
    """Points from the middle of the hips in facing axes, metres; NaN stays NaN.

    Args:
        points_world: metres.
        pelvis: the middle of the hips, world metres.
        R: world to camera, of each frame or of all.
        t: likewise, metres.
    """
    axes = facing_axes(pelvis, R, t)
    return np.einsum("fij,fpj->fpi", axes, points_world - pelvis[:, None])
