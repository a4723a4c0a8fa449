"""What a body takes in and gives back."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.errors import BodyError

#: Widths of the fields that every body has alike.
_WIDTHS = {
    "global_orient": 3,
    "body_pose": 63,
    "left_hand_pose": 45,
    "right_hand_pose": 45,
    "jaw_pose": 3,
    "leye_pose": 3,
    "reye_pose": 3,
    "transl": 3,
}


@dataclass(frozen=True)
class BodyPose:
    """Shape and pose of a batch of bodies: the fields of a take, axis-angle in radians.

    Leading axes are 1 or the batch size; ``None`` is zero. Hand poses are the full 45 numbers, to
    which no mean pose is added: zero is a flat hand (``flat_hand_mean=True``, ``use_pca=False``
    in the ``smplx`` package's words). Rotations are relative to the parent joint; the root turns
    about the pelvis joint, and ``transl`` (metres) is added last.
    """

    betas: Float[Tensor, "*frames betas"] | None = None
    expression: Float[Tensor, "*frames expressions"] | None = None
    global_orient: Float[Tensor, "frames 3"] | None = None
    body_pose: Float[Tensor, "frames 63"] | None = None
    left_hand_pose: Float[Tensor, "frames 45"] | None = None
    right_hand_pose: Float[Tensor, "frames 45"] | None = None
    jaw_pose: Float[Tensor, "frames 3"] | None = None
    leye_pose: Float[Tensor, "frames 3"] | None = None
    reye_pose: Float[Tensor, "frames 3"] | None = None
    transl: Float[Tensor, "frames 3"] | None = None

    @classmethod
    def of(cls, source: Any, like: Tensor, rows: slice | Sequence[int] = slice(None)) -> "BodyPose":
        """Tensors from anything with (some of) these attributes, such as a take's body motion.

        Args:
            source: arrays or tensors as attributes; attributes it lacks are zero.
            like: gives the dtype and device.
            rows: which of the frames.
        """
        values = {}
        for item in fields(cls):
            value = getattr(source, item.name, None)
            if value is not None:
                some = value[rows] if value.ndim == 2 and len(value) > 1 else value
                values[item.name] = torch.as_tensor(some, dtype=like.dtype, device=like.device)
        return cls(**values)

    @property
    def batch(self) -> int:
        """The number of bodies."""
        sizes = [len(v) for v in vars(self).values() if v is not None and v.ndim == 2]
        return next((size for size in sizes if size != 1), 1)

    def check(self, num_betas: int, num_expressions: int) -> None:
        """Raise :class:`BodyError` unless the fields fit a body and each other."""
        batch = self.batch
        for name, value in vars(self).items():
            if value is None:
                continue
            most = {"betas": num_betas, "expression": num_expressions}.get(name)
            width = value.shape[-1] if value.ndim else 0
            if most is not None and width > most:
                raise BodyError(f"{name} has {width} components, this body has {most}")
            if most is None and (value.ndim != 2 or width != _WIDTHS[name]):
                raise BodyError(
                    f"{name} has shape {tuple(value.shape)}, wanted (frames, {_WIDTHS[name]})"
                )
            if value.ndim == 2 and len(value) not in (1, batch):
                raise BodyError(f"{name} has {len(value)} frames, other fields have {batch}")

    def axis_angles(self, like: Tensor) -> Float[Tensor, "frames 55 3"]:
        """All rotations in SMPL-X's joint order; the hands come last, left before right."""
        batch, parts = self.batch, []
        for name, joints in (
            ("global_orient", 1),
            ("body_pose", 21),
            ("jaw_pose", 1),
            ("leye_pose", 1),
            ("reye_pose", 1),
            ("left_hand_pose", 15),
            ("right_hand_pose", 15),
        ):
            value = getattr(self, name)
            if value is None:
                value = like.new_zeros(1, 3 * joints)
            parts.append(value.reshape(-1, joints, 3).expand(batch, -1, -1))
        return torch.cat(parts, dim=1)


@dataclass(frozen=True)
class PosedBody:
    """Posed bodies, world metres.

    Attributes:
        joints: SMPL-X's 55.
        rotations: each joint's rotation from the rest frame to the world.
        vertices: the surface, if asked for.
        landmarks: the body's named points, if asked for, in the order of ``landmark_names``.
    """

    joints: Float[Tensor, "frames 55 3"]
    rotations: Float[Tensor, "frames 55 3 3"]
    vertices: Float[Tensor, "frames vertices 3"] | None = None
    landmarks: Float[Tensor, "frames landmarks 3"] | None = None
