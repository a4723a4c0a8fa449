"""``mocap dataset``: training pairs from the command line."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets.dancers import dance
from datasets.made_up_pairs import Quick, assert_same, items_of, make, make_pairs

from mocap.body import load_body
from mocap.cli import main
from mocap.datasets.aistpp import Conversion, write_replica
from mocap.datasets.jobs import Outcome, run_items
from mocap.datasets.pairs import Pairs, PairStore, read_npz, read_pairs, write_item, write_npz
from mocap.errors import MocapError

from .conftest import PATIENCE, Ended

Run = Callable[..., Ended]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three items: one seen from the front, one from the left and above, one from behind."""
    made = PairStore.make(tmp_path / "store", "made up", {"every": 4})
    views = {"a": (0.1, 0.0), "b": (np.pi / 2, 0.6), "c": (-np.pi, -0.1)}
    with made.writing():
        for seed, (key, (azimuth, elevation)) in enumerate(views.items()):
            truth = make_pairs(6, seed).ground_truth
            made.write(
                key,
                make_pairs(
                    6,
                    seed,
                    corrupted=truth + [0.03, 0.0, 0.04],
                    visibility=np.full((6, 17), 0.75),
                    azimuth=np.full(6, azimuth),
                    elevation=np.full(6, elevation),
                ),
            )
    return tmp_path / "store"


# info


def test_info_for_people(mocap: Run, store: Path) -> None:
    ended = mocap("dataset", "info", store)
    assert ended.code == 0
    assert re.search(rf"^pairs +18 in {store}, 0\.\d MB$", ended.out, re.M)
    assert re.search(r"^made with +every 4$", ended.out, re.M)
    assert re.search(r"^splits +train 9 pairs of 3 sequences, val 9 pairs of 3", ended.out, re.M)
    assert re.search(r"^confidence +0\.75", ended.out, re.M)
    assert "50.0 mm of 17 points, 50.0 mm of 12 limb joints; 40.0 mm along" in ended.out
    # From behind at 5.7° below, in front at 0°, on the left at 34° above.
    assert re.search(r"^30° to 45° +– +– +33\.3 +– +– +– +– +– +33\.3$", ended.out, re.M)
    assert re.search(r"^0° to 15° +33\.3 +– +– +– +– +– +– +– +33\.3$", ended.out, re.M)
    assert re.search(r"^−15° to 0° +– +– +– +– +33\.3 +– +– +– +33\.3$", ended.out, re.M)
    assert re.search(r"^all +33\.3 +– +33\.3 +– +33\.3 +– +– +– +100\.0$", ended.out, re.M)


def test_info_for_programs(mocap: Run, store: Path) -> None:
    facts = json.loads(mocap("dataset", "info", store, "--json", "--verify").out)
    assert (facts["pairs"], facts["sequences"], facts["items"]) == (18, 6, 3)
    assert facts["splits"] == {
        "train": {"pairs": 9, "sequences": 3},
        "val": {"pairs": 9, "sequences": 3},
    }
    assert (facts["source"], facts["parameters"]) == ("made up", {"every": 4})
    assert facts["raw_mpjpe_mm"] == pytest.approx(50, abs=1e-3)
    assert facts["raw_depth_error_mm"] == pytest.approx(40, abs=1e-3)
    assert np.sum(facts["views"]["pairs"]) == 18
    assert facts["damaged"] == {}
    assert facts["bytes"] == sum(path.stat().st_size for path in (store / "items").iterdir())


