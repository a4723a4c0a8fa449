"""Motion as joints with axes of their own have it: what FBX, glTF and USD hold."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mocap.exporters.bone_axes import BoneAxes, bone_axes
from mocap.exporters.motion import SkeletalMotion

#: Axes of joints at rest: by their name, or (J, 3, 3) with the axes in columns.
RestAxes = BoneAxes | Float[np.ndarray, "joints 3 3"]


@dataclass(frozen=True, eq=False)
class OrientedMotion:
    """A motion told by joints' axes, each in its parent's; the root's parent is the world.

    Attributes:
        axes: (J, 3, 3) the joints' axes at rest, in columns.
        places: (J, 3) the joints at rest, metres.
        rest_offsets: (J, 3) the joints at rest in their parents' axes, metres.
        rest_turns: (J, 3, 3) the joints' axes at rest to their parents'.
        offsets: (F, J, 3) the joints in their parents' axes, metres.
        turns: (F, J, 3, 3) the joints' axes to their parents'.
        moved: (J,) whether a joint leaves its rest offset; the root does.
    """

    axes: Float[np.ndarray, "joints 3 3"]
    places: Float[np.ndarray, "joints 3"]
    rest_offsets: Float[np.ndarray, "joints 3"]
    rest_turns: Float[np.ndarray, "joints 3 3"]
    offsets: Float[np.ndarray, "frames joints 3"]
    turns: Float[np.ndarray, "frames joints 3 3"]
    moved: Bool[np.ndarray, " joints"]

    def turns_from_rest(self) -> Float[np.ndarray, "frames joints 3 3"]:
        """(F, J, 3, 3) what turns joints from their rest, about their own axes."""
        return np.swapaxes(self.rest_turns, 1, 2) @ self.turns


def oriented(motion: SkeletalMotion, axes: RestAxes) -> OrientedMotion:
    """A motion whose joints get axes.

    Args:
        motion: whose joints have the world's axes at rest.
        axes: those they are to have.
    """
    own = bone_axes(motion, axes) if isinstance(axes, str) else np.asarray(axes, dtype=float)
    above = np.stack([np.eye(3) if up < 0 else own[up] for up in motion.parents])
    back = np.swapaxes(above, 1, 2)
    offsets = np.tile(motion.rest_offsets, (len(motion), 1, 1))
    if motion.local_positions is not None:
        offsets = motion.local_positions.copy()
    offsets[:, 0] = motion.root_position
    return OrientedMotion(
        axes=own,
        places=motion.rest_positions(),
        rest_offsets=(back @ motion.rest_offsets[..., None])[..., 0],
        rest_turns=back @ own,
        offsets=(back @ offsets[..., None])[..., 0],
        turns=back @ motion.rotations @ own,
        moved=motion.moved_joints(),
    )
