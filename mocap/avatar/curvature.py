"""How steeply likelihood falls, direction by direction, so that steps are as long as need be.

A correction's angles, places and proportions move joints by very different amounts, and what is
known of some – a resting foot – is a hundred times as sure as of others. In coordinates in which
that is the same in all directions, a simple descent converges (Gauss and Newton's approximation of
the Hessian, by which the unknowns are whitened).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mocap.avatar.picture_energy import BODY, FEET, Corrections, Energy

#: A spline of the third degree has so many knots that matter in any frame.
_ACTIVE = 4
#: Feet so near to where they cannot go lower are as good as held there, metres.
_LOW = 0.005
#: Numbers of a frame's correction: the joints' angles, and the body's place.
_NUMBERS = 3 * BODY + 3


@dataclass(frozen=True, eq=False)
class Chart:
    """Corrections about a start, in coordinates in which curvature is the same everywhere.

    Attributes:
        start: in the middle.
        free: (A,) which of all their numbers, laid end to end, change.
        factor: (N, N) lower triangle L of the curvature of those, which is L Lᵀ.
    """

    start: Corrections
    free: Bool[Tensor, " all"]
    factor: Float[Tensor, "numbers numbers"]

    def at(self, place: Float[Tensor, " numbers"]) -> Corrections:
        """The corrections at some place, with gradients."""
        step = torch.linalg.solve_triangular(self.factor.T, place[:, None], upper=True)[:, 0]
        flat = torch.cat([part.detach().flatten() for part in self.start.parts])
        flat[self.free] += step
        parts = zip(
            flat.split([part.numel() for part in self.start.parts]), self.start.parts, strict=True
        )
        return Corrections(*(one.reshape(part.shape).requires_grad_() for one, part in parts))

    def gradient(self, parts: Sequence[Tensor]) -> Float[Tensor, " numbers"]:
        """In these coordinates, by the gradients of the corrections' parts."""
        flat = torch.cat([part.flatten() for part in parts])[self.free]
        return torch.linalg.solve_triangular(self.factor, flat[:, None], upper=False)[:, 0]


def chart(
    start: Corrections,
    free: Corrections,
    motion: Float[Tensor, "numbers numbers"],
    shape: Float[Tensor, "betas betas"],
) -> Chart:
    """Coordinates about a start.

    Args:
        start: in the middle.
        free: what may change (not 0) of each part; of betas all, or none.
        motion: its curvature, of all knots' angles, then all their places.
        shape: that of betas.
    """
    flat = torch.cat([part.flatten() for part in free.parts]) != 0
    moving, shaped = flat.split([len(motion), len(shape)])
    blocks = [motion[moving][:, moving], shape[shaped][:, shaped]]
    factor = torch.linalg.cholesky(torch.block_diag(*blocks))
    return Chart(start, flat, factor.to(start.betas))


def curvature(
    energy: Energy, looked_at: Float[Tensor, " frames"]
) -> tuple[Float[Tensor, "numbers numbers"], Float[Tensor, "betas betas"]]:
    """Half the Gauss–Newton Hessian of all terms about no correction.

    Of motion – all knots' angles, then all their places – and of the shape by itself.

    Args:
        energy: with pose, evidence and spreads.
        looked_at: how much pictures count in each frame; how much each of them tells is a guess.
    """
    config = energy.config
    moved, shaped = _jacobians(energy)
    weights = _weights(energy, looked_at)
    splines, count = energy.splines.double(), energy.splines.shape[1]
    active, knots = splines.topk(min(_ACTIVE, count))
    whole = splines.new_zeros(count, count, _NUMBERS, _NUMBERS)
    shape = torch.eye(shaped.shape[-1]).to(shaped) / config.shape_spread**2
    for lag, weight in enumerate(weights):
        frames = len(splines) - lag
        if frames <= 0:
            continue
        both = _product(moved[:frames], weight, moved[lag:])
        squares = _product(shaped[:frames], weight, shaped[lag:]).sum(0)
        shape = shape + (squares + squares.T if lag else squares)
        if lag == 0:
            both = both + _spreads(energy)
        for i in range(active.shape[1]):
            for j in range(active.shape[1]):
                share = (active[:frames, i] * active[lag:, j])[:, None, None]
                at = knots[:frames, i], knots[lag:, j]
                whole.index_put_(at, share * both, accumulate=True)
                if lag:
                    whole.index_put_(at[::-1], share * both.mT, accumulate=True)
    whole = whole.permute(0, 2, 1, 3)
    order = torch.arange(count * _NUMBERS).reshape(count, _NUMBERS)
    order = torch.cat([order[:, : 3 * BODY].flatten(), order[:, 3 * BODY :].flatten()])
    motion = whole.reshape(count * _NUMBERS, -1)[order][:, order]
    return motion, shape


