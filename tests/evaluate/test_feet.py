"""Feet that rest, slide, sink and float, by known amounts."""

from dataclasses import replace

import numpy as np
import pytest
from takes import make_take

from mocap.evaluate.feet import contact_states, feet_report, foot_slide, sole_points
from mocap.take import Contacts, World

FRAMES = 50


@pytest.fixture
def take():
    return make_take(frames=FRAMES)


@pytest.fixture
def resting():
    return np.tile([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.3], [0.2, 0.0, 0.3]], (50, 1, 1))


def person_with(take, contact):
    columns = [np.asarray(contact, float)] * 4
    return replace(take.people["person-1"], contacts=Contacts(*columns))


def test_feet_at_rest(take, resting):
    found = feet_report(take, person_with(take, np.ones(FRAMES)), resting)
    assert found.foot_slide_mm_per_frame == 0
    assert found.penetration_deepest_mm == 0
    assert found.contact_height_max_mm == 0
    assert (found.contact_share, found.contact_source) == (1.0, "take")


def test_only_feet_in_contact_slide(take, resting):
    resting[:, :, 0] += 0.004 * np.arange(FRAMES)[:, None]
    contact = np.arange(FRAMES) < 20
    found = feet_report(take, person_with(take, contact), resting)
    assert found.foot_slide_mm_per_frame == pytest.approx(4.0)
    resting[20:, :, 0] += 5.0
    found = feet_report(take, person_with(take, contact), resting)
    assert found.foot_slide_mm_per_frame == pytest.approx(4.0)
    assert np.isnan(foot_slide(resting, np.zeros((FRAMES, 4), bool)))


def test_a_contact_of_one_frame_slides_nowhere(resting):
    contact = np.zeros((FRAMES, 4), bool)
    contact[::2] = True
    assert np.isnan(foot_slide(resting, contact))


def test_sinking_is_told_by_depth_and_by_share(take, resting):
    resting[:10, 0, 1] = -0.05
    resting[10:20, 1, 1] = -0.005
    found = feet_report(take, person_with(take, np.ones(FRAMES)), resting)
    assert found.penetration_deepest_mm == pytest.approx(50)
    assert found.penetration_mean_mm == pytest.approx((10 * 50 + 10 * 5) / FRAMES)
    assert found.penetration_share == pytest.approx(0.2)
    assert found.contact_height_max_mm == pytest.approx(50)


def test_floating_counts_as_distance_not_as_sinking(take, resting):
    found = feet_report(take, person_with(take, np.ones(FRAMES)), resting + [0.0, 0.08, 0.0])
    assert found.contact_height_mean_mm == pytest.approx(80)
    assert found.penetration_mean_mm == 0


def test_the_ground_is_the_takes(take, resting):
    take = replace(take, world=World(np.array([0.0, 2.0, 0.0, -0.2]), "given", "given"))
    found = feet_report(take, person_with(take, np.ones(FRAMES)), resting)
    assert found.penetration_deepest_mm == pytest.approx(100)


def test_without_contacts_height_tells(take, resting):
    person = take.people["person-1"]
    heights = np.array([[0.0, 0.02, 0.04, np.nan]])
    contact, source = contact_states(person, heights)
    assert (contact.tolist(), source) == ([[True, True, False, False]], "height")


def test_unknown_feet_are_no_sound_feet(take, resting):
    nothing = np.full_like(resting, np.nan)
    found = feet_report(take, person_with(take, np.ones(FRAMES)), nothing)
    for value in (
        found.foot_slide_mm_per_frame,
        found.penetration_deepest_mm,
        found.penetration_share,
        found.contact_height_mean_mm,
    ):
        assert np.isnan(value)


def test_soles_are_the_bodys(take, body):
    person = take.people["person-1"]
    assert sole_points(person, body) is None
    motion = replace(
        person.body,
        model_sha256=body.sha256,
        global_orient=np.zeros((FRAMES, 3)),
        body_pose=np.zeros((FRAMES, 63)),
        transl=np.tile([0.0, 1.0, 0.0], (FRAMES, 1)),
    )
    soles = sole_points(replace(person, body=motion), body)
    lowest = body.rest_vertices()[0, :, 1].min().item() + 1.0
    assert soles.shape == (FRAMES, 4, 3)
    np.testing.assert_allclose(soles[..., 1], lowest, atol=0.02)
    assert (soles[:, :2, 0] > 0).all()
    assert (soles[:, [1, 3], 2] > soles[:, [0, 2], 2] + 0.1).all()
