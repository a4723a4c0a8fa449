"""Quaternions and colours that are turned."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.avatar import constant_harmonics
from mocap.avatar.harmonics import colours_from, turned
from mocap.avatar.rotations import product, quaternions, rotation_matrices


def some(count: int, seed: int = 0) -> torch.Tensor:
    """Quaternions of all lengths."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, generator=generator, dtype=torch.float64)


def test_quaternions_are_those_of_scipy():
    found = rotation_matrices(some(50))
    expected = Rotation.from_quat(some(50).roll(-1, 1).numpy()).as_matrix()
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)
    torch.testing.assert_close(rotation_matrices(quaternions(found)), found)


def test_a_product_turns_by_the_second_and_then_by_the_first():
    first, second = some(50), some(50, 1)
    expected = rotation_matrices(first) @ rotation_matrices(second)
    torch.testing.assert_close(rotation_matrices(product(first, second)), expected)


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
def test_a_turned_colour_is_seen_from_where_it_was_turned_to(coefficients):
    generator = torch.Generator().manual_seed(2)
    harmonics = torch.randn(40, coefficients, 3, generator=generator, dtype=torch.float64)
    directions = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    before = colours_from(0.2 * harmonics, directions)
    ahead = (rotation_matrices(some(40, 3)) @ directions[..., None])[..., 0]
    after = colours_from(turned(0.2 * harmonics, some(40, 3)), ahead)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-10)
    assert coefficients == 1 or (colours_from(0.2 * harmonics, ahead) - before).abs().max() > 0.1


def test_turning_twice_is_turning_by_the_product():
    generator = torch.Generator().manual_seed(4)
    harmonics = torch.randn(30, 16, 3, generator=generator, dtype=torch.float64)
    twice = turned(turned(harmonics, some(30, 5)), some(30, 6))
    at_once = turned(harmonics, product(some(30, 6), some(30, 5)))
    torch.testing.assert_close(twice, at_once, rtol=0, atol=1e-10)


def test_many_are_turned_as_few_are(monkeypatch):
    harmonics = torch.randn(100, 9, 3, generator=torch.Generator().manual_seed(7)).double()
    whole = turned(harmonics, some(100))
    monkeypatch.setattr("mocap.avatar.harmonics._AT_ONCE", 32)
    torch.testing.assert_close(turned(harmonics, some(100)), whole)


def test_constant_colours_are_those_colours():
    colours = torch.rand(20, 3, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    found = colours_from(constant_harmonics(colours), torch.ones(20, 3))
    torch.testing.assert_close(found, colours)
