"""Training pairs: the record, and its files: what goes in comes out, and nothing else is read."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from mocap.datasets.pairs import (
    Pairs,
    PairsError,
    PairStore,
    read_item,
    read_npz,
    read_pairs,
    write_item,
    write_npz,
)
from mocap.datasets.pairs.record import ARRAYS, OPTIONAL, REQUIRED
from mocap.skeletons import COCO_17, MEDIAPIPE_33

from .made_up_pairs import assert_same, make_pairs

BARE = {**dict.fromkeys(OPTIONAL), "sequences": (), "splits": ()}


@pytest.fixture
def store(tmp_path: Path) -> PairStore:
    made = PairStore.make(tmp_path / "store", "made up", {"size": (4, 2), "seed": 1})
    with made.writing():
        for seed in (3, 1, 2):
            made.write(f"item-{seed}", make_pairs(6, seed))
    return made


def _but(value: float, shape: tuple[int, ...], place: tuple[int, ...]) -> np.ndarray:
    """Ones, but for one number."""
    array = np.ones(shape)
    array[place] = value
    return array


# The record


def test_arrays_become_single_precision():
    pairs = make_pairs(6)
    assert {getattr(pairs, name).dtype for name in ARRAYS} == {
        np.dtype(np.float32),
        np.dtype(np.int32),
    }
    assert pairs.sequence.dtype == np.int32
    assert len(pairs) == 6
    assert make_pairs(6, **BARE).present == REQUIRED


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ground_truth": np.zeros((5, 17, 3))}, r"ground_truth has shape \(5, 17, 3\), not \(6"),
        ({"visibility": np.zeros((6, 16))}, r"visibility has shape"),
        ({"azimuth": np.zeros((6, 1))}, r"azimuth has shape"),
        ({"pose_2d": np.full((6, 17, 2), "1")}, "pose_2d holds <U1, not numbers"),
        ({"sequence": np.zeros(6)}, "sequence holds float64"),
        ({"sequence": np.arange(6)}, "sequences 0 to 5, of which 2 are named"),
        ({"sequence": np.full(6, -1)}, "sequences -1 to -1"),
        ({"sequence": None}, "no frame says"),
        ({"splits": ("train",)}, "2 sequences have 1 splits"),
        ({"splits": ("train", "dev")}, "'dev' is none of train, val, test"),
    ],
)
def test_contradictions_are_refused_when_made(change, fault):
    with pytest.raises(PairsError, match=fault):
        make_pairs(6, **change)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"corrupted": np.full((6, 17, 3), np.nan)}, "corrupted is not finite in 6 frames"),
        (
            {"elevation": [0, 0, np.inf, 0, 0, 0]},
            "elevation is not finite in 1 frames, first in.*2",
        ),
        ({"visibility": np.full((6, 17), 1.5)}, "visibility is not between 0 and 1"),
        ({"sequence": [0, 1, 0, 1, 1, 1]}, "frames of walk0 are not together"),
        ({"time": [0, 1, 1, 2, 3, 4]}, "time: .*of walk0 are not in time's order, first frame 2"),
        ({"time": [0, 1, 2, 2, np.nan, 4]}, "time is not finite in turn0, first in frame 4"),
        ({"heading": [0, np.nan, 0, np.inf, 0, 0]}, "heading is not finite in 1 .* frame 3"),
        ({"truth_2d": _but(np.nan, (6, 17, 2), (4, 3, 1))}, "truth_2d is not finite .* frame 4"),
        ({"corrupted": _but(900, (6, 17, 3), (1, 3, 1))}, "corrupted is beyond 10 m .* frame 1"),
        ({"landmarks_xyz": _but(-11, (6, 33, 3), (5, 3, 1))}, "landmarks_xyz is beyond .* frame 5"),
        ({"mirrored_xyz": _but(-11, (6, 33, 3), (2, 3, 1))}, "mirrored_xyz is beyond .* frame 2"),
        ({"mirrored_confidence": np.full((6, 33), 1.5)}, "mirrored_confidence is not between"),
        ({"azimuth": [0, 0, 0, 0, 90, 0]}, "azimuth is beyond ±π .* frame 4"),
        ({"elevation": [0, 0, -1.6, 0, 9, 0]}, "elevation is beyond ±π/2 .* frames, .* frame 2"),
        ({"image_size": _but(0, (6, 2), (3, 1))}, "image_size is not above 0 .* frame 3"),
    ],
)
def test_senseless_numbers_are_refused_when_checked(change, fault, tmp_path):
    pairs = make_pairs(6, **{k: np.asarray(v) for k, v in change.items()})
    for refuse in (
        pairs.check,
        lambda: write_npz(pairs, tmp_path / "a.npz"),
        lambda: write_item(pairs, tmp_path / "a.h5"),
    ):
        with pytest.raises(PairsError, match=fault):
            refuse()
    assert not list(tmp_path.iterdir())


def test_unknown_may_be_missing_where_it_is_no_input():
    for pairs in (
        make_pairs(6, truth_2d=np.full((6, 17, 2), np.nan), heading=np.full(6, np.nan)),
        make_pairs(6, time=np.array([np.nan] * 3 + [0.0, 0.1, 0.2])),
        make_pairs(6, azimuth=np.full(6, -np.pi), elevation=np.full(6, np.pi / 2)),
        # Sequences start anew in time; gaps are no fault.
        make_pairs(6, time=np.array([0.0, 0.1, 5.0, 0.0, 0.1, 0.2])),
    ):
        assert pairs.check() is pairs


@pytest.mark.parametrize(
    "chosen",
    [slice(1, 5), slice(None, None, 2), np.arange(6) % 3 == 0, np.array([4, 5]), [0, 3]],
    ids=["slice", "steps", "mask", "indices", "list"],
)
def test_selection_takes_every_array(chosen):
    pairs = make_pairs(6)
    some = pairs[chosen]
    for name in set(ARRAYS) - {"sequence"}:
        np.testing.assert_array_equal(getattr(some, name), getattr(pairs, name)[chosen])
    names = [pairs.sequences[i] for i in pairs.sequence[chosen]]
    assert [some.sequences[i] for i in some.sequence] == names
    assert set(some.sequences) == set(names)
    assert len(some.splits) == len(some.sequences)


def test_splits():
    pairs = make_pairs(6)
    assert_same(pairs.of_split("val"), pairs[3:])
    assert_same(pairs.of_split("train", "val"), pairs)
    assert len(pairs.of_split("test")) == 0
    assert pairs.of_split("val").sequences == ("turn0",)
    bare = make_pairs(6, **BARE)
    assert len(bare.of_split("train")) == 6
    assert len(bare.of_split("val", "test")) == 0
    with pytest.raises(PairsError, match="'dev' is none"):
        pairs.of_split("dev")


def test_runs_are_the_sequences():
    assert list(make_pairs(6).runs()) == [slice(0, 3), slice(3, 6)]
    assert list(make_pairs(6, **BARE).runs()) == [slice(0, 6)]
    assert list(Pairs.nothing().runs()) == []
    assert list(make_pairs(6)[2:4].runs()) == [slice(0, 1), slice(1, 2)]


def test_concatenation_keeps_sequences_apart():
    one, two = make_pairs(6), make_pairs(4)
    both = Pairs.concatenate([one, Pairs.nothing(), two]).check()
    assert both.sequences == ("walk0", "turn0", "walk0", "turn0")
    assert_same(both[:6], one)
    assert_same(both[6:], two)
    assert len(list(both.runs())) == 4
    assert len(Pairs.concatenate([])) == 0


def test_concatenation_with_what_knows_less():
    both = Pairs.concatenate([make_pairs(6), make_pairs(4, 1, **BARE)]).check()
    assert both.sequences == ("walk0", "turn0", "unnamed")
    assert np.isnan(both.time[6:]).all()
    assert np.isnan(both.landmarks_xyz[6:]).all()
    assert len(both.of_split("train")) == 7
    bare = Pairs.concatenate([make_pairs(2, 2, **BARE), make_pairs(4, 1, **BARE)])
    assert (bare.present, len(bare)) == (REQUIRED, 6)


# Items


def test_item_round_trip(tmp_path):
    for name, pairs in {
        "all": make_pairs(50),
        "bare": make_pairs(3, **BARE),
        "none": Pairs.nothing(),
    }.items():
        path = write_item(pairs, tmp_path / "new" / f"{name}.h5")
        assert_same(read_item(path), pairs)
        assert_same(read_pairs(path), pairs)
    path = tmp_path / "new" / "all.h5"
    assert_same(read_pairs(path, splits=["val"]), make_pairs(50).of_split("val"))
    assert len(read_pairs(path, splits=["test"])) == 0


def test_item_describes_itself(tmp_path):
    path = write_item(make_pairs(6), tmp_path / "a.h5", key="clip")
    with h5py.File(path) as file:
        kind, key = file.attrs["format"].decode(), file.attrs["key"].decode()
        assert (kind, key, file.attrs["version"]) == ("mocap-pairs", "clip", 1)
        assert set(file) == set(ARRAYS)
        for name in ARRAYS:
            assert set(file[name].attrs) >= {"units", "axes"}
            assert file[name].fletcher32
        assert file["corrupted"].attrs["units"] == b"m"
        names = [name.decode() for name in file["corrupted"].attrs["names"]]
        assert tuple(names) == COCO_17.names
        names = [name.decode() for name in file["landmarks_xy"].attrs["names"]]
        assert tuple(names) == MEDIAPIPE_33.names


def test_thousands_of_sequences_in_an_item(tmp_path):
    # HDF5's attributes hold 64 KB unless the file is of a later format.
    count = 5000
    names = [f"a-name-as-long-as-those-of-videos-{i}" for i in range(count)]
    content = {**BARE, "sequences": names, "splits": ["test"] * count}
    pairs = make_pairs(count, **(content | {"sequence": np.arange(count)}))
    assert read_item(write_item(pairs, tmp_path / "a.h5")).sequences == tuple(names)


def tampered(path: Path, change) -> Path:
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def _shrunk(file):
    del file["azimuth"]
    file["azimuth"] = np.zeros(5, np.float32)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda f: f.attrs.modify("version", 2), "version 2; this program reads up to 1"),
        (lambda f: f.attrs.modify("format", "mocap-take"), "no training pairs.*'mocap-take'"),
        (lambda f: f.attrs.__delitem__("format"), "no training pairs.*None"),
        (lambda f: f.__delitem__("visibility"), "visibility is missing"),
        (lambda f: f.attrs.__delitem__("splits"), "splits is missing"),
        (_shrunk, r"azimuth has shape \(5,\), not \(6,\)"),
        (lambda f: f["corrupted"].__setitem__((0, 0, 0), np.nan), "corrupted is not finite"),
    ],
    ids=["version", "format", "no format", "no array", "no splits", "shape", "nan"],
)
def test_item_of_another_kind_is_refused_by_name(tmp_path, change, fault):
    path = tampered(write_item(make_pairs(6), tmp_path / "a.h5"), change)
    with pytest.raises(PairsError, match=fault) as caught:
        read_pairs(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_damaged_item_is_refused_wherever_the_damage_is(tmp_path):
    path = write_item(make_pairs(60), tmp_path / "a.h5")
    sound = path.read_bytes()
    wrong = []
    for place in np.random.default_rng(0).integers(8, len(sound), 60):
        damaged = bytearray(sound)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert_same(read_item(path), make_pairs(60))
        except PairsError as error:
            wrong += [] if str(error).startswith(f"{path}: ") else [error]
        except AssertionError:
            wrong.append(place)
    assert not wrong
    for length in (0, 7, 100, len(sound) // 2, len(sound) - 1):
        path.write_bytes(sound[:length])
        with pytest.raises(PairsError, match=r"a\.h5: "):
            read_item(path)


# NPZ


def test_npz_round_trip_and_plain_numpy(tmp_path):
    pairs = make_pairs(7)
    path = write_npz(pairs, tmp_path / "new" / "pairs.npz")
    assert_same(read_npz(path), pairs)
    assert_same(read_pairs(path, splits=("val",)), pairs.of_split("val"))
    bare = make_pairs(7, **BARE)
    with np.load(write_npz(bare, tmp_path / "bare.npz"), allow_pickle=False) as file:
        assert sorted(file.files) == sorted(REQUIRED)
        np.testing.assert_array_equal(file["corrupted"], bare.corrupted)
    assert_same(read_npz(tmp_path / "bare.npz"), bare)


def npz_of(path: Path, **changes) -> Path:
    content = {name: getattr(make_pairs(6), name) for name in REQUIRED}
    content = {k: v for k, v in (content | changes).items() if v is not None}
    with path.open("wb") as file:
        np.savez(file, **content)
    return path


def test_npz_of_others_is_read(tmp_path):
    path = npz_of(tmp_path / "a.npz", extra=np.zeros(3), azimuth=np.zeros(6, np.float64))
    assert read_pairs(path).present == REQUIRED


class Trap:
    def __reduce__(self):
        return (Path.touch, (Path("trapped"),))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"visibility": None, "azimuth": None}, "lacks visibility, azimuth; pairs are corrupted"),
        ({"corrupted": np.full((6, 17, 3), np.nan)}, "corrupted is not finite in 6 frames"),
        ({"ground_truth": np.zeros((6, 33, 3))}, r"ground_truth has shape \(6, 33, 3\)"),
        ({"azimuth": np.zeros(5)}, r"azimuth has shape \(5,\), not \(6,\)"),
        ({"corrupted": np.zeros(())}, r"corrupted has shape \(\)"),
        ({"pose_2d": np.array([Trap()] * 6, object)}, "pose_2d is no array of numbers"),
        ({"sequences": np.array([Trap()], object)}, "sequences is no array of numbers"),
        ({"sequence": np.zeros(6, int)}, "of which 0 are named"),
        ({"sequences": np.zeros(2), "splits": np.zeros(2)}, "sequences is no list of texts"),
    ],
    ids=["missing", "nan", "points", "frames", "scalar", "pickle", "names", "unnamed", "texts"],
)
def test_npz_that_cannot_be_is_refused_by_name(tmp_path, monkeypatch, changes, fault):
    monkeypatch.chdir(tmp_path)
    path = npz_of(tmp_path / "a.npz", **changes)
    with pytest.raises(PairsError, match=fault) as caught:
        read_pairs(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert not (tmp_path / "trapped").exists()


def test_damaged_npz_is_refused_by_name(tmp_path):
    path = write_npz(make_pairs(6), tmp_path / "a.npz")
    sound = path.read_bytes()
    for length in (3, 200, len(sound) // 2, len(sound) - 5):
        path.write_bytes(sound[:length])
        with pytest.raises(PairsError, match=r"a\.npz: is not a readable"):
            read_pairs(path)
    refused, whole = 0, make_pairs(6)
    for place in range(4, len(sound), 53):
        flipped = bytearray(sound)
        flipped[place] ^= 0xFF
        path.write_bytes(flipped)
        try:
            found = read_pairs(path)
        except PairsError as error:
            refused += str(error).startswith(f"{path}: ")
        else:
            # Dates and the like are free; an array whose name is damaged is not known.
            for name in found.present:
                np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
    assert refused > 0.8 * len(range(4, len(sound), 53))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("corrupted.npy", b"no array")
    with pytest.raises(PairsError, match=r"a\.npz: lacks"):
        read_pairs(path)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "holds no training pairs"),
        (b"text", "holds no training pairs"),
        (None, "no such file"),
    ],
    ids=["empty", "text", "missing"],
)
def test_what_is_no_pairs_at_all(tmp_path, content, fault):
    path = tmp_path / "file.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PairsError, match=fault):
        read_pairs(path)
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    path.write_bytes(array.getvalue())
    with pytest.raises(PairsError, match="is an array"):
        read_npz(path)


# Stores


def test_store_is_read_in_the_order_of_keys(store):
    expected = Pairs.concatenate([make_pairs(6, seed) for seed in (1, 2, 3)])
    assert_same(read_pairs(store.folder), expected)
    assert_same(read_pairs(store.folder, splits=["val"]), expected.of_split("val"))
    told = []
    read_pairs(store.folder, progress=lambda *state: told.append(state))
    assert told[0] == ("reading", 0, 3)
    assert told[-1] == ("reading", 3, 3)


def test_a_reader_needs_only_the_items(store, tmp_path):
    shutil.copytree(store.folder / "items", tmp_path / "copy" / "items")
    (tmp_path / "copy" / "items" / ".item-9.h5.0123abcd.part").write_bytes(b"half")
    assert_same(read_pairs(tmp_path / "copy"), read_pairs(store.folder))


def test_manifest_tells_of_every_item(store):
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert (manifest["format"], manifest["version"]) == ("mocap-pairs", 1)
    assert list(manifest["items"]) == ["item-1", "item-2", "item-3"]
    entry = manifest["items"]["item-2"]
    assert entry["file"] == "items/item-2.h5"
    assert (entry["pairs"], entry["split"]) == (6, "train+val")
    again = PairStore.open(store.folder)
    assert again.take_stock() == {}
    assert again.entries == store.entries
    assert (again.source, again.parameters) == ("made up", {"size": [4, 2], "seed": 1})


def test_manifest_is_made_from_the_items(store):
    (store.folder / "manifest.json").write_text("{damaged")
    again = PairStore.open(store.folder)
    assert again.entries == {}
    with again.writing():
        assert again.take_stock() == {}
    assert again.entries == store.entries
    assert PairStore.open(store.folder).entries == store.entries


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", "{damaged"),
        ("manifest.json", "[]"),
        ("manifest.json", '{"items": []}'),
        ("manifest.json", '{"items": {"item-1": 5}}'),
        (
            "manifest.json",
            '{"items": {"item-1": {"file": "", "sha256": "", "pairs": "", "split": ""}}}',
        ),
        (
            "manifest.json",
            '{"items": {"my copy": {"file": "", "sha256": "", "pairs": 1, "split": ""}}}',
        ),
        ("manifest.json", "[" * 100_000),
        ("failed.json", '{"item-5": "dark"}'),
        ("failed.json", '{"item-5": {"reason": 5}}'),
        ("failed.json", "[" * 100_000),
    ],
    ids=str,
)
def test_damaged_lists_are_told_and_made_anew(store, caplog, name, content):
    (store.folder / name).write_text(content)
    with pytest.raises(
        PairsError, match=rf"{name}: is damaged \(.*; delete it, or let the command"
    ):
        PairStore.open(store.folder, strict=True)
    again = PairStore.open(store.folder)
    assert f"{name}: is damaged" in caplog.text
    with again.writing():
        assert again.take_stock() == {}
    assert PairStore.open(store.folder, strict=True).entries == store.entries


def test_files_whose_names_are_no_keys_are_passed_over(store, caplog):
    shutil.copy(store.folder / "items/item-1.h5", store.folder / "items/my copy.h5")
    assert store.stored_keys() == ["item-1", "item-2", "item-3"]
    assert store.take_stock() == {}
    assert len(read_pairs(store.folder)) == 18
    assert "my copy.h5: is passed over" in caplog.text


def test_stock_taking_names_what_is_damaged(store):
    (store.folder / "items/item-1.h5").write_bytes(b"garbage")
    (store.folder / "items/item-2.h5").unlink()
    # Sound in itself, but not what was written.
    write_item(make_pairs(8), store.folder / "items/item-3.h5")
    (store.folder / "items/item-4.h5").write_bytes(b"unknown garbage")
    faults = PairStore.open(store.folder).take_stock()
    assert {key: fault.split(": ")[1][:12] for key, fault in faults.items()} == {
        "item-1": "is not what ",
        "item-2": "is missing",
        "item-3": "is not what ",
        "item-4": "is not a rea",
    }
    with pytest.raises(PairsError, match=r"item-1\.h5: is not a readable.*make it anew"):
        read_pairs(store.folder)


@pytest.mark.parametrize(
    ("source", "parameters", "fault"),
    [
        ("aistpp", {"size": (4, 2), "seed": 1}, "holds pairs of made up, not aistpp"),
        ("made up", {"size": (4, 2), "seed": 2}, "made with seed 1, not seed 2; repeat that"),
        ("made up", {"size": (4, 2)}, "made with seed 1, not seed unset"),
        ("made up", {"size": (4, 2), "seed": 1, "x": None}, "made with x unset, not x null"),
    ],
    ids=["source", "value", "fewer", "more"],
)
def test_store_made_otherwise_is_refused_by_name(store, source, parameters, fault):
    with pytest.raises(PairsError, match=fault):
        PairStore.make(store.folder, source, parameters)
    PairStore.make(store.folder, "made up", {"seed": 1, "size": [4, 2]})


def test_what_others_wrote_meanwhile_is_known_to_the_next_writer(store, caplog):
    late = PairStore.open(store.folder)
    with store.writing():
        store.write("item-1", make_pairs(8, 9))
        store.failures["item-5"] = {"reason": "dark"}
    with late.writing():
        assert late.take_stock() == {}
    assert late.entries == store.entries
    assert PairStore.open(store.folder).failures == {"item-5": {"reason": "dark"}}


def test_asking_what_is_begun_begins_nothing(store, tmp_path):
    found = PairStore.begun(store.folder, "made up", {"size": (4, 2), "seed": 1})
    assert found is not None
    assert found.entries == store.entries
    assert PairStore.begun(tmp_path / "new", "made up", {}) is None
    assert not (tmp_path / "new").exists()
    with pytest.raises(PairsError, match="seed 1, not seed 2"):
        PairStore.begun(store.folder, "made up", {"size": (4, 2), "seed": 2})


def test_a_store_that_cannot_be_written_is_named(store):
    (store.folder / ".lock").unlink()
    (store.folder / ".lock").mkdir()
    with pytest.raises(PairsError, match=r"store: cannot be written .*--out"), store.writing():
        pass


def test_folders_that_are_no_store(tmp_path, store):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(PairsError, match="no store of pairs; choose another folder"):
        PairStore.make(tmp_path / "other", "made up", {})
    with pytest.raises(PairsError, match="is a file"):
        PairStore.make(tmp_path / "other" / "thesis.txt", "made up", {})
    for folder in (tmp_path / "other", tmp_path / "none"):
        with pytest.raises(PairsError, match=r"no store|no such"):
            read_pairs(folder)
    empty = PairStore.make(tmp_path / "empty", "made up", {})
    with pytest.raises(PairsError, match="holds no pairs yet"):
        read_pairs(empty.folder)
    for text, fault in {
        '{"format": "mocap-pairs", "version": 2}': "store of version 2",
        '{"format": "other"}': "does not describe",
        '{"format": "mocap-pairs", "version": 1}': "lacks its source",
        "[": r"is damaged \(.*; copy it again",
        "[" * 100_000: r"dataset\.json: is damaged \(.*; copy it again",
    }.items():
        (store.folder / "dataset.json").write_text(text)
        with pytest.raises(PairsError, match=fault):
            read_pairs(store.folder)


@pytest.mark.parametrize("key", ["", ".hidden", "a/b", "../a", "a b", "é", "a" * 201])
def test_keys_that_are_no_file_names(store, key):
    with pytest.raises(PairsError, match="cannot be an item's key"):
        store.write(key, make_pairs(2))
