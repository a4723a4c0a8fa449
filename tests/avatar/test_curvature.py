"""How steeply likelihood falls, against its second derivatives."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.people import bent
from avatar.walks import striped
from mocap.avatar.curvature import chart, curvature
from mocap.avatar.picture_energy import Corrections, Energy, Evidence, RefineConfig, splines
from mocap.body import Body, BodyPose

FRAMES = 6


@pytest.fixture(scope="module")
def energy(body: Body) -> Energy:
    """Of somebody who stands still, so that the approximation is none."""
    chance = np.random.default_rng(0)
    avatar, one = striped(body), bent(body)
    still = BodyPose(
        global_orient=one.global_orient.expand(FRAMES, -1),
        body_pose=one.body_pose.expand(FRAMES, -1),
        transl=one.transl.expand(FRAMES, -1),
    )
    found = Energy(
        avatar,
        still,
        Evidence(chance.uniform(size=(FRAMES, 4)), chance.uniform(size=(FRAMES, 22))),
        splines(FRAMES, 2.0),
        torch.tensor([[0.5, 1.0, 4.0]]).expand(FRAMES, -1),
        30.0,
        RefineConfig(),
    )
    # In the floor by so little that it just pushes.
    found.__dict__["floor"] = found.floor + 1e-6
    return found


def second_derivatives(energy: Energy, part: int) -> torch.Tensor:
    """Half of those of its motion by one part of no corrections."""
    none = [
        one.detach() for one in Corrections.none(energy.splines.shape[1], energy.avatar.betas).parts
    ]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        parts = [flat.reshape(one.shape) if at == part else one for at, one in enumerate(none)]
        return energy.motion(Corrections(*parts))

    return torch.autograd.functional.hessian(loss, none[part].flatten()) / 2


@pytest.mark.parametrize("part", [0, 1, 2])
def test_curvature_is_that_of_what_is_likely(energy: Energy, part: int) -> None:
    motion, shape = curvature(energy, torch.zeros(FRAMES))
    places = 3 * energy.splines.shape[1]
    blocks = motion[:-places, :-places], motion[-places:, -places:], shape
    theirs = second_derivatives(energy, part)
    assert (blocks[part] - theirs).abs().max() < 1e-3 * theirs.abs().max()


def test_pictures_add_across_the_line_of_sight_only(energy: Energy) -> None:
    (without, _), (with_them, _) = (
        curvature(energy, torch.full((FRAMES,), share)) for share in (0.0, 1.0)
    )
    knots = energy.splines.shape[1]
    ray = energy.rays[0].mean(0).double()
    aside = torch.linalg.cross(ray, torch.tensor([0.0, 1.0, 0.0]).double())

    def told(direction: torch.Tensor) -> float:
        move = torch.zeros(len(without), dtype=torch.float64)
        move[-3 * knots :] = (direction / direction.norm()).repeat(knots)
        return float(move @ (with_them - without) @ move)

    assert told(ray) < 0.05 * told(aside)


def test_curvature_is_even_in_the_chart(energy: Energy) -> None:
    start = Corrections.none(energy.splines.shape[1], energy.avatar.betas)
    free = Corrections(*(torch.ones_like(part) for part in start.parts))
    steep = curvature(energy, torch.zeros(FRAMES))
    found = chart(start, replace(free, betas=torch.zeros_like(start.betas)), *steep)
    assert len(found.factor) == sum(part.numel() for part in start.parts[:2])
    places = torch.nn.functional.normalize(
        torch.randn(8, len(found.factor), generator=torch.Generator().manual_seed(0))
    )
    first = energy.motion(found.at(0 * places[0])).item()
    for place in places:
        there = found.at(0.1 * place)
        assert not there.betas.any()
        assert energy.motion(there).item() - first == pytest.approx(0.01, rel=0.1)
        gradient = found.gradient(torch.autograd.grad(energy.motion(there), there.parts))
        assert float(gradient @ place) == pytest.approx(0.2, rel=0.1)
