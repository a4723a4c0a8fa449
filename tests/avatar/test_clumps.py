"""What belongs together, and what is left out."""

from dataclasses import replace

import pytest
import torch

from avatar.surfaces import gaussians_on, sphere
from mocap.avatar import Gaussians
from mocap.avatar.clumps import largest_clump
from mocap.errors import AvatarError


def joined(*clouds: Gaussians) -> Gaussians:
    parts = zip(*(vars(cloud).values() for cloud in clouds), strict=True)
    return Gaussians(*(torch.cat(part) for part in parts))


def same(first: Gaussians, second: Gaussians) -> bool:
    return all(map(torch.equal, vars(first).values(), vars(second).values()))


@pytest.fixture(scope="module")
def cloud():
    return gaussians_on(sphere(), 1500)


@pytest.mark.parametrize("away", [0.8, 30.0, 1e6, 1e30])
def test_what_floats_far_from_the_rest_is_left_out(cloud, away):
    floaters = replace(cloud, means=0.1 * cloud.means + torch.tensor([0.0, away, 0.0]))
    floaters = floaters.where(torch.arange(1500) < 700)
    assert same(largest_clump(joined(floaters, cloud)), cloud)


def test_what_nobody_sees_is_left_out(cloud):
    faint = replace(cloud, opacities=torch.full((1500,), 0.003))
    assert same(largest_clump(joined(cloud, faint)), cloud)


def test_large_gaussians_reach_farther(cloud):
    # 30 cm apart, and 10 cm large.
    sparse = Gaussians(
        means=torch.tensor([[0.0, 0, 0], [0.3, 0, 0], [0.6, 0, 0]]),
        scales=torch.full((3, 3), 0.1),
        rotations=torch.tensor([[1.0, 0, 0, 0]]).repeat(3, 1),
        opacities=torch.full((3,), 0.9),
        harmonics=torch.zeros(3, 1, 3),
    )
    assert same(largest_clump(sparse), sparse)
    small = replace(sparse, scales=torch.full((3, 3), 0.001))
    assert len(largest_clump(small)) == 1


def test_no_gaussians_are_an_error(cloud):
    none = cloud.where(torch.zeros(1500, dtype=torch.bool))
    for nothing in (none, replace(cloud, opacities=torch.zeros(1500))):
        with pytest.raises(AvatarError, match="no visible Gaussians"):
            largest_clump(nothing)


@pytest.mark.parametrize("part", ["means", "scales", "rotations", "opacities", "harmonics"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_told_with_its_number(cloud, part, value):
    damaged = getattr(cloud, part).clone()
    damaged[17] = value
    with pytest.raises(AvatarError, match="number 17 of the 1500 Gaussians is not finite"):
        largest_clump(replace(cloud, **{part: damaged}))
