"""A person's proportions by the picture: betas with which the avatar covers them in any pose.

How large somebody is one camera does not tell, for they may as well be farther away: they stay
where they stand, and their limbs become as long, and they as broad, as pictures show.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.descent import descended, energy_of
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import Evidence, RefineConfig
from mocap.avatar.threads import one_thread, tile_threads
from mocap.avatar.verdict import Verdict, differences
from mocap.body import BodyPose

#: One of so many pictures judges.
_EVERY = 4


@dataclass(frozen=True)
class Proportions:
    """A shape, and what was thought of it.

    Attributes:
        betas: (B,) found, or as they were if these were no better.
        verdict: of pictures that were left out, each in its best pose with either shape.
    """

    betas: Float[Tensor, " betas"]
    verdict: Verdict


def proportions(
    avatar: Avatar,
    pose: BodyPose,
    looks: Sequence[Look],
    evidence: Evidence | None = None,
    config: RefineConfig | None = None,
    *,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Proportions:
    """Find a person's shape by pictures of them.

    Poses move along; what becomes of them is not kept. Other pictures judge: in poses that are
    moved with either shape, they have to be more like the avatar with the one that was found.

    Args:
        avatar: of the person; four thousand Gaussians are enough.
        pose: of every frame; betas are the avatar's own.
        looks: of frames, each of which says by ``row`` which of them it is; fifty tell enough.
        evidence: of resting feet and of detected joints; none if None.
        config: how far and how surely.
        on_step: told how many of all steps are done.
    """
    config, evidence = config or RefineConfig(), evidence or Evidence()
    held = looks[_EVERY // 2 :: _EVERY]
    used = [look for look in looks if all(look is not other for other in held)]
    if not used or not held or not config.sizing:
        return Proportions(avatar.betas, Verdict())
    steps = sum(stage.steps for stage in config.sizing)
    total = steps * (len(used) + 2 * len(held))

    with one_thread(), ThreadPoolExecutor(tile_threads()) as pool:

        def posed(
            one: Avatar, some: Sequence[Look], before: int, shape: bool
        ) -> tuple[Tensor, np.ndarray]:
            rows = [look.row for look in some]
            part = BodyPose.of(pose, avatar.betas, rows)
            alone = [replace(look, row=row) for row, look in enumerate(some)]
            # Too far apart for motion to be smooth between them.
            mixed, fps = torch.eye(len(some)).to(avatar.betas), 1.0
            energy = energy_of(one, part, alone, evidence[rows], mixed, fps, config)
            changes = descended(
                energy,
                alone,
                config.sizing,
                pool,
                shape=shape,
                on_step=lambda done: on_step(before + done * len(some), total),
            )
            with torch.no_grad():
                return changes.betas, differences(one, energy.corrected(changes), alone)

        on_step(0, total)
        changed, _ = posed(avatar, used, 0, shape=True)
        found = avatar.shaped(avatar.betas + changed)
        done = steps * len(used)
        _, before = posed(avatar, held, done, shape=False)
        _, after = posed(found, held, done + steps * len(held), shape=False)
    verdict = Verdict.of(before, after)
    return Proportions(found.betas if verdict.better else avatar.betas, verdict)
