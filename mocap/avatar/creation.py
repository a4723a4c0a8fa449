"""Avatars of a take's people, made from the take's own clip."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.choosing import best, candidates, held_out
from mocap.avatar.colouring import coloured, completed, sureness
from mocap.avatar.likeness import Likeness, likeness
from mocap.avatar.looks import LARGEST, Look, expect_fitted_with, looks
from mocap.avatar.shaping import ShapeConfig, outlines, reshaped
from mocap.avatar.surface import surface_avatar
from mocap.avatar.threads import one_thread
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.progress import Progress, silent
from mocap.take import Take

#: Pixels along the longer side, and Gaussians, for choosing pictures and for outlines.
_TINY, _FEW = 96, 800
_SMALL, _SOME = 320, 10_000

T = TypeVar("T")


@dataclass(frozen=True)
class CreationConfig:
    """What avatars are made of.

    Attributes:
        gaussians: of each person.
        looks: pictures of each person to learn from, at most.
        held_out: pictures of each person not to learn from, but to be measured on; and as many
            again by which to decide whether outlines are kept.
        candidates: pictures of each person to choose from.
        rounds: how often colours are gone through.
        shape: of the steps towards the person's outlines.
    """

    gaussians: int = 20_000
    looks: int = 24
    held_out: int = 4
    candidates: int = 64
    rounds: int = 3
    shape: ShapeConfig = field(default_factory=ShapeConfig)


@dataclass(frozen=True)
class Created:
    """An avatar, and how good it is.

    Attributes:
        avatar: of the person.
        looks: how many pictures it was made from.
        seen: the share of it that these pictures show; the rest is made up by symmetry.
        alike: how alike it is to pictures that nothing of it was made from or decided by; None if
            there were no others.
    """

    avatar: Avatar
    looks: int
    seen: float
    alike: Likeness | None


class _Parts(NamedTuple, Generic[T]):
    """Frames of a person, or pictures, by what they are for."""

    shown: list[T]
    deciding: list[T]
    measured: list[T]


@one_thread()
def create_avatars(
    take: Take,
    video: Path,
    body: Body,
    people: Sequence[str] = (),
    config: CreationConfig | None = None,
    *,
    progress: Progress = silent,
) -> dict[str, Created]:
    """Make an avatar of each person: Gaussians on the fitted body, in the colours of the clip.

    Args:
        take: of that video, fitted and with masks.
        video: the file or folder of images.
        body: the model that people were fitted with, in single precision.
        people: ids; everybody with a motion and masks if empty.
        config: how large and how well.
        progress: called as ``progress(what, done, of all)``.

    Raises:
        AvatarError: nobody can be made an avatar of, or not somebody who was asked for.
        VideoError: the video cannot be read.
    """
    config = config or CreationConfig()
    rows = _rows(take, people, body, config)
    tiny = looks(take, video, rows, body, largest=_TINY, progress=progress)
    parts = {
        name: _parted(name, pictures, _betas(take, name, body), body, config)
        for name, pictures in tiny.items()
    }
    wanted = {name: sorted(chain(*one)) for name, one in parts.items()}
    large = looks(take, video, wanted, body, largest=LARGEST, progress=progress)
    return {
        name: _created(
            surface_avatar(body, _betas(take, name, body), config.gaussians, name=name),
            _Parts(*([look for look in large[name] if look.row in part] for part in one)),
            config,
            progress,
        )
        for name, one in parts.items()
    }


def _rows(
    take: Take, people: Sequence[str], body: Body, config: CreationConfig
) -> dict[str, list[int]]:
    """The frames to choose from of everybody who is asked for, and can be made an avatar of."""
    names = people or [
        name for name, one in take.people.items() if one.body is not None and one.masks is not None
    ]
    if not names:
        raise AvatarError(
            "nobody in the take has both a motion and masks; `mocap masks` makes them"
        )
    for name in names:
        if name not in take.people:
            known = ", ".join(take.people)
            raise AvatarError(f"nobody in the take is called {name!r}, only {known}")
    rows = {name: candidates(take.people[name], config.candidates) for name in names}
    for name, found in rows.items():
        motion = take.people[name].body
        if motion is None or not found:
            raise AvatarError(
                f"{name} has no {'motion' if motion is None else 'mask in any frame'}; "
                "no avatar can be made"
            )
        expect_fitted_with(motion, body)
    return rows


def _parted(
    name: str, pictures: list[Look], betas: torch.Tensor, body: Body, config: CreationConfig
) -> _Parts[int]:
    """Which frames are for what."""
    if not pictures:
        raise AvatarError(f"{name} is out of every picture without the lens's distortion")
    most = min(config.looks, max(1, len(pictures) - 1))
    kept = best(surface_avatar(body, betas, _FEW), pictures, most)
    left = [place for place in range(len(pictures)) if place not in kept]
    measured, deciding = held_out(left, config.held_out)
    return _Parts(*([pictures[i].row for i in part] for part in (kept, deciding, measured)))


def _betas(take: Take, name: str, body: Body) -> torch.Tensor:
    motion = take.people[name].body
    assert motion is not None
    return torch.as_tensor(motion.betas).to(body.template)


def _created(
    avatar: Avatar, pictures: _Parts[Look], config: CreationConfig, progress: Progress
) -> Created:
    shown = pictures.shown
    if config.shape.steps:
        avatar = _outlined(avatar, shown, pictures.deciding, config.shape, progress)
    done, total = 0, config.rounds * len(shown)

    def on_look() -> None:
        nonlocal done
        done += 1
        progress("colours", done, total)

    progress("colours", 0, total)
    avatar, pixels = coloured(avatar, shown, config.rounds, on_look=on_look)
    avatar = completed(avatar, pixels)
    return Created(
        avatar,
        len(shown),
        float((sureness(pixels) > 0.5).float().mean()),
        likeness(avatar, pictures.measured) if pictures.measured else None,
    )


def _outlined(
    avatar: Avatar,
    shown: list[Look],
    deciding: list[Look],
    config: ShapeConfig,
    progress: Progress,
) -> Avatar:
    """With its person's outlines, unless pictures that they are not of fit the body's own better.

    Where there are no others, those that they are of decide.
    """
    small, tested = ([look.smaller(_SMALL) for look in part] for part in (shown, deciding or shown))
    coarse, _ = coloured(surface_avatar(avatar.body, avatar.betas, _SOME), small, 2)
    field = outlines(coarse, small, config, progress=progress)
    if likeness(reshaped(coarse, field), tested).overlap > likeness(coarse, tested).overlap:
        return reshaped(avatar, field)
    return avatar
