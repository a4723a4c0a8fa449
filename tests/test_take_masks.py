"""Masks in the take: runs as COCO counts them, and what is known told from what is not."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from takes import make_take

from mocap.errors import TakeError
from mocap.records import RecordError
from mocap.take import Masks, Take, mask_of, run_lengths

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def counted(mask: np.ndarray) -> list[int]:
    """COCO's counts, pixel by pixel."""
    counts, inside = [0], False
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if mask[y, x] != inside:
                counts, inside = [*counts, 0], not inside
            counts[-1] += 1
    return counts


@given(MASKS)
def test_runs_are_cocos_and_come_back(mask):
    lengths = run_lengths(mask)
    assert lengths.tolist() == counted(mask)
    assert np.array_equal(mask_of(lengths, *mask.shape[::-1]), mask)


def test_cocos_own_example():
    """Columns from the left, each from above; the first run is outside, be it of no pixel."""
    mask = np.array([[0, 1, 1], [0, 1, 0]], bool)
    assert run_lengths(mask).tolist() == [2, 3, 1]
    assert run_lengths(~mask).tolist() == [0, 2, 3, 1]


@given(st.lists(st.none() | arrays(bool, (3, 5)), max_size=8))
def test_frames_come_back_one_by_one(frames):
    lengths = [None if mask is None else run_lengths(mask) for mask in frames]
    masks = Masks.of(lengths, 5, 3, "test")
    assert masks.known.tolist() == [mask is not None for mask in frames]
    for row, mask in enumerate(frames):
        found = masks.at(row)
        assert (found is None) == (mask is None)
        assert mask is None or np.array_equal(found, mask)


def test_nothing_known_is_not_nothing_to_be_seen():
    masks = Masks.of([None, run_lengths(np.zeros((3, 5), bool))], 5, 3, "test")
    assert masks.at(0) is None
    assert masks.at(1) is not None
    assert not masks.at(1).any()
    assert masks.rle.tolist() == [15]
    assert masks.runs.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rle", "runs", "said"),
    [
        ([15, 15], [1, 2], "2 runs, not the 3"),
        ([15, 14], [1, 1], "not of 5×3"),
        ([20, -5], [2], "runs"),
        ([15.0], [1], "not whole"),
    ],
)
def test_lengths_of_other_pictures_are_refused(rle, runs, said):
    with pytest.raises(ValueError, match=said):
        Masks(np.array(rle), np.array(runs), 5, 3, "test")


@pytest.fixture
def masked() -> Take:
    """Two people in blobs, the second not known about in half of the frames."""
    take = make_take(people=2, frames=6)
    people = {}
    for number, (name, person) in enumerate(take.people.items()):
        frames = []
        for row in range(6):
            mask = np.zeros((720, 1280), bool)
            mask[100 : 400 + row, 300 + 200 * number : 420 + 200 * number] = True
            frames.append(None if number and row % 2 else run_lengths(mask))
        people[name] = replace(person, masks=Masks.of(frames, 1280, 720, "blobs"))
    return replace(take, people=people)


def test_a_take_keeps_them(masked, tmp_path):
    back = Take.load(masked.save(tmp_path / "take.h5"))
    for name, person in masked.people.items():
        found = back.people[name].masks
        assert (found.width, found.height, found.source) == (1280, 720, "blobs")
        assert found.rle.dtype == np.uint32
        for row in range(6):
            expected = person.masks.at(row)
            assert (found.at(row) is None) == (expected is None)
            assert expected is None or np.array_equal(found.at(row), expected)


def test_the_file_can_be_read_without_this_package(masked, tmp_path):
    with h5py.File(masked.save(tmp_path / "take.h5")) as file:
        group = file["people/person-2/masks"]
        frames = np.split(group["rle"][()], np.cumsum(group["runs"])[:-1])
        size = int(group.attrs["width"]), int(group.attrs["height"])
    assert [len(lengths) > 0 for lengths in frames] == [True, False] * 3
    assert np.array_equal(mask_of(frames[2], *size), masked.people["person-2"].masks.at(2))


def test_takes_from_before_there_were_masks(masked, tmp_path):
    path = masked.save(tmp_path / "take.h5")
    with h5py.File(path, "r+") as file:
        del file["people/person-1/masks"]
    people = Take.load(path).people
    assert people["person-1"].masks is None
    assert people["person-2"].masks is not None


def test_masks_of_another_picture_are_refused(masked, tmp_path):
    smaller = replace(masked, video=replace(masked.video, width=640))
    with pytest.raises(RecordError, match="masks of 1280×720"):
        smaller.save(tmp_path / "take.h5")


def test_masks_of_too_few_frames_are_refused(masked, tmp_path):
    person = masked.people["person-1"]
    fewer = Masks.of([None] * 5, 1280, 720, "blobs")
    take = replace(masked, people={"person-1": replace(person, masks=fewer)})
    with pytest.raises(RecordError, match="masks/runs has 5 frames, not 6"):
        take.save(tmp_path / "take.h5")


def test_runs_that_do_not_add_up_are_damage(masked, tmp_path):
    path = masked.save(tmp_path / "take.h5")
    with h5py.File(path, "r+") as file:
        file["people/person-1/masks/rle"][0] += 1
    with pytest.raises(TakeError, match="damaged take: masks that are not of 1280×720"):
        Take.load(path)
