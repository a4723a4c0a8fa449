import numpy as np
import pytest

from mocap.fitting.freedom import COORDINATES, means, spreads
from mocap.fitting.prior import PosePrior, coordinate_names
from mocap.training.mixtures import Mixture, fit_mixture
from mocap.training.pose_prior import broadened, held_out, learn, prior_of, tempered, write
from mocap.training.pose_samples import PoseClip, balanced, mirrored

SIZE = len(COORDINATES)


def clip(corpus="cmu", performer="cmu-01", name="a", frames=50, seed=0) -> PoseClip:
    rng = np.random.default_rng(seed)
    drawn = means() + 0.3 * spreads() * rng.normal(size=(frames, SIZE))
    return PoseClip(corpus, performer, name, drawn)


def test_mirroring_twice_changes_nothing_and_keeps_the_usual_pose():
    poses = clip().coordinates
    assert not np.allclose(mirrored(poses), poses)
    np.testing.assert_allclose(mirrored(mirrored(poses)), poses)
    np.testing.assert_allclose(mirrored(means()), means(), atol=1e-12)


def test_no_clip_or_performer_counts_for_too_much():
    clips = [clip(performer="a", frames=900, name=str(i), seed=i) for i in range(12)]
    clips += [clip(performer="b", frames=40, seed=50)]
    assert len(balanced(clips, most=100, of_performer=600)) == 2 * (600 + 40)


def test_other_corpora_and_two_performers_are_held_out():
    assert not held_out(clip())
    assert held_out(clip(corpus="perfume"))
    assert held_out(clip(performer="cmu-05"))
    assert held_out(clip(corpus="climbing", name="mocap_climb_seq_4_joint"))


@pytest.mark.parametrize("freedom", [np.inf, 5.0])
def test_a_mixture_is_found_again(freedom):
    rng = np.random.default_rng(3)
    centres = np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 1.0]])
    shape = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, 0.0], [0.0, 0.0, 0.25]])
    root = np.linalg.cholesky(shape)
    which = (rng.random(6000) < 0.3).astype(int)
    tails = np.ones(6000) if np.isinf(freedom) else rng.chisquare(freedom, 6000) / freedom
    samples = centres[which] + (rng.normal(size=(6000, 3)) @ root.T) / np.sqrt(tails)[:, None]
    found = fit_mixture(samples, 2, freedom=freedom, floor=np.full(3, 0.5), strength=1.0)
    order = np.argsort(found.means[:, 0])
    np.testing.assert_allclose(found.means[order], centres, atol=0.12)
    np.testing.assert_allclose(found.weights[order], [0.7, 0.3], atol=0.03)
    np.testing.assert_allclose(found.covariances[order[0]], shape, atol=0.15)


def test_densities_are_scipys():
    from scipy.stats import multivariate_normal, multivariate_t

    rng = np.random.default_rng(0)
    shape = np.cov(rng.normal(size=(3, 40)))
    samples = rng.normal(size=(5, 3))
    gaussian = Mixture(np.ones((1, 3)), shape[None], np.ones(1))
    expected = multivariate_normal(np.ones(3), shape).logpdf(samples)
    np.testing.assert_allclose(gaussian.log_likelihood(samples), expected)
    student = Mixture(np.ones((1, 3)), shape[None], np.ones(1), 4.0)
    expected = multivariate_t(np.ones(3), shape, df=4).logpdf(samples)
    np.testing.assert_allclose(student.log_likelihood(samples), expected)


def test_the_fits_energy_is_minus_the_log_likelihood_of_the_best_component():
    rng = np.random.default_rng(1)
    poses = clip(frames=400).coordinates
    mixture = broadened(
        fit_mixture(poses, 3, freedom=4.0, floor=np.full(SIZE, 0.2), iterations=5), 0.1
    )
    prior = prior_of(mixture)
    some = poses[:20] + 0.2 * rng.normal(size=(20, SIZE))
    best = mixture.log_joint(some).max(1)
    energy = prior.energies(some).min(1)
    np.testing.assert_allclose(energy - energy[0], best[0] - best, atol=1e-8)


def test_learning_twice_gives_the_same_and_survives_the_file(tmp_path):
    clips = [clip(name=str(i), performer=f"cmu-{i}", seed=i, frames=120) for i in range(6)]
    priors = [learn(clips, components=2) for _ in range(2)]
    np.testing.assert_array_equal(priors[0].roots, priors[1].roots)
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for prior, path in zip(priors, files, strict=True):
        write(prior, path)
    assert files[0].read_bytes() == files[1].read_bytes()
    with np.load(files[0], allow_pickle=False) as arrays:
        assert tuple(arrays["coordinates"]) == coordinate_names()
        np.testing.assert_allclose(arrays["means"], priors[0].means, atol=1e-6)
        assert "mocap.cs.cmu.edu" in str(arrays["acknowledgement"])
    assert isinstance(priors[0], PosePrior)


def test_the_hand_set_gaussian_is_multiplied_in():
    nothing = Mixture(np.zeros((1, SIZE)), 1e8 * np.eye(SIZE)[None], np.ones(1))
    alone = tempered(nothing, 0.5)
    np.testing.assert_allclose(alone.means[0], means(), atol=1e-4)
    np.testing.assert_allclose(np.diag(alone.covariances[0]), 2 * spreads() ** 2, rtol=1e-4)
    both = tempered(Mixture(-means()[None], np.diag(spreads() ** 2)[None], np.ones(1)), 1.0)
    np.testing.assert_allclose(both.means[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diag(both.covariances[0]), 0.5 * spreads() ** 2)
