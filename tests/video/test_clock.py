from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mocap.video.clock import FrameClock

STEP = Fraction(1, 25)


def times(stamps: list[Fraction | int | None]) -> list[float]:
    clock = FrameClock(STEP)
    return [clock.time(None if s is None else Fraction(s)) for s in stamps]


def test_good_timestamps_pass_through_exactly_from_any_start():
    stamps = [Fraction(7200 + tick, 90000) for tick in (0, 3003, 6006, 20020)]
    assert times(stamps) == [0.0, 3003 / 90000, 6006 / 90000, 20020 / 90000]


def test_missing_timestamps_are_a_step_apart():
    assert times([None, None, None]) == [0.0, 0.04, 0.08]
    assert times([1, None, Fraction(3, 2)]) == [0.0, 0.04, 0.5]
    assert times([None, 5, 6]) == [0.0, 0.04, 1.04]


def test_one_bad_timestamp_does_not_shift_the_rest():
    assert times([0, 1, 2, 1, 4, 5]) == pytest.approx([0, 1, 2, 2.04, 4, 5])
    assert times([0, 1, 1, 2]) == pytest.approx([0, 1, 1.04, 2])


def test_clock_reset_goes_on_without_a_gap_and_keeps_its_rhythm():
    assert times([10, 11, 12, 0, 1, 3]) == pytest.approx([0, 1, 2, 2.04, 3.04, 5.04])


@given(st.lists(st.none() | st.fractions(-10, 10, max_denominator=90000), max_size=40))
def test_times_start_at_zero_and_increase_whatever_comes(stamps):
    found = times(stamps)
    assert found[:1] == [0.0] * bool(found)
    assert all(later > earlier for earlier, later in pairwise(found))
