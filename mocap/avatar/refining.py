"""Motion corrected by the picture: what is rendered of a person is compared with what was seen.

Every frame's pose is moved to where the avatar covers the person, while the motion stays smooth,
close to what was fitted, and with its resting feet in place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.interpolate import BSpline
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.shaping import difference
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55

#: Joints of the trunk, that are put right first, and where limbs hang on it.
_TRUNK = ("spine1", "spine2", "spine3", "left_hip", "right_hip", "left_shoulder", "right_shoulder")
#: Joints that do not show in a picture of a whole person, or hardly.
_UNSEEN = ("left_wrist", "right_wrist", "left_foot", "right_foot")
#: Frames rendered before their gradients are taken, which bounds memory.
_TOGETHER = 12
_FEET = SMPLX_55.indices("left_ankle", "left_foot", "right_ankle", "right_foot")
_BODY = 22


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
    still: float = 0.01
    colour: float = 600.0
    every: int = 6


@dataclass(frozen=True)
class Refined:
    """A motion before and after.

    Attributes:
        pose: of every frame, corrected, or as it was if that was no better.
        before: the mean difference from pictures that were left out.
        after: the same with the corrected motion.
    """

    pose: BodyPose
    before: float
    after: float

    @property
    def better(self) -> bool:
        """Whether the corrected motion is taken."""
        return self.after < self.before


def refine(
    avatar: Avatar,
    pose: BodyPose,
    looks: Sequence[Look],
    resting: Float[np.ndarray, "frames 4"] | None = None,
    config: RefineConfig | None = None,
    *,
    fps: float = 30.0,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Refined:
    """Correct a motion by pictures of it.

    Args:
        avatar: of the person; two thousand Gaussians are enough.
        pose: of every frame; betas are the avatar's own.
        looks: of frames, each of which says by ``row`` which of them it is.
        resting: (F, 4) how surely left ankle and ball, right ankle and ball rest, 0 to 1.
        config: how far and how surely.
        fps: frames a second.
        on_step: told how many of all steps are done.
    """
    config = config or RefineConfig()
    assert pose.body_pose is not None
    assert pose.global_orient is not None
    assert pose.transl is not None
    frames = len(pose.transl)
    held = [look for number, look in enumerate(looks) if number % config.every == config.every // 2]
    used = [look for look in looks if all(look is not other for other in held)]
    if not used or not held:
        return Refined(pose, 0.0, 0.0)
    splines = _splines(frames, max(2.0, config.spacing * fps)).to(pose.transl)
    problem = _Problem(avatar, pose, resting, splines, used[0].view.R[2], fps, config)
    angles = pose.transl.new_zeros(splines.shape[1], _BODY, 3).requires_grad_()
    places = pose.transl.new_zeros(splines.shape[1], 3).requires_grad_()
    total, done = sum(stage.steps for stage in config.stages), 0
    on_step(0, total)
    for stage in config.stages:
        small = [look.smaller(stage.size) for look in used]
        free = _free(stage.limbs).to(angles)
        optimiser = torch.optim.Adam(
            [
                {"params": [angles], "lr": config.angle_rate},
                {"params": [places], "lr": config.place_rate},
            ],
            betas=(0.8, 0.95),
        )
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, stage.steps, 1e-4)
        for step in range(stage.steps):
            optimiser.zero_grad()
            chance = np.random.default_rng(step)
            problem.picture(angles, places, small, chance)
            problem.motion(angles, places).backward()
            assert angles.grad is not None
            angles.grad.mul_(free[:, None])
            optimiser.step()
            slower.step()
            done += 1
            on_step(done, total)
    with torch.no_grad():
        corrected = problem.corrected(angles, places)
        last = [look.smaller(config.stages[-1].size) for look in held]
        before, after = (shown(avatar, one, last) for one in (pose, corrected))
    return Refined(corrected if after < before else pose, before, after)


def shown(avatar: Avatar, pose: BodyPose, looks: Sequence[Look]) -> float:
    """The mean difference between an avatar in motion and pictures, on backgrounds of three greys.

    Args:
        avatar: of the person.
        pose: of every frame.
        looks: of some of them.
    """
    total = 0.0
    for look in looks:
        carriage = avatar.carriage(_rows(pose, [look.row]))
        for grey in (0.0, 0.5, 1.0):
            total += float(difference(look, carriage, avatar.gaussians, np.full(3, grey)))
    return total / (3 * max(len(looks), 1))


@dataclass(frozen=True, eq=False)
class _Problem:
    """What is minimised over corrections of the frames that are looked at."""

    avatar: Avatar
    pose: BodyPose
    resting: Float[np.ndarray, "frames 4"] | None
    splines: Float[Tensor, "frames knots"]
    axis: Float[Tensor, "3"]
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
    ) -> None:
        """Add the gradients of how far what is rendered is from pictures."""
        weight = self.config.colour
        for first in range(0, len(looks), _TOGETHER):
            some = looks[first : first + _TOGETHER]
            pose = _rows(self.corrected(angles, places), [look.row for look in some])
            carriages = self.avatar.carriages(pose)
            loss = torch.stack(
                [
                    difference(look, carriage, self.avatar.gaussians, chance.uniform(size=3))
                    for look, carriage in zip(some, carriages, strict=True)
                ]
            )
            (weight * loss.sum()).backward()

    def motion(self, angles: Tensor, places: Tensor) -> Float[Tensor, ""]:
        """How far corrections are from likely ones, and the motion from a smooth one."""
        config = self.config
        turns = torch.einsum("fk,kja->fja", self.splines, angles)
        moves = self.splines @ places
        depth = moves @ self.axis
        level = moves - depth[:, None] * self.axis
        loss = (turns / config.angle_spread).square().sum()
        loss = loss + (level / config.place_spread).square().sum()
        loss = loss + (depth / config.depth_spread).square().sum()
        pose = self.corrected(angles, places)
        joints = self._joints(pose)
        with torch.no_grad():
            first = self._joints(self.pose)
        if len(joints) > 2:
            jolts = (joints[2:] - 2 * joints[1:-1] + joints[:-2]) * self.fps**2
            usual = (first[2:] - 2 * first[1:-1] + first[:-2]) * self.fps**2
            # What moved smoothly still does; what was quick may be.
            loose = config.calm + usual.norm(dim=-1, keepdim=True)
            loss = loss + (jolts / loose).square().sum() / _BODY
        if self.resting is not None:
            sure = torch.as_tensor(self.resting).to(joints)[..., None]
            off = (joints - first)[:, list(_FEET)] / config.still
            loss = loss + (sure * off.square()).sum()
        return loss

    def _joints(self, pose: BodyPose) -> Float[Tensor, "frames 22 3"]:
        betas = self.avatar.betas[None]
        return self.avatar.body.forward(replace(pose, betas=betas)).joints[:, :_BODY]


def _free(limbs: bool) -> Float[Tensor, " joints"]:
    """Which joints may move: 1 or 0."""
    names = SMPLX_55.names[:_BODY]
    return torch.tensor(
        [
            float(name not in _UNSEEN if limbs else name == "pelvis" or name in _TRUNK)
            for name in names
        ]
    )


def _splines(frames: int, spacing: float) -> Float[Tensor, "frames knots"]:
    """Cubic B-splines over frames, about so many frames apart: whatever they mix is smooth."""
    pieces = max(1, round((frames - 1) / spacing))
    knots = np.linspace(0, max(frames - 1, 1), pieces + 1)
    step = knots[1] - knots[0]
    around = np.concatenate([knots[0] + step * np.arange(-3, 0), knots])
    around = np.concatenate([around, knots[-1] + step * np.arange(1, 4)])
    basis = BSpline.design_matrix(np.arange(frames, dtype=float), around, 3)
    return torch.from_numpy(basis.toarray()).float()


def _rows(pose: BodyPose, rows: Sequence[int] | Int[np.ndarray, " rows"]) -> BodyPose:
    parts = {
        name: part[list(rows)] if len(part) > 1 else part
        for name, part in vars(pose).items()
        if part is not None and name != "betas"
    }
    return BodyPose(**parts)
