from dataclasses import replace

import numpy as np
import pytest
from made_pairs import make_pairs

from mocap.datasets.pairs import Pairs
from mocap.training.depth import FittedNoise, TrainingError


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return make_pairs(60, tuple(range(-180, 180, 30)), (0.0, 25.0))


def errors(pairs: Pairs) -> np.ndarray:
    return (pairs.corrupted - pairs.ground_truth).reshape(len(pairs), -1)


def test_drawn_errors_are_of_the_fitted_size_and_go_together_alike(pairs: Pairs) -> None:
    fitted = FittedNoise.fit(pairs)
    drawn = Pairs.concatenate(fitted.on(pairs, seed) for seed in range(20))
    wanted, found = errors(pairs), errors(drawn)
    np.testing.assert_allclose(found.mean(0), wanted.mean(0), atol=0.008)
    np.testing.assert_allclose(found.std(0), wanted.std(0), rtol=0.15, atol=0.002)
    gap = np.cov(found.T) - np.cov(wanted.T)
    assert np.abs(gap).max() < 0.15 * np.abs(np.cov(wanted.T)).max()
    # Positions in the picture err as much as the detector's, in the truth's places.
    off = [np.abs(p.pose_2d - p.truth_2d).mean() for p in (pairs, drawn)]
    assert off[1] == pytest.approx(off[0], rel=0.1)


def test_errors_last_as_the_detectors_do(pairs: Pairs) -> None:
    fitted = FittedNoise.fit(pairs)
    again = FittedNoise.fit(fitted.on(pairs, seed=2))
    assert 0.7 < fitted.persistence < 1
    assert again.persistence == pytest.approx(fitted.persistence, abs=0.05)
    # The truth and the views stay.
    np.testing.assert_array_equal(fitted.on(pairs).ground_truth, pairs.ground_truth)
    np.testing.assert_array_equal(fitted.on(pairs, 3).corrupted, fitted.on(pairs, 3).corrupted)


def test_what_cannot_be_fitted_is_refused(pairs: Pairs) -> None:
    with pytest.raises(TrainingError, match="true 2D"):
        FittedNoise.fit(replace(pairs, truth_2d=None))
    with pytest.raises(TrainingError, match="too few"):
        FittedNoise.fit(pairs[:20])
