"""Pickles of arrays come back whatever the protocol; pickles that would do more do nothing."""

import io
import pickle
import pickletools
import re
from collections import OrderedDict, defaultdict
from zipfile import ZIP_DEFLATED, ZipFile

import joblib
import numpy as np
import pytest

from mocap.datasets import unpickling
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError


class Call:
    """Pickles as a call of something, and a state to set on what comes of it."""

    def __init__(self, function, *arguments, state=None):
        self.told = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.told


def reconstruct():
    return np.zeros(1).__reduce__()[0]


CONTENT = {
    "plain": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(12, dtype=np.int16).reshape(3, 4)),
    "other_end": np.arange(3, dtype=">f4"),
    "strided": np.arange(10)[::3],
    "none": np.zeros((0, 3)),
    "point": np.array(2.5),
    "truth": np.array([True, False]),
    "bytes": np.array([b"ab", b"c"]),
    "text": np.array(["ä", "bcd"]),
    "complex": np.array([1 + 2j]),
    "objects": np.array([{"a": np.ones(2)}, None], dtype=object),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_every_protocol_is_read(tmp_path, protocol):
    path = tmp_path / "good.pkl"
    whole = CONTENT | {
        "number": np.float32(2.5), "word": np.str_("x"), "list": [np.int64(3), (np.ones(2), 1)],
        "ordered": OrderedDict(b=np.zeros(1), a=b"\xff"),
    }  # fmt: skip
    path.write_bytes(pickle.dumps(whole, protocol=protocol))
    found = read_arrays(path)
    assert list(found) == list(whole)
    for name, array in CONTENT.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        if name != "objects":
            np.testing.assert_array_equal(found[name], array)
    np.testing.assert_array_equal(found["objects"][0]["a"], np.ones(2))
    assert found["objects"][1] is None
    assert type(found["number"]) is np.float32
    assert (found["number"], found["word"]) == (2.5, "x")
    np.testing.assert_array_equal(found["list"][1][0], np.ones(2))
    assert found["list"][0] == 3
    assert found["list"][1][1] == 1
    assert type(found["ordered"]) is OrderedDict
    assert found["ordered"]["a"] == b"\xff"
    found["plain"][0] = 1.0


def test_what_is_shared_stays_shared_even_in_a_ring(tmp_path):
    path = tmp_path / "ring.pkl"
    array, ring = np.ones(2), []
    ring.append(ring)
    path.write_bytes(pickle.dumps([array, array, ring]))
    first, second, found = read_arrays(path)
    assert first is second
    assert found[0] is found


def test_a_pickled_object_in_a_npy_file_is_read(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, {"a": np.ones(3)}, allow_pickle=True)
    np.testing.assert_array_equal(read_arrays(path)["a"], np.ones(3))
    np.save(path, np.arange(3))
    np.testing.assert_array_equal(read_arrays(path), np.arange(3))


