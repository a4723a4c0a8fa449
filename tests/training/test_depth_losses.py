import math

import numpy as np
import pytest
import torch

from mocap.depth import Refinement
from mocap.skeletons import COCO_17
from mocap.training.depth import losses
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import LossWeights
from mocap.training.depth.objective import objective

LEFT_ELBOW, LEFT_WRIST = COCO_17.indices("left_elbow", "left_wrist")


def poses(batch: int = 2, frames: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, frames, 17, 3, generator=torch.Generator().manual_seed(seed))


def test_positions_count_by_distance() -> None:
    true = poses()
    off = true + torch.tensor([0.03, 0.0, -0.04])
    assert losses.position_loss(true, true) == pytest.approx(0.0, abs=1e-7)
    assert losses.position_loss(off, true) == pytest.approx(0.05, abs=1e-5)
    assert losses.depth_loss(off, true) == pytest.approx(0.04, abs=1e-6)


def test_what_is_unknown_counts_nothing_and_gives_no_gradient() -> None:
    true = poses()
    true[0, 1, 4] = torch.nan
    said = (true.nan_to_num(7.0) + 0.1).requires_grad_()
    found = [
        losses.position_loss(said, true),
        losses.depth_loss(said, true),
        losses.laplace_loss(said, true, torch.full((2, 3, 17), 0.1)),
        losses.gaussian_loss(said, true, torch.full((2, 3, 17), 0.1)),
        losses.bone_loss(said, true),
        losses.symmetry_loss(said, true),
        losses.velocity_loss(said, true, torch.arange(3.0).expand(2, 3)),
    ]
    assert found[0].item() == pytest.approx(0.1 * math.sqrt(3), abs=1e-5)
    torch.stack(found).sum().backward()
    assert said.grad is not None
    assert said.grad.isfinite().all()
    assert said.grad[0, 1, 4].abs().max() == 0
    assert said.grad[0, 1, 5].abs().max() > 0


def test_the_face_weighs_what_it_is_told_to() -> None:
    true = poses()
    off = true.clone()
    off[..., 0, 2] += 1.0  # the nose
    weights = losses.joint_weights(0.5, true)
    expected = 0.5 / (12 + 5 * 0.5)
    assert losses.position_loss(off, true, weights) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["laplace_loss", "gaussian_loss"])
def test_densities_integrate_to_one(name: str) -> None:
    # Shells around the true point, out to 15 sigma.
    sigma, r = 0.07, torch.linspace(1e-4, 1.05, 20001, dtype=torch.float64)
    true = torch.zeros(1, 1, 1, 3, dtype=torch.float64)
    minus_log = torch.stack(
        [
            getattr(losses, name)(
                true + torch.tensor([0.0, float(one), 0.0], dtype=torch.float64),
                true,
                torch.full((1, 1, 1), sigma, dtype=torch.float64),
            )
            for one in r[::100]
        ]
    )
    shells = torch.exp(-minus_log) * 4 * math.pi * r[::100] ** 2
    assert torch.trapezoid(shells, r[::100]) == pytest.approx(1.0, abs=0.01)
    # And sigma is the root mean square of the distance.
    square = torch.trapezoid(shells * r[::100] ** 2, r[::100])
    assert math.sqrt(square) == pytest.approx(sigma, rel=0.01)


def best_sigma(loss, distances: torch.Tensor) -> float:
    true = torch.zeros(1, 1, len(distances), 3)
    said = true.clone()
    said[..., 1] = distances
    tried = torch.linspace(0.01, 0.5, 4901)
    values = [loss(said, true, sigma.expand(1, 1, len(distances))) for sigma in tried]
    return float(tried[int(torch.stack(values).argmin())])


def test_the_likeliest_sigma_is_the_size_of_the_errors() -> None:
    r = torch.tensor([0.05, 0.1, 0.3])
    assert best_sigma(losses.gaussian_loss, r) == pytest.approx(
        math.sqrt((0.0025 + 0.01 + 0.09) / 3), abs=2e-4
    )
    assert best_sigma(losses.laplace_loss, r) == pytest.approx(2 / math.sqrt(3) * 0.15, abs=2e-4)


