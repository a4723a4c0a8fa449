"""What ties frames, and the banded solution, against dense matrices."""

import numpy as np
import pytest

from mocap.retarget.rows import Bounds
from mocap.retarget.steps import FROZEN, constrained_step
from mocap.retarget.ties import Ties

#: Six unknowns of the base, and one joint.
SIZE = 7


def made_up(frames, seed=0):
    """Ties, normal matrices and gradients of no meaning."""
    rng = np.random.default_rng(seed)
    inner, between = max(frames - 2, 0), max(frames - 1, 0)
    ties = Ties(
        weights=rng.uniform(0.5, 2.0, SIZE),
        seconds=rng.normal(size=(inner, SIZE)),
        bent=rng.normal(size=(inner, SIZE)),
        rigid=rng.uniform(0, 3, (inner, SIZE)) * rng.integers(0, 2, (inner, SIZE)),
        fast=rng.normal(size=(between, SIZE)),
        stiff=rng.uniform(0, 5, (between, SIZE)) * rng.integers(0, 2, (between, SIZE)),
    )
    slope = rng.normal(size=(frames, 9, SIZE))
    return ties, np.swapaxes(slope, 1, 2) @ slope, rng.normal(size=(frames, SIZE))


def energy(ties, step):
    """What is minimised, but for what is of frames alone and for constants."""
    second, first = np.diff(step, 2, axis=0), np.diff(step, axis=0)
    bend = 0.5 * ties.weights * (ties.seconds + second) ** 2
    bend = bend + ties.bent * second + 0.5 * ties.rigid * second**2
    return bend.sum() + np.sum(ties.fast * first + 0.5 * ties.stiff * first**2)


@pytest.mark.parametrize("frames", [1, 2, 3, 9])
def test_the_gradient_is_the_energys(frames):
    ties, _, step = made_up(frames)
    expected = np.zeros_like(step)
    for at in np.ndindex(step.shape):
        change = np.zeros_like(step)
        change[at] = 1e-5
        expected[at] = (energy(ties, step + change) - energy(ties, step - change)) / 2e-5
    np.testing.assert_allclose(ties.gradient(step), expected, atol=1e-7)


@pytest.mark.parametrize("frames", [1, 2, 3, 9])
def test_the_banded_solution_is_the_dense_one(frames):
    ties, normal, gradient = made_up(frames)
    damping = np.linspace(0.1, 2.0, frames)
    dense = np.zeros((frames * SIZE, frames * SIZE))
    for frame in range(frames):
        part = slice(frame * SIZE, (frame + 1) * SIZE)
        dense[part, part] += normal[frame] + damping[frame] * np.eye(SIZE)
    still = ties.gradient(np.zeros((frames, SIZE)))
    for column in range(frames * SIZE):
        step = np.zeros(frames * SIZE)
        step[column] = 1.0
        dense[:, column] += (ties.gradient(step.reshape(frames, SIZE)) - still).ravel()
    expected = np.linalg.solve(dense, -gradient.ravel()).reshape(frames, SIZE)
    np.testing.assert_allclose(ties.solved(normal, gradient, damping), expected, atol=1e-6)


def test_what_has_no_solution_is_told_with_its_frame():
    ties, normal, gradient = made_up(5)
    normal[2] -= 1e6 * np.eye(SIZE)
    with pytest.raises(np.linalg.LinAlgError, match="frame 2"):
        ties.solved(normal, gradient, np.ones(5))


def test_a_step_minds_the_barriers_that_it_leads_to():
    frames = 30
    ties, normal, gradient = made_up(frames, seed=1)
    # The joint has 0.05 below it, and no end above.
    low, high = np.full((frames, 1), 0.05), np.full((frames, 1), np.inf)
    unit = 1e-3
    rows = Bounds(np.arange(frames), np.concatenate([low, high], 1) / unit, unit)
    damping = np.full(frames, 1e-3)
    free = constrained_step(normal, gradient, ties, [], damping)
    assert free[:, 6].min() < -0.06
    held = constrained_step(normal, gradient, ties, [rows], damping)
    assert held[:, 6].min() > -0.05 - 2 * unit
    # Frozen frames stay where they are, whatever happens beside them.
    damping[10:12] = FROZEN
    still = constrained_step(normal, gradient, ties, [rows], damping)
    assert np.abs(still[10:12]).max() < 1e-6
