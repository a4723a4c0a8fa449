"""A character's skeleton, as a rig to put motion on: its own names, rest pose and joint axes.

Rigs stand in any pose and in any axes of the world: where left, up and ahead are is told by hips,
neck and legs. Lengths are metres here, whatever the file's unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.errors import ExportError
from mocap.exporters.joint_names import families, joints_named
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Holder
from mocap.exporters.rigs.carriers import carriers_of
from mocap.exporters.upright import upright_axes
from mocap.geometry import Z_UP_TO_Y_UP

#: Heights of the lowest foot joint, as shares of a leg, at which feet stand on the file's ground.
_STANDING = (0.003, 0.12)
#: How far from an axis of the file people look before they are taken to look past it, degrees.
_ASKEW = 8.0


@dataclass(frozen=True, eq=False)
class Rig:
    """A skeleton to put motion on.

    Attributes:
        name: the file it is from.
        skeleton: one frame of it, standing; metres, the file's axes of the world.
        axes: (J, 3, 3) the joints' axes at rest, in columns.
        joints: SMPL-X's joints among its own.
        upright: (3, 3) left, up and ahead of who stands so, in columns.
        metres: in a unit of the file's lengths.
        grounded: whether it stands on the file's ground.
        up: the file's axis that is up.
        holder: the nodes above its bones, all of them above the hips.
        carriers: (J,) the joint that each joint moves with: its parent, but for limbs that hang
            from nothing of the body.
    """

    name: str
    skeleton: SkeletalMotion
    axes: Float[np.ndarray, "joints 3 3"]
    joints: Mapping[str, int]
    upright: Float[np.ndarray, "3 3"]
    metres: float
    grounded: bool
    up: Literal["y", "z"]
    holder: Holder
    carriers: tuple[int, ...]

    @property
    def root(self) -> int | None:
        """The bone above the hips that everything hangs from; None if there is none."""
        hips = self.joints["pelvis"]
        above, found = self.skeleton.parents[hips], None
        while above >= self.holder.count:
            above, found = self.skeleton.parents[above], above
        return found

    def places(self) -> Float[np.ndarray, "joints 3"]:
        """(J, 3) the joints of who stands, metres, +Y up and ahead +Z."""
        return self.skeleton.joints()[0] @ self.upright

    def turned(self, axes: Float[np.ndarray, "3 3"]) -> "Rig":
        """In other axes of the world: ``axes`` maps the old to the new."""
        skeleton = self.skeleton
        tips = skeleton.end_sites
        upright = axes @ self.upright
        return replace(
            self,
            skeleton=replace(
                skeleton,
                rest_offsets=skeleton.rest_offsets @ axes.T,
                rotations=axes @ skeleton.rotations @ axes.T,
                root_position=skeleton.root_position @ axes.T,
                end_sites=None if tips is None else tips @ axes.T,
            ),
            axes=axes @ self.axes,
            upright=upright,
            up="z" if abs(upright[2, 1]) > 0.9 else "y",
        )

    def standing_on_y(self) -> "Rig":
        """With the file's +Y up."""
        return self.turned(Z_UP_TO_Y_UP) if self.up == "z" else self


def rig_of(
    name: str,
    poses: Sequence[SkeletalMotion],
    axes: Float[np.ndarray, "joints 3 3"],
    metres: float,
    holder: Holder | None = None,
) -> Rig:
    """The rig of a skeleton.

    Args:
        name: the file it is from.
        poses: what may be the skeleton standing, a frame each, likelier ones first; metres.
        axes: (J, 3, 3) the joints' axes at rest, in columns.
        metres: in a unit of the file's lengths.
        holder: the nodes above its bones.

    Raises:
        ExportError: its joints' names are of no known family, or it stands upright in no pose.
    """
    names = poses[0].names
    joints = joints_named(names)
    if not joints:
        raise ExportError(
            f"{name}: joints named {', '.join(names[:8])} ... are of no known family "
            f"({families()}); rename the hips and limbs as one of them does"
        )
    for pose in (way for told in poses for way in _ways(told, joints)):
        placed = pose.joints()[0]
        upright = upright_axes(placed[list(joints.values())], tuple(joints))
        if upright is None or not np.isfinite(placed).all():
            continue
        upright = _facing(placed, joints, upright)
        up = upright[:, 1]
        found = Rig(
            name,
            skeleton=pose,
            axes=axes,
            joints=joints,
            upright=upright,
            metres=metres,
            grounded=_is_grounded(placed @ up, joints),
            up="z" if up[2] > 0.9 else "y",
            # Hips move, whatever kind of node they are.
            holder=holder if holder and holder.count <= joints["pelvis"] else Holder(),
            carriers=carriers_of(pose.parents, joints, placed),
        )
        # Files say +Y or +Z is up, and nothing else.
        return found if max(up[1], up[2]) > 0.9 else found.turned(upright.T)
    raise ExportError(
        f"{name}: the skeleton's rest pose is nobody who stands upright; export it in a T-pose or "
        "an A-pose"
    )


def _ways(pose: SkeletalMotion, joints: Mapping[str, int]) -> Iterator[SkeletalMotion]:
    """A pose, and turned about an axis so that its left is an axis of the world."""
    yield pose
    pair = next((pair for pair in ("hip", "shoulder") if f"left_{pair}" in joints), None)
    if pair is None or f"right_{pair}" not in joints:
        return
    placed = pose.joints()[0]
    across = placed[joints[f"left_{pair}"]] - placed[joints[f"right_{pair}"]]
    for axis, angle in (("y", np.arctan2(across[2], across[0])), ("z", -_angle(across))):
        turn = Rotation.from_euler(axis, angle).as_matrix()
        rotations = pose.rotations.copy()
        rotations[:, 0] = turn @ rotations[:, 0]
        yield replace(pose, rotations=rotations)


def _angle(across: np.ndarray) -> float:
    return float(np.arctan2(across[1], across[0]))


def _facing(placed: np.ndarray, joints: Mapping[str, int], upright: np.ndarray) -> np.ndarray:
    """Upright axes that look where the hips do, if that is past the file's axis."""
    pair = "hip" if "left_hip" in joints else "shoulder"
    across = (placed[joints[f"left_{pair}"]] - placed[joints[f"right_{pair}"]]) @ upright
    angle = np.arctan2(-across[2], across[0])
    if abs(np.rad2deg(angle)) < _ASKEW:
        return upright
    return upright @ Rotation.from_euler("y", angle).as_matrix()


def _is_grounded(heights: np.ndarray, joints: Mapping[str, int]) -> bool:
    """Whether feet stand at the height that is called zero."""
    feet = [heights[i] for name, i in joints.items() if name.endswith(("_ankle", "_foot"))]
    hips = [heights[i] for name, i in joints.items() if name.endswith("_hip")]
    if not feet or not hips:
        return False
    low, high = (share * (np.mean(hips) - min(feet)) for share in _STANDING)
    return bool(low <= min(feet) <= high)