def test_info_of_files(mocap: Run, tmp_path: Path) -> None:
    bare = {name: None for name in make_pairs(2).present[7:]}
    path = write_npz(make_pairs(4, sequences=(), splits=(), **bare), tmp_path / "bare.npz")
    ended = mocap("dataset", "info", path)
    assert ended.code == 0
    assert re.search(r"^splits +none: all are for training$", ended.out, re.M)
    assert re.search(r"^sequences +not told apart$", ended.out, re.M)
    assert "items" not in ended.out
    assert "no hashes" not in ended.err
    assert "bare.npz: a file has no hashes" in mocap("dataset", "info", path, "--verify").err
    nobody = mocap("dataset", "info", write_item(Pairs.nothing(), tmp_path / "a.h5"))
    assert nobody.code == 0
    assert re.search(r"^pairs +0 in", nobody.out, re.M)
    assert re.search(r"^splits +none$", nobody.out, re.M)


def test_info_names_what_is_damaged(mocap: Run, store: Path) -> None:
    whole = (store / "items/a.h5").read_bytes()
    (store / "items/a.h5").write_bytes(whole[:-9])
    write_item(make_pairs(2), store / "items/b.h5")
    told = mocap("dataset", "info", store)
    assert told.code == 1
    assert re.search(r"^items +3, damaged or missing: a$", told.out, re.M)
    assert re.search(r"^pairs +8 in", told.out, re.M)
    assert f"error: {store}/items/a.h5: is not a readable HDF5 file" in told.err
    checked = mocap("dataset", "info", store, "--verify")
    assert checked.code == 1
    assert re.search(r"^items +3, damaged or missing: a, b$", checked.out, re.M)
    assert re.search(r"^pairs +6 in", checked.out, re.M)
    (store / "items/c.h5").unlink()
    nothing = mocap("dataset", "info", store, "--verify").out
    assert "missing: a, b, c" in nothing
    assert re.search(r"^splits +unknown: no item could be read$", nothing, re.M)
    assert "for training" not in nothing


def test_info_of_stores_with_stray_and_damaged_files(mocap: Run, store: Path) -> None:
    (store / "items/my copy.h5").write_text("")
    told = mocap("dataset", "info", store)
    assert told.code == 0
    assert re.search(r"^pairs +18 in", told.out, re.M)
    assert "my copy.h5: is passed over" in told.err
    for name, content in (("failed.json", '{"d": "dark"}'), ("manifest.json", '{"items": []}')):
        (store / name).write_text(content)
        refused = mocap("dataset", "info", store, "--quiet")
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.startswith(f"error: {store / name}: is damaged")
        assert "delete it" in refused.err
        (store / name).unlink()


def test_info_counts_arrays_where_they_are_known(mocap: Run, tmp_path: Path) -> None:
    truth = 500 * np.ones((4, 17, 2))
    truth[:3] = np.nan
    pairs = make_pairs(4, truth_2d=truth, heading=np.full(4, np.nan))
    path = write_item(pairs, tmp_path / "a.h5")
    arrays = json.loads(mocap("dataset", "info", path, "--json").out)["arrays"]
    assert arrays["truth_2d"] == 1
    assert arrays["corrupted"] == arrays["sequence"] == 4
    assert "heading" not in arrays
    assert "truth_2d (25%)" in mocap("dataset", "info", path).out


@pytest.mark.parametrize("name", ["none", "none.npz", "text.npz", "folder"])
def test_info_of_what_is_no_pairs_is_one_line(mocap: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "folder").mkdir()
    ended = mocap("dataset", "info", tmp_path / name, "--quiet")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {tmp_path / name}: ")
    assert len(ended.err.splitlines()) == 1


# pack


def test_pack_there_and_back(mocap: Run, store: Path, tmp_path: Path) -> None:
    packed, unpacked = tmp_path / "new" / "pairs.npz", tmp_path / "unpacked"
    ended = mocap("dataset", "pack", store, "--out", packed)
    assert (ended.code, ended.out) == (0, f"18 pairs are in {packed}\n")
    assert_same(read_npz(packed), read_pairs(store))
    ended = mocap("dataset", "pack", packed, "--out", unpacked)
    assert (ended.code, ended.out) == (0, f"18 pairs are in {unpacked}\n")
    assert_same(read_pairs(unpacked), read_pairs(store))
    assert PairStore.open(unpacked).parameters["file"] == "pairs.npz"
    # Again is nothing new, and another file is refused.
    assert mocap("dataset", "pack", packed, "--out", unpacked).code == 0
    mocap("dataset", "pack", store, "--out", packed, "--split", "val")
    assert_same(read_npz(packed), read_pairs(store, splits=["val"]))
    ended = mocap("dataset", "pack", packed, "--out", unpacked)
    assert ended.code == 1
    assert "was made with sha256" in ended.err