def test_bones_count_by_length_alone() -> None:
    true = poses()
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    assert losses.bone_loss(true @ turn, true) == pytest.approx(0.0, abs=1e-5)
    longer = true.clone()
    arm = longer[..., LEFT_WRIST, :] - longer[..., LEFT_ELBOW, :]
    longer[..., LEFT_WRIST, :] += 0.12 * arm / arm.norm(dim=-1, keepdim=True)
    # One of twelve bones is 12 cm longer.
    assert losses.bone_loss(longer, true) == pytest.approx(0.01, abs=1e-5)


def test_symmetry_compares_the_sides() -> None:
    said = poses()
    said[..., 0] = said[..., list(COCO_17.mirror), 0] + said[..., 0]
    said = said + said[..., list(COCO_17.mirror), :] * torch.tensor([-1.0, 1.0, 1.0])
    assert losses.symmetry_loss(said, said) == pytest.approx(0.0, abs=1e-5)
    arm = said[..., LEFT_WRIST, :] - said[..., LEFT_ELBOW, :]
    said[..., LEFT_WRIST, :] += 0.05 * arm / arm.norm(dim=-1, keepdim=True)
    assert losses.symmetry_loss(said, said) == pytest.approx(0.01, abs=1e-5)
    # What is missing of a window is as symmetric as it likes.
    true, wild = said.clone(), said.clone()
    true[:, 2] = torch.nan
    wild[:, 2, LEFT_WRIST] += 7.0
    assert losses.symmetry_loss(wild, true) == pytest.approx(0.01, abs=1e-5)
    assert losses.symmetry_loss(wild, torch.full_like(true, torch.nan)) == 0


def test_cameras_count_by_angle_and_by_ratio_of_distances() -> None:
    true = torch.tensor([0.0, 0.0, 4.0]).expand(2, 3, 3).clone()
    said = torch.tensor([2.0 * math.sin(0.3), 0.0, 2.0 * math.cos(0.3)]).expand(2, 3, 3)
    assert losses.direction_loss(said, true) == pytest.approx(1 - math.cos(0.3), abs=1e-6)
    assert losses.distance_loss(said, true) == pytest.approx(math.log(2), abs=1e-5)
    true[0, 0] = torch.nan
    assert losses.direction_loss(said, true) == pytest.approx(1 - math.cos(0.3), abs=1e-6)


def test_velocities_count_in_metres_a_second() -> None:
    true = poses(2, 4)
    time = torch.tensor([0.0, 0.1, 0.2, 0.4]).expand(2, 4)
    drifting = true + 0.5 * time[..., None, None] * torch.tensor([0.0, 0.0, 1.0])
    assert losses.velocity_loss(drifting + 0.3, true, time) == pytest.approx(0.5, abs=1e-4)
    assert losses.velocity_loss(true[:, :1], true[:, :1], time[:, :1]) == 0


def test_the_whole_is_the_weighted_sum() -> None:
    true = poses(2, 1)
    said = Refinement(true + 0.1, torch.full((2, 1, 17), 0.1), torch.ones(2, 1, 3))
    nothing = torch.full((2, 1, 17, 2), torch.nan)
    batch = Batch(
        nothing, true, torch.ones(2, 1, 17), torch.zeros(2, 1), true, nothing,
        torch.ones(2, 1, 3), torch.zeros(2, 1, 2), torch.zeros(2, 1, 2),
    )  # fmt: skip
    weights = LossWeights(symmetry=0.0)
    found = objective(said, batch, weights)
    assert "velocity" not in found
    assert "symmetry" not in found
    parts = {name: float(value) for name, value in found.items() if name != "loss"}
    expected = sum(getattr(weights, name) * value for name, value in parts.items())
    assert float(found["loss"]) == pytest.approx(expected, rel=1e-5)
    assert np.isfinite(expected)
