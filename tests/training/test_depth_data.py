from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_pairs import make_pairs

from mocap.datasets.pairs import Pairs, PairsError, write_npz
from mocap.depth.windows import LONGEST_PAUSE, windows
from mocap.training.depth.config import TrainingError
from mocap.training.depth.data import InOrder, Shuffled, make_samples, read_corpus, window_rows


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return make_pairs(20, (0.0, 90.0, 180.0), (0.0,), splits=("train", "val", "test"))


def timed(times: list[float], sequence: list[int] | None = None) -> Pairs:
    """Frames with nothing but times."""
    count = len(times)
    sequence = sequence or [0] * count
    names = tuple(f"s{i}" for i in range(max(sequence) + 1))
    return Pairs(
        corrupted=np.zeros((count, 17, 3)),
        ground_truth=np.zeros((count, 17, 3)),
        visibility=np.ones((count, 17)),
        pose_2d=np.zeros((count, 17, 2)),
        azimuth=np.zeros(count),
        elevation=np.zeros(count),
        camera_relative=np.ones((count, 3)),
        sequence=np.array(sequence),
        time=np.array(times),
        sequences=names,
        splits=("train",) * len(names),
    )


def test_a_batch_holds_what_the_pairs_do(pairs: Pairs) -> None:
    batch = make_samples(pairs, rate=30.0).batch(torch.tensor([3, 41]))
    np.testing.assert_array_equal(batch.xy[:, 0], pairs.pose_2d[[3, 41]])
    np.testing.assert_array_equal(batch.xyz[:, 0], pairs.corrupted[[3, 41]])
    np.testing.assert_array_equal(batch.confidence[:, 0], pairs.visibility[[3, 41]])
    np.testing.assert_array_equal(batch.truth[:, 0], pairs.ground_truth[[3, 41]])
    np.testing.assert_array_equal(batch.truth_xy[:, 0], pairs.truth_2d[[3, 41]])
    np.testing.assert_array_equal(batch.camera[:, 0], pairs.camera_relative[[3, 41]])
    np.testing.assert_array_equal(batch.time[:, 0], pairs.time[[3, 41]])
    np.testing.assert_array_equal(batch.middle[:, 0], [[640, 360]] * 2)


def test_windows_stay_within_sequences(pairs: Pairs) -> None:
    samples = make_samples(pairs, 5, rate=30.0)
    batch = samples.batch(torch.tensor([0, 19, 20, 10]))
    assert batch.truth.isfinite().all()
    for row, first in enumerate((0, 15, 20, 8)):
        np.testing.assert_array_equal(batch.truth[row], pairs.ground_truth[first : first + 5])
    assert samples.places[[0, 1, 2, 10, 18, 19, 20]].tolist() == [0, 1, 2, 2, 3, 4, 0]


def test_what_a_window_has_too_few_of_is_missing(pairs: Pairs) -> None:
    batch = make_samples(pairs, 24, rate=30.0).batch(torch.tensor([3, 25]))
    seen = batch.truth.isfinite().all(-1).all(-1)
    assert seen.tolist() == [[True] * 20 + [False] * 4] * 2
    assert (batch.confidence[:, 20:] == 0).all()
    assert batch.xy[:, 20:].isnan().all()
    assert batch.time[:, 20:].isnan().all()


def test_windows_stop_at_pauses() -> None:
    pairs = timed([0.0, 0.04, 0.08, 1.0, 1.04])
    rows, places = window_rows(pairs, 3, 30.0)
    assert rows.tolist() == [[0, 1, 2]] * 3 + [[3, 4, -1]] * 2
    assert places.tolist() == [0, 1, 2, 0, 1]
    # As long as for the refiner.
    pairs = timed([0.0, 0.04, 0.08, 0.08 + 0.95 * LONGEST_PAUSE])
    assert window_rows(pairs, 3, 30.0)[0][2].tolist() == [1, 2, 3]


def test_quick_sequences_are_thinned() -> None:
    pairs = timed([i / 60 for i in range(9)] + [i / 25 for i in range(5)], [0] * 9 + [1] * 5)
    rows, places = window_rows(pairs, 3, 30.0)
    assert rows[[0, 1, 4, 8]].tolist() == [[0, 2, 4], [1, 3, 5], [2, 4, 6], [4, 6, 8]]
    assert rows[[9, 11]].tolist() == [[9, 10, 11], [10, 11, 12]]
    assert rows[np.arange(14), places].tolist() == list(range(14))


def test_windows_are_those_of_the_refiner() -> None:
    times = [i / 60 for i in range(40)] + [2 + i / 60 for i in range(5)]
    ours = {tuple(row) for row in window_rows(timed(times), 9, 30.0)[0].tolist()}
    theirs = {tuple(row) for row in windows(np.array(times), 9, 30.0).tolist()}
    assert theirs <= ours


