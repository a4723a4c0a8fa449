from dataclasses import replace

import numpy as np

from mocap.people import SideConfig, put_right
from mocap.people.averaging import averaged
from mocap.skeletons import MEDIAPIPE_33

from .bodies import misnamed, person_of, pictured, walking

RNG = np.random.default_rng(3)
#: Errors of the two looks, metres: what they share, and what each has alone.
SHARED, OWN = 0.01, 0.015


def looks(true):
    """A person as seen directly, and what the mirror shows, each with errors of its own."""
    bias = RNG.normal(0, SHARED, true.shape[1:])
    direct, reflected = (true + bias + RNG.normal(0, OWN, true.shape) for _ in range(2))
    return person_of(direct), {frame: pictured(body) for frame, body in enumerate(reflected)}


def errors(person, true):
    flat = np.linalg.norm(person.keypoints2d.xy - person_of(true).keypoints2d.xy, axis=-1)
    deep = np.linalg.norm(person.keypoints3d.xyz - person_of(true).keypoints3d.xyz, axis=-1)
    return flat.mean(), deep.mean()


def test_the_mean_of_both_is_nearer_to_the_truth():
    true = walking(40, 0.4)
    person, mirrored = looks(true)
    both, count = averaged(person, mirrored)
    assert count == 40
    for before, after in zip(errors(person, true), errors(both, true), strict=True):
        assert after < 0.9 * before
    xyz = 0.5 * (person.keypoints3d.xyz + np.stack([mirrored[i].xyz for i in range(40)]))
    np.testing.assert_allclose(both.keypoints3d.xyz, xyz, atol=1e-6)
    np.testing.assert_allclose(both.keypoints2d.confidence, person.keypoints2d.confidence)
    assert both.keypoints3d.xyz.dtype == person.keypoints3d.xyz.dtype


def test_a_limb_seen_to_the_front_and_to_the_back_is_not_shortened():
    true = walking(10, 0.4)
    other = true.copy()
    root, *rest = MEDIAPIPE_33.indices("left_shoulder", "left_elbow", "left_wrist")
    true[:, rest, 2] = true[:, root, None, 2] + [0.12, 0.25]
    other[:, rest, 2] = true[:, root, None, 2] - [0.12, 0.25]
    other[..., 0] += 0.01
    mirrored = {frame: pictured(body) for frame, body in enumerate(other)}
    both, count = averaged(person_of(true), mirrored)
    assert count == 10
    xyz = both.keypoints3d.xyz
    np.testing.assert_allclose(xyz[:, rest, 2], true[:, rest, 2], atol=1e-6)
    np.testing.assert_allclose(xyz[..., 0], true[..., 0] + 0.005, atol=1e-6)


def test_a_mirror_that_names_sides_the_other_way_is_understood():
    true = walking(10, 0.4)
    person = person_of(true)
    mirrored = {frame: pictured(body) for frame, body in enumerate(misnamed(true))}
    both, count = averaged(person, mirrored)
    assert count == 10
    np.testing.assert_allclose(both.keypoints2d.xy, person.keypoints2d.xy, atol=1e-3)
    np.testing.assert_allclose(both.keypoints3d.xyz, person.keypoints3d.xyz, atol=1e-6)


def test_other_poses_and_frames_without_a_look_are_left():
    true = walking(10, 0.4)
    person = person_of(true)
    elsewhere = pictured(true[4])
    elsewhere = replace(elsewhere, xy=elsewhere.xy + 400)
    both, count = averaged(person, {4: elsewhere, 99: pictured(true[0])})
    assert count == 0
    np.testing.assert_array_equal(both.keypoints2d.xy, person.keypoints2d.xy)
    np.testing.assert_array_equal(both.keypoints3d.xyz, person.keypoints3d.xyz)
    nobody = replace(person, keypoints2d=None, keypoints3d=None)
    assert averaged(nobody, {}) == (nobody, 0)


def test_sides_are_put_right_before():
    true = walking(60, 0.9)
    told = true.copy()
    told[20:24] = misnamed(true[20:24])
    mirrored = {frame: pictured(body) for frame, body in enumerate(true)}
    person, amends = put_right(
        person_of(told),
        30.0,
        sides=SideConfig(),
        depths=None,
        glitches=None,
        mirrored=mirrored,
        average=True,
    )
    assert (amends.swapped, amends.averaged, amends.mirrored) == (4, 60, 60)
    np.testing.assert_allclose(person.keypoints2d.xy, person_of(true).keypoints2d.xy, atol=1e-3)
    np.testing.assert_allclose(person.keypoints3d.xyz, person_of(true).keypoints3d.xyz, atol=1e-5)
