"""Numbers to text and back: exactly as Python itself does it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mocap.exporters.decimals import decimal_rows, plain_decimals

NUMBER = st.builds(
    lambda sign, whole, part, point: f"{sign}{whole}" + (f".{part}" if point else ""),
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**7).map(str),
    st.text("0123456789", min_size=1, max_size=7),
    st.booleans(),
)
SPACE = st.sampled_from([" ", "\t", "\n", "\r\n", "  ", " \n \t", "\x0b"])


@given(st.lists(st.tuples(SPACE, NUMBER), max_size=40), SPACE)
@settings(max_examples=300, deadline=None)
def test_plain_numbers_are_read_as_python_reads_them(parts, end):
    text = "".join(space + number for space, number in parts) + end
    found = plain_decimals(text.encode())
    expected = [float(number) for _, number in parts]
    assert found.tolist() == expected
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@given(st.binary(max_size=30))
@settings(max_examples=500, deadline=None)
def test_whatever_is_read_is_what_python_reads(text):
    found = plain_decimals(text)
    if found is not None:
        assert found.tolist() == [float(word) for word in text.split()]


@given(st.text("0123456789.+-e \n", max_size=25))
@settings(max_examples=500, deadline=None)
def test_nearly_numbers_are_read_as_python_reads_them(text):
    found = plain_decimals(text.encode())
    if found is not None:
        assert found.tolist() == [float(word) for word in text.split()]


@pytest.mark.parametrize(
    "text", [b"1e3", b"nan", b"1.2.3", b"--1", b".", b"-", b"1-2", b"1234567890123456", b"1\x002"]
)
def test_other_numbers_are_left_to_others(text):
    assert plain_decimals(text) is None


@given(st.lists(st.floats(-1e8, 1e8), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(values):
    text = decimal_rows(np.array([values]))
    np.testing.assert_allclose(plain_decimals(text), values, atol=5.1e-7, rtol=1e-15)
