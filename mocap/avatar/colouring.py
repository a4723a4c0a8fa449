"""Colours of an avatar from pictures, and for what no picture shows, from the other side."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree
from torch import Tensor

from mocap.avatar.avatar import Avatar, Carriage
from mocap.avatar.harmonics import CONSTANT, colours_from, constant_harmonics
from mocap.avatar.looks import Look
from mocap.avatar.rendering import render

#: Shares of the pixels that most Gaussians are seen in, from which a colour counts, and from which
#: it is trusted: less shines through from behind.
_LEAST, _ENOUGH = 0.05, 0.2
#: Neighbours that tell the colour of what is seen on neither side, and their reach, metres.
_NEIGHBOURS, _REACH = 12, 0.03
#: Gaussians of all pictures together whose carriages are kept from round to round: half a gigabyte.
_KEPT = 8_000_000


def coloured(
    avatar: Avatar,
    looks: Sequence[Look],
    rounds: int = 3,
    *,
    on_look: Callable[[], None] = lambda: None,
) -> tuple[Avatar, Float[Tensor, " gaussians"]]:
    """Give an avatar the colours that pictures have where each Gaussian is seen.

    A rendered pixel is a sum of colours, each times how much of its Gaussian is seen there, and the
    derivatives are these shares: what hides what is left to the rasteriser. Rounds of SIRT (Gilbert
    1972) solve for the colours: each takes the mean of what is still missing where it is seen. That
    sharpens with every round, and never strays as stochastic gradients do.

    Args:
        avatar: whose colours do not matter.
        looks: of the person.
        rounds: how often all pictures are gone through.
        on_look: called after every look of every round.

    Returns:
        The avatar, and in how many pixels each Gaussian was seen. Those never seen are grey.
    """
    means = avatar.gaussians.means
    found, pixels = torch.full_like(means, 0.5), means.new_zeros(len(avatar))
    kept = [_carriage(avatar, look) for look in looks[: _KEPT // len(avatar)]]
    for turn in range(rounds):
        missing = torch.zeros_like(means)
        for place, look in enumerate(looks):
            carriage = kept[place] if place < len(kept) else _carriage(avatar, look)
            harmonics = constant_harmonics(found).requires_grad_()
            posed = carriage.carry(replace(avatar.gaussians, harmonics=harmonics))
            picture = render(posed, look.view, look.size, background=(0.5, 0.5, 0.5)).colour
            counted = _inside(look.mask & look.told).to(picture)[..., None]
            off = (look.image - picture.detach()) * counted
            (step,) = torch.autograd.grad((picture * off).sum(), harmonics, retain_graph=not turn)
            missing += step[:, 0] / CONSTANT
            if not turn:
                white = (picture * counted).sum()
                pixels += torch.autograd.grad(white, harmonics)[0][:, 0, 0] / CONSTANT
            on_look()
        found = (found + missing / pixels.clamp_min(1e-3)[:, None]).clamp(0, 1)
    return with_colours(avatar, found), pixels


def pixels_seen(avatar: Avatar, look: Look) -> Float[Tensor, " gaussians"]:
    """In how many pixels of a picture each Gaussian is seen."""
    white = constant_harmonics(torch.ones_like(avatar.gaussians.means)).requires_grad_()
    posed = _carriage(avatar, look).carry(replace(avatar.gaussians, harmonics=white))
    picture = render(posed, look.view, look.size).colour[..., 0]
    (shares,) = torch.autograd.grad((picture * (look.mask & look.told)).sum(), white)
    return shares[:, 0, 0] / CONSTANT


def _carriage(avatar: Avatar, look: Look) -> Carriage:
    """Into a picture's pose, without gradients."""
    with torch.no_grad():
        return avatar.carriage(look.pose)


def _inside(mask: Bool[Tensor, "height width"]) -> Bool[Tensor, "height width"]:
    """A mask without its outermost pixels, which are partly something else."""
    outside = torch.nn.functional.max_pool2d((~mask).float()[None, None], 3, 1, 1)[0, 0]
    return outside == 0


def with_colours(avatar: Avatar, colours: Float[Tensor, "gaussians 3"]) -> Avatar:
    """The avatar in other colours, 0 to 1, alike from everywhere."""
    return replace(
        avatar, gaussians=replace(avatar.gaussians, harmonics=constant_harmonics(colours))
    )


def completed(avatar: Avatar, pixels: Float[Tensor, " gaussians"]) -> Avatar:
    """What was seen too little gets the colour of its mirror image, or else of what is around it.

    Args:
        avatar: with the colours of what was seen.
        pixels: in how many each Gaussian was seen.
    """
    means = avatar.gaussians.means.detach().double().cpu().numpy()
    colours = colours_from(avatar.gaussians.harmonics[:, :1], avatar.gaussians.means)
    found = colours.detach().double().cpu().numpy()
    sure = sureness(pixels).double().cpu().numpy()
    for places in (means * [-1, 1, 1], means):
        if not (sure > 0).any():
            break
        told, say = _around(found, sure, means, places)
        missing = 1 - sure
        share = sure + missing * say
        mixed = (sure[:, None] * found + (missing * say)[:, None] * told) / share.clip(1e-9)[
            :, None
        ]
        found = np.where(share[:, None] > 1e-9, mixed, found)
        sure = share
    # Whatever is still unknown, such as soles, is as the nearest that is known.
    known = sure > 0.5
    if known.any() and not known.all():
        _, nearest = cKDTree(means[known]).query(means[~known])
        found[~known] = found[known][nearest]
    return with_colours(avatar, torch.from_numpy(found).to(avatar.gaussians.means))


def sureness(pixels: Float[Tensor, " gaussians"]) -> Float[Tensor, " gaussians"]:
    """How far colours can be trusted, 0 to 1, by how many pixels they were seen in."""
    usual = pixels[pixels > 0].quantile(0.75) if (pixels > 0).any() else pixels.new_tensor(1.0)
    return ((pixels / usual - _LEAST) / (_ENOUGH - _LEAST)).clamp(0, 1)


def _around(
    colours: np.ndarray, sure: np.ndarray, means: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The colours around places, of what is seen there, and how much they are worth, 0 to 1."""
    chosen = np.flatnonzero(sure > 0.1)
    if not len(chosen):
        return np.zeros_like(colours), np.zeros(len(places))
    near = min(_NEIGHBOURS, len(chosen))
    gaps, which = cKDTree(means[chosen]).query(places, k=range(1, near + 1))
    which = chosen[which]
    kernel = np.exp(-0.5 * (gaps / (0.5 * _REACH)) ** 2) * sure[which]
    total = kernel.sum(1)
    told = np.einsum("nk,nkc->nc", kernel, colours[which]) / total.clip(1e-9)[:, None]
    return told, np.clip(total, 0, 1)
