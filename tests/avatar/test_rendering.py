"""Pictures of few Gaussians, of which it is known what they must look like."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from avatar.scenes import random_gaussians, random_view
from mocap.avatar import Gaussians, constant_harmonics, render
from mocap.errors import AvatarError
from mocap.geometry import Camera, look_at

FOCAL, SIZE = 100.0, (64, 48)
RED, GREEN = (0.9, 0.2, 0.1), (0.1, 0.8, 0.3)
LEVEL = (1.0, 0.0, 0.0, 0.0)


def straight_camera() -> Camera:
    """At the origin, looking along +z; the world's axes are the camera's."""
    K = np.array([[[FOCAL, 0, 32.5], [0, FOCAL, 24.5], [0, 0, 1.0]]])
    return Camera(K, np.eye(3)[None], np.zeros((1, 3)))


def some(*blobs: tuple, dtype: torch.dtype = torch.float64) -> Gaussians:
    """Gaussians of (mean, scales, rotation, opacity, colour)."""
    means, scales, rotations, opacities, colours = (
        torch.tensor(part, dtype=dtype) for part in zip(*blobs, strict=True)
    )
    return Gaussians(means, scales, rotations, opacities, constant_harmonics(colours))


def blob(z: float, opacity: float = 0.8, colour: tuple = RED, x: float = 0.0) -> tuple:
    return (x, 0.0, z), (0.08,) * 3, LEVEL, opacity, colour


def pixels() -> tuple[Tensor, Tensor]:
    """How far every pixel's middle is right of and below the principal point."""
    y, x = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    return (x - 32).double(), (y - 24).double()


