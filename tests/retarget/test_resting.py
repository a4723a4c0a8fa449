"""When feet rest, by movement and by labels, in cases worked out by hand."""

import numpy as np
import pytest

from mocap.retarget import human_motion
from mocap.retarget.resting import contradicted, resting

from .made_up import marching

FPS = 30.0


def soles(speed: float = 0.0, height: float = 0.0, tilt: float = 0.0) -> np.ndarray:
    """A right foot on the floor, and a left one that goes somewhere."""
    points = np.zeros((30, 4, 3))
    points[:, [1, 3], 2] = 0.2
    points[:, :2, 0] = 0.2 + speed * np.arange(30)[:, None] / FPS
    points[:, :2, 1] = height
    points[:, 0, 1] += tilt
    return points


def rests(points: np.ndarray, labels: np.ndarray | None) -> list[bool]:
    """Which of the four rest, all the time but at the ends, where speed is known less well."""
    found = resting(points, points[..., 1].min(1), labels, FPS)[0][3:-3]
    assert (found == found[0]).all()
    return found[0].tolist()


LABELLED = np.tile([1.0, 1.0, np.nan, np.nan], (30, 1))


@pytest.mark.parametrize(
    ("moves", "alone", "labelled", "denied"),
    [
        ({}, True, True, True),
        # Where movement is in doubt, the label decides.
        ({"speed": 0.2}, True, True, False),
        ({"speed": 0.4}, False, True, False),
        ({"speed": 0.6}, False, False, False),
        # On a stair above the other foot.
        ({"height": 0.2}, False, True, False),
        ({"height": 0.2, "speed": 0.6}, False, False, False),
    ],
)
def test_a_label_decides_what_movement_leaves_open(moves, alone, labelled, denied):
    points = soles(**moves)
    assert rests(points, None) == [alone, alone, True, True]
    assert rests(points, LABELLED) == [labelled, labelled, True, True]
    assert rests(points, 1 - LABELLED) == [denied, denied, True, True]


def test_what_is_labelled_of_a_foot_need_not_be_both_its_ends():
    assert rests(soles(height=0.2, tilt=0.12), LABELLED) == [False, True, True, True]


def test_a_label_of_nobody_is_none():
    points = soles(speed=0.25)
    assert rests(points, np.full((30, 4), np.nan)) == rests(points, None)


def test_labels_that_fail_for_a_moment_are_passed_over():
    labels = LABELLED.copy()
    labels[[9, 15, 16], :2] = 0.0
    assert rests(soles(speed=0.4), labels) == [True, True, True, True]


def test_contradicted_labels_are_counted_by_feet():
    labels = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 1, np.nan, np.nan], [0, 0, 0, 0]], float)
    found = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1]], bool)
    assert contradicted(labels, found) == 0.5
    assert contradicted(np.full((4, 4), np.nan), found) == 0.0


def test_labels_of_feet_in_the_air_are_told_of(caplog):
    march = marching()
    times, vectors = np.arange(len(march)) / march.fps, np.zeros((len(march), 22, 3))
    told = march.contacts.astype(float)
    right = human_motion("p", march.joints, vectors, times, labels=told)
    assert not caplog.records
    human_motion("p", march.joints, vectors, times, labels=1 - told)
    assert "p: of the feet labelled as resting" in caplog.text
    assert right.contacts.any(0).all()
