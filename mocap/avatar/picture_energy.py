"""What is minimised when motion is corrected by the picture: likeness, against likelihood.

Corrections are splines over time of joints' angles and of the body's place.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import BSpline
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.shaping import difference
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55

#: Joints of the body, without hands and face.
BODY = 22
#: Frames rendered before their gradients are taken, which bounds memory.
_TOGETHER = 12
_FEET = SMPLX_55.indices("left_ankle", "left_foot", "right_ankle", "right_foot")


@dataclass(frozen=True)
class Stage:
    """One round of steps.

    Attributes:
        size: of the pictures, pixels along the longer side.
        steps: through all frames.
        limbs: whether limbs move too, or the trunk alone.
    """

    size: int
    steps: int
    limbs: bool = True


@dataclass(frozen=True)
class RefineConfig:
    """How motion is corrected by the picture.

    Attributes:
        stages: one after another, from small pictures to larger ones.
        angle_rate: of Adam, radians.
        place_rate: of Adam, metres.
        angle_spread: how far off a joint's angle is thought to be, radians.
        place_spread: how far off the body's place is thought to be, metres.
        depth_spread: the same along the camera's axis, where a picture tells little.
        spacing: of the splines that corrections are made of, seconds.
        calm: spread of joints' accelerations, m/s².
        still: how far off a resting foot may be, metres.
        colour: weight of the picture, as against all of these.
        seen: how far across the line of sight a joint may be off that was detected surely, metres.
        every: one of so many frames is left out and only tells whether the others got better.
    """

    stages: tuple[Stage, ...] = field(
        default_factory=lambda: (Stage(64, 12, limbs=False), Stage(96, 16), Stage(160, 14))
    )
    angle_rate: float = 0.015
    place_rate: float = 0.006
    angle_spread: float = 0.10
    place_spread: float = 0.05
    depth_spread: float = 0.03
    spacing: float = 0.15
    calm: float = 3.0
    still: float = 0.004
    colour: float = 600.0
    seen: float = 0.02
    every: int = 6


@dataclass(frozen=True)
class Evidence:
    """What the motion that is to be corrected has been told already.

    Attributes:
        resting: (F, 4) how surely left ankle and ball, right ankle and ball rest, 0 to 1.
        detected: (F, 22) how surely each joint was detected where it is now seen, 0 to 1.
    """

    resting: Float[np.ndarray, "frames 4"] | None = None
    detected: Float[np.ndarray, "frames 22"] | None = None

    def __getitem__(self, rows: slice) -> "Evidence":
        parts = (self.resting, self.detected)
        return Evidence(*(None if part is None else part[rows] for part in parts))


@dataclass(frozen=True, eq=False)
class Energy:
    """What is minimised over corrections.

    Attributes:
        avatar: of the person.
        pose: the motion to be corrected.
        evidence: of it.
        splines: (F, K) that corrections are made of.
        axes: (F, 3) of the camera in every frame, world, unit length.
        fps: frames a second.
        config: weights and spreads.
    """

    avatar: Avatar
    pose: BodyPose
    evidence: Evidence
    splines: Float[Tensor, "frames knots"]
    axes: Float[Tensor, "frames 3"]
    fps: float
    config: RefineConfig

    def corrected(
        self, angles: Float[Tensor, "knots 22 3"], places: Float[Tensor, "knots 3"]
    ) -> BodyPose:
        """The motion of all frames."""
        pose = self.pose
        turns = torch.einsum("fk,kja->fja", self.splines, angles)
        assert pose.global_orient is not None
        assert pose.body_pose is not None
        assert pose.transl is not None
        return replace(
            pose,
            global_orient=pose.global_orient + turns[:, 0],
            body_pose=pose.body_pose + turns[:, 1:].flatten(1),
            transl=pose.transl + self.splines @ places,
        )

    def picture(
        self,
        angles: Tensor,
        places: Tensor,
        looks: Sequence[Look],
        chance: np.random.Generator,
        pool: Executor,
    ) -> tuple[Tensor, Tensor]:
        """The gradients of how far what is rendered is from pictures."""
        behind = chance.uniform(size=(len(looks), 3))
        runs = [slice(first, first + _TOGETHER) for first in range(0, len(looks), _TOGETHER)]

        def gradients(run: slice) -> tuple[Tensor, ...]:
            some = looks[run]
            pose = BodyPose.of(self.corrected(angles, places), angles, [look.row for look in some])
            carriages = self.avatar.carriages(pose)
            losses = [
                difference(look, carriage, self.avatar.gaussians, colour)
                for look, carriage, colour in zip(some, carriages, behind[run], strict=True)
            ]
            loss = self.config.colour * torch.stack(losses).sum()
            return torch.autograd.grad(loss, (angles, places))

        # Summed in one order, whoever is ready first.
        found = list(pool.map(gradients, runs))
        return _sum(one for one, _ in found), _sum(one for _, one in found)

    def motion(self, angles: Tensor, places: Tensor) -> Float[Tensor, ""]:
        """How far corrections are from likely ones, and the motion from a smooth one."""
        config = self.config
        turns = torch.einsum("fk,kja->fja", self.splines, angles)
        moves = self.splines @ places
        depth = (moves * self.axes).sum(-1, keepdim=True)
        level = moves - depth * self.axes
        loss = (turns / config.angle_spread).square().sum()
        loss = loss + (level / config.place_spread).square().sum()
        loss = loss + (depth / config.depth_spread).square().sum()
        pose = self.corrected(angles, places)
        joints = self._joints(pose)
        first = self._first
        if len(joints) > 2:
            jolts = (joints[2:] - 2 * joints[1:-1] + joints[:-2]) * self.fps**2
            usual = (first[2:] - 2 * first[1:-1] + first[:-2]) * self.fps**2
            # What moved smoothly still does; what was quick may be.
            loose = config.calm + usual.norm(dim=-1, keepdim=True)
            loss = loss + (jolts / loose).square().sum() / BODY
        off = joints - first
        if self.evidence.resting is not None:
            sure = torch.as_tensor(self.evidence.resting).to(joints)[..., None]
            loss = loss + (sure * (off[:, list(_FEET)] / config.still).square()).sum()
        if self.evidence.detected is not None:
            sure = torch.as_tensor(self.evidence.detected).to(joints)[..., None]
            axes = self.axes[:, None]
            across = off - (off * axes).sum(-1, keepdim=True) * axes
            loss = loss + (sure * (across / config.seen).square()).sum()
        return loss

    @cached_property
    def _first(self) -> Float[Tensor, "frames 22 3"]:
        with torch.no_grad():
            return self._joints(self.pose)

    def _joints(self, pose: BodyPose) -> Float[Tensor, "frames 22 3"]:
        betas = self.avatar.betas[None]
        return self.avatar.body.forward(replace(pose, betas=betas)).joints[:, :BODY]


def _sum(parts: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(parts)).sum(0)


def splines(frames: int, spacing: float) -> Float[Tensor, "frames knots"]:
    """Cubic B-splines over frames, about so many frames apart: whatever they mix is smooth."""
    pieces = max(1, round((frames - 1) / spacing))
    knots = np.linspace(0, max(frames - 1, 1), pieces + 1)
    step = knots[1] - knots[0]
    around = np.concatenate([knots[0] + step * np.arange(-3, 0), knots])
    around = np.concatenate([around, knots[-1] + step * np.arange(1, 4)])
    basis = BSpline.design_matrix(np.arange(frames, dtype=float), around, 3)
    return torch.from_numpy(basis.toarray()).float()
