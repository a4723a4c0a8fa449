"""The rasteriser: against a plain one that PyTorch derives, and whatever threads there are."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from avatar.reference import render_slowly
from avatar.scenes import SIZE, random_gaussians, random_view
from mocap.avatar import Gaussians, View, render
from mocap.avatar.projection import Splats, project
from mocap.avatar.raster import rasterise
from mocap.avatar.rendering import Rendering

BACKGROUND = torch.tensor([0.2, 0.7, 0.4], dtype=torch.float64)


def of_both(
    scene: Gaussians, view: View, antialiased: bool = False
) -> tuple[list[Tensor], list[Tensor]]:
    """Colour, alpha and depth summed by weight: ours, and the reference's."""
    ours = render(scene, view, SIZE, background=BACKGROUND, antialiased=antialiased)
    sums = torch.where(ours.alpha > 0, ours.depth * ours.alpha, 0.0)
    theirs = render_slowly(scene, view, SIZE, BACKGROUND, antialiased)
    return [ours.colour, ours.alpha, sums], list(theirs)


def with_gradients(scene: Gaussians, view: View) -> tuple[Gaussians, View]:
    copies = (
        type(whole)(*(getattr(whole, f.name).clone().requires_grad_() for f in fields(whole)))
        for whole in (scene, view)
    )
    return tuple(copies)


def gradients(parts: list[Tensor], scene: Gaussians, view: View) -> dict[str, Tensor]:
    """Of a sum with random weights of what was rendered, by the names of what it was made from."""
    generator = torch.Generator().manual_seed(3)
    total = sum(
        (part * torch.randn(part.shape, generator=generator, dtype=torch.float64)).sum()
        for part in parts
    )
    leaves = {f.name: getattr(whole, f.name) for whole in (scene, view) for f in fields(whole)}
    return dict(zip(leaves, torch.autograd.grad(total, list(leaves.values())), strict=True))


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_reference(seed, coefficients, antialiased):
    scene = random_gaussians(120, seed, coefficients)
    for ours, theirs in zip(*of_both(scene, random_view(seed), antialiased), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    assert ours.max() > 0.5


def opaque(count: int, seed: int) -> Gaussians:
    """Large ones, whose middles hide all that they may."""
    scene = random_gaussians(count, seed)
    return replace(scene, scales=2 * scene.scales, opacities=1 - 1e-4 * scene.opacities)


def tiny(count: int, seed: int) -> Gaussians:
    """Smaller than a pixel, most of them, but thick enough to be seen."""
    scene = random_gaussians(count, seed)
    return replace(
        scene, scales=0.3 * scene.scales.clamp_min(0.05), opacities=0.9 + 0 * scene.opacities
    )


def test_agrees_where_opaque_ones_pile_up():
    [_, ours, _], [_, theirs, _] = both = of_both(opaque(400, 7), random_view(7))
    assert (theirs > 0.999).double().mean() > 0.3
    assert ours.max() < 1
    for mine, reference in zip(*both, strict=True):
        torch.testing.assert_close(mine, reference, rtol=0, atol=1e-9)


def test_single_precision_agrees_but_for_thresholds():
    scene = random_gaussians(300, 5)
    view = random_view(5)
    exact = render(scene, view, SIZE)
    single = render(scene.to(torch.float32), random_view(5, torch.float32), SIZE)
    assert single.colour.dtype == single.alpha.dtype == single.depth.dtype == torch.float32
    away = (single.colour - exact.colour).abs().amax(-1)
    # A Gaussian that is at the threshold is drawn by one and not by the other.
    assert away.max() < 2 / 255
    assert (away < 1e-4).double().mean() > 0.98


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("make", [random_gaussians, opaque, tiny])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_the_references(seed, make, antialiased):
    scene, view = with_gradients(make(60, seed), random_view(seed))
    parts, reference = of_both(scene, view, antialiased)
    ours, theirs = gradients(parts, scene, view), gradients(reference, scene, view)
    # Nothing reads the last row of the intrinsics, nor skew.
    for name, expected in theirs.items():
        size = expected.abs().max()
        assert size > 0, name
        torch.testing.assert_close(ours[name], expected, rtol=1e-6, atol=1e-8 * float(size))


def test_gradients_of_the_blurs_compensation_are_what_differences_say():
    scene, view = tiny(6, 2), random_view(2)
    given = [
        part.clone().requires_grad_() for part in (*vars(scene).values(), *vars(view).values())
    ]

    def compensations(means: Tensor, *rest: Tensor) -> Tensor:
        found = project(Gaussians(means, *rest[:4]), View(*rest[4:]), SIZE, antialiased=True)
        assert len(found.indices) == 6
        assert found.compensations is not None
        return found.compensations

    assert compensations(*given).max() < 0.8
    assert torch.autograd.gradcheck(compensations, given, eps=1e-7, atol=1e-6, rtol=1e-4)


def some_splats() -> tuple[Tensor, ...]:
    """Means, conics, opacities and features of five splats in a small picture."""
    generator = torch.Generator().manual_seed(1)
    means = 12 * torch.rand(5, 2, generator=generator).double()
    turn = torch.randn(5, 2, 2, generator=generator).double()
    conics = torch.linalg.inv(turn @ turn.mT + 2 * torch.eye(2))
    conics = torch.stack([conics[:, 0, 0], conics[:, 0, 1], conics[:, 1, 1]], -1)
    opacities = 0.2 + 0.6 * torch.rand(5, generator=generator).double()
    return means, conics, opacities, torch.randn(5, 4, generator=generator).double()


def test_gradients_are_what_differences_say():
    given = tuple(part.requires_grad_() for part in some_splats())
    order, radii = torch.tensor([3.0, 1, 2, 5, 4]), torch.full((5, 2), 20, dtype=torch.int32)

    def draw(means: Tensor, conics: Tensor, opacities: Tensor, features: Tensor) -> Tensor:
        splats = Splats(torch.arange(5), means, conics, order, radii)
        picture, transmittance = rasterise(splats, opacities, features, (19, 17))
        # Where a splat is near the threshold, a difference would step over it.
        sharp = torch.cat([picture, transmittance[..., None]], -1)
        return torch.where(steady(means, conics, opacities)[..., None], sharp, 0.0)

    assert torch.autograd.gradcheck(draw, given, eps=1e-6, atol=1e-7, rtol=1e-3)


def steady(means: Tensor, conics: Tensor, opacities: Tensor) -> Tensor:
    """(17, 19) where no splat's alpha is within a thousandth of the least that is drawn."""
    y, x = torch.meshgrid(torch.arange(17) + 0.5, torch.arange(19) + 0.5, indexing="ij")
    away = torch.stack([x, y], -1)[:, :, None] - means.detach()
    dx, dy = away.unbind(-1)
    xx, xy, yy = conics.detach().unbind(-1)
    alpha = opacities.detach() * (-0.5 * (xx * dx * dx + yy * dy * dy) - xy * dx * dy).exp()
    return ((alpha - 1 / 255).abs() > 1e-5).all(-1)


def everything_of(rendering: Rendering, scene: Gaussians, view: View) -> list[Tensor]:
    parts = [rendering.colour, rendering.alpha, rendering.depth]
    seen = [rendering.colour, rendering.alpha, rendering.depth.nan_to_num()]
    return [*parts, *gradients(seen, scene, view).values()]


def test_threads_change_nothing():
    scene, view = with_gradients(random_gaussians(500, 2), random_view(2))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5, 2):
            torch.set_num_threads(threads)
            found.append(everything_of(render(scene, view, SIZE), scene, view))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            # Sums over Gaussians that PyTorch makes for the camera are its own affair.
            torch.testing.assert_close(one, same, rtol=1e-12, atol=1e-12, equal_nan=True)
        assert all(torch.equal(a, b) for a, b in zip(found[0][:2], other[:2], strict=True))