POINTERS = b"A" * 32
OBJECT = np.dtype("O")
MADE = (reconstruct(), np.ndarray, (0,), b"b")
FROM_BUFFER = np.arange(3.0).__reduce_ex__(5)[0]
SCALAR = np.float64(1).__reduce__()[0]
#: Something that says of itself what a dtype's stand-in would.
FALSE_KIND = OrderedDict()
FALSE_KIND.told = OrderedDict(names=["a"], formats=["O"])
FALSE_KIND.told.hasobject, FALSE_KIND.told.itemsize = False, 8
HOSTILE = {
    "pointers": Call(np.ndarray, (4,), OBJECT, POINTERS),
    "strides": Call(np.ndarray, (4,), np.dtype("f8"), POINTERS, 0, (1 << 40,)),
    "empty": Call(np.ndarray, (1 << 50,), np.dtype("f8")),
    "state": Call(*MADE, state=(1, (4,), OBJECT, False, POINTERS)),
    "few_objects": Call(*MADE, state=(1, (4,), OBJECT, False, [1])),
    "few_bytes": Call(*MADE, state=(1, (1 << 40,), np.dtype("f8"), False, POINTERS)),
    "overflow": Call(*MADE, state=(1, (1 << 70,), np.dtype("f8"), False, POINTERS)),
    "negative": Call(*MADE, state=(1, (-1, -4), np.dtype("f8"), False, POINTERS)),
    "no_size": Call(*MADE, state=(1, (1 << 40,), np.dtype("S0"), False, b"")),
    "unfilled": Call(*MADE),
    "class": Call(reconstruct(), OrderedDict, (0,), b"b"),
    "shape": Call(reconstruct(), np.ndarray, (1 << 40,), b"d"),
    "buffer": Call(FROM_BUFFER, POINTERS, OBJECT, (4,), "C"),
    "scalar": Call(SCALAR, OBJECT, POINTERS[:8]),
    "scalar_object": Call(SCALAR, OBJECT, [1]),
    "records": np.zeros(2, [("a", "f8"), ("b", "O")]),
    "times": np.zeros(2, "M8[s]"),
    "kind": Call(np.dtype, "O,f8"),
    "kind_state": Call(
        np.dtype, "f8", state=(3, "|", None, ("a",), {"a": (OBJECT, 0)}, 8, 1, 63)
    ),
    "kind_alone": np.dtype("f8"),
    "big_kind": Call(np.dtype, "S99999999999999999999"),
    "bytes": Call(bytes, 1 << 50),
    "false_kind": Call(SCALAR, FALSE_KIND, b"A" * 8),
}  # fmt: skip


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_one_line(tmp_path, name, protocol):
    path = tmp_path / "evil.pkl"
    path.write_bytes(pickle.dumps({"a": HOSTILE[name]}, protocol=protocol))
    with pytest.raises(MocapError, match=r"evil\.pkl: is not read") as caught:
        read_arrays(path)
    assert str(caught.value).isprintable()


def test_a_filled_array_cannot_be_filled_with_pointers(tmp_path):
    """BUILD on what is an array already, and on what arrays are made with."""
    path = tmp_path / "evil.pkl"
    state = pickle.dumps((1, (4,), OBJECT, False, POINTERS), protocol=4)[:-1]
    for built in (np.ones(2), np.float64(1)):
        path.write_bytes(pickle.dumps(built, protocol=4)[:-1] + state + b"b.")
        with pytest.raises(MocapError, match="is not read"):
            read_arrays(path)
    for name in (
        b"cnumpy\nndarray\n",
        b"cnumpy\ndtype\n",
        b"cnumpy.core.multiarray\n_reconstruct\n",
    ):
        path.write_bytes(name + b"(N(S'__defaults__'\nI1\ndtb.")
        with pytest.raises(MocapError, match="change what reads it"):
            read_arrays(path)