def test_packs_of_many_sequences_stay_whole(mocap: Run, tmp_path: Path) -> None:
    count, length = 25, 400
    pairs = Pairs.concatenate([make_pairs(length, seed) for seed in range(count)])
    packed = write_npz(pairs, tmp_path / "pairs.npz")
    assert mocap("dataset", "pack", packed, "--out", tmp_path / "store", "-q").code == 0
    unpacked = PairStore.open(tmp_path / "store")
    sizes = [entry.pairs for entry in unpacked.entries.values()]
    assert len(sizes) == 3
    assert all(size % (length // 2) == 0 for size in sizes)
    assert_same(read_pairs(tmp_path / "store"), pairs)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["STORE", "--out", "elsewhere"], "must end in .npz"),
        (["STORE/items/a.h5", "--out", "elsewhere", "--split", "val"], "is for writing an .npz"),
        (["a.npz", "--out", "./a.npz"], "would be written over what is read"),
        (["STORE", "--out", "a.npz", "--split", "dev"], "'dev'"),
        (["a.npz", "--out", "x.npy"], "ends in .npy: a file ends in .npz"),
    ],
    ids=["store", "split", "same", "dev", "suffix"],
)
def test_senseless_packing_is_a_wrong_call(
    mocap: Run, store: Path, tmp_path: Path, monkeypatch, options: list[str], fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = mocap("dataset", "pack", *(one.replace("STORE", str(store)) for one in options))
    assert ended.code == 2
    assert fault in " ".join(ended.err.replace("│", " ").split())


def test_nothing_is_not_packed(mocap: Run, store: Path, tmp_path: Path) -> None:
    ended = mocap("dataset", "pack", store, "--out", tmp_path / "a.npz", "--split", "test")
    assert ended.code == 1
    assert "holds no pairs for test (it has: train 9, val 9)" in ended.err
    empty = write_npz(Pairs.nothing(), tmp_path / "empty.npz")
    ended = mocap("dataset", "pack", empty, "--out", tmp_path / "unpacked")
    assert ended.code == 1
    assert "empty.npz: holds no pairs to put into a store" in ended.err
    assert {path.name for path in tmp_path.iterdir()} == {"store", "empty.npz"}


# convert and synthesize


class MadeUp:
    """In the place of what takes minutes: quick items of the same kind, run in the same way."""

    def __init__(self, *items: Quick) -> None:
        self.items = items
        self.called: tuple = ()

    def __call__(self, *arguments, progress, **options) -> Outcome:
        self.called = (arguments, options)
        store = PairStore.make(arguments[-1], "made up", {})
        return run_items(self.items, make, store, workers=0, progress=progress, stage="frames")


def test_convert_passes_on_what_was_asked(mocap: Run, tmp_path: Path, monkeypatch) -> None:
    made_up = MadeUp(*items_of(3))

    def convert(*arguments, **options) -> Conversion:
        return Conversion(made_up(*arguments, **options), {"the view is bad": ["x", "y"]})

    monkeypatch.setattr("mocap.datasets.aistpp.convert", convert)
    out = tmp_path / "store"
    call = ("dataset", "convert", "annotations", "--videos", "videos", "--out", out)
    options = ("--workers", 3, "--every", 7, "--look-once", "--split", "val", "--split", "test")
    ended = mocap(*call, *options)
    assert ended.code == 0
    assert made_up.called == (
        (Path("annotations"), Path("videos"), out),
        {
            "workers": 3,
            "ray_address": None,
            "every": 7,
            "look_once": True,
            "splits": ["val", "test"],
        },
    )
    assert ended.out.startswith(f"12 new pairs are in {out} (videos: 3 made; ")
    assert "left out 2, for the view is bad: x, y" in ended.err
    assert "rendering and detecting: 3 frames" in ended.err
    ended = mocap(*call, "--ray", "head:6379")
    assert made_up.called[1] == {
        "workers": 0,
        "ray_address": "head:6379",
        "every": 4,
        "look_once": False,
        "splits": None,
    }
    assert "0 new pairs are in" in ended.out
    assert "(videos: 0 made, 3 there already; " in ended.out


def test_synthesize_passes_on_what_was_asked(mocap: Run, tmp_path: Path, monkeypatch) -> None:
    made_up = MadeUp(*items_of(2))
    monkeypatch.setattr("mocap.datasets.synthetic.synthesize", made_up)
    out = tmp_path / "store"
    call = ("dataset", "synthesize", "--motions", "a.bvh", "b", "c.pkl", "--out", out)
    assert mocap(*call, "--frames", 5000, "--seed", 3, "--workers", 2).code == 0
    assert made_up.called == (
        ([Path("a.bvh"), Path("b"), Path("c.pkl")], out),
        {"frames": 5000, "workers": 2, "seed": 3, "ray_address": None},
    )
    mocap("dataset", "synthesize", "--motions", "a", "--motions", "b", "--out", out)
    arguments, options = made_up.called
    assert arguments[0] == [Path("a"), Path("b")]
    assert options["workers"] >= 1


def test_synthesize_tells_what_it_reads_and_what_a_number_of_frames_is(mocap: Run) -> None:
    from mocap.datasets.motions import MOTION_FILES
    from mocap.datasets.synthetic.batches import USUAL_YIELD

    told = " ".join(mocap("dataset", "synthesize", "--help").out.replace("│", " ").split())
    assert f"Motion: {MOTION_FILES}, or folders of them" in told
    assert f"rounded up to batches of about {USUAL_YIELD}" in told


def test_motions_that_are_missing_are_told_so(mocap: Run, tmp_path: Path) -> None:
    out = tmp_path / "store"
    ended = mocap("dataset", "synthesize", "--motions", tmp_path / "nope", "--out", out)
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == f"error: {tmp_path / 'nope'}: no such file or folder"
    assert not out.exists()


def test_failures_are_listed_and_are_the_exit_code(mocap: Run, tmp_path: Path, monkeypatch) -> None:
    items = [Quick("item-1"), *(Quick(f"bad-{i}") for i in range(10)), Quick("odd-1")]
    monkeypatch.setattr("mocap.datasets.synthetic.synthesize", MadeUp(*items))
    out = tmp_path / "store"
    ended = mocap("dataset", "synthesize", "--motions", "a", "--out", out)
    assert ended.code == 1
    assert "4 new pairs are in" in ended.out
    assert "bad-3 failed: bad-3.mp4: cannot be read; download it again" in ended.err
    last = ended.err.splitlines()[-1]
    assert last.startswith("error: 11 of 12 batches failed: bad-0, bad-1, ")
    assert "and 3 more" in last
    assert str(out / "failed.json") in last
    assert "failed      11: bad-0" in mocap("dataset", "info", out).out


def test_damage_is_mended_and_told(mocap: Run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("mocap.datasets.synthetic.synthesize", MadeUp(*items_of(3)))
    call = ("dataset", "synthesize", "--motions", "a", "--out", tmp_path / "store")
    assert mocap(*call).code == 0
    damaged = tmp_path / "store" / "items" / "item-001.h5"
    damaged.write_bytes(damaged.read_bytes()[:100])
    ended = mocap(*call)
    assert ended.code == 0
    assert (
        "(batches: 1 made, 1 of them in the place of damaged ones, 2 there already; " in ended.out
    )
    assert f"warning: {damaged}: is not what the manifest" in ended.err
    assert mocap("dataset", "info", tmp_path / "store", "--verify").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "a"],
        ["convert", "a", "--videos", "v", "--out", "o", "--every", "0"],
        ["synthesize", "--out", "o"],
        ["synthesize", "--motions", "a", "--out", "o", "--frames", "0"],
        ["pack", "a"],
        ["dance"],
    ],
    ids=" ".join,
)
def test_wrong_calls(mocap: Run, arguments: list[str]) -> None:
    ended = mocap("dataset", *arguments)
    assert ended.code == 2
    assert "Usage" in ended.err


