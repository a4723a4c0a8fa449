"""Records in HDF5: what is written beside the arrays, and what is refused."""

from dataclasses import dataclass

import h5py
import numpy as np
import pytest

from mocap.records import (
    RecordError,
    attribute,
    dataset,
    group,
    read_attribute,
    read_record,
    subgroup,
    write_attribute,
    write_record,
)


@dataclass(frozen=True)
class Inner:
    values: np.ndarray = dataset("m", "frame, x y")


@dataclass(frozen=True)
class Outer:
    key: str
    label: str = attribute()
    rate: float = attribute()
    count: int = attribute()
    seen: np.ndarray = dataset("1", "frame")
    inner: Inner = group(Inner, required=True)
    note: str | None = attribute(required=False)
    extra: np.ndarray | None = dataset("px", "point", required=False)
    other: Inner | None = group(Inner)


def outer(**changes) -> Outer:
    fields = {
        "key": "not stored",
        "label": "Zoë",
        "rate": 29.97,
        "count": 3,
        "seen": np.array([True, False, True]),
        "inner": Inner(np.arange(6.0).reshape(3, 2)),
    }
    return Outer(**{**fields, **changes})


@pytest.fixture
def file():
    with h5py.File("memory.h5", "w", driver="core", backing_store=False) as opened:
        yield opened


def stored(file: h5py.File, **changes) -> h5py.Group:
    target = file.create_group("outer")
    write_record(target, outer(**changes))
    return target


def test_every_field_comes_back(file):
    source = stored(file, note="", extra=np.arange(2000, dtype=np.int16), other=Inner(np.eye(2)))
    back = read_record(source, Outer, key="given")
    assert (back.key, back.label, back.rate, back.count, back.note) == (
        "given",
        "Zoë",
        29.97,
        3,
        "",
    )
    assert [type(value) for value in (back.rate, back.count)] == [float, int]
    assert back.seen.dtype == np.bool_
    assert back.seen.tolist() == [True, False, True]
    assert back.extra.dtype == np.int16
    assert np.array_equal(back.extra, np.arange(2000))
    assert np.array_equal(back.inner.values, np.arange(6.0).reshape(3, 2))
    assert np.array_equal(back.other.values, np.eye(2))


def test_absence_stays_absence(file):
    source = stored(file)
    assert set(source) == {"seen", "inner"}
    assert "key" not in source.attrs
    back = read_record(source, Outer, key="")
    assert back.note is back.extra is back.other is None


def test_nan_and_empty_arrays_come_back(file):
    source = stored(file, seen=np.zeros(0, bool), inner=Inner(np.full((2, 2), np.nan)))
    back = read_record(source, Outer, key="")
    assert back.seen.shape == (0,)
    assert np.isnan(back.inner.values).all()


def test_arrays_tell_their_units_and_axes_and_carry_checksums(file):
    source = stored(file, extra=np.zeros(4000))
    assert read_attribute(source["inner/values"], "units") == "m"
    assert read_attribute(source["inner/values"], "axes") == "frame, x y"
    assert source["inner/values"].fletcher32
    assert source["extra"].fletcher32
    assert source["extra"].compression == "gzip"
    assert source["seen"].compression is None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda g: g.attrs.pop("label"), "/outer/label is missing"),
        (lambda g: g.pop("seen"), "/outer/seen is missing"),
        (lambda g: g.pop("inner"), "/outer/inner is missing"),
        (lambda g: g["inner"].pop("values"), "/outer/inner/values is missing"),
        (lambda g: (g.pop("seen"), g.create_group("seen")), "/outer/seen is not a dataset"),
        (lambda g: (g.pop("inner"), g.create_dataset("inner", data=1)), "inner is not a group"),
        (
            lambda g: (g.pop("seen"), g.create_dataset("seen", data=np.zeros((3, 1)))),
            r"/outer/seen has 2 axes, not 1 \(frame\)",
        ),
        (
            lambda g: (g.pop("seen"), g.create_dataset("seen", data=[b"a", b"b"])),
            "/outer/seen holds .*, not numbers",
        ),
        (lambda g: g.attrs.create("count", 3.5), "/outer/count is 3.5, not of type int"),
        (lambda g: g.attrs.create("rate", "fast"), "/outer/rate is 'fast', not of type float"),
        (lambda g: g.attrs.create("rate", True), "/outer/rate is True, not of type float"),
        (lambda g: g.attrs.create("label", [1, 2]), "/outer/label is .*, not of type str"),
    ],
)
def test_what_is_missing_or_of_another_kind_is_named(file, spoil, message):
    source = stored(file)
    spoil(source)
    with pytest.raises(RecordError, match=message):
        read_record(source, Outer, key="")


def test_arrays_of_other_axes_are_not_written(file):
    with pytest.raises(RecordError, match="/outer/seen has 2 axes, not 1"):
        stored(file, seen=np.zeros((3, 1)))


def test_whole_numbers_of_other_programs_serve_as_rates(file):
    source = stored(file)
    source.attrs["rate"] = np.int32(30)
    assert read_record(source, Outer, key="").rate == 30.0


@pytest.mark.parametrize(
    "text", ["", "m", "é – 動", "a\udcff.mp4", '{"a": 1}', "x" * 300_000], ids=lambda t: repr(t[:9])
)
def test_any_text_comes_back(tmp_path, text):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        write_attribute(file, "text", text)
    with h5py.File(path) as file:
        assert read_attribute(file, "text") == text


def test_text_of_other_programs_is_read(file):
    file.attrs["variable"] = "metre"
    file.attrs["fixed"] = np.bytes_(b"metre")
    assert read_attribute(file, "variable") == read_attribute(file, "fixed") == "metre"


def test_lists_of_texts(file):
    write_attribute(file, "names", ("left_hip", "Zoë"))
    assert [name.decode() for name in file.attrs["names"]] == ["left_hip", "Zoë"]
    write_attribute(file, "none", [])
    assert len(file.attrs["none"]) == 0


def test_missing_attribute_and_group_are_named(file):
    with pytest.raises(RecordError, match="format is missing"):
        read_attribute(file, "format")
    with pytest.raises(RecordError, match="people is missing"):
        subgroup(file, "people")