def test_one_isotropic_gaussian_has_a_gaussian_profile():
    rendering = render(some(blob(2.0)), straight_camera(), SIZE)
    x, y = pixels()
    variance = (FOCAL * 0.08 / 2.0) ** 2 + 0.3
    profile = 0.8 * (-(x**2 + y**2) / (2 * variance)).exp()
    expected = torch.where(profile < 1 / 255, 0.0, profile)
    torch.testing.assert_close(rendering.alpha, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(
        rendering.colour, expected[..., None] * torch.tensor(RED).double(), rtol=0, atol=1e-7
    )
    assert rendering.alpha[24, 32] == pytest.approx(0.8)
    depth = rendering.depth
    assert torch.equal(depth.isnan(), expected == 0)
    torch.testing.assert_close(depth[expected > 0], torch.full_like(depth[expected > 0], 2.0))


def test_antialiased_a_small_one_covers_no_more_than_without_the_blur():
    scene = some(((0.0, 0.0, 2.0), (0.006, 0.012, 0.001), LEVEL, 0.9, RED))
    alpha = render(scene, straight_camera(), SIZE, antialiased=True).alpha
    x, y = pixels()
    wide, tall = 0.3**2 + 0.3, 0.6**2 + 0.3
    opacity = 0.9 * 0.3 * 0.6 / math.sqrt(wide * tall)
    expected = opacity * (-(x**2) / (2 * wide) - y**2 / (2 * tall)).exp()
    expected = torch.where(expected < 1 / 255, 0.0, expected)
    torch.testing.assert_close(alpha, expected, rtol=0, atol=1e-6)
    # The area under the Gaussian without the blur; what is too faint to be drawn is lacking.
    assert alpha.sum() == pytest.approx(0.9 * 2 * math.pi * 0.3 * 0.6, rel=0.05)
    assert render(scene, straight_camera(), SIZE).alpha.sum() > 2 * alpha.sum()


@pytest.mark.parametrize("scale", [0.0, 1e-5])
def test_antialiased_what_is_far_below_a_pixel_is_not_drawn_and_harms_no_gradient(scale):
    scene = some(((0.0, 0.0, 2.0), (scale,) * 3, LEVEL, 0.9, RED), blob(2.0))
    scene = Gaussians(*(part.requires_grad_() for part in vars(scene).values()))
    rendering = render(scene, straight_camera(), SIZE, antialiased=True)
    alone = render(some(blob(2.0)), straight_camera(), SIZE, antialiased=True)
    assert torch.equal(rendering.alpha, alone.alpha)
    rendering.colour.sum().backward()
    for part in vars(scene).values():
        assert part.grad.isfinite().all()
        assert not part.grad[0].any()


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_one_is_in_front(order):
    blobs = [blob(3.0, 0.5, GREEN), blob(2.0, 0.6, RED)]
    rendering = render(some(*(blobs[i] for i in order)), straight_camera(), SIZE)
    middle = rendering.colour[24, 32].numpy()
    np.testing.assert_allclose(middle, 0.6 * np.array(RED) + 0.4 * 0.5 * np.array(GREEN), atol=1e-6)
    assert rendering.alpha[24, 32] == pytest.approx(1 - 0.4 * 0.5)
    assert rendering.depth[24, 32] == pytest.approx((0.6 * 2 + 0.4 * 0.5 * 3) / 0.8)


def test_of_equally_near_ones_the_first_is_in_front():
    rendering = render(some(blob(2.0), blob(2.0, 0.8, GREEN)), straight_camera(), SIZE)
    expected = 0.8 * np.array(RED) + 0.2 * 0.8 * np.array(GREEN)
    np.testing.assert_allclose(rendering.colour[24, 32].numpy(), expected, atol=1e-6)


def test_nothing_hides_everything_and_what_is_nearly_hidden_is_left_out():
    one = render(some(blob(2.0, 1.0)), straight_camera(), SIZE)
    assert one.alpha[24, 32] == pytest.approx(0.999)
    # A second one would let 1e-6 through: less than 1e-4 is the end, without it.
    two = render(some(blob(2.0, 1.0), blob(3.0, 1.0, GREEN)), straight_camera(), SIZE)
    assert two.alpha[24, 32] == one.alpha[24, 32]
    assert torch.equal(two.colour[24, 32], one.colour[24, 32])
    # But for fainter ones there still is room, as long as it is not used up.
    three = render(some(blob(2.0, 1.0), blob(3.0, 0.5, GREEN)), straight_camera(), SIZE)
    assert three.alpha[24, 32] == pytest.approx(1 - 0.001 * 0.5)


@pytest.mark.parametrize(
    "unseen",
    [
        blob(-2.0),
        blob(0.009),
        blob(2.0, x=50.0),
        blob(2.0, 1 / 256),
        blob(math.nan),
        blob(math.inf),
        blob(2.0, math.nan),
        ((0.0, 0, 2), (math.nan, 0.1, 0.1), LEVEL, 0.8, RED),
        ((0.0, 0, 2), (math.inf, 0.1, 0.1), LEVEL, 0.8, RED),
    ],
    ids=["behind", "too near", "beside", "faint", "nan", "far", "opacity", "scale", "endless"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_cannot_be_seen_changes_nothing(unseen, dtype):
    alone = render(some(blob(2.0), dtype=dtype), straight_camera(), SIZE)
    scene = some(unseen, blob(2.0), unseen, dtype=dtype)
    scene = Gaussians(*(part.requires_grad_() for part in vars(scene).values()))
    both = render(scene, straight_camera(), SIZE)
    assert torch.equal(both.colour, alone.colour)
    assert torch.equal(both.alpha, alone.alpha)
    both.colour.sum().backward()
    for part in vars(scene).values():
        assert part.grad[1].isfinite().all()


def test_a_stretched_one_is_stretched_where_its_rotation_says():
    turn = math.radians(30)
    rotation = (math.cos(turn / 2), 0, 0, math.sin(turn / 2))
    scene = some(((0.1, 0.05, 2.0), (0.16, 0.04, 0.01), rotation, 0.9, RED))
    alpha = render(scene, straight_camera(), SIZE).alpha
    x, y = pixels()
    x, y = x - 0.1 * FOCAL / 2, y - 0.05 * FOCAL / 2
    along, across = (
        math.cos(turn) * x + math.sin(turn) * y,
        -math.sin(turn) * x + math.cos(turn) * y,
    )
    # Off the axis, what is deep is seen a little from the side, too: 0.01 m is next to nothing.
    power = along**2 / (2 * (64 + 0.3)) + across**2 / (2 * (4 + 0.3))
    assert (alpha - 0.9 * (-power).exp()).abs().max() < 0.005
    weights = alpha / alpha.sum()
    covariance = (weights * x * y).sum()
    assert covariance == pytest.approx((64 - 4) * math.sin(turn) * math.cos(turn), rel=0.05)


def test_length_and_sign_of_a_quaternion_do_not_matter():
    scene = random_gaussians(40, 3)
    one = render(scene, random_view(3), SIZE)
    two = render(replace(scene, rotations=-3.7 * scene.rotations), random_view(3), SIZE)
    torch.testing.assert_close(one.colour, two.colour, rtol=0, atol=1e-12)


def test_a_needle_too_long_for_single_precision_is_drawn_without_harm():
    needle = ((0.0, 0, 0.02), (1e3, 1e-7, 1e-7), LEVEL, 0.9, RED)
    rendering = render(some(needle, dtype=torch.float32), straight_camera(), SIZE)
    assert rendering.colour.isfinite().all()
    assert rendering.alpha[24].min() > 0.89


def test_background_shows_where_nothing_hides_it():
    scene, colour = some(blob(2.0)), torch.tensor([0.1, 0.5, 0.9]).double()
    black = render(scene, straight_camera(), SIZE)
    plain = render(scene, straight_camera(), SIZE, background=colour)
    torch.testing.assert_close(
        plain.colour, black.colour + (1 - black.alpha)[..., None] * colour, rtol=0, atol=1e-12
    )
    assert plain.colour[0, 0].tolist() == colour.tolist()
    assert torch.equal(plain.alpha, black.alpha)
    picture = torch.rand(48, 64, 3).double().requires_grad_()
    over = render(scene, straight_camera(), SIZE, background=picture)
    assert torch.equal(over.colour[0, 0], picture[0, 0])
    over.colour.sum().backward()
    torch.testing.assert_close(picture.grad[..., 0], 1 - black.alpha)


@pytest.mark.parametrize("coefficients", [1, 16])
def test_nothing_at_all_is_background(coefficients):
    scene = random_gaussians(0, 0, coefficients)
    scene = Gaussians(*(part.requires_grad_() for part in vars(scene).values()))
    rendering = render(scene, straight_camera(), (70, 9), background=(0.3, 0.2, 0.1))
    assert rendering.colour.shape == (9, 70, 3)
    assert rendering.colour[4, 60].tolist() == pytest.approx([0.3, 0.2, 0.1])
    assert not rendering.alpha.any()
    assert rendering.depth.isnan().all()
    rendering.colour.sum().backward()
    assert scene.means.grad.shape == (0, 3)


def test_a_loss_on_depth_does_not_spoil_gradients_where_nothing_is():
    scene = some(blob(2.0))
    means = scene.means.clone().requires_grad_()
    depth = render(replace(scene, means=means), straight_camera(), SIZE).depth
    depth[~depth.isnan()].mean().backward()
    np.testing.assert_allclose(means.grad.numpy(), [[0, 0, 1]], atol=1e-9)


def test_a_picture_of_one_pixel():
    camera = Camera(
        np.array([[[1.0, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]]), *straight_camera().at([0])[1:]
    )
    assert render(some(blob(2.0)), camera, (1, 1)).alpha.tolist() == [[pytest.approx(0.8)]]


def test_the_camera_is_where_its_project_method_has_it():
    R, t = look_at(np.array([1.0, 1.6, 3.0]), np.array([0.0, 1.0, 0.0]), roll=0.1)
    camera = Camera(straight_camera().K, R[None], t[None])
    place = np.array([0.13, 1.1, -0.2])
    scene = some((tuple(place), (0.05,) * 3, LEVEL, 0.9, RED))
    rendering = render(scene, camera, SIZE)
    y, x = np.unravel_index(int(rendering.alpha.argmax()), (48, 64))
    [[pixel]] = camera.project(place[None, None], np.array([0]))
    assert np.abs(np.array([x, y]) + 0.5 - pixel).max() <= 0.5
    assert rendering.depth[y, x] == pytest.approx((R @ place + t)[2])


def test_a_moving_camera_has_a_look_for_every_frame():
    still = straight_camera()
    moved = np.array([[0, 0, 0], [0.2, 0, 0], [0.2, 0, 1]], float)
    moving = replace(still, t=moved)
    scene = some(blob(2.0))
    columns = [int(render(scene, moving, SIZE, frame=f).alpha.sum(0).argmax()) for f in range(2)]
    assert columns == [32, 32 + round(0.2 * FOCAL / 2)]
    # After its last frame, it stays.
    last, later = (render(scene, moving, SIZE, frame=f) for f in (2, 9))
    assert last.depth[24, 32 + 7] == pytest.approx(3.0)
    assert torch.equal(last.colour, later.colour)


def test_a_distorted_lens_is_refused_and_one_of_zeros_is_none():
    bent = replace(straight_camera(), distortion=np.array([0.1, 0, 0, 0]))
    with pytest.raises(AvatarError, match="undistort its pictures"):
        render(some(blob(2.0)), bent, SIZE)
    plain = replace(straight_camera(), distortion=np.zeros(4))
    assert render(some(blob(2.0)), plain, SIZE).alpha.max() > 0.7


def test_a_device_of_another_kind_is_refused():
    with pytest.raises(AvatarError, match=r"not on 'meta'; move them with to\('cpu'\)"):
        render(some(blob(2.0)).to("meta"), straight_camera(), SIZE)


def test_a_picture_without_size_is_refused():
    with pytest.raises(ValueError, match="0 x 48"):
        render(some(blob(2.0)), straight_camera(), (0, 48))


def test_without_numba_it_says_what_to_install():
    # As where numba is not installed: importing it fails.
    code = """
import sys
sys.modules["numba"] = None
import torch
from mocap.avatar import Gaussians, render
from mocap.errors import AvatarError
from mocap.geometry import Camera
one = Gaussians(*(torch.ones(1, *shape) for shape in ((3,), (3,), (4,), (), (1, 3))))
try:
    render(one, Camera.assumed(8, 8), (8, 8))
except AvatarError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == (
        "rendering Gaussians on a CPU needs numba: pip install 'mocap-toolkit[avatar]'"
    )
    assert not run.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scales": torch.ones(2, 3)}, r"scales of 1 Gaussians are \(1, 3\), not \(2, 3\)"),
        ({"opacities": torch.ones(1, 1)}, "opacities"),
        ({"harmonics": torch.ones(1, 5, 3)}, "5 harmonics; there are 1, 4, 9 or 16"),
        ({"harmonics": torch.ones(1, 3)}, "harmonics"),
        ({"rotations": torch.ones(1, 4).double()}, "rotations are of another type"),
    ],
)
def test_gaussians_whose_parts_do_not_go_together_are_refused(change, said):
    scene = some(blob(2.0), dtype=torch.float32)
    with pytest.raises(ValueError, match=said):
        replace(scene, **change)