def test_the_same_splats_give_the_same_gradients_to_the_last_bit():
    before, found = torch.get_num_threads(), []
    radii = torch.full((5, 2), 20, dtype=torch.int32)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            means, conics, opacities, features = given = [p.requires_grad_() for p in some_splats()]
            splats = Splats(torch.arange(5), means, conics, torch.arange(5.0), radii)
            picture, transmittance = rasterise(splats, opacities, features, (90, 70))
            total = (picture**2).sum() + (transmittance**3).sum()
            found.append([picture, transmittance, *torch.autograd.grad(total, given)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_several_pictures_may_be_rendered_at_once():
    scenes = [random_gaussians(300, seed) for seed in range(6)]
    alone = [render(scene, random_view(), SIZE).colour for scene in scenes]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda scene: render(scene, random_view(), SIZE).colour, scenes))
    assert all(torch.equal(one, same) for one, same in zip(found, alone, strict=True))


def test_what_is_changed_after_rendering_does_not_change_gradients():
    found = []
    for change in (0.0, 1.0):
        given = [part.requires_grad_() for part in some_splats()]
        radii = torch.full((5, 2), 20, dtype=torch.int32)
        splats = Splats(torch.arange(5), *given[:2], torch.arange(5.0), radii)
        picture, transmittance = rasterise(splats, *given[2:], (19, 17))
        total = picture.sum() + transmittance.sum()
        for part in (*given, transmittance):
            part.data.add_(change)
        found.append(torch.autograd.grad(total, given))
    assert all(torch.equal(one, same) for one, same in zip(*found, strict=True))


def test_loops_are_compiled_where_no_folder_can_keep_them():
    # Of the places to keep machine code in, only IPython's, and this is not IPython.
    code = (
        "import numpy as np\n"
        "from mocap.avatar.kernels import deal\n"
        "starts, dealt = deal(np.arange(1), np.ones((1, 2)), np.ones((1, 2), np.int32), 2, 1)\n"
        "print(starts, dealt)"
    )
    environment = {**os.environ, "NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (run.stdout.strip(), run.stderr) == ("[0 1 1] [0]", "")


def test_tiles_leave_no_seams():
    # One splat over several tiles, in a picture whose sides are no multiples of a tile.
    conic = torch.tensor([[0.002, 0.0005, 0.004]]).double()
    splats = Splats(
        *(torch.arange(1), torch.tensor([[24.2, 17.9]]).double(), conic),
        *(torch.ones(1), torch.full((1, 2), 90, dtype=torch.int32)),
    )
    picture, transmittance = rasterise(
        splats, torch.tensor([0.8]).double(), torch.ones(1, 4).double(), (53, 37)
    )
    y, x = torch.meshgrid(torch.arange(37) + 0.5, torch.arange(53) + 0.5, indexing="ij")
    dx, dy = (x - 24.2).double(), (y - 17.9).double()
    alpha = 0.8 * (-0.001 * dx**2 - 0.002 * dy**2 - 0.0005 * dx * dy).exp()
    expected = torch.where(alpha < 1 / 255, 0.0, alpha)
    torch.testing.assert_close(1 - transmittance, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(picture[..., 2], expected, rtol=0, atol=1e-6)
