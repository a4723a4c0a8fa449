"""Likeness of pictures against other implementations and closed forms, and as a loss."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from takes import embodied, make_take

from mocap.evaluate import psnr, soft_iou, ssim, stray_distance
from mocap.evaluate.outlines import overlap
from mocap.geometry import Camera
from mocap.likeness import region_about, ssim_map


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth picture and the same with noise."""
    rng = np.random.default_rng(3)
    smooth = gaussian_filter(rng.uniform(size=(40, 56, 3)), (2, 2, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return smooth, np.clip(smooth + 0.1 * rng.normal(size=smooth.shape), 0, 1)


def reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The paper's equation 13, by SciPy's own windows."""

    def blur(image: np.ndarray) -> np.ndarray:
        return gaussian_filter(image, (1.5, 1.5, 0), truncate=3.5)

    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    top = (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2)
    return (top / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2))).mean(-1)


def test_ssim_is_that_of_the_paper(pair):
    found = ssim_map(*(torch.as_tensor(one) for one in pair)).numpy()
    assert np.abs(found - reference(*pair))[5:-5, 5:-5].max() < 1e-12
    assert 0.2 < found.mean() < 0.95


def test_ssim_is_scikit_images(pair):
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed")
    told = metrics.structural_similarity(
        *pair,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=-1,
        data_range=1.0,
    )
    # It leaves the border out.
    weight = torch.zeros(40, 56)
    weight[5:-5, 5:-5] = 1
    found = ssim(*(torch.as_tensor(one) for one in pair), weight)
    assert float(found) == pytest.approx(told, abs=1e-9)


def test_of_even_pictures_ssim_is_a_matter_of_light():
    dark, light = torch.full((20, 20, 3), 0.2), torch.full((20, 20, 3), 0.6)
    wanted = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert float(ssim(dark, light)) == pytest.approx(wanted, abs=1e-4)
    assert float(ssim(dark, dark)) == pytest.approx(1.0, abs=1e-4)


def test_psnr_counts_what_is_to_count():
    truth = torch.zeros(4, 6, 3)
    picture = truth.clone()
    picture[:, :3] = 0.1
    weight = torch.zeros(4, 6)
    weight[:, :3] = 1
    assert float(psnr(picture, truth, weight)) == pytest.approx(20.0, abs=1e-4)
    assert float(psnr(picture, truth)) == pytest.approx(20.0 + 10 * np.log10(2), abs=1e-4)
    assert float(psnr(picture, truth, 1 - weight)) == float("inf")


def test_the_region_about_somebody():
    nobody = np.zeros((60, 60), bool)
    small, large = nobody.copy(), np.zeros((400, 300), bool)
    small[30, 30] = True
    assert region_about(small, nobody).sum() == pytest.approx(np.pi * 36, abs=12)
    assert region_about(small, small).sum() == region_about(small, nobody).sum() - 1
    # A twentieth of who is tall.
    large[100:300, 150] = True
    rows, columns = np.nonzero(region_about(large, np.zeros_like(large)))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (90, 309, 140, 160)
    assert not region_about(nobody, nobody).any()


def test_pictures_smaller_than_the_window_are_refused():
    with pytest.raises(ValueError, match="5×9 pixels"):
        ssim(torch.zeros(9, 5, 3), torch.zeros(9, 5, 3))


def test_soft_iou_of_hard_masks_is_iou():
    rng = np.random.default_rng(0)
    one, other = rng.uniform(size=(2, 9, 11)) > 0.5
    found = soft_iou(torch.as_tensor(one, dtype=torch.float64), torch.as_tensor(other))
    assert float(found) == pytest.approx(overlap(one, other))
    nothing = torch.zeros(9, 11)
    assert float(soft_iou(nothing, nothing)) == 0.0


def test_gradients_are_those_of_the_values(pair):
    picture, truth = (torch.as_tensor(one[:12, :13]) for one in pair)
    alpha, mask = picture[..., 0], (truth[..., 1] > 0.5).double()
    for measure, first, second in (
        (psnr, picture, truth),
        (ssim, picture, truth),
        (soft_iou, alpha, mask),
        (stray_distance, alpha, 5 * truth[..., 2]),
    ):
        assert torch.autograd.gradcheck(
            lambda x, measure=measure, second=second: measure(x, second),
            first.clone().requires_grad_(),
        )


def test_as_a_loss_they_bring_a_body_to_its_mask(body):
    """A body of Gaussians, wholly beside its mask at first, is moved onto it."""
    pytest.importorskip("numba", reason="numba is not installed")
    from mocap.avatar import Gaussians, render

    take = embodied(make_take(frames=1, still=True), body)
    camera, size = Camera.assumed(96, 96), (96, 96)
    with torch.no_grad():
        posed = body.forward(take.people["person-1"].body, return_vertices=True)
    means = posed.vertices[0][::4].float() - torch.tensor([0.0, 0.9, 0.0])
    count = len(means)

    def alpha(shift: torch.Tensor) -> torch.Tensor:
        splats = Gaussians(
            means + shift,
            torch.full((count, 3), 0.02),
            torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
            torch.full((count,), 0.9),
            torch.zeros(count, 1, 3),
        )
        return render(splats, camera, size).alpha

    mask = alpha(torch.zeros(3)) > 0.5
    distance = torch.as_tensor(cv2.distanceTransform((~mask).numpy().astype(np.uint8), 2, 5))
    assert mask.sum() > 400
    shift = torch.tensor([0.9, -0.2, 0.0], requires_grad=True)
    before = alpha(shift.detach())
    assert float(soft_iou(before, mask)) < 0.35
    optimiser = torch.optim.Adam([shift], lr=0.04)
    for _ in range(60):
        optimiser.zero_grad()
        covered = alpha(torch.stack([shift[0], shift[1], shift.new_zeros(())]))
        loss = 1 - soft_iou(covered, mask) + 0.05 * stray_distance(covered, distance)
        loss.backward()
        optimiser.step()
    assert float(shift.detach()[:2].abs().max()) < 0.03
    assert float(soft_iou(alpha(shift.detach()), mask)) > 0.75
