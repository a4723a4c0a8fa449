"""Position errors: what each alignment forgives, and what it does not."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.evaluate.joints import HIPS, LIMBS, MIRROR
from mocap.evaluate.positions import (
    procrustes_errors,
    root_aligned_errors,
    root_distance_errors,
    swapped_share,
    window_errors,
)

ROOT = (LIMBS.index(HIPS[0]), LIMBS.index(HIPS[1]))
FRAMES = 250


@pytest.fixture
def true():
    """Somebody who walks 5 m along x, limbs swinging."""
    rng = np.random.default_rng(0)
    rest = rng.normal(scale=0.4, size=(12, 3))
    times = np.linspace(0, 5, FRAMES)
    swing = 0.1 * np.sin(times[:, None, None] * rng.uniform(1, 5, (12, 3)))
    path = np.stack([times, 0 * times, 0.2 * np.sin(times)], -1)
    return rest + swing + path[:, None]


def test_root_alignment_forgives_place_only(true):
    np.testing.assert_allclose(
        root_aligned_errors(true + [3.0, 1.0, 2.0], true, ROOT), 0, atol=1e-9
    )
    wrong = true.copy()
    wrong[:, LIMBS.index("left_wrist")] += [0.0, 0.03, 0.04]
    errors = root_aligned_errors(wrong, true, ROOT)
    np.testing.assert_allclose(errors[:, LIMBS.index("left_wrist")], 0.05)
    assert errors.mean() == pytest.approx(0.05 / 12)


def test_a_hip_off_shifts_everything_by_half(true):
    wrong = true.copy()
    wrong[:, ROOT[0]] += [0.1, 0.0, 0.0]
    errors = root_aligned_errors(wrong, true, ROOT)
    np.testing.assert_allclose(errors, 0.05)


def test_procrustes_forgives_a_similarity_of_each_frame(true):
    rng = np.random.default_rng(1)
    turns = Rotation.random(FRAMES, random_state=2).as_matrix()
    sizes = rng.uniform(0.5, 2.0, (FRAMES, 1, 1))
    moved = sizes * np.einsum("fij,fpj->fpi", turns, true) + rng.normal(size=(FRAMES, 1, 3))
    np.testing.assert_allclose(procrustes_errors(moved, true), 0, atol=1e-9)
    assert root_aligned_errors(moved, true, ROOT).mean() > 0.2


def test_missing_joints_cost_nothing_and_are_not_invented(true):
    holey = true.copy()
    holey[:50, 4] = np.nan
    for errors in (root_aligned_errors(holey, true, ROOT), procrustes_errors(holey, true)):
        assert np.isnan(errors[:50, 4]).all()
        assert np.isfinite(errors).sum() == errors.size - 50


def test_world_windows_forgive_one_similarity(true):
    R = Rotation.from_rotvec([0.2, 1.0, -0.5]).as_matrix()
    moved = 1.3 * true @ R.T + [1.0, 2.0, 3.0]
    for whole in (False, True):
        np.testing.assert_allclose(window_errors(moved, true, whole=whole), 0, atol=1e-9)
        assert np.nanmean(window_errors(moved, true, whole=whole, scaled=False)) > 0.05


def test_drift_counts_in_w_more_than_in_wa(true):
    drifting = true + np.linspace(0, 1, FRAMES)[:, None, None] * [0.0, 0.0, 1.0]
    w = window_errors(drifting, true, 100, whole=False)
    wa = window_errors(drifting, true, 100, whole=True)
    # Each window starts anew: its first frames are right, its last have drifted farthest.
    for start in (0, 100, 200):
        np.testing.assert_allclose(w[start : start + 2], 0, atol=0.01)
    assert w[99].mean() == pytest.approx(99 / 249, rel=0.2)
    assert wa.mean() < 0.5 * w.mean()
    longer = window_errors(drifting, true, FRAMES, whole=False)
    assert longer[-1].mean() == pytest.approx(1.0, rel=0.2)


def test_the_last_window_is_shorter_and_a_single_frame_is_none(true):
    errors = window_errors(true[:101], true[:101], 100, whole=True)
    assert np.isfinite(errors[:100]).all()
    assert np.isnan(errors[100:]).all()
    assert np.isfinite(window_errors(true[:102], true[:102], 100, whole=True)).all()


def test_windows_start_where_both_are_known(true):
    late = true.copy()
    late[:10] = np.nan
    errors = window_errors(late + [1.0, 0, 0], true, 100, whole=False)
    assert np.isnan(errors[:10]).all()
    np.testing.assert_allclose(errors[10:], 0, atol=1e-9)


def test_one_alignment_for_two_people_counts_their_distance(true):
    other = true[::-1] + [0.0, 0.0, 2.0]
    both = np.concatenate([true, other], axis=1)
    nearer = np.concatenate([true, other - [0.0, 0.0, 0.5]], axis=1)
    alone = window_errors(nearer[:, 12:], other, whole=True)
    np.testing.assert_allclose(alone, 0, atol=1e-9)
    assert window_errors(nearer, both, whole=True, scaled=False).mean() > 0.1


def test_distances_between_people():
    true = np.zeros((3, 4, 3))
    true[1, :, 0], true[2, :, 2] = 3.0, 4.0
    found = Rotation.from_rotvec([0, 1.0, 0]).apply(true.reshape(-1, 3)).reshape(true.shape)
    np.testing.assert_allclose(root_distance_errors(found, true), 0, atol=1e-12)
    found = true * 1.1
    found[0, 2] = np.nan
    errors = root_distance_errors(found, true)
    assert errors.shape == (3, 4)
    np.testing.assert_allclose(errors[:, 0], [0.3, 0.4, 0.5])
    assert np.isnan(errors[:2, 2]).all()
    assert errors[2, 2] == pytest.approx(0.5)


def test_exchanged_sides_are_seen(true):
    wrong = true.copy()
    wrong[:100] = true[:100][:, list(MIRROR)]
    assert swapped_share(wrong, true, ROOT, MIRROR) == pytest.approx(0.4)
    assert swapped_share(true, true, ROOT, MIRROR) == 0.0
    assert np.isnan(swapped_share(np.full_like(true, np.nan), true, ROOT, MIRROR))