@pytest.mark.parametrize("command", ["info", "convert", "synthesize", "pack"])
def test_every_command_helps(mocap: Run, command: str) -> None:
    ended = mocap("dataset", command, "--help")
    assert ended.code == 0
    assert "Examples" in ended.out


def test_help_imports_no_stage() -> None:
    code = (
        "import sys; from mocap.cli import main\n"
        "assert main(['dataset', 'convert', '--help']) == 0\n"
        "heavy = {'torch', 'mediapipe', 'cv2', 'av', 'numpy', 'h5py', 'ray'}\n"
        "print(*(set(sys.modules) & heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("motion", ["none.bvh", "text.txt", "empty"])
def test_motions_that_cannot_be_read_are_one_line(mocap: Run, tmp_path: Path, motion: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("text")
    call = ("dataset", "synthesize", "--motions", tmp_path / motion, "--out", tmp_path / "store")
    ended = mocap(*call, "--quiet")
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert motion in ended.err
    assert len(ended.err.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_ctrl_c_says_what_is_left(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from mocap import datasets; import mocap.datasets.synthetic\n"
        "from cli.test_dataset import MadeUp\n"
        "from datasets.made_up_pairs import items_of\n"
        "from mocap.cli import main\n"
        "datasets.synthetic.synthesize = MadeUp(*items_of(2000))\n"
        "sys.exit(main(sys.argv[2:]))"
    )
    tests, out = Path(__file__).parents[1], tmp_path / "store"
    call = ["dataset", "synthesize", "--motions", "a", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tests), *call],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("rendering and detecting ..."):
            break
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said == ""
    assert wrong == (
        f"stopped; what was finished is in {out}; the same command goes on from there\n"
    )
    assert main(["dataset", "info", str(out), "--verify", "--quiet"]) == 0


def test_convert_of_real_videos(mocap: Run, pose_bundle: Path, tmp_path: Path) -> None:
    body = load_body()
    try:
        replica = write_replica(
            tmp_path / "replica", [dance(body)], body, seconds=0.2, fps=15.0, size=(384, 216)
        )
    except MocapError as error:
        if "OpenGL" in str(error) or "moderngl" in str(error):
            pytest.skip(str(error))
        raise
    videos = sorted(replica.videos.glob("*.mp4"))
    for video in videos[2:]:
        video.unlink()
    out = tmp_path / "pairs"
    call = ("dataset", "convert", replica.annotations, "--videos", replica.videos, "--out", out)
    ended = mocap(*call, "--every", 1, "--workers", 1)
    assert ended.code == 0, ended.err
    assert PairStore.open(out).stored_keys() == [video.stem for video in videos[:2]]
    assert "(videos: 2 made; " in ended.out
    assert "converting videos: 2 videos in" in ended.err
    ended = mocap(*call, "--every", 1, "--workers", 1)
    assert "(videos: 0 made, 2 there already; " in ended.out
    ended = mocap(*call, "--every", 2)
    assert ended.code == 1
    assert re.search(r"was made with every 1, not every 2; repeat that, or choose", ended.err)
    assert mocap("dataset", "info", out, "--verify").code == 0
    assert mocap("dataset", "convert", tmp_path, "--videos", replica.videos, "--out", out).code == 1
