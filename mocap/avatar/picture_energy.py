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
#: Of those, what rests: left ankle and ball, right ankle and ball.
FEET = SMPLX_55.indices("left_ankle", "left_foot", "right_ankle", "right_foot")


@dataclass(frozen=True)
class Stage:
    """One round of steps.

    Attributes:
        size: of the pictures, pixels along the longer side.
        steps: through all frames, at most.
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
        angle_spread: how far off a joint's angle is thought to be, radians.
        place_spread: how far off the body's place is thought to be, metres.
        depth_spread: the same along the line of sight, where a picture tells little.
        shape_spread: how far off a beta is thought to be.
        spacing: of the splines that corrections are made of, seconds.
        calm: spread of joints' accelerations, m/s².
        still: how far off a resting foot may be, and how far below its lowest place any, metres.
        slide: how fast it may be as against what it was, m/s.
        colour: weight of the picture, as against all of these.
        clear: how far across the line of sight a joint's place is told by one picture, metres: a
            guess, at the usual weight of colours, by which steps are made longer or shorter.
        seen: how far across the line of sight a joint may be off that was detected surely, metres.
        rate: frames a second that motion is corrected by, half of all at most; as many others, in
            between, judge.
    """

    stages: tuple[Stage, ...] = (Stage(128, 6, limbs=False), Stage(240, 10), Stage(320, 8))
    sizing: tuple[Stage, ...] = (Stage(160, 14), Stage(320, 10))
    angle_spread: float = 0.14
    place_spread: float = 0.05
    depth_spread: float = 0.03
    shape_spread: float = 1.0
    spacing: float = 0.15
    calm: float = 3.0
    still: float = 0.004
    slide: float = 0.02
    colour: float = 1200.0
    clear: float = 0.015
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
        eyes: (F, 3) where the camera is in every frame, world, metres.
        fps: frames a second.
        config: weights and spreads.
    """

    avatar: Avatar
    pose: BodyPose
    evidence: Evidence
    splines: Float[Tensor, "frames knots"]
    eyes: Float[Tensor, "frames 3"]
    fps: float
    config: RefineConfig

    def corrected(self, changes: Corrections) -> BodyPose:
        """The motion of all frames; without betas, as it was."""
        return self._moved(*self._spread(changes))

    def joints(
        self,
        turns: Float[Tensor, "frames 22 3"],
        moves: Float[Tensor, "frames 3"],
        betas: Float[Tensor, "shapes betas"],
    ) -> Float[Tensor, "frames 22 3"]:
        """Where joints are in all frames, world, metres.

        Args:
            turns: added to their rotation vectors, radians.
            moves: added to the body's place, metres.
            betas: one shape, or one of every frame.
        """
        pose = replace(self._moved(turns, moves), betas=betas)
        return self.avatar.body.forward(pose).joints[:, :BODY]

    def _spread(
        self, changes: Corrections
    ) -> tuple[Float[Tensor, "frames 22 3"], Float[Tensor, "frames 3"]]:
        turns = torch.einsum("fk,kja->fja", self.splines, changes.angles)
        return turns, self.splines @ changes.places

    def _moved(
        self, turns: Float[Tensor, "frames 22 3"], moves: Float[Tensor, "frames 3"]
    ) -> BodyPose:
        pose = self.pose
        assert pose.global_orient is not None
        assert pose.body_pose is not None
        assert pose.transl is not None
        return replace(
            pose,
            global_orient=pose.global_orient + turns[:, 0],
            body_pose=pose.body_pose + turns[:, 1:].flatten(1),
            transl=pose.transl + moves,
        )

    def picture(
        self,
        changes: Corrections,
        looks: Sequence[Look],
        behind: Float[np.ndarray, "looks 3"],
        pool: Executor,
    ) -> tuple[float, list[Tensor]]:
        """How far what is rendered is from pictures, before colours, and the gradients of that."""
        runs = [slice(first, first + _TOGETHER) for first in range(0, len(looks), _TOGETHER)]

        def gradients(run: slice) -> tuple[float, tuple[Tensor, ...]]:
            some = looks[run]
            betas = self.avatar.betas + changes.betas
            pose = BodyPose.of(self.corrected(changes), betas, [look.row for look in some])
            carriages = self.avatar.carriages(pose, betas)
            losses = [
                difference(look, carriage, self.avatar.gaussians, colour)
                for look, carriage, colour in zip(some, carriages, behind[run], strict=True)
            ]
            loss = self.config.colour * torch.stack(losses).sum()
            return loss.item(), torch.autograd.grad(loss, changes.parts)

        # Summed in one order, whoever is ready first.
        losses, found = zip(*pool.map(gradients, runs), strict=True)
        return sum(losses), [torch.stack(parts).sum(0) for parts in zip(*found, strict=True)]

    def motion(self, changes: Corrections) -> Float[Tensor, ""]:
        """How far corrections are from likely ones, and the motion from a smooth one."""
        config = self.config
        turns, moves = self._spread(changes)
        ray = self.rays[:, 0]
        depth = (moves * ray).sum(-1, keepdim=True)
        level = moves - depth * ray
        loss = (turns / config.angle_spread).square().sum()
        loss = loss + (level / config.place_spread).square().sum()
        loss = loss + (depth / config.depth_spread).square().sum()
        loss = loss + (changes.betas / config.shape_spread).square().sum()
        joints = self.joints(turns, moves, (self.avatar.betas + changes.betas)[None])
        if len(joints) > 2:
            loss = loss + (_jolts(joints, self.fps) / self.loose).square().sum() / BODY
        off = joints - self.first
        if self.evidence.resting is not None:
            sure = torch.as_tensor(self.evidence.resting).to(joints)[..., None]
            feet = off[:, list(FEET)]
            slides = (feet[1:] - feet[:-1]) * self.fps
            both = torch.minimum(sure[1:], sure[:-1])
            loss = loss + (sure * (feet / config.still).square()).sum()
            loss = loss + (both * (slides / config.slide).square()).sum()
        sunk = torch.relu(self.floor - joints[:, list(FEET), 1])
        loss = loss + (sunk / config.still).square().sum()
        if self.evidence.detected is not None:
            sure = torch.as_tensor(self.evidence.detected).to(joints)[..., None]
            across = off - (off * self.rays).sum(-1, keepdim=True) * self.rays
            loss = loss + (sure * (across / config.seen).square()).sum()
        return loss

    @cached_property
    def first(self) -> Float[Tensor, "frames 22 3"]:
        """Joints of the motion that is to be corrected, world, metres."""
        with torch.no_grad():
            like = self.splines
            none = like.new_zeros(len(like), BODY, 3), like.new_zeros(len(like), 3)
            return self.joints(*none, self.avatar.betas[None])

    @cached_property
    def floor(self) -> Float[Tensor, " 4"]:
        """How low ankles and balls of the feet are at their lowest, metres: they go no lower.

        Minus infinity where they are not known to rest, on one floor or several.
        """
        heights = self.first[:, list(FEET), 1]
        resting = self.evidence.resting
        if resting is None:
            return torch.full_like(heights[0], -np.inf)
        known = torch.as_tensor(resting > 0.5).any(0).to(heights.device)
        return torch.where(known, heights.amin(0), -np.inf)

    @cached_property
    def rays(self) -> Float[Tensor, "frames 22 3"]:
        """From the camera to every one of these, unit length."""
        return torch.nn.functional.normalize(self.first - self.eyes[:, None], dim=-1)

    @cached_property
    def loose(self) -> Float[Tensor, "frames-2 22 1"]:
        """Spread of joints' accelerations, m/s².

        What moved smoothly still does, what was quick may be.
        """
        return self.config.calm + _jolts(self.first, self.fps).norm(dim=-1, keepdim=True)


def _jolts(joints: Float[Tensor, "frames 22 3"], fps: float) -> Float[Tensor, "frames-2 22 3"]:
    return (joints[2:] - 2 * joints[1:-1] + joints[:-2]) * fps**2


def splines(frames: int, spacing: float) -> Float[Tensor, "frames knots"]:
    """Cubic B-splines over frames, about so many frames apart: whatever they mix is smooth."""
    pieces = max(1, round((frames - 1) / spacing))
    knots = np.linspace(0, max(frames - 1, 1), pieces + 1)
    step = knots[1] - knots[0]
    around = np.concatenate([knots[0] + step * np.arange(-3, 0), knots])
    around = np.concatenate([around, knots[-1] + step * np.arange(1, 4)])
    basis = BSpline.design_matrix(np.arange(frames, dtype=float), around, 3)
    return torch.from_numpy(basis.toarray()).float()
