"""A person's motion, as a take holds it.

The rest pose is SMPL-X's (Pavlakos et al. 2019), a T-pose facing +Z, and is recovered from the take
itself: each bone, seen from its parent's axes, is the same in every frame. So no body model is
needed, and forward kinematics gives back the take's joints.
"""

from dataclasses import replace

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.motion import SkeletalMotion, resampled_at
from mocap.exporters.tips import leaf_tips
from mocap.geometry import rotation_matrices, world_rotations
from mocap.skeletons import SMPLX_55
from mocap.take import BodyMotion, Take

#: How far, in seconds, timestamps may stray from an even beat before the motion is resampled.
JITTER = 1e-3
#: How far, in metres, a bone may stray from its rest offset before the take contradicts itself.
BONE_TOLERANCE = 1e-3
#: How much of a frame a time may be off its beat.
_ON_BEAT = 1e-3


def motion_from_take(take: Take, person_id: str, *, fps: float | None = None) -> SkeletalMotion:
    """The SMPL-X skeleton and motion of one person.

    Frames are kept as they are where the video's timestamps beat evenly to within
    :data:`JITTER`; otherwise the motion is resampled, by true time, at their average rate.

    Args:
        take: a take with fitted bodies.
        person_id: whose motion.
        fps: resample to this rate; the video's true one if None.

    Returns:
        55 joints, world metres, at an even rate.

    Raises:
        ExportError: there is no such person or no body, the motion is not finite, its joints
            contradict its rotations, or the timestamps do not increase.
    """
    motion, times = _as_taken(take, person_id)
    rate, even = _rate(times, take.video.fps, person_id)
    motion = replace(motion, fps=rate)
    if even and (fps is None or np.isclose(fps, rate, rtol=1e-6, atol=0)):
        return motion
    return resampled_at(motion, times, rate if fps is None else fps)


def motion_on_beat(
    take: Take, person_id: str, *, fps: float | None = None
) -> tuple[SkeletalMotion, float]:
    """The same in step with everybody else of the take: one rate, frames at the same instants.

    Args:
        take: a take with fitted bodies.
        person_id: whose motion.
        fps: resample to this rate; the video's true one if None.

    Returns:
        The motion, and its first frame's time in seconds of the clip.

    Raises:
        ExportError: as :func:`motion_from_take`.
    """
    motion, times = _as_taken(take, person_id)
    clip = np.asarray(take.video.timestamps, dtype=float)
    rate, even = _rate(clip, take.video.fps, person_id)
    motion = replace(motion, fps=rate)
    if even and (fps is None or np.isclose(fps, rate, rtol=1e-6, atol=0)):
        return motion, float(times[0])
    wanted = rate if fps is None else fps
    # Who is seen for less than a beat has none, and keeps the first frame.
    beat = float(clip[0] + np.ceil((times[0] - clip[0]) * wanted - _ON_BEAT) / wanted)
    start = max(beat, float(times[0])) if beat <= times[-1] else float(times[0])
    return resampled_at(motion, times, wanted, start), start


def _as_taken(take: Take, person_id: str) -> tuple[SkeletalMotion, np.ndarray]:
    """A person's frames as they are, and their times (F,), seconds of the clip."""
    body = _body(take, person_id)
    rotations = _local_rotations(body)
    joints = np.asarray(body.joints, dtype=float)
    offsets = _rest_offsets(joints, rotations, np.asarray(body.transl, dtype=float), person_id)
    times = np.asarray(take.times(take.people[person_id]), dtype=float)
    motion = SkeletalMotion(
        names=SMPLX_55.names,
        parents=SMPLX_55.parents,
        rest_offsets=offsets,
        rotations=rotations,
        root_position=joints[:, 0],
        fps=take.video.fps,
        end_sites=leaf_tips(SMPLX_55.names, SMPLX_55.parents, offsets),
    )
    return motion, times


def _body(take: Take, person_id: str) -> BodyMotion:
    """A person's body motion, finite and not empty."""
    if person_id not in take.people:
        known = ", ".join(take.people) or "nobody"
        raise ExportError(f"person {person_id}: not in this take, which has {known}")
    person = take.people[person_id]
    body = person.body
    if body is None:
        raise ExportError(f"person {person_id}: has no body motion yet; `mocap fit` makes it")
    if len(body.joints) == 0:
        raise ExportError(f"person {person_id}: has no frames to export")
    parts = (
        *(body.global_orient, body.body_pose, body.jaw_pose, body.left_hand_pose),
        *(body.right_hand_pose, body.transl, body.joints),
    )
    finite = np.all([np.isfinite(part).reshape(len(part), -1).all(1) for part in parts], axis=0)
    if not finite.all():
        frame = person.frames[np.argmin(finite)]
        raise ExportError(
            f"person {person_id}: the motion is not a number from video frame {frame} "
            f"({np.sum(~finite)} frames in all); fit this person again with `mocap fit`"
        )
    return body


def _local_rotations(body: BodyMotion) -> np.ndarray:
    """(F, 55, 3, 3) in SMPL-X's order; the eyes look straight ahead."""
    frames = len(body.transl)
    eyes = np.zeros((frames, 6))
    pose = np.concatenate(
        [
            *(body.global_orient, body.body_pose, body.jaw_pose, eyes),
            *(body.left_hand_pose, body.right_hand_pose),
        ],
        axis=1,
    )
    return rotation_matrices(pose.reshape(frames, -1, 3))


def _rest_offsets(
    joints: np.ndarray, rotations: np.ndarray, transl: np.ndarray, person_id: str
) -> np.ndarray:
    """The bones (55, 3) that pose ``rotations`` into ``joints``, or ExportError if none do."""
    above = list(SMPLX_55.parents[1:])
    world = world_rotations(rotations, SMPLX_55.parents)
    bones = joints[:, 1:] - joints[:, above]
    # A row vector times R is R-transpose times the column: world axes to the parent's.
    seen = np.empty_like(joints)
    seen[:, 1:] = (bones[:, :, None] @ world[:, above])[:, :, 0]
    seen[:, 0] = joints[:, 0] - transl
    offsets = seen.mean(0)
    stray = np.linalg.norm(seen - offsets, axis=-1)
    if stray.max() > BONE_TOLERANCE:
        frame, joint = np.unravel_index(np.argmax(stray), stray.shape)
        raise ExportError(
            f"person {person_id}: the take's joints and rotations disagree by "
            f"{1000 * stray.max():.1f} mm at {SMPLX_55.names[joint]}, frame {frame} of the "
            "person; fit this person again with `mocap fit`"
        )
    return offsets


def _rate(times: np.ndarray, nominal: float, person_id: str) -> tuple[float, bool]:
    """Frames per second of timestamps, and whether they beat evenly."""
    usable = bool(np.isfinite(nominal)) and nominal > 0
    if len(times) == 1:
        return (float(nominal) if usable else 30.0), True
    if not np.all(np.diff(times) > 0):
        raise ExportError(
            f"person {person_id}: the video's timestamps do not increase; "
            "re-encode the video, then run `mocap extract` again"
        )
    average = float((len(times) - 1) / (times[-1] - times[0]))
    beats = times - times[0]
    count = np.arange(len(times))
    # Timestamps rounded to milliseconds blur the average of a short clip: where rounding is all
    # that parts them from the container's own rate, that rate is the true one.
    if usable and np.ptp(beats - count / nominal) <= JITTER:
        return float(nominal), True
    if np.ptp(beats - count / average) <= 2 * JITTER:
        return average, True
    return average, False
