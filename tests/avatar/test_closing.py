"""Closed surfaces of distances that are made up."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from mocap.avatar.closing import closed_surface
from mocap.errors import AvatarError


def ball(shape: tuple[int, int, int], middle: tuple, radius: float) -> np.ndarray:
    steps = np.moveaxis(np.indices(shape), 0, -1)
    return np.linalg.norm(steps - np.array(middle), axis=-1) - radius


def surface_of(distances: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(*closed_surface(distances), process=False)


def test_a_ball_keeps_its_place_and_size():
    surface = surface_of(ball((30, 34, 38), (14.3, 16.0, 20.5), 10.0))
    assert surface.is_watertight
    assert surface.volume == pytest.approx(4 / 3 * np.pi * 1000, rel=1e-2)
    np.testing.assert_allclose(surface.center_mass, [14.3, 16.0, 20.5], atol=0.02)
    assert surface.euler_number == 2


def test_what_floats_and_what_is_hollow_is_left_out():
    shape = (60, 40, 40)
    outer, cavity = ball(shape, (20, 20, 20), 15.0), ball(shape, (20, 20, 20), 5.0)
    floater = ball(shape, (50, 20, 20), 6.0)
    surface = surface_of(np.minimum(np.maximum(outer, -cavity), floater))
    assert surface.is_watertight
    assert surface.euler_number == 2
    assert surface.volume == pytest.approx(4 / 3 * np.pi * 15**3, rel=1e-2)


def test_what_is_cut_by_the_end_of_the_grid_is_closed():
    surface = surface_of(ball((20, 20, 20), (0, 10, 10), 6.0))
    assert surface.is_watertight
    assert surface.volume == pytest.approx(2 / 3 * np.pi * 216, rel=0.1)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.3, 1.0]))
def test_noise_too_has_a_closed_surface(seed, bias):
    noise = np.random.default_rng(seed).normal(bias, 1, (7, 8, 9))
    # Zeros are neither inside nor outside.
    noise[np.abs(noise) < 0.2] = 0
    surface = surface_of(noise)
    assert surface.is_watertight
    assert surface.is_winding_consistent
    assert surface.volume > 0
    assert surface.area_faces.min() > 0


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_has_no_surface(value):
    with pytest.raises(AvatarError, match=r"enclose nothing.*finer resolution"):
        closed_surface(np.full((5, 5, 5), value))
