"""Who is in a file: a name, a motion, a surface."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mocap.errors import ExportError
from mocap.exporters.foot_rests import Rests
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.skin import Skin


@dataclass(frozen=True)
class Holder:
    """Nodes above a skeleton's bones, which hold it in the scene.

    Attributes:
        count: how many of the first joints are none, but such nodes.
        scale: of the last of them: lengths below are smaller by it, in formats that can say so.
    """

    count: int = 0
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Performer:
    """One person of a file.

    Attributes:
        name: of the person.
        motion: the skeleton and its motion.
        skin: the surface it carries, if any.
        start: seconds between the file's beginning and the motion's.
        cut: seconds of the clip before the file's beginning.
        rests: when the feet rest, if that is known.
        holder: what holds the skeleton.
    """

    name: str
    motion: SkeletalMotion
    skin: Skin | None = None
    start: float = 0.0
    cut: float = 0.0
    rests: Rests | None = None
    holder: Holder = Holder()

    @property
    def stop(self) -> float:
        """When the last frame is, seconds from the file's beginning."""
        return self.start + (len(self.motion) - 1) / self.motion.fps


def require_sound(performers: Sequence[Performer]) -> None:
    """Refuse people whom no file can hold.

    Raises:
        ExportError: there are none, or :func:`require_sound_motion` refuses one.
    """
    if not performers:
        raise ExportError("there is nobody to write")
    for performer in performers:
        require_sound_motion(performer.motion)


def require_sound_motion(motion: SkeletalMotion, limit: float = 1e6) -> None:
    """Refuse a motion that is empty, not finite, or farther away than a limit in metres.

    Raises:
        ExportError: it is; the first frame at fault is named.
    """
    if len(motion) == 0:
        raise ExportError("the motion has no frames; there is nothing to write")
    if not (np.isfinite(motion.fps) and motion.fps > 0):
        raise ExportError(f"the motion has a frame rate of {motion.fps}; it must be positive")
    placed = [motion.root_position]
    if motion.local_positions is not None:
        placed.append(motion.local_positions.reshape(len(motion), -1))
    near = np.all(np.abs(np.concatenate(placed, axis=1)) < limit, axis=1)
    sound = near & np.isfinite(motion.rotations).all((1, 2, 3))
    if not sound.all():
        raise ExportError(
            f"the motion is not a number, or impossibly far away, from frame {np.argmin(sound)} "
            f"({np.sum(~sound)} frames in all)"
        )
    ends = np.empty(0) if motion.end_sites is None else motion.end_sites
    # NaN is an end that is not told.
    if not np.all(np.abs(motion.rest_offsets) < limit) or np.any(np.abs(ends) >= limit):
        raise ExportError(
            "the skeleton's rest pose holds values that are not numbers, or impossibly far away"
        )
