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
from mocap.geometry import world_rotations

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
        return resampled_at(self, np.arange(len(self)) / self.fps, fps)


def resampled_at(
    motion: SkeletalMotion, times: np.ndarray, fps: float, start: float | None = None
) -> SkeletalMotion:
    """A motion whose frames were at other times, at an even rate.

    Args:
        motion: its frames, whatever its rate.
        times: (F,) seconds, rising, when they were.
        fps: the rate wanted.
        start: the first instant wanted, seconds; the first of ``times`` if None.

    Raises:
        ExportError: ``fps`` is not a positive number.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise ExportError(f"a frame rate of {fps} is not possible; give a positive --fps")
    if len(times) < 2:
        return replace(motion, fps=float(fps))
    # The slack keeps the last frame when the rate is its own average.
    begin = times[0] if start is None else start
    count = int(np.floor((times[-1] - begin) * fps + 1e-6)) + 1
    wanted = np.minimum(begin + np.arange(count) / fps, times[-1])
    left = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, len(times) - 2)
    share = (wanted - times[left]) / (times[left + 1] - times[left])
    before, after = motion.rotations[left], motion.rotations[left + 1]
    turn = Rotation.from_matrix((np.swapaxes(before, -1, -2) @ after).reshape(-1, 3, 3)).as_rotvec()
    part = Rotation.from_rotvec(turn * np.repeat(share, before.shape[1])[:, None]).as_matrix()
    local = motion.local_positions
    return replace(
        motion,
        rotations=before @ part.reshape(before.shape),
        root_position=PchipInterpolator(times, motion.root_position)(wanted),
        fps=float(fps),
        local_positions=None if local is None else PchipInterpolator(times, local)(wanted),
    )