def test_windows_need_sequences_and_times(pairs: Pairs) -> None:
    with pytest.raises(TrainingError, match="--frames 1"):
        make_samples(replace(pairs, time=None), 9, rate=30.0)
    assert make_samples(replace(pairs, time=None), 1, rate=30.0).length == 1
    # Put together with pairs that have them, frames without stand alone.
    mixed = Pairs.concatenate([replace(pairs, time=None, sequence=None, sequences=(), splits=())])
    mixed = Pairs.concatenate([pairs, mixed])
    batch = make_samples(mixed, 5, rate=30.0).batch(torch.tensor([70, 10]))
    assert batch.truth.isfinite().all(-1).all(-1).sum(1).tolist() == [1, 5]
    assert batch.time[0, 0] == 0
    with pytest.raises(TrainingError, match="no training pairs"):
        make_samples(pairs[:0], rate=30.0)


def test_every_epoch_has_an_order_of_its_own_that_devices_share() -> None:
    epoch = [0]
    whole = Shuffled(100, 100, 30, 7, lambda: epoch[0])
    first = [part.tolist() for part in whole]
    assert [len(part) for part in first] == [34, 33, 33]
    assert len(whole) == 3
    assert len({row for part in first for row in part}) == 100
    assert sum(len(part) for part in Shuffled(100, 50, 30, 7, lambda: 0)) == 50
    assert first == [part.tolist() for part in whole]
    epoch[0] = 1
    second = [part.tolist() for part in whole]
    assert first != second
    shares = [
        [part.tolist() for part in Shuffled(100, 100, 30, 7, lambda: 1, rank, 2)] for rank in (0, 1)
    ]
    for both, one, other in zip(second, *shares, strict=True):
        assert both[0::2] == one
        assert both[1::2] == other


def test_fewer_windows_than_a_batch_are_one_batch() -> None:
    assert [len(part) for part in Shuffled(7, 7, 30, 0, lambda: 0)] == [7]
    assert [part.tolist() for part in InOrder(np.arange(5), 2)] == [[0, 1], [2, 3], [4]]


def test_pairs_keep_to_their_splits(pairs: Pairs, tmp_path: Path) -> None:
    corpus = read_corpus([write_npz(pairs, tmp_path / "a.npz")])
    np.testing.assert_array_equal(corpus.train.ground_truth, pairs[:20].ground_truth)
    np.testing.assert_array_equal(corpus.val.ground_truth, pairs[20:40].ground_truth)
    again = read_corpus([tmp_path / "a.npz"])
    assert again.sha256 == corpus.sha256
    other = replace(pairs, corrupted=pairs.corrupted * 1.001)
    assert read_corpus([write_npz(other, tmp_path / "b.npz")]).sha256 != corpus.sha256


def test_without_validation_pairs_the_last_are_held_out(
    pairs: Pairs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = replace(pairs, splits=("train",) * 3)
    corpus = read_corpus([write_npz(training, tmp_path / "a.npz")])
    # Whole sequences: the last of three.
    assert (len(corpus.train), len(corpus.val)) == (40, 20)
    assert "held out" in caplog.text
    plain = replace(pairs, sequence=None, time=None, sequences=(), splits=())
    corpus = read_corpus([write_npz(plain, tmp_path / "b.npz")])
    assert (len(corpus.train), len(corpus.val)) == (54, 6)


def test_bad_data_are_refused_by_name(pairs: Pairs, tmp_path: Path) -> None:
    path = write_npz(replace(pairs, splits=("val", "val", "test")), tmp_path / "a.npz")
    with pytest.raises(TrainingError, match=r"a\.npz.*split train"):
        read_corpus([path])
    with pytest.raises(PairsError, match=r"none\.npz"):
        read_corpus([tmp_path / "none.npz"])
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:1000])
    with pytest.raises(PairsError, match=r"cut\.npz"):
        read_corpus([tmp_path / "cut.npz"])
    broken = {name: getattr(pairs, name) for name in pairs.present}
    broken["corrupted"] = broken["corrupted"].copy()
    broken["corrupted"][5, 3] = np.nan
    np.savez(tmp_path / "nan.npz", sequences=["a", "b", "c"], splits=["train"] * 3, **broken)
    with pytest.raises(PairsError, match=r"nan\.npz.*corrupted"):
        read_corpus([tmp_path / "nan.npz"])
    with pytest.raises(TrainingError, match="too few"):
        read_corpus([write_npz(pairs[:1], tmp_path / "one.npz")])
