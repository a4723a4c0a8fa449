"""Figures of meshes, where they are known."""

import numpy as np
import pytest
import trimesh

from mocap.avatar import compare_meshes
from mocap.avatar.occupancy import occupancy
from mocap.errors import AvatarError


def icosphere(radius: float) -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=5, radius=radius)


def test_a_surface_is_itself():
    surface = icosphere(0.2)
    quality = compare_meshes(surface, surface, samples=5000)
    assert quality.iou == 1.0
    assert quality.chamfer < 1e-9
    assert quality.normal_consistency == pytest.approx(1.0, abs=1e-3)


def test_a_larger_sphere_is_outside_by_the_difference():
    quality = compare_meshes(icosphere(0.21), icosphere(0.2), samples=20_000)
    assert quality.iou == pytest.approx((0.2 / 0.21) ** 3, abs=2e-3)
    for metres in (quality.chamfer, quality.accuracy, quality.completeness, quality.outward):
        assert metres == pytest.approx(0.01, abs=1e-4)
    smaller = compare_meshes(icosphere(0.2), icosphere(0.21), samples=20_000)
    assert smaller.outward == pytest.approx(-0.01, abs=1e-4)


def test_a_surface_that_faces_inwards_agrees_with_no_normal():
    inward = icosphere(0.2)
    inward.invert()
    quality = compare_meshes(inward, icosphere(0.2), samples=5000)
    assert quality.normal_consistency == pytest.approx(-1.0, abs=1e-3)
    assert quality.iou == 0.0


def test_a_shifted_box_shares_what_overlaps():
    box, shifted = trimesh.creation.box((0.4, 0.4, 0.4)), trimesh.creation.box((0.4, 0.4, 0.4))
    shifted.apply_translation([0.1, 0.0, 0.0])
    quality = compare_meshes(shifted, box, samples=20_000)
    assert quality.iou == pytest.approx(0.3 / 0.5, abs=0.01)
    # The end that juts out is 10 cm away, and a quarter of each long side half as far on average,
    # as is all of the end inside.
    assert quality.accuracy == pytest.approx((0.1 + 4 * 0.25 * 0.05 + within()) / 6, rel=0.02)


def within() -> float:
    """The mean distance of an end, 10 cm inside, to the sides of a box of 40 cm."""
    across = np.abs(np.stack(np.meshgrid(*2 * [np.linspace(-0.2, 0.2, 400)])))
    return float(np.minimum(0.2 - across.max(0), 0.1).mean())


def test_what_overlaps_itself_is_inside_once():
    first, second = icosphere(0.1), icosphere(0.1)
    second.apply_translation([0.07, 0.02, 0.0])
    both = trimesh.util.concatenate([first, second])
    origin, shape = np.array([-0.1501, -0.1502, -0.1503]), (80, 60, 60)
    apart = [occupancy(one, origin, 0.005, shape) for one in (first, second)]
    assert np.array_equal(occupancy(both, origin, 0.005, shape), apart[0] | apart[1])
    steps = origin + 0.005 * np.moveaxis(np.indices(shape), 0, -1)
    truth = np.linalg.norm(steps, axis=-1) < 0.1
    assert (apart[0] != truth).mean() < 2e-4


def test_a_surface_with_a_hole_has_no_volume():
    whole = icosphere(0.2)
    holed = trimesh.Trimesh(whole.vertices, whole.faces[1:], process=False)
    with pytest.raises(AvatarError, match="the mesh has holes"):
        compare_meshes(holed, whole)
    with pytest.raises(AvatarError, match="the true surface has holes"):
        compare_meshes(whole, holed)
