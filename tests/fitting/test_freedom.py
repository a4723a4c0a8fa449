"""Coordinates and the 63 numbers they stand for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mocap.fitting.freedom import (
    COORDINATES,
    SIZE,
    compression,
    expansion,
    limits,
    means,
    spreads,
)
from mocap.fitting.rig import JOINTS, NAMES

ANGLES = arrays(np.float64, len(COORDINATES), elements=st.floats(-2, 2))


@given(ANGLES)
@settings(max_examples=50, deadline=None)
def test_compression_undoes_expansion(angles):
    np.testing.assert_allclose(compression() @ (expansion() @ angles), angles, atol=1e-12)


@given(ANGLES)
@settings(max_examples=50, deadline=None)
def test_the_root_has_no_coordinates(angles):
    assert not np.any((expansion() @ angles)[:3])


def test_compression_finds_the_nearest_angles():
    # The three spine joints have one bend between them: equal shares of it, none of the rest.
    vectors = np.zeros((JOINTS, 3))
    vectors[NAMES.index("spine1")] = [0.3, 0.0, 0.0]
    vectors[NAMES.index("spine3")] = [0.6, 0.0, 0.0]
    vectors[NAMES.index("left_knee")] = [0.5, 0.4, 0.0]
    angles = compression() @ vectors.ravel()
    named = {(c.joints, c.axis): a for c, a in zip(COORDINATES, angles, strict=True)}
    assert np.isclose(named[(("spine1", "spine2", "spine3"), 0)], 0.9)
    assert np.isclose(named[(("left_knee",), 0)], 0.5)
    assert np.isclose(np.abs(angles).sum(), 1.4)


def test_a_shared_bend_adds_up():
    angles = np.zeros(len(COORDINATES))
    for column, coordinate in enumerate(COORDINATES):
        if coordinate.joints[0] in ("spine1", "neck"):
            angles[column] = 0.1 * (coordinate.axis + 1)
    vectors = (expansion() @ angles).reshape(JOINTS, 3)
    for chain in (("spine1", "spine2", "spine3"), ("neck", "head")):
        rows = [NAMES.index(name) for name in chain]
        np.testing.assert_allclose(vectors[rows].sum(0), [0.1, 0.2, 0.3])
        np.testing.assert_allclose(vectors[rows], np.tile(vectors[rows[0]], (len(rows), 1)))


def test_no_two_coordinates_share_a_number():
    assert (np.count_nonzero(expansion(), axis=1) <= 1).all()
    assert (np.count_nonzero(expansion(), axis=0) >= 1).all()


def test_every_limb_joint_can_move():
    moved = {name for c in COORDINATES for name in c.joints}
    # Toes are rigid; the pelvis is the root.
    assert set(NAMES) - moved == {"pelvis", "left_foot", "right_foot"}


def test_angles_are_radians_in_the_order_of_the_coordinates():
    low, high = limits()
    assert SIZE == 6 + len(COORDINATES) == 6 + len(means()) == 6 + len(spreads())
    knee = [(c.joints, c.axis) for c in COORDINATES].index((("right_knee",), 0))
    assert np.isclose(np.rad2deg(high[knee]), COORDINATES[knee].limits[1])
    assert (low < high).all()
    assert (low <= means()).all()
    assert (means() <= high).all()
    assert (spreads() > np.deg2rad(2)).all()
