"""What is minimised when motion is corrected by the picture: likeness, against likelihood.

Corrections are splines over time of joints' angles and of the body's place, and one change of the
body's shape.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
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
            In pictures of less than a hundred pixels Gaussians are too wide, and bodies shrink.
        sizing: the same by which a shape is found; none leave it as it is.
        angle_rate: of Adam, radians.
        place_rate: of Adam, metres.
        shape_rate: of Adam, betas.
        angle_spread: how far off a joint's angle is thought to be, radians.
        place_spread: how far off the body's place is thought to be, metres.
        depth_spread: the same along the camera's axis, where a picture tells little.
        shape_spread: how far off a beta is thought to be.
        spacing: of the splines that corrections are made of, seconds.
        calm: spread of joints' accelerations, m/s².
        still: how far off a resting foot may be, metres.
        colour: weight of the picture, as against all of these.
        seen: how far across the line of sight a joint may be off that was detected surely, metres.
        rate: frames a second that motion is corrected by, half of all at most; as many others, in
            between, judge.
    """

    stages: tuple[Stage, ...] = (Stage(128, 12, limbs=False), Stage(240, 16), Stage(320, 12))
    sizing: tuple[Stage, ...] = (Stage(160, 24), Stage(320, 16))
    angle_rate: float = 0.015
    place_rate: float = 0.006
    shape_rate: float = 0.08
    angle_spread: float = 0.10
    place_spread: float = 0.05
    depth_spread: float = 0.03
    shape_spread: float = 1.0
    spacing: float = 0.15
    calm: float = 3.0
    still: float = 0.004
    colour: float = 600.0
    seen: float = 0.02
    rate: float = 15.0


@dataclass(frozen=True)
class Evidence:
    """What the motion that is to be corrected has been told already.

    Attributes:
        resting: (F, 4) how surely left ankle and ball, right ankle and ball rest, 0 to 1.
        detected: (F, 22) how surely each joint was detected where it is now seen, 0 to 1.
    """

    resting: Float[np.ndarray, "frames 4"] | None = None
    detected: Float[np.ndarray, "frames 22"] | None = None

    def __getitem__(self, rows: slice | Sequence[int]) -> "Evidence":
        parts = (self.resting, self.detected)
        return Evidence(*(None if part is None else part[rows] for part in parts))


@dataclass(frozen=True, eq=False)
class Corrections:
    """What is added to a motion.

    Attributes:
        angles: (K, 22, 3) to the joints' rotation vectors, at the knots of the splines, radians.
        places: (K, 3) to the body's place, likewise, metres.
        betas: (B,) to its shape.
    """

    angles: Float[Tensor, "knots 22 3"]
    places: Float[Tensor, "knots 3"]
    betas: Float[Tensor, " betas"]

    @classmethod
    def none(cls, knots: int, like: Float[Tensor, " betas"]) -> "Corrections":
        """None yet, with gradients, for a body of such a shape."""
        sizes = (knots, BODY, 3), (knots, 3), like.shape
        return cls(*(like.new_zeros(size).requires_grad_() for size in sizes))

    @property
    def parts(self) -> tuple[Tensor, Tensor, Tensor]:
        """All of them, in the order of the attributes."""
        return self.angles, self.places, self.betas


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

    def corrected(self, changes: Corrections) -> BodyPose:
        """The motion of all frames; without betas, as it was."""
        pose = self.pose
        turns = torch.einsum("fk,kja->fja", self.splines, changes.angles)
        assert pose.global_orient is not None
        assert pose.body_pose is not None
        assert pose.transl is not None
        return replace(
            pose,
            global_orient=pose.global_orient + turns[:, 0],
            body_pose=pose.body_pose + turns[:, 1:].flatten(1),
            transl=pose.transl + self.splines @ changes.places,
        )

    def picture(
        self,
        changes: Corrections,
        looks: Sequence[Look],
        chance: np.random.Generator,
        pool: Executor,
    ) -> list[Tensor]:
        """The gradients of how far what is rendered is from pictures."""
        behind = chance.uniform(size=(len(looks), 3))
        runs = [slice(first, first + _TOGETHER) for first in range(0, len(looks), _TOGETHER)]

        def gradients(run: slice) -> tuple[Tensor, ...]:
            some = looks[run]
            betas = self.avatar.betas + changes.betas
            pose = BodyPose.of(self.corrected(changes), betas, [look.row for look in some])
            carriages = self.avatar.carriages(pose, betas)
            losses = [
                difference(look, carriage, self.avatar.gaussians, colour)
                for look, carriage, colour in zip(some, carriages, behind[run], strict=True)
            ]
            loss = self.config.colour * torch.stack(losses).sum()
            return torch.autograd.grad(loss, changes.parts)

        # Summed in one order, whoever is ready first.
        found = list(pool.map(gradients, runs))
        return [torch.stack(parts).sum(0) for parts in zip(*found, strict=True)]

    def motion(self, changes: Corrections) -> Float[Tensor, ""]:
        """How far corrections are from likely ones, and the motion from a smooth one."""
        config = self.config
        turns = torch.einsum("fk,kja->fja", self.splines, changes.angles)
        moves = self.splines @ changes.places
        depth = (moves * self.axes).sum(-1, keepdim=True)
        level = moves - depth * self.axes
        loss = (turns / config.angle_spread).square().sum()
        loss = loss + (level / config.place_spread).square().sum()
        loss = loss + (depth / config.depth_spread).square().sum()
        loss = loss + (changes.betas / config.shape_spread).square().sum()
        joints = self._joints(self.corrected(changes), self.avatar.betas + changes.betas)
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
            return self._joints(self.pose, self.avatar.betas)

    def _joints(
        self, pose: BodyPose, betas: Float[Tensor, " betas"]
    ) -> Float[Tensor, "frames 22 3"]:
        return self.avatar.body.forward(replace(pose, betas=betas[None])).joints[:, :BODY]


def splines(frames: int, spacing: float) -> Float[Tensor, "frames knots"]:
    """Cubic B-splines over frames, about so many frames apart: whatever they mix is smooth."""
    pieces = max(1, round((frames - 1) / spacing))
    knots = np.linspace(0, max(frames - 1, 1), pieces + 1)
    step = knots[1] - knots[0]
    around = np.concatenate([knots[0] + step * np.arange(-3, 0), knots])
    around = np.concatenate([around, knots[-1] + step * np.arange(1, 4)])
    basis = BSpline.design_matrix(np.arange(frames, dtype=float), around, 3)
    return torch.from_numpy(basis.toarray()).float()
