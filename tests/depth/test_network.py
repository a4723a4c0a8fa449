"""The network: its size, its switches, and what must hold whatever its weights are."""

from copy import deepcopy
from dataclasses import fields

import pytest
import torch

from mocap.depth import DepthNetwork, NetworkConfig, Refinement
from mocap.depth.layers import Attention, time_waves, view_waves
from mocap.skeletons import COCO_17

from .conftest import somebody

HIPS = COCO_17.indices("left_hip", "right_hip")
NAN = float("nan")
KINDS = {
    "single": {},
    "pose": {"frames": 9},
    "joints": {"frames": 9, "temporal": "joints"},
    "both": {"frames": 9, "temporal": "both"},
    "told": {"frames": 9, "elevation": True},
    "bare": {"view_conditioning": False, "viewpoint_features": False},
    "small": {"width": 16, "layers": 2, "heads": 2, "pose_width": 32},
}


def parts(refined: Refinement) -> dict[str, torch.Tensor]:
    return {item.name: getattr(refined, item.name) for item in fields(refined)}


def assert_same(one: Refinement, other: Refinement) -> None:
    for name, value in parts(one).items():
        torch.testing.assert_close(value, parts(other)[name], atol=5e-4, rtol=1e-3)


def size(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_size():
    assert 200_000 < size(DepthNetwork()) < 250_000
    without = DepthNetwork(NetworkConfig(viewpoint_features=False))
    assert size(DepthNetwork()) - size(without) == 15 * NetworkConfig().pose_width
    assert size(DepthNetwork(NetworkConfig(frames=9))) < 524_288


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_bounds_and_the_origin(make_network, kind):
    network = make_network(**KINDS[kind])
    frames = network.config.frames
    refined = network(*somebody(3 * frames).batch(windows=3))
    assert refined.xyz.shape == (3, frames, 17, 3)
    assert refined.sigma.shape == (3, frames, 17)
    assert refined.camera_relative.shape == (3, frames, 3)
    assert refined.azimuth.shape == refined.elevation.shape == (3, frames)
    assert refined.sigma.min() > 0
    assert refined.xyz[..., HIPS, :].mean(-2).abs().max() < 1e-5


def test_untrained_it_leaves_the_raw_points_nearly_alone():
    torch.manual_seed(0)
    given = somebody(2).batch(windows=2)
    refined = DepthNetwork()(*given)
    raw = given[1] - given[1][..., HIPS, :].mean(-2, keepdim=True)
    assert (refined.xyz - raw).norm(dim=-1).max() < 0.05
    assert refined.sigma.min() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_does_not_matter(make_network, kind):
    network = make_network(**KINDS[kind])
    xy, xyz, confidence, time = somebody(network.config.frames).batch()
    one = network(xy, xyz, confidence, time)
    assert_same(network(3 * xy - 700, xyz, confidence, time + 50), one)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_do_not_see_each_other(make_network, kind):
    network = make_network(**KINDS[kind])
    batch = somebody(4 * network.config.frames).batch(windows=4)
    whole, alone = network(*batch), network(*(part[2:3] for part in batch))
    for name, value in parts(whole).items():
        torch.testing.assert_close(value[2:3], parts(alone)[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["pose", "joints"])
def test_frames_see_each_other_and_not_those_in_which_nobody_is(make_network, kind):
    network = make_network(**KINDS[kind])
    xy, xyz, confidence, time = somebody(9).batch()
    before = network(xy, xyz, confidence, time)
    xyz[0, 8] += 0.3 * torch.randn(17, 3, generator=torch.Generator().manual_seed(0))
    changed = network(xy, xyz, confidence, time)
    assert (changed.xyz - before.xyz)[0, 0].abs().max() > 1e-4
    for part in (xy, xyz):
        part[0, 6:] = NAN
    confidence[0, 6:], time[0, 6:] = 0, NAN
    cut = network(xy, xyz, confidence, time)
    short = network(*(part[:, :6] for part in (xy, xyz, confidence, time)))
    for name, value in parts(cut).items():
        assert value.isfinite().all()
        torch.testing.assert_close(value[:, :6], parts(short)[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["pose", "joints"])
def test_time_is_in_seconds_not_in_frames(make_network, kind):
    network = make_network(**KINDS[kind])
    xy, xyz, confidence, time = somebody(9).batch()
    one = network(xy, xyz, confidence, time)
    slower = network(xy, xyz, confidence, 1.5 * time)
    assert (slower.xyz - one.xyz).abs().max() > 1e-4
    # The order of frames is nothing beside their times.
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    mixed = network(*(part[:, order] for part in (xy, xyz, confidence, time)))
    for name, value in parts(one).items():
        torch.testing.assert_close(parts(mixed)[name], value[:, order], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_missing_numbers_come_out(make_network, kind):
    network = make_network(**KINDS[kind])
    frames = network.config.frames
    for lacking in range(5):
        xy, xyz, confidence, time = somebody(frames, seed=lacking).batch()
        if lacking == 0:
            xy[:, :, 5:9] = NAN
        elif lacking == 1:
            xyz[:] = NAN
        elif lacking == 2:
            confidence[:, :, HIPS] = 0
        elif lacking == 3:
            xy[:], xyz[:], confidence[:] = NAN, NAN, 0
        else:
            xy, xyz = -xy, -xyz
        for value in parts(network(xy, xyz, confidence, time)).values():
            assert value.isfinite().all()


def test_unseen_joints_are_less_sure(make_network):
    network = make_network()
    wrist = COCO_17.index("left_wrist")
    for seed in range(20):
        xy, xyz, confidence, time = somebody(seed=seed).batch()
        sure = network(xy, xyz, confidence, time).sigma[0, 0]
        confidence[0, 0, wrist] = 0
        unsure = network(xy, xyz, confidence, time).sigma[0, 0]
        assert unsure[wrist] > torch.nn.functional.softplus(network.unseen[wrist])
        assert unsure[wrist] - sure[wrist] > 0.5 * (unsure - sure)[:5].max()


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_learns_and_gradients_are_finite(kind):
    torch.manual_seed(0)
    network = DepthNetwork(NetworkConfig(**KINDS[kind]))
    xy, xyz, confidence, time = somebody(4 * network.config.frames).batch(windows=4)
    xy[0, :, 3], xyz[1], confidence[2, :, HIPS] = NAN, NAN, 0
    xy[3, -1], xyz[3, -1] = NAN, NAN
    told = None
    if network.config.elevation:
        told = torch.tensor([0.4, 0.05]).expand(4, network.config.frames, 2).clone()
        told[0] = NAN
    refined = network(xy, xyz, confidence, time, told)
    loss = (
        refined.xyz.square().mean() + refined.sigma.mean() + refined.camera_relative.square().mean()
    )
    loss.backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name


def test_switches_switch(make_network):
    given = somebody().batch()
    blind = make_network(view_conditioning=False)
    assert not any("tell_view" in name for name, _ in blind.named_parameters())
    sighted = make_network()
    before = sighted(*given).xyz
    sighted.camera.layers[-1].bias.copy_(torch.tensor([3.0, 1.0, -3.0, 0.0]))
    assert (sighted(*given).xyz - before).abs().max() > 1e-3
    before = blind(*given).xyz
    blind.camera.layers[-1].bias.copy_(torch.tensor([3.0, 1.0, -3.0, 0.0]))
    assert torch.equal(blind(*given).xyz, before)


@pytest.mark.parametrize(
    "wrong",
    [{"width": 30}, {"temporal": "neither"}, {"frames": 0}, {"layers": 0}, {"rate": 0.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_configurations_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NetworkConfig(**wrong)


def test_attention_is_the_usual_one():
    torch.manual_seed(0)
    attention = Attention(32, 4)
    tokens, seen = torch.randn(5, 17, 32), (torch.rand(5, 17) > 0.3).float()
    query, key, value = (
        part.unflatten(-1, (4, 8)).transpose(1, 2) for part in attention.into(tokens).chunk(3, -1)
    )
    seen[0, 0] = 1.0
    for mask in (None, seen):
        where = None if mask is None else mask[:, None, None].bool()
        # Of any strength: logits of several hundred are common over time.
        for strength in (1.0, 20.0):
            mixed = torch.nn.functional.scaled_dot_product_attention(
                strength * query, strength * key, value, attn_mask=where, scale=1.0
            )
            expected = attention.out(mixed.transpose(1, 2).flatten(2))
            strong = deepcopy(attention)
            strong.into.weight.data[:64] *= strength
            strong.into.bias.data[:64] *= strength
            torch.testing.assert_close(strong(tokens, mask), expected, atol=1e-4, rtol=1e-3)
    assert attention(tokens, torch.zeros(5, 17)).isfinite().all()
    assert attention(1e4 * tokens).isfinite().all()


def test_mixed_precision_gives_numbers(make_network):
    given = [torch.randn(2, 9, 17, 2), torch.randn(2, 9, 17, 3), torch.rand(2, 9, 17)]
    time = torch.arange(9.0).expand(2, 9) / 15
    network = make_network(frames=9)
    for weight in network.parameters():
        weight.data *= 1.5
    with torch.autocast("cpu", dtype=torch.float16):
        said = network(*given, time, torch.zeros(2, 9, 2))
    for part in (said.xyz, said.sigma, said.camera_relative):
        assert part.isfinite().all()


def test_views_are_written_as_multiples_of_their_angles():
    generator = torch.Generator().manual_seed(0)
    place = torch.randn(50, 3, generator=generator)
    x, y, z = place.unbind(-1)
    angles = torch.stack([torch.atan2(x, z), torch.atan2(y, torch.hypot(x, z))], -1)
    many = (angles[..., None] * torch.arange(1, 5)).flatten(1)
    expected = torch.cat([many.sin(), many.cos()], -1)
    torch.testing.assert_close(view_waves(place, 4), expected, atol=5e-4, rtol=1e-3)
    torch.testing.assert_close(view_waves(7 * place, 4), view_waves(place, 4), atol=2e-4, rtol=0)
    above = torch.tensor([[0.0, 2.0, 0.0]], requires_grad=True)
    view_waves(above, 4).sum().backward()
    assert above.grad is not None
    assert above.grad.isfinite().all()


def test_moments_that_differ_are_written_differently():
    waves = time_waves(torch.linspace(-1, 1, 61))
    apart = torch.cdist(waves, waves) + 10 * torch.eye(61)
    assert apart.min() > 0.5


def test_a_surer_elevation_says_more(make_network):
    network = make_network(frames=9, elevation=True)
    given = somebody(9).batch()

    def told(angle, sigma):
        return network(*given, torch.tensor([angle, sigma]).expand(1, 9, 2))

    untold = network(*given)
    assert_same(told(NAN, 0.1), untold)
    assert_same(told(0.2, NAN), untold)
    apart = [
        float((told(0.2, sigma).camera_relative - untold.camera_relative).abs().max())
        for sigma in (0.02, 1.0, 20.0)
    ]
    assert apart[0] > 1.2 * apart[1] > 2 * apart[2] > 0
    assert_same(
        make_network(frames=9)(*given, torch.zeros(1, 9, 2)), make_network(frames=9)(*given)
    )