def _product(
    one: Float[Tensor, "frames 22 3 numbers"],
    weight: Float[Tensor, "frames 22 3 3"],
    other: Float[Tensor, "frames 22 3 numbers"],
) -> Float[Tensor, "frames numbers numbers"]:
    return torch.einsum("fjan,fjab,fjbm->fnm", one, weight, other)


def _jacobians(
    energy: Energy,
) -> tuple[Float[Tensor, "frames 22 3 numbers"], Float[Tensor, "frames 22 3 betas"]]:
    """What joints do as a frame's angles and place, and the shape, change."""
    count = len(energy.splines)
    like = energy.splines
    turns = like.new_zeros(count, BODY, 3).requires_grad_()
    moves = like.new_zeros(count, 3).requires_grad_()
    betas = energy.avatar.betas.expand(count, -1).clone().requires_grad_()
    joints = energy.joints(turns, moves, betas)
    rows = [
        torch.autograd.grad(one.sum(), (turns, moves, betas), retain_graph=True)
        for one in joints.flatten(1).T
    ]
    moved = torch.stack([torch.cat([turn.flatten(1), move], 1) for turn, move, _ in rows], 1)
    shaped = torch.stack([beta for _, _, beta in rows], 1)
    sizes = count, BODY, 3, -1
    return moved.double().reshape(sizes), shaped.double().reshape(sizes)


def _weights(energy: Energy, looked_at: Float[Tensor, " frames"]) -> list[Tensor]:
    """(F - lag, 22, 3, 3) of joints' changes in a frame by those in it, or ``lag`` after it."""
    config, rays = energy.config, energy.rays.double()
    count = len(rays)
    level = torch.eye(3).to(rays) - rays[..., None] * rays[..., None, :]
    same = (looked_at.double() / config.clear**2)[:, None, None, None] * level
    if energy.evidence.detected is not None:
        sure = torch.as_tensor(energy.evidence.detected).to(rays)
        same = same + (sure / config.seen**2)[..., None, None] * level
    lags = [rays.new_zeros(count - lag, BODY) for lag in range(min(3, count))]
    if energy.evidence.resting is not None:
        sure = torch.as_tensor(energy.evidence.resting).to(rays)
        feet = list(FEET)
        lags[0][:, feet] += sure / config.still**2
        if count > 1:
            both = torch.minimum(sure[1:], sure[:-1]) * (energy.fps / config.slide) ** 2
            lags[0][1:, feet] += both
            lags[0][:-1, feet] += both
            lags[1][:, feet] -= both
    if count > 2:
        calm = energy.fps**4 / energy.loose[..., 0].double() ** 2 / BODY
        for lag, shares in enumerate(((1, 4, 1), (-2, -2), (1,))):
            for first, share in enumerate(shares):
                lags[lag][first : first + count - 2] += share * calm
    heights = energy.first[:, list(FEET), 1]
    low = (heights < energy.floor + _LOW).double() / config.still**2
    found = [lag[..., None, None] * torch.eye(3).to(rays) for lag in lags]
    found[0] = found[0] + same
    found[0][:, list(FEET), 1, 1] += low
    return found


def _spreads(energy: Energy) -> Float[Tensor, "frames numbers numbers"]:
    """Of a frame's correction itself: how far off angles and places are thought to be."""
    config, ray = energy.config, energy.rays[:, 0].double()
    along = ray[:, :, None] * ray[:, None]
    place = (torch.eye(3).to(ray) - along) / config.place_spread**2
    place = place + along / config.depth_spread**2
    found = ray.new_zeros(len(ray), _NUMBERS, _NUMBERS)
    angles = torch.arange(3 * BODY)
    found[:, angles, angles] = 1 / config.angle_spread**2
    found[:, 3 * BODY :, 3 * BODY :] = place
    return found
