"""The same conventions as gsplat: its PyTorch reference, and its picture where there is a GPU."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from avatar.people import painted_avatar, standing, view_from
from avatar.scenes import SIZE, random_gaussians, random_view
from mocap.avatar import Gaussians, View, render, write_avatar
from mocap.avatar.file import read_avatar
from mocap.avatar.gpu import accumulate_on_gpu
from mocap.avatar.harmonics import colours_from
from mocap.avatar.kernels import LEAST_TRANSMITTANCE, MOST_ALPHA
from mocap.avatar.projection import EXTENT, LEAST_ALPHA, project

gsplat = pytest.importorskip("gsplat", reason="gsplat is not installed")
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU")


def world_to_camera(view: View) -> torch.Tensor:
    matrix = torch.eye(4, dtype=view.R.dtype)
    matrix[:3, :3], matrix[:3, 3] = view.R, view.t
    return matrix


@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_projection_is_that_of_its_reference(seed, antialiased):
    from gsplat.cuda._torch_impl import _fully_fused_projection, _quat_scale_to_covar_preci

    scene, view = random_gaussians(300, seed), random_view(seed)
    ours = project(scene, view, SIZE, antialiased=antialiased)
    covariances, _ = _quat_scale_to_covar_preci(scene.rotations, scene.scales, True, False)
    radii, means, depths, conics, compensations = _fully_fused_projection(
        scene.means,
        covariances,
        world_to_camera(view)[None],
        view.K[None],
        *SIZE,
        calc_compensations=antialiased,
    )
    found = ours.indices
    torch.testing.assert_close(ours.means, means[0, found])
    torch.testing.assert_close(ours.conics, conics[0, found])
    torch.testing.assert_close(ours.depths, depths[0, found])
    if antialiased:
        torch.testing.assert_close(ours.compensations, compensations[0, found])
        # Its GPU leaves out what is too faint then, and bounds what is left by how faint it is.
        faded = (scene.opacities * compensations[0])[found]
        assert (faded >= 1 / 255).all()
        extents = (2 * (255 * faded).log()).sqrt().clamp_max(3.33)
        blurred = torch.linalg.inv(conics[0, found][:, [0, 1, 1, 2]].unflatten(1, (2, 2)))
        wanted = (extents[:, None] * blurred.diagonal(dim1=1, dim2=2).sqrt()).ceil()
        assert (ours.radii - wanted).abs().max() <= 1
    else:
        assert ours.compensations is None
    # The reference does not look at opacities: its radii are the largest there can be.
    assert (ours.radii <= radii[0, found]).all()
    opaque = Gaussians(
        *(scene.means, scene.scales, scene.rotations, torch.ones_like(scene.opacities)),
        scene.harmonics,
    )
    ours = project(opaque, view, SIZE)
    assert torch.equal(ours.indices, (radii[0] > 0).all(-1).nonzero()[:, 0])
    # Its GPU has the square root of 2 ln 255, 3.3290, where that is less than 3.33.
    assert (ours.radii - radii[0, ours.indices]).abs().max() <= 1


@pytest.mark.parametrize("degree", range(4))
def test_harmonics_are_those_of_its_reference(degree):
    from gsplat.cuda._torch_impl import _spherical_harmonics

    coefficients = random_gaussians(200, degree, (degree + 1) ** 2).harmonics
    directions = torch.randn(200, 3, dtype=torch.float64)
    theirs = (_spherical_harmonics(degree, directions, coefficients) + 0.5).clamp_min(0)
    torch.testing.assert_close(colours_from(coefficients, directions), theirs)


def numbers(pattern: str, *files: str) -> set[float]:
    """What stands in places of gsplat's CUDA sources, in each of some files at least once."""
    folder = Path(gsplat.__file__).parent / "cuda"
    found = [re.findall(pattern, (folder / file).read_text()) for file in files]
    assert all(found)
    return {float(number) for one in found for number in one}


