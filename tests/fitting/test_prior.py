import time

import numpy as np
import pytest

from mocap.fitting.freedom import COORDINATES, means, spreads
from mocap.fitting.prior import PosePrior, coordinate_names, pose_prior, pose_prior_energy

SIZE = len(COORDINATES)


def mixture(freedom: float, components: int = 5, seed: int = 0) -> PosePrior:
    rng = np.random.default_rng(seed)
    roots = 4 * np.eye(SIZE) + rng.normal(size=(components, SIZE, SIZE))
    centres = rng.normal(scale=0.7, size=(components, SIZE))
    shares = rng.dirichlet(np.ones(components))
    return PosePrior(centres, roots, np.log(shares), freedom)


@pytest.fixture
def poses(rng) -> np.ndarray:
    return rng.normal(scale=0.6, size=(7, SIZE))


@pytest.mark.parametrize("freedom", [np.inf, 4.0])
def test_gradient_is_that_of_the_energy(poses, freedom):
    prior, weight, step = mixture(freedom), 0.3, 1e-6
    residuals, jacobian = pose_prior(poses, prior, weight)
    gradient = np.einsum("fij,fi->fj", jacobian, residuals)
    measured = np.zeros_like(gradient)
    for frame in range(len(poses)):
        for column in range(SIZE):
            sides = []
            for sign in (1, -1):
                moved = poses.copy()
                moved[frame, column] += sign * step
                sides.append(pose_prior_energy(moved, prior, weight))
            measured[frame, column] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(gradient, measured, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("freedom", [np.inf, 4.0])
def test_gauss_newton_goes_downhill_to_a_mean(poses, freedom):
    prior = mixture(freedom)
    last = pose_prior_energy(poses, prior, 1.0)
    for _ in range(40):
        residuals, jacobian = pose_prior(poses, prior, 1.0)
        poses = poses - np.linalg.solve(jacobian, residuals[..., None])[..., 0]
        now = pose_prior_energy(poses, prior, 1.0)
        assert now <= last + 1e-9
        last = now
    gaps = np.abs(poses[:, None] - prior.means[None]).max(-1).min(1)
    assert gaps.max() < 1e-6


def test_one_gaussian_is_plain_least_squares(poses):
    prior = PosePrior(means()[None], np.diag(1 / spreads())[None], np.zeros(1))
    residuals, jacobian = pose_prior(poses, prior, 1.0)
    np.testing.assert_allclose(residuals, (poses - means()) / spreads())
    assert pose_prior_energy(poses, prior, 1.0) == pytest.approx(0.5 * np.sum(residuals**2))
    np.testing.assert_allclose(jacobian[3], np.diag(1 / spreads()))


def test_weight_is_a_factor_on_the_energy(poses):
    prior = mixture(4.0)
    once, twice = (pose_prior_energy(poses, prior, weight) for weight in (0.5, 1.0))
    assert twice == pytest.approx(2 * once)
    half, whole = (pose_prior(poses, prior, weight)[0] for weight in (0.5, 1.0))
    np.testing.assert_allclose(whole**2, 2 * half**2)


def test_each_frame_goes_by_the_component_that_explains_it_best():
    prior = mixture(np.inf)
    np.testing.assert_array_equal(prior.nearest(prior.means)[0], np.arange(5))
    # Of two equal shapes at one place, the likelier counts.
    twins = PosePrior(prior.means[[0, 0]], prior.roots[[0, 0]], np.log([0.1, 0.9]))
    assert twins.nearest(prior.means[:1])[0] == 1
    assert twins.offsets.min() == 0


def test_far_poses_cost_less_with_heavy_tails():
    roots = np.eye(SIZE)[None]
    gaussian = PosePrior(np.zeros((1, SIZE)), roots, np.zeros(1))
    student = PosePrior(np.zeros((1, SIZE)), roots, np.zeros(1), 4.0)
    far = np.full((1, SIZE), 10.0)
    assert pose_prior_energy(far, student, 1.0) < 0.1 * pose_prior_energy(far, gaussian, 1.0)
    pull = [np.linalg.norm(pose_prior(x * far, student, 1.0)[0]) for x in (0.2, 1.0)]
    assert pull[1] < 1.05 * np.sqrt(SIZE + 4) > pull[0]


def test_the_shipped_prior_is_of_these_coordinates_and_likes_people():
    prior = PosePrior.load()
    assert prior.means.shape[1:] == (SIZE,)
    assert len(set(coordinate_names())) == SIZE
    assert np.exp(prior.log_weights).sum() == pytest.approx(1, abs=1e-5)
    assert np.isfinite(prior.roots).all()
    # Nothing is narrower than skeletons disagree.
    widest = np.linalg.svd(prior.roots, compute_uv=False).max()
    assert np.rad2deg(1 / widest) > 4.0
    standing = means()
    bent_back = standing.copy()
    bent_back[[i for i, c in enumerate(COORDINATES) if "knee" in c.joints[0]]] = -0.6
    costs = [pose_prior_energy(pose[None], prior, 1.0) for pose in (standing, bent_back)]
    assert costs[0] + 3 < costs[1]


def test_the_shipped_prior_takes_no_side():
    # It was learned from poses and their mirror images.
    from mocap.training.pose_samples import mirrored

    prior, rng = PosePrior.load(), np.random.default_rng(0)
    poses = means() + spreads() * rng.normal(size=(400, SIZE))
    there, back = (prior.energies(x).min(1) for x in (poses, mirrored(poses)))
    assert abs(np.mean(there - back)) < 0.05 * np.mean(there)


def test_it_is_fast():
    prior = PosePrior.load()
    poses = prior.means[np.arange(64) % len(prior.means)] + 0.1
    pose_prior(poses, prior, 1.0)
    spent = []
    for _ in range(9):
        started = time.perf_counter()
        pose_prior(poses, prior, 1.0)
        spent.append(time.perf_counter() - started)
    assert min(spent) / 64 < 1e-4