@pytest.mark.parametrize(
    "content",
    [
        b"(" * 10 + b"cos\nsys\x1btem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x04a\n\nb\x93.",
        b"\x80\x02Nr\xff\xff\xff\x7f.",
        b"Np99999999999\n.",
        b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f",
        b"(" + b"l" * 5 + b".",
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x02X\x02\x00\x00\x00\xff\xff.",
        b"",
    ],
    ids=["escape", "lines", "memo", "text_memo", "length", "marks", "depth", "unicode", "empty"],
)
def test_damage_is_one_printable_line(tmp_path, content):
    path = tmp_path / "evil.pkl"
    path.write_bytes(content)
    with pytest.raises(MocapError, match=re.escape(f"{path}: is not read")) as caught:
        read_arrays(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "header",
    [f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({1 << 60},), }}", "((", "(" * 5000],
    ids=["size", "brackets", "depth"],
)
def test_damaged_npy_headers_are_one_line(tmp_path, header):
    path = tmp_path / "evil.npy"
    text = header.encode() + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)
    with pytest.raises(MocapError, match=r"evil\.npy: is not read"):
        read_arrays(path)


@pytest.mark.parametrize("fault", [MemoryError(), OverflowError("x"), RecursionError("y")])
def test_every_fault_of_reading_is_told_with_the_file(tmp_path, monkeypatch, fault):
    def failing(_):
        raise fault

    path = tmp_path / "a.pkl"
    path.write_bytes(b"N.")
    monkeypatch.setattr(unpickling, "_loaded", failing)
    with pytest.raises(MocapError, match=r"a\.pkl: is not read"):
        read_arrays(path)


def test_the_corpora_hold_no_more_than_their_arrays(data_dir):
    """Read as they are, they are what the unrestricted reader makes of them."""
    files = [next((data_dir / "aistpp").glob("*.pkl"))]
    files += sorted((data_dir / "motions" / "cmu_isaacgym_amp").glob("*.npy"))[:2]
    for path in files:
        found = read_arrays(path)
        if path.suffix == ".pkl":
            assert found["smpl_poses"].shape == (720, 72)
            assert found["smpl_poses"].dtype == np.float32
            names = {a for _, a, _ in pickletools.genops(io.BytesIO(path.read_bytes()))}
            assert set(found) <= names
        else:
            assert found["rotation"]["arr"].shape[1:] == (15, 4)
            assert isinstance(found["skeleton_tree"]["node_names"], list)


def test_joblibs_files_are_read(tmp_path):
    content = {
        "a": np.arange(12.0).reshape(3, 4),
        "f": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "o": np.array([1, "b", None], dtype=object),
        "e": np.zeros((0, 3)),
    }
    nested = defaultdict(dict, {np.int64(3): {**content, "again": content["a"], "t": "x"}})
    joblib.dump(nested, tmp_path / "f.pkl")
    found = read_arrays(tmp_path / "f.pkl")[3]
    for key, value in content.items():
        np.testing.assert_array_equal(found[key], value)
        assert found[key].dtype == value.dtype
    np.testing.assert_array_equal(found["again"], content["a"])


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_of_objects_are_read(tmp_path, suffix):
    several = np.empty(2, dtype=object)
    several[:] = [{"a": np.arange(3)}, {"a": np.arange(4)}]
    path = tmp_path / f"f{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, several)
    found = read_arrays(path)
    found = found if suffix == ".npy" else found["arr_0"]
    assert [len(one["a"]) for one in found] == [3, 4]


def _joblib_with(tail: bytes) -> bytes:
    names = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n0"
    return b"\x80\x05" + names + tail


def _frombuffer(shape: bytes) -> bytes:
    """An array of bytes that the file names again and again."""
    return (
        b"cnumpy._core.numeric\n_frombuffer\n(h\x00cnumpy\ndtype\n(X\x02\x00\x00\x00u1\x89\x88tR"
        + shape
        + b"X\x01\x00\x00\x00CtR"
    )


def test_what_would_fill_memory_is_refused(tmp_path):
    size = 6_000_000_000
    large = b"\x96" + size.to_bytes(8, "little") + b"."
    shape = b"(" + b"J\x40\x42\x0f\x00" + b"t"
    copies = b"B" + (1_000_000).to_bytes(4, "little") + bytes(1_000_000) + b"q\x000("
    axes = b"(" + b"\x8a\x08" + b"\xff" * 7 + b"\x7f" + b"t"
    hostile = {
        "a byte array": _joblib_with(large),
        "the same bytes again": b"\x80\x03" + copies + 60 * _frombuffer(shape) + b"l.",
        "is no shape": b"\x80\x03" + copies + _frombuffer(axes) + b"l.",
        "shape is none": b"\x80\x03" + copies + _frombuffer(b"(" + 200 * b"K\x01" + b"t") + b"l.",
    }
    for told, content in hostile.items():
        path = tmp_path / "f.pkl"
        path.write_bytes(content)
        with pytest.raises(MocapError, match=told):
            read_arrays(path)
    with ZipFile(tmp_path / "f.npz", "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(400_000_000))
    with pytest.raises(MocapError, match="would grow from"):
        read_arrays(tmp_path / "f.npz")
