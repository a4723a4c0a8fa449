"""How alike an avatar and its pictures are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.rendering import render
from mocap.likeness import psnr, region_about


@dataclass(frozen=True)
class Likeness:
    """How alike an avatar and pictures of its person are.

    Attributes:
        psnr: peak signal-to-noise ratio about the person, decibels, the mean over the pictures; as
            ``mocap evaluate picture`` tells it of whole clips. NaN where nobody is clear to see.
        overlap: pixels that show both over those that show either (IoU), 0 to 1, of all pictures.
    """

    psnr: float
    overlap: float


def likeness(avatar: Avatar, looks: Sequence[Look]) -> Likeness:
    """How alike an avatar and pictures are."""
    ratios, both, either = [], 0, 0
    with torch.no_grad():
        for look in looks:
            posed = avatar.posed(look.pose)
            picture = render(posed, look.view, look.size, antialiased=avatar.antialiased)
            shown, seen = (picture.alpha > 0.5) & look.told, look.mask & look.told
            both += int((shown & seen).sum())
            either += int((shown | seen).sum())
            region = region_about(look.mask.cpu().numpy(), ~look.told.cpu().numpy())
            if region.any():
                # Both in front of black.
                truth = look.image * look.mask[..., None]
                weight = torch.as_tensor(region, device=truth.device)
                ratios.append(float(psnr(picture.colour.clamp(0, 1), truth, weight)))
    return Likeness(float(np.mean(ratios)) if ratios else float("nan"), both / max(either, 1))
