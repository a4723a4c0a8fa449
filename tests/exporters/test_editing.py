"""Parts, mirror images and loops of motions."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.errors import ExportError
from mocap.exporters.editing import looped, mirrored, part
from mocap.exporters.foot_rests import Rests
from mocap.skeletons import SMPLX_55

from .performers import performer, posed


def test_a_part_has_the_frames_of_its_time():
    one = performer(frames=40)  # From 0.5 s on, 30 a second.
    found = part(one, 1.0, 1.5)
    assert len(found.motion) == 16
    np.testing.assert_allclose(found.motion.joints(), one.motion.joints()[15:31])
    assert found.start == pytest.approx(0.0)
    late = part(one, 0.25, 0.6)
    assert (len(late.motion), late.start) == (4, pytest.approx(0.25))
    whole = part(one, None, None)
    assert (len(whole.motion), whole.start) == (40, 0.5)
    assert part(one, 2.0, 3.0) is None


def test_a_mirror_image_is_that_of_joints_and_surface():
    one = performer()
    found = mirrored(one)
    other = [
        SMPLX_55.names.index(
            name.replace("left_", "*").replace("right_", "left_").replace("*", "right_")
        )
        for name in SMPLX_55.names
    ]
    expected = one.motion.joints()[:, other] * [-1.0, 1.0, 1.0]
    np.testing.assert_allclose(found.motion.joints(), expected, atol=1e-12)
    np.testing.assert_allclose(posed(found), posed(one) * [-1.0, 1.0, 1.0], atol=1e-12)
    outward = found.skin.normals() * (found.skin.vertices - found.skin.vertices.mean(0))
    assert np.isfinite(outward).all()
    corners = found.skin.vertices[found.skin.faces[:4]]
    middle = found.skin.vertices[:4].mean(0)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.sum(across * (corners.mean(1) - middle), axis=1) > 0).all()
    twice = mirrored(found)
    np.testing.assert_allclose(twice.motion.joints(), one.motion.joints(), atol=1e-12)


def test_a_loop_goes_on_where_it_began():
    one = performer(frames=120)
    walk = one.motion.root_position + np.linspace(0, 3, 120)[:, None] * [1.0, 0.0, 0.0]
    one = replace(one, motion=replace(one.motion, root_position=walk))
    found = looped(one, 0.4).motion
    assert len(found) == 120 - 12
    joints = found.joints()
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max(1)
    across = np.linalg.norm(joints[0] - joints[-1], axis=-1).max()
    assert across < 1.5 * steps.max()
    # On the spot: what was walked is gone.
    assert np.ptp(found.root_position[:, 0]) < 1.0
    np.testing.assert_allclose(found.rotations[:50], one.motion.rotations[12:62])


def test_what_is_too_short_does_not_loop():
    with pytest.raises(ExportError, match=r"person-1: 0\.33 s are too short to loop, .* 0\.83 s"):
        looped(performer(frames=10), 0.4)


def test_rests_of_feet_are_edited_along():
    likely = np.linspace(0.0, 1.0, 160).reshape(40, 4)
    one = replace(performer(frames=40, skin=False), rests=Rests(likely, 0.2))
    cut = part(one, 1.0, 1.5)
    np.testing.assert_array_equal(cut.rests.probability, likely[15:31])
    np.testing.assert_array_equal(mirrored(one).rests.probability, likely[:, [2, 3, 0, 1]])
    loop = looped(one)
    assert len(loop.rests.probability) == len(loop.motion)
    assert np.abs(loop.rests.probability[-1] - likely[11]).max() < 0.05
    assert loop.rests.level == 0.2
