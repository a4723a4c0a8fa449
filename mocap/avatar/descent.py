"""The way down: corrections of one person's motion, and shape, that make its energy least."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.curvature import Chart, chart, curvature
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import BODY, Corrections, Energy, Evidence, RefineConfig, Stage
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55

#: Joints of the trunk, that are put right first, and where limbs hang on it.
_TRUNK = ("spine1", "spine2", "spine3", "left_hip", "right_hip", "left_shoulder", "right_shoulder")
#: Of the energy: what a step brings when it is the last.
_ENOUGH = 1e-4
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
    eyes = torch.stack([-look.view.R.T @ look.view.t for look in looks])
    return Energy(avatar, pose, evidence, mixed, eyes[torch.from_numpy(nearest)], fps, config)


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
    found = Corrections.none(energy.splines.shape[1], energy.avatar.betas)
    looked_at = energy.splines.new_zeros(len(energy.splines))
    looked_at[[look.row for look in looks]] = energy.config.colour / RefineConfig.colour
    motion, proportions = curvature(energy, looked_at)
    done = 0
    for stage in stages:
        slope = _Slope(
            energy,
            [look.smaller(stage.size) for look in looks],
            np.random.default_rng(done).uniform(size=(len(looks), 3)),
            chart(found, _free(found, stage.limbs, shape), motion, proportions),
            pool,
            lambda step, before=done, most=stage.steps: on_step(before + min(step, most)),
        )
        found = slope.foot(stage.steps)
        # It may be there before all steps are done.
        done += stage.steps
        on_step(done)
    return Corrections(*(part.detach() for part in found.parts))


@dataclass
class _Slope:
    """An energy about a start, in coordinates of even curvature.

    Attributes:
        energy: to be made least.
        looks: that it is about.
        behind: (L, 3) a colour behind each of them.
        chart: the coordinates.
        pool: that renders.
        on_step: told how often the energy was looked at.
    """

    energy: Energy
    looks: Sequence[Look]
    behind: Float[np.ndarray, "looks 3"]
    chart: Chart
    pool: Executor
    on_step: Callable[[int], None]
    steps: int = 0

    def foot(self, steps: int) -> Corrections:
        """Corrections where it is least, or as far as so many steps go."""
        least = minimize(
            self._at,
            np.zeros(len(self.chart.factor)),
            jac=True,
            method="L-BFGS-B",
            options={"maxfun": steps, "ftol": _ENOUGH},
        )
        return self._there(least.x)

    def _at(
        self, place: Float[np.ndarray, " numbers"]
    ) -> tuple[float, Float[np.ndarray, " numbers"]]:
        changes = self._there(place)
        likely = self.energy.motion(changes)
        alike, others = self.energy.picture(changes, self.looks, self.behind, self.pool)
        ones = torch.autograd.grad(likely, changes.parts)
        both = [one + other for one, other in zip(ones, others, strict=True)]
        self.steps += 1
        self.on_step(self.steps)
        return likely.item() + alike, self.chart.gradient(both).double().cpu().numpy()

    def _there(self, place: Float[np.ndarray, " numbers"]) -> Corrections:
        return self.chart.at(torch.from_numpy(place).to(self.chart.factor))


def _free(like: Corrections, limbs: bool, shape: bool) -> Corrections:
    """Which corrections may be other than none: 1 or 0."""
    names = SMPLX_55.names[:BODY]
    moves = [name not in _UNSEEN if limbs else name in ("pelvis", *_TRUNK) for name in names]
    angles = torch.tensor(moves).to(like.angles)[:, None].expand(like.angles.shape)
    return Corrections(
        angles, torch.ones_like(like.places), torch.full_like(like.betas, float(shape))
    )
