"""Skeletal motion: what every skeletal format is written from, and read into.

A :class:`SkeletalMotion` is a tree of rigid bones in a rest pose, a local rotation per joint and
frame, and where the root is. Frames and units are those of :mod:`mocap.geometry`: metres, world
with +Y up. A take's rest pose is SMPL-X's (Pavlakos et al. 2019): a T-pose facing +Z.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.tips import leaf_tips
from mocap.geometry import rotation_matrices, world_rotations
from mocap.skeletons import SMPLX_55
from mocap.take import BodyMotion, Take

#: How far, in seconds, timestamps may stray from an even beat before the motion is resampled.
JITTER = 1e-3
#: How far, in metres, a bone may stray from its rest offset before the take contradicts itself.
BONE_TOLERANCE = 1e-3
# How far, in metres, a joint goes from its rest offset before it counts as moved.
_LEFT = 1e-6


@dataclass(frozen=True, eq=False)
class SkeletalMotion:
    """The motion of a skeleton.

    Attributes:
        names: the J joints; the root comes first, and a parent before its children.
        parents: the parent of each joint, -1 for the root.
        rest_offsets: (J, 3) metres from the parent in the rest pose; the root's rest position.
        rotations: (F, J, 3, 3) local, from the rest pose: a joint's axes to its parent's.
        root_position: (F, 3) the root, world metres.
        fps: frames per second, even.
        end_sites: (J, 3) metres from a joint to the tip of its bone, in the rest pose; NaN where
            there is none. None where no tip is known.
        local_positions: (F, J, 3) metres, what stands in place of ``rest_offsets`` in files that
            move joints against their parents (the root's row is unused); None for rigid bones.

    Raises:
        ValueError: the arrays disagree in shape, or ``parents`` is no such tree.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest_offsets: Float[np.ndarray, "joints 3"]
    rotations: Float[np.ndarray, "frames joints 3 3"]
    root_position: Float[np.ndarray, "frames 3"]
    fps: float
    end_sites: Float[np.ndarray, "joints 3"] | None = None
    local_positions: Float[np.ndarray, "frames joints 3"] | None = None

    def __post_init__(self) -> None:
        frames, joints = len(self.root_position), len(self.names)
        wanted: dict[str, tuple[int, ...]] = {
            "rest_offsets": (joints, 3),
            "rotations": (frames, joints, 3, 3),
            "root_position": (frames, 3),
            "end_sites": (joints, 3),
            "local_positions": (frames, joints, 3),
        }
        for field, shape in wanted.items():
            array = getattr(self, field)
            if array is not None and array.shape != shape:
                raise ValueError(f"{field} has shape {array.shape}, not {shape}")
        tree = all(0 <= parent < i for i, parent in enumerate(self.parents[1:], 1))
        if len(self.parents) != joints or self.parents[:1] != (-1,) or not tree:
            raise ValueError("parents must be a tree: the root first (-1), parents before children")

    def __len__(self) -> int:
        return len(self.root_position)

    def world_rotations(self) -> Float[np.ndarray, "frames joints 3 3"]:
        """(F, J, 3, 3) from each joint's axes to the world's."""
        return world_rotations(self.rotations, self.parents)

    def joints(self) -> Float[np.ndarray, "frames joints 3"]:
        """Forward kinematics: (F, J, 3) joint positions, world metres."""
        offsets = self.rest_offsets[None] if self.local_positions is None else self.local_positions
        above = list(self.parents[1:])
        bones = self.world_rotations()[:, above] @ offsets[:, 1:, :, None]
        positions = np.empty(self.rotations.shape[:3])
        positions[:, 0] = self.root_position
        for i, parent in enumerate(above):
            positions[:, i + 1] = positions[:, parent] + bones[:, i, :, 0]
        return positions

    def moved_joints(self) -> Bool[np.ndarray, " joints"]:
        """(J,) whether a joint leaves its rest offset; the root does."""
        moved = np.zeros(len(self.names), dtype=bool)
        if self.local_positions is not None:
            moved = np.abs(self.local_positions - self.rest_offsets).max((0, 2)) > _LEFT
        moved[0] = True
        return moved

    def rest_positions(self) -> Float[np.ndarray, "joints 3"]:
        """(J, 3) the joints in the rest pose, metres."""
        found = np.array(self.rest_offsets, dtype=float)
        for i, parent in enumerate(self.parents[1:], 1):
            found[i] += found[parent]
        return found

    def children(self) -> tuple[tuple[int, ...], ...]:
        """The joints that hang on each joint."""
        found: list[list[int]] = [[] for _ in self.names]
        for i, parent in enumerate(self.parents[1:], 1):
            found[parent].append(i)
        return tuple(map(tuple, found))

    def tips(self) -> Float[np.ndarray, "joints 3"]:
        """(J, 3) metres from joints that end a chain to their bones' tips; NaN for the others."""
        tips = leaf_tips(self.names, self.parents, self.rest_offsets)
        if self.end_sites is None:
            return tips
        return np.where(np.isnan(self.end_sites), tips, self.end_sites)

    def resampled(self, fps: float) -> "SkeletalMotion":
        """The same motion at another even rate, from the same first instant.

        Rotations follow the shortest arcs between frames, the root a monotone cubic, which does
        not overshoot (a root resting on the floor never dips below it).

        Raises:
            ExportError: ``fps`` is not a positive number.
        """
        return _resampled(self, np.arange(len(self)) / self.fps, fps)


def motion_from_take(take: Take, person_id: str, *, fps: float | None = None) -> SkeletalMotion:
    """The SMPL-X skeleton and motion of one person.

    The rest pose is recovered from the take itself: each bone, seen from its parent's axes, is
    the same in every frame. So no body model is needed, and forward kinematics gives back the
    take's joints. Frames are kept as they are where the video's timestamps beat evenly to within
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
    body = _body(take, person_id)
    rotations = _local_rotations(body)
    joints = np.asarray(body.joints, dtype=float)
    offsets = _rest_offsets(joints, rotations, np.asarray(body.transl, dtype=float), person_id)
    times = np.asarray(take.times(take.people[person_id]), dtype=float)
    rate, even = _rate(times, take.video.fps, person_id)
    motion = SkeletalMotion(
        names=SMPLX_55.names,
        parents=SMPLX_55.parents,
        rest_offsets=offsets,
        rotations=rotations,
        root_position=joints[:, 0],
        fps=rate,
        end_sites=leaf_tips(SMPLX_55.names, SMPLX_55.parents, offsets),
    )
    if even and (fps is None or np.isclose(fps, rate, rtol=1e-6, atol=0)):
        return motion
    return _resampled(motion, times, rate if fps is None else fps)


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


def _resampled(motion: SkeletalMotion, times: np.ndarray, fps: float) -> SkeletalMotion:
    """A motion whose frames were at ``times`` (F,) seconds, at an even rate."""
    if not (np.isfinite(fps) and fps > 0):
        raise ExportError(f"a frame rate of {fps} is not possible; give a positive --fps")
    if len(times) < 2:
        return replace(motion, fps=float(fps))
    # The slack keeps the last frame when the rate is its own average.
    count = int(np.floor((times[-1] - times[0]) * fps + 1e-6)) + 1
    wanted = np.minimum(times[0] + np.arange(count) / fps, times[-1])
    left = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 2)
    share = (wanted - times[left]) / (times[left + 1] - times[left])
    start, end = motion.rotations[left], motion.rotations[left + 1]
    turn = Rotation.from_matrix((np.swapaxes(start, -1, -2) @ end).reshape(-1, 3, 3)).as_rotvec()
    part = Rotation.from_rotvec(turn * np.repeat(share, start.shape[1])[:, None]).as_matrix()
    local = motion.local_positions
    return replace(
        motion,
        rotations=start @ part.reshape(start.shape),
        root_position=PchipInterpolator(times, motion.root_position)(wanted),
        fps=float(fps),
        local_positions=None if local is None else PchipInterpolator(times, local)(wanted),
    )
