"""Avatars of a take's people, made from the take's own clip."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.choosing import best, candidates
from mocap.avatar.colouring import coloured, completed, sureness
from mocap.avatar.likeness import Likeness, likeness
from mocap.avatar.looks import LARGEST, Look, looks
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


@dataclass(frozen=True)
class CreationConfig:
    """What avatars are made of.

    Attributes:
        gaussians: of each person.
        looks: pictures of each person to learn from, at most.
        held_out: pictures of each person not to learn from, but to be measured on.
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
        alike: how alike it is to pictures that it was not made from; None if there were no others.
    """

    avatar: Avatar
    looks: int
    seen: float
    alike: Likeness | None


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
        if motion.model_sha256 != body.sha256:
            raise AvatarError(
                f"the take was fitted with the body {motion.model}, not with {body.name}; name the "
                "file it was fitted with by --body"
            )
    tiny = looks(take, video, rows, body, largest=_TINY, progress=progress)
    chosen, held = {}, {}
    for name, pictures in tiny.items():
        if not pictures:
            raise AvatarError(f"{name} is out of every picture without the lens's distortion")
        dummy = surface_avatar(body, _betas(take, name, body), _FEW)
        kept = best(dummy, pictures, min(config.looks, max(1, len(pictures) - 1)))
        others = [i for i in range(len(pictures)) if i not in kept]
        spread = max(1, len(others) // max(config.held_out, 1))
        chosen[name] = [pictures[i].row for i in kept]
        held[name] = [pictures[i].row for i in others[::spread][: config.held_out]]
    both = {name: sorted({*chosen[name], *held[name]}) for name in names}
    large = looks(take, video, both, body, largest=LARGEST, progress=progress)
    made = {}
    for name in names:
        shown = [look for look in large[name] if look.row in set(chosen[name])]
        unseen = [look for look in large[name] if look.row in set(held[name])]
        made[name] = _created(name, _betas(take, name, body), body, shown, unseen, config, progress)
    return made


def _betas(take: Take, name: str, body: Body) -> torch.Tensor:
    motion = take.people[name].body
    assert motion is not None
    return torch.as_tensor(motion.betas).to(body.template)


def _created(
    name: str,
    betas: torch.Tensor,
    body: Body,
    shown: list[Look],
    unseen: list[Look],
    config: CreationConfig,
    progress: Progress,
) -> Created:
    avatar = surface_avatar(body, betas, config.gaussians, name=name)
    if config.shape.steps:
        small = [look.smaller(_SMALL) for look in shown]
        coarse, _ = coloured(surface_avatar(body, betas, _SOME), small, 2)
        field = outlines(coarse, small, config.shape, progress=progress)
        tested = [look.smaller(_SMALL) for look in unseen] or small
        # Outlines that fit other pictures less than the body's own are none of the person's.
        if likeness(reshaped(coarse, field), tested).overlap > likeness(coarse, tested).overlap:
            avatar = reshaped(avatar, field)
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
        likeness(avatar, unseen) if unseen else None,
    )