def test_its_kernels_have_the_same_constants():
    there, back = "csrc/RasterizeToPixels3DGSFwd.cu", "csrc/RasterizeToPixels3DGSBwd.cu"
    assert numbers(r"alpha = min\(([\d.]+)f, opac", there, back) == {MOST_ALPHA}
    assert numbers(r"next_T <= ([\de.-]+)f", there) == {LEAST_TRANSMITTANCE}
    (parts,) = numbers(r"ALPHA_THRESHOLD \(1\.f / ([\d.]+)f\)", "include/Common.h")
    assert 1 / parts == LEAST_ALPHA
    assert numbers(r"extend = ([\d.]+)f;", "csrc/ProjectionEWA3DGSFused.cu") == {EXTENT}


def test_kernels_that_cannot_be_compiled_are_told_in_a_line(tmp_path):
    compiler = tmp_path / "cuda" / "bin" / "nvcc"
    compiler.parent.mkdir(parents=True)
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    asked = (
        "from avatar.scenes import SIZE, random_gaussians, random_view\n"
        "from mocap.avatar.gpu import accumulate_on_gpu\n"
        "accumulate_on_gpu(random_gaussians(9, 0), random_view(0), SIZE, False)\n"
    )
    places = {
        "CUDA_HOME": str(compiler.parents[1]),
        "TORCH_EXTENSIONS_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    ended = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ended.stderr.splitlines()[-1]
    assert ended.returncode == 1
    assert said.startswith("mocap.errors.AvatarError: gsplat's CUDA kernels cannot be compiled")
    assert "stay on the CPU" in said
    assert "pip install" not in said


@pytest.mark.parametrize("antialiased", [False, True])
def test_of_no_gaussians_the_picture_is_empty(antialiased):
    scene, view = random_gaussians(0, 0, dtype=torch.float32), random_view(0, torch.float32)
    leaves = [part.clone().requires_grad_() for part in vars(scene).values()]
    # Its kernels are not asked, and so this runs anywhere.
    sums, alpha = accumulate_on_gpu(Gaussians(*leaves), view, SIZE, antialiased)
    ours = render(scene, view, SIZE, antialiased=antialiased)
    assert torch.equal(sums[..., :3], ours.colour)
    assert torch.equal(alpha, ours.alpha)
    assert sums.shape == (*alpha.shape, 4)
    for part in torch.autograd.grad(sums.sum() + alpha.sum(), leaves):
        assert part.shape[0] == 0


@on_a_gpu
@pytest.mark.parametrize("antialiased", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_gpu_gives_the_same_picture_and_gradients(seed, antialiased):
    background = torch.tensor([0.2, 0.7, 0.4])
    found = []
    for device in ("cpu", "cuda"):
        scene = random_gaussians(2000, seed, dtype=torch.float32).to(device)
        leaves = [part.clone().requires_grad_() for part in vars(scene).values()]
        view = random_view(seed, torch.float32)
        view = View(*(part.to(device) for part in vars(view).values()))
        rendering = render(
            Gaussians(*leaves), view, (200, 140), background=background, antialiased=antialiased
        )
        depth = (rendering.depth * rendering.alpha).nan_to_num()
        total = (rendering.colour**2).sum() + depth.sum()
        gradients = torch.autograd.grad(total, leaves)
        found.append([rendering.colour, rendering.alpha, *gradients])
    for ours, theirs in zip(*found, strict=True):
        away = (ours - theirs.cpu()).abs() / ours.abs().max()
        # Apart from what is at a threshold for one of them.
        assert away.max() < 0.02
        assert (away < 1e-4).float().mean() > 0.98


@on_a_gpu
def test_an_avatar_is_read_and_moved_on_a_gpu(body, tmp_path):
    path, _ = write_avatar(painted_avatar(body), tmp_path / "anna.ply")
    found = []
    for device in ("cpu", "cuda"):
        avatar = read_avatar(path, body.to(device=device))
        with torch.no_grad():
            scene = avatar.posed(standing(avatar.body))
            picture = render(scene, view_from(30, avatar.betas), SIZE, antialiased=True)
        assert picture.colour.device.type == device
        found.append(picture.colour.cpu())
    away = (found[0] - found[1]).abs()
    assert found[0].max() > 0.3
    assert (away < 1e-3).float().mean() > 0.99
