"""How alike an avatar and its pictures are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.rendering import render


@dataclass(frozen=True)
class Likeness:
    """How alike an avatar and pictures of its person are.

    Attributes:
        psnr: peak signal-to-noise ratio, decibels, over all pixels that show both.
        overlap: pixels that show both over those that show either (IoU), 0 to 1.
    """

    psnr: float
    overlap: float


def likeness(avatar: Avatar, looks: Sequence[Look]) -> Likeness:
    """How alike an avatar and pictures are, over the pixels of all of them."""
    errors, both, either = 0.0, 0, 0
    with torch.no_grad():
        for look in looks:
            posed = avatar.posed(look.pose)
            picture = render(posed, look.view, look.size, antialiased=avatar.antialiased)
            shown, seen = (picture.alpha > 0.5) & look.told, look.mask & look.told
            colour = picture.colour / picture.alpha.clamp_min(0.5)[..., None]
            errors += float(((colour.clamp(0, 1) - look.image) ** 2)[shown & seen].sum())
            both += int((shown & seen).sum())
            either += int((shown | seen).sum())
    error = errors / max(3 * both, 1)
    return Likeness(-10 * math.log10(max(error, 1e-10)), both / max(either, 1))
