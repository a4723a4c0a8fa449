"""Motion corrected by the picture: what is rendered of a person is compared with what was seen.

Every frame's pose is moved to where the avatar covers the person, while the motion stays smooth,
close to what was fitted, and with its resting feet in place.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import BODY, Energy, Evidence, RefineConfig, splines
from mocap.avatar.shaping import difference
from mocap.avatar.threads import one_thread, tile_threads
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55

#: Joints of the trunk, that are put right first, and where limbs hang on it.
_TRUNK = ("spine1", "spine2", "spine3", "left_hip", "right_hip", "left_shoulder", "right_shoulder")
#: Joints that do not show in a picture of a whole person, or hardly.
_UNSEEN = ("left_wrist", "right_wrist", "left_foot", "right_foot")


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
    evidence: Evidence | None = None,
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
        evidence: of resting feet and of detected joints; none if None.
        config: how far and how surely.
        fps: frames a second.
        on_step: told how many of all steps are done.
    """
    config = config or RefineConfig()
    held = [look for number, look in enumerate(looks) if number % config.every == config.every // 2]
    used = [look for look in looks if all(look is not other for other in held)]
    if not used or not held:
        return Refined(pose, 0.0, 0.0)
    # Every frame's work is small: several at once, each on one core, are quickest.
    with one_thread(), ThreadPoolExecutor(tile_threads()) as pool:
        corrected = _descended(
            avatar, pose, used, evidence or Evidence(), config, fps, pool, on_step
        )
    with torch.no_grad():
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
        carriage = avatar.carriage(BodyPose.of(pose, avatar.betas, [look.row]))
        for grey in (0.0, 0.5, 1.0):
            total += float(difference(look, carriage, avatar.gaussians, np.full(3, grey)))
    return total / (3 * max(len(looks), 1))


def _descended(
    avatar: Avatar,
    pose: BodyPose,
    looks: Sequence[Look],
    evidence: Evidence,
    config: RefineConfig,
    fps: float,
    pool: Executor,
    on_step: Callable[[int, int], None],
) -> BodyPose:
    """The motion after all steps of all stages."""
    assert pose.transl is not None
    mixed = splines(len(pose.transl), max(2.0, config.spacing * fps)).to(pose.transl)
    energy = Energy(avatar, pose, evidence, mixed, _axes(len(pose.transl), looks), fps, config)
    angles = pose.transl.new_zeros(mixed.shape[1], BODY, 3).requires_grad_()
    places = pose.transl.new_zeros(mixed.shape[1], 3).requires_grad_()
    total, done = sum(stage.steps for stage in config.stages), 0
    on_step(0, total)
    for stage in config.stages:
        small = [look.smaller(stage.size) for look in looks]
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
            likely = torch.autograd.grad(energy.motion(angles, places), (angles, places))
            alike = energy.picture(angles, places, small, np.random.default_rng(step), pool)
            angles.grad = (likely[0] + alike[0]) * free[:, None]
            places.grad = likely[1] + alike[1]
            optimiser.step()
            slower.step()
            done += 1
            on_step(done, total)
    with torch.no_grad():
        return energy.corrected(angles, places)


def _axes(frames: int, looks: Sequence[Look]) -> Float[Tensor, "frames 3"]:
    """Where the camera looks in every frame: as in the nearest that is looked at."""
    rows = np.array([look.row for look in looks])
    nearest = np.abs(np.arange(frames)[:, None] - rows).argmin(1)
    return torch.stack([look.view.R[2] for look in looks])[torch.from_numpy(nearest)]


def _free(limbs: bool) -> Float[Tensor, " joints"]:
    """Which joints may move: 1 or 0."""
    names = SMPLX_55.names[:BODY]
    return torch.tensor(
        [
            float(name not in _UNSEEN if limbs else name == "pelvis" or name in _TRUNK)
            for name in names
        ]
    )
