from dataclasses import replace

import numpy as np
import pytest

from mocap.people.chirality import (
    bodily_sense,
    evidence_for_labels,
    is_doubtful,
    of_labelings,
    openness,
    soundness,
)
from mocap.people.labelings import (
    ALL,
    ARM_POINTS,
    ARMS,
    KEPT,
    LEG_POINTS,
    LEGS,
    ORDERS,
    PRODUCT,
)

from .bodies import LEG, MIRROR, misnamed, person_of, pictured, standing

LIMBS = np.concatenate([ARM_POINTS, LEG_POINTS])
FRONT, BACK, ASIDE = 0.0, np.pi, np.pi / 2


@pytest.mark.parametrize("turn", np.radians([0, 30, 60, 120, 180, 240, 300]))
@pytest.mark.parametrize("stride", [-0.4, 0.0, 0.4])
def test_a_body_is_sound_and_one_with_its_sides_swapped_is_not(turn, stride):
    body = standing(turn, stride)
    assert soundness(body) > 0.15
    assert soundness(body[MIRROR]) < 0.0
    assert bodily_sense(body) > 0.8
    assert bodily_sense(body[MIRROR]) < 0.0


def test_soundness_knows_neither_place_nor_size():
    body = standing(0.3, 0.2)
    assert soundness(3.0 * body + [1.0, 2.0, 3.0]) == pytest.approx(float(soundness(body)))
    stack = np.stack([body, body[MIRROR]])
    np.testing.assert_allclose(soundness(stack), [soundness(body), soundness(body[MIRROR])])


def test_from_the_side_nothing_is_said_of_names():
    assert openness(standing(ASIDE)) < 1e-3
    assert np.ptp(of_labelings(standing(ASIDE))) < 1e-3
    assert openness(standing(FRONT)) > 0.99
    assert openness(standing(BACK)) > 0.99


@pytest.mark.parametrize("turn", [FRONT, BACK])
@pytest.mark.parametrize("mistake", [KEPT, ALL, LEGS])
def test_the_labeling_that_undoes_a_mistake_is_the_sound_one(turn, mistake):
    body = standing(turn, 0.1)
    assert of_labelings(body[ORDERS[mistake]]).argmax() == mistake


def test_labelings_one_after_the_other():
    for one in range(4):
        for other in range(4):
            both = ORDERS[one][ORDERS[other]]
            np.testing.assert_array_equal(both[LIMBS], ORDERS[PRODUCT[one, other]][LIMBS])


def test_points_in_one_place_say_nothing_and_nothing_breaks():
    assert np.isfinite(of_labelings(np.zeros((33, 3)))).all()
    assert not is_doubtful(np.zeros((33, 3)))


def test_doubt():
    assert not is_doubtful(standing(FRONT))
    assert not is_doubtful(standing(ASIDE, 0.3)[MIRROR])
    assert is_doubtful(misnamed(standing(FRONT)))
    assert is_doubtful(misnamed(standing(FRONT), 0.1))


def evidence(body, reflections):
    return evidence_for_labels(person_of(body[None]), np.array([0]), reflections)[0]


@pytest.mark.parametrize("mistake", [KEPT, ALL, LEGS, ARMS])
def test_what_is_seen_in_the_mirror_is_said_in_the_names_of_what_is_seen_directly(mistake):
    body = standing(FRONT, 0.1)
    alone = evidence(body[ORDERS[mistake]], {})
    more = evidence(body[ORDERS[mistake]], {0: pictured(body)}) - alone
    assert more.argmax() == mistake
    assert more[mistake] - np.delete(more, mistake).max() > 0.3


def test_a_mirror_that_says_otherwise_outweighs_a_body_that_says_little():
    told = misnamed(standing(FRONT), -0.2)
    assert evidence(told, {}).argmax() == KEPT
    assert evidence(told, {0: pictured(standing(FRONT))}).argmax() == ALL


def test_another_pose_in_the_mirror_has_no_say():
    body = standing(FRONT)
    other = pictured(body)
    elsewhere = replace(other, xy=other.xy + np.float32(80.0))
    np.testing.assert_array_equal(evidence(body, {0: elsewhere}), evidence(body, {}))
    # Nor what was seen in another frame.
    np.testing.assert_array_equal(evidence(body, {1: other}), evidence(body, {}))


def test_legs_have_their_own_say():
    body = standing(FRONT, 0.1)
    crossed = np.where(LEG[:, None], body[MIRROR], body)
    assert soundness(crossed) < soundness(body) - 0.5
