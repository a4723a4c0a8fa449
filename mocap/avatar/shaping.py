"""Clothes and hair: how far from the body's surface an avatar stands, from silhouettes and colours.

What is worn is smooth: places are moved by a field of a few hundred points of the body at rest,
not one by one, for pictures of one clip do not tell as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

from mocap.avatar.avatar import Avatar, Carriage
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.looks import Look
from mocap.avatar.rendering import render
from mocap.progress import Progress, silent

#: Points of the field, those that move a place, and how far each reaches, metres.
_POINTS, _NEAREST, _REACH = 600, 8, 0.05
#: Greatest distance from the body's surface, metres.
_FARTHEST = 0.1


@dataclass(frozen=True)
class Field:
    """How far places on a body at rest are moved.

    Attributes:
        points: (P, 3) of the body at rest, metres.
        steps: (P, 3) by which places there are moved, metres.
    """

    points: Float[np.ndarray, "points 3"]
    steps: Float[Tensor, "points 3"]

    def at(self, avatar: Avatar) -> "Field.Grip":
        """What of the field moves each of an avatar's Gaussians."""
        places = avatar.gaussians.means.detach().double().cpu().numpy()
        gaps, which = cKDTree(self.points).query(places, k=min(_NEAREST, len(self.points)))
        kernel = np.exp(-0.5 * (gaps / _REACH) ** 2)
        kernel /= kernel.sum(1, keepdims=True)
        like = avatar.gaussians.means
        return Field.Grip(
            torch.from_numpy(which).to(like.device), torch.from_numpy(kernel).to(like)
        )

    @dataclass(frozen=True)
    class Grip:
        """Which points of a field move each place, and how much."""

        which: Int[Tensor, "gaussians nearest"]
        shares: Float[Tensor, "gaussians nearest"]

        def moved(self, steps: Float[Tensor, "points 3"]) -> Float[Tensor, "gaussians 3"]:
            """By how much each place is moved, metres."""
            return (steps[self.which] * self.shares[..., None]).sum(1)


@dataclass(frozen=True)
class ShapeConfig:
    """How an avatar gets its outlines.

    Attributes:
        steps: pictures gone through.
        rate: of Adam, metres.
        still: weight of staying on the surface, per metre.
        even: weight of moving as what is around moves, per metre.
        seed: of the order of the pictures, and of the backgrounds.
    """

    steps: int = 120
    rate: float = 0.003
    still: float = 0.2
    even: float = 1.0
    seed: int = 0


def outlines(
    avatar: Avatar,
    looks: Sequence[Look],
    config: ShapeConfig | None = None,
    *,
    progress: Progress = silent,
) -> Field:
    """The field that makes an avatar's outlines those of its person.

    Args:
        avatar: in about the person's colours; a few thousand Gaussians are enough.
        looks: of the person; small pictures are enough.
        config: how long, and how fast.
        progress: called as ``progress("outlines", steps done, steps)``.
    """
    config = config or ShapeConfig()
    every = max(1, len(avatar) // _POINTS)
    field = Field(
        avatar.gaussians.means[::every].detach().double().cpu().numpy(),
        torch.zeros_like(avatar.gaussians.means[::every]),
    )
    grip = field.at(avatar)
    _, around = cKDTree(field.points).query(field.points, k=min(7, len(field.points)))
    around = torch.from_numpy(np.atleast_2d(around)).to(field.steps.device)
    with torch.no_grad():
        carriages = [avatar.carriage(look.pose) for look in looks]
    steps = field.steps.clone().requires_grad_()
    optimiser = torch.optim.Adam([steps], lr=config.rate)
    slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    chance, order = np.random.default_rng(config.seed), list[int]()
    progress("outlines", 0, config.steps)
    for step in range(config.steps):
        order = order or list(chance.permutation(len(looks)))
        chosen = order.pop()
        moved = replace(avatar.gaussians, means=avatar.gaussians.means + grip.moved(steps))
        loss = difference(looks[chosen], carriages[chosen], moved, chance.uniform(size=3))
        uneven = (steps - steps[around].mean(1)).abs().mean()
        loss = loss + config.still * steps.norm(dim=1).mean() + config.even * uneven
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        slower.step()
        with torch.no_grad():
            steps.mul_(_FARTHEST / steps.norm(dim=1, keepdim=True).clamp_min(_FARTHEST))
        progress("outlines", step + 1, config.steps)
    return replace(field, steps=steps.detach())


def reshaped(avatar: Avatar, field: Field) -> Avatar:
    """An avatar of that body, moved by a field."""
    moved = avatar.gaussians.means + field.at(avatar).moved(field.steps)
    return replace(avatar, gaussians=replace(avatar.gaussians, means=moved))


def difference(
    look: Look, carriage: Carriage, gaussians: Gaussians, behind: np.ndarray
) -> Float[Tensor, ""]:
    """The mean absolute difference from a picture whose background is made plain.

    Args:
        look: of the person.
        carriage: of the Gaussians into the look's pose.
        gaussians: at rest.
        behind: (3,) the colour of the background.
    """
    background = torch.as_tensor(behind).to(look.image)
    # Pictures are small: without, Gaussians would cover far more than the person does.
    picture = render(
        carriage.carry(gaussians), look.view, look.size, background=background, antialiased=True
    )
    wanted = torch.where(look.mask[..., None], look.image, background)
    off = (picture.colour - wanted).abs().mean(-1)
    return (off * look.told).sum() / look.told.sum().clamp_min(1)
