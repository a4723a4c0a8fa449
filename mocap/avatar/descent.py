"""The way down: corrections of one person's motion, and shape, that make its energy least."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import BODY, Corrections, Energy, Evidence, RefineConfig, Stage
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55

#: Joints of the trunk, that are put right first, and where limbs hang on it.
_TRUNK = ("spine1", "spine2", "spine3", "left_hip", "right_hip", "left_shoulder", "right_shoulder")
#: Joints that do not show in a picture of a whole person, or hardly.
_UNSEEN = ("left_wrist", "right_wrist", "left_foot", "right_foot")


def energy_of(
    avatar: Avatar,
    pose: BodyPose,
    looks: Sequence[Look],
    evidence: Evidence,
    mixed: Float[Tensor, "frames knots"],
    fps: float,
    config: RefineConfig,
) -> Energy:
    """What is minimised over a motion of which some frames are looked at; see :class:`Energy`."""
    rows = np.array([look.row for look in looks])
    # A frame that nobody looks at is seen as in the nearest that is.
    nearest = np.abs(np.arange(len(mixed))[:, None] - rows).argmin(1)
    axes = torch.stack([look.view.R[2] for look in looks])[torch.from_numpy(nearest)]
    return Energy(avatar, pose, evidence, mixed, axes, fps, config)


def descended(
    energy: Energy,
    looks: Sequence[Look],
    stages: Sequence[Stage],
    pool: Executor,
    *,
    shape: bool = False,
    on_step: Callable[[int], None] = lambda done: None,
) -> Corrections:
    """Corrections after all steps of all stages.

    Args:
        energy: to be made least.
        looks: of the motion's frames.
        stages: one after another.
        pool: that renders.
        shape: whether the person's shape changes too.
        on_step: told how many steps are done.
    """
    config = energy.config
    found = Corrections.none(energy.splines.shape[1], energy.avatar.betas)
    rates = config.angle_rate, config.place_rate, config.shape_rate
    done = 0
    for stage in stages:
        small = [look.smaller(stage.size) for look in looks]
        free = (_free(stage.limbs)[:, None], torch.ones(1), torch.full((1,), float(shape)))
        optimiser = torch.optim.Adam(
            [{"params": [part], "lr": rate} for part, rate in zip(found.parts, rates, strict=True)],
            betas=(0.8, 0.95),
        )
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, stage.steps, 1e-4)
        for step in range(stage.steps):
            likely = torch.autograd.grad(energy.motion(found), found.parts)
            alike = energy.picture(found, small, np.random.default_rng(step), pool)
            for part, one, other, share in zip(found.parts, likely, alike, free, strict=True):
                part.grad = (one + other) * share.to(part)
            optimiser.step()
            slower.step()
            done += 1
            on_step(done)
    return Corrections(*(part.detach() for part in found.parts))


def _free(limbs: bool) -> Float[Tensor, " joints"]:
    """Which joints may move: 1 or 0."""
    names = SMPLX_55.names[:BODY]
    return torch.tensor(
        [
            float(name not in _UNSEEN if limbs else name == "pelvis" or name in _TRUNK)
            for name in names
        ]
    )
