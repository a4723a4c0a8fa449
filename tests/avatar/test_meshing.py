"""Meshes of Gaussians whose surface is known."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.surfaces import colours_at, gaussians_on, posed, sphere
from avatar.test_clumps import joined
from mocap.avatar import Gaussians, compare_meshes, mesh_of
from mocap.body import load_body
from mocap.errors import AvatarError

COARSE = {"cameras": 12, "resolution": 0.01}


@pytest.fixture(scope="module")
def cloud():
    return gaussians_on(sphere(), 6000)


@pytest.fixture(scope="module")
def coarse(cloud):
    return mesh_of(cloud, **COARSE)


def one(scales: tuple[float, float, float], opacity: float = 0.95) -> Gaussians:
    return Gaussians(
        means=torch.tensor([[0.2, 1.0, -0.3]]),
        scales=torch.tensor([scales]),
        rotations=torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
        opacities=torch.tensor([opacity]),
        harmonics=torch.zeros(1, 1, 3),
    )


def test_a_sphere_of_gaussians_is_a_sphere(cloud):
    mesh = mesh_of(cloud, cameras=24)
    surface = mesh.surface
    assert surface.is_watertight
    assert surface.is_winding_consistent
    assert surface.euler_number == 2
    assert surface.volume == pytest.approx(4 / 3 * np.pi * 0.2**3, rel=0.015)
    away = np.linalg.norm(mesh.vertices, axis=1) - 0.2
    assert np.abs(away).mean() < 1e-3
    quality = compare_meshes(surface, sphere(), samples=20_000)
    assert quality.iou > 0.98
    assert quality.normal_consistency > 0.98


def test_vertices_have_the_colours_of_the_gaussians_beside_them(coarse):
    wrong = np.abs(coarse.colours - colours_at(coarse.vertices)).max(1)
    assert wrong.mean() < 0.03
    assert np.percentile(wrong, 99) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("pose", ["standing", "crouching"])
def test_a_body_of_gaussians_is_the_body(pose):
    truth = posed(load_body(), pose)
    mesh = mesh_of(gaussians_on(truth, 40_000), cameras=16)
    surface = mesh.surface
    assert surface.is_watertight
    assert surface.is_winding_consistent
    quality = compare_meshes(surface, truth)
    assert quality.iou > 0.975
    assert quality.chamfer < 1e-3
    assert abs(quality.outward) < 6e-4
    assert quality.normal_consistency > 0.95
    wrong = np.abs(mesh.colours - colours_at(mesh.vertices)).max(1)
    assert wrong.mean() < 0.02


def test_more_cameras_see_more():
    truth = posed(load_body(), "crouching")
    cloud = gaussians_on(truth, 20_000)
    ious = [
        compare_meshes(
            mesh_of(cloud, cameras=cameras, resolution=0.01).surface, truth, spacing=0.006
        ).iou
        for cameras in (3, 12)
    ]
    assert ious[1] > ious[0] + 0.03


def test_floaters_change_nothing(cloud, coarse):
    generator = torch.Generator().manual_seed(0)
    places = torch.nn.functional.normalize(torch.randn(40, 3, generator=generator), dim=1)
    floaters = replace(
        cloud.where(torch.arange(6000) < 40),
        means=places * torch.logspace(0, 7, 40)[:, None],
        scales=torch.full((40, 3), 0.3),
    )
    mesh = mesh_of(joined(floaters, cloud), **COARSE)
    np.testing.assert_array_equal(mesh.vertices, coarse.vertices)
    np.testing.assert_array_equal(mesh.faces, coarse.faces)
    np.testing.assert_array_equal(mesh.colours, coarse.colours)


def test_what_floats_nearby_is_no_part_of_the_mesh(cloud, coarse):
    # Near enough to be of the same clump, too far for one surface.
    small = gaussians_on(sphere(0.03, (0.27, 0.0, 0.0)), 400)
    surface = mesh_of(joined(cloud, small), **COARSE).surface
    assert surface.is_watertight
    assert surface.body_count == 1
    assert surface.volume == pytest.approx(coarse.surface.volume, rel=0.01)


def test_a_mesh_moves_with_its_gaussians(cloud, coarse):
    moved = replace(cloud, means=cloud.means + torch.tensor([40.0, -3.0, 25.0]))
    mesh = mesh_of(moved, **COARSE)
    np.testing.assert_allclose(mesh.surface.center_mass, [40.0, -3.0, 25.0], atol=5e-4)
    assert mesh.surface.volume == pytest.approx(coarse.surface.volume, rel=2e-3)


def test_gaussians_that_are_being_optimised_have_a_mesh(cloud, coarse):
    leaves = Gaussians(*(part.clone().requires_grad_() for part in vars(cloud).values()))
    mesh = mesh_of(leaves, **COARSE)
    np.testing.assert_array_equal(mesh.vertices, coarse.vertices)


@pytest.mark.parametrize(
    "nothing",
    [
        one((1e-3, 1e-3, 1e-3)),
        one((0.1, 0.1, 1e-5)),
        one((0.1, 0.1, 0.1), opacity=0.3),
        # Its surface is where it is densest: in its middle, from wherever it is looked at.
        one((0.1, 0.05, 0.05)),
    ],
    ids=["tiny", "flat", "faint", "large"],
)
def test_what_encloses_nothing_has_no_mesh(nothing):
    with pytest.raises(AvatarError, match="enclose nothing"):
        mesh_of(nothing, **COARSE)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU")
def test_a_gpu_makes_the_same_mesh(cloud, coarse):
    mesh = mesh_of(cloud.to("cuda"), **COARSE)
    quality = compare_meshes(mesh.surface, coarse.surface, samples=10_000)
    assert quality.iou > 0.999
    assert quality.chamfer < 1e-4


def test_too_fine_a_resolution_is_refused_with_one_that_works(cloud):
    with pytest.raises(AvatarError, match=r"too far for voxels of 0\.0001 m; choose 0\.0"):
        mesh_of(cloud, resolution=1e-4)
    with pytest.raises(AvatarError, match="leave out"):
        mesh_of(one((1e8, 1e8, 1e8)))


def test_more_pictures_than_there_is_room_for_are_refused_with_fewer_that_work(cloud, monkeypatch):
    with pytest.raises(AvatarError, match=r"1000 cameras are too many for voxels of 0\.001 m"):
        mesh_of(cloud, cameras=1000, resolution=1e-3)
    monkeypatch.setattr("mocap.avatar.meshing._MOST_PIXELS", 600_000)
    asked = {"cameras": 12, "resolution": 0.003}
    with pytest.raises(AvatarError, match=r"room for 0\.6;") as refused:
        mesh_of(cloud, **asked)
    found = re.search(r"choose (\d+) cameras, or (\S+) m$", str(refused.value))
    cameras, resolution = int(found[1]), float(found[2])
    for works in ({"cameras": cameras}, {"resolution": resolution}):
        assert mesh_of(cloud, **{**asked, **works}).surface.is_watertight


@pytest.mark.parametrize("absurd", [{"cameras": 0}, {"resolution": 0.0}, {"resolution": np.nan}])
def test_absurd_settings_are_errors(cloud, absurd):
    with pytest.raises(ValueError, match="cameras"):
        mesh_of(cloud, **absurd)


def test_one_camera_is_enough_for_a_closed_mesh(cloud):
    assert mesh_of(cloud, cameras=1, resolution=0.01).surface.is_watertight


def test_progress_tells_pictures_and_then_space(cloud):
    calls = []
    mesh_of(cloud, **COARSE, progress=lambda *call: calls.append(call))
    assert list(dict.fromkeys(call[0] for call in calls)) == ["depth pictures", "surface"]
    assert ("depth pictures", 12, 12) in calls
    assert calls[-1][1] == calls[-1][2]


def test_without_scikit_image_it_is_told_where_to_get_it():
    program = (
        "import sys; sys.modules['skimage'] = None\n"
        "import numpy as np\n"
        "from mocap.avatar.closing import closed_surface\n"
        "closed_surface(-np.ones((4, 4, 4)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "AvatarError: making meshes needs scikit-image: pip install" in ended.stderr
