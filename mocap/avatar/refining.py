"""Motion corrected by the picture: what is rendered of a person is compared with what was seen.

Every frame's pose is moved to where the avatar covers the person, while the motion stays smooth,
close to what was fitted, and with its resting feet in place.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import torch

from mocap.avatar.avatar import Avatar
from mocap.avatar.descent import descended, energy_of
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import Evidence, RefineConfig, splines
from mocap.avatar.threads import one_thread, tile_threads
from mocap.avatar.verdict import Verdict, differences
from mocap.body import BodyPose


@dataclass(frozen=True)
class Refined:
    """A motion, and what was thought of its correction.

    Attributes:
        pose: of every frame, corrected, or as it was if that was no better.
        verdict: of pictures that were left out.
    """

    pose: BodyPose
    verdict: Verdict


def spacing(fps: float, config: RefineConfig) -> int:
    """Frames from one that motion is corrected by to the next.

    Neighbours look alike, and the splines' knots are farther apart.
    """
    return max(2, round(fps / config.rate))


def refine(
    avatar: Avatar,
    pose: BodyPose,
    looks: Sequence[Look],
    evidence: Evidence | None = None,
    config: RefineConfig | None = None,
    *,
    fps: float = 30.0,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> Refined:
    """Correct a motion by pictures of it.

    Args:
        avatar: of the person; four thousand Gaussians are enough.
        pose: of every frame; betas are the avatar's own.
        looks: of frames, each of which says by ``row`` which of them it is. By every
            :func:`spacing`-th row motion is corrected, those halfway judge.
        evidence: of resting feet and of detected joints; none if None.
        config: how far and how surely.
        fps: frames a second.
        on_step: told how many of all steps are done.
    """
    config = config or RefineConfig()
    step = spacing(fps, config)
    used = [look for look in looks if look.row % step == 0]
    held = [look for look in looks if look.row % step == step // 2]
    if not used or not held:
        return Refined(pose, Verdict())
    assert pose.transl is not None
    count, total = len(pose.transl), sum(stage.steps for stage in config.stages)
    mixed = splines(count, max(2.0, config.spacing * fps)).to(pose.transl)
    weighted = replace(config, colour=config.colour * step)
    energy = energy_of(avatar, pose, used, evidence or Evidence(), mixed, fps, weighted)
    on_step(0, total)
    # Every frame's work is small: several at once, each on one core, are quickest.
    with one_thread(), ThreadPoolExecutor(tile_threads()) as pool:
        changes = descended(
            energy, used, config.stages, pool, on_step=lambda done: on_step(done, total)
        )
    with torch.no_grad():
        corrected = energy.corrected(changes)
        last = [look.smaller(config.stages[-1].size) for look in held]
        verdict = Verdict.of(*(differences(avatar, one, last) for one in (pose, corrected)))
    return Refined(corrected if verdict.better else pose, verdict)
