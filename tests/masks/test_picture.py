"""Masks that the picture alone tells, on a real clip of two people."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from mocap.errors import MaskError
from mocap.masks import LightSegmenter, PictureSegmenter, StoredMasks, independent_masks, with_masks
from mocap.take import Take
from mocap.video import open_video


@pytest.fixture(scope="module")
def told(take, clip, pose_bundle) -> Take:
    with closing(PictureSegmenter(pose_bundle)) as segmenter:
        return with_masks(take, clip, segmenter)


def first(take: Take, clip, pose_bundle):
    with closing(PictureSegmenter(pose_bundle)) as segmenter, open_video(clip) as video:
        return next(iter(segmenter.segment(take, video)))


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def test_the_people_are_made_out(told):
    assert len(told.people) == 2
    for name, person in told.people.items():
        assert person.masks.known.mean() >= 0.9, name
        off = []
        for row in np.flatnonzero(person.masks.known):
            rows, columns = np.nonzero(person.masks.at(row))
            found = np.array([columns.min(), rows.min(), columns.max(), rows.max()])
            off.append(np.abs(found - person.box[row]).max())
        # Of one frame, a branch behind a hand is taken for the person.
        assert sorted(off)[-2] < 40


def test_bodies_have_no_part_in_them(told, take, clip, pose_bundle):
    bare = {name: replace(person, body=None) for name, person in take.people.items()}
    masks = first(replace(take, people=bare), clip, pose_bundle)
    for name, mask in masks.people.items():
        assert np.array_equal(mask, told.people[name].masks.at(0))


def test_points_that_are_somewhat_off_change_little(told, take, clip, pose_bundle):
    """Where people were detected says where to look; where they are, the picture says."""
    people = {
        name: replace(
            person,
            box=person.box + 20.0,
            keypoints2d=replace(person.keypoints2d, xy=person.keypoints2d.xy + 20.0),
        )
        for name, person in take.people.items()
    }
    masks = first(replace(take, people=people), clip, pose_bundle)
    assert len(masks.people) == 2
    for name, mask in masks.people.items():
        assert overlap(mask, told.people[name].masks.at(0)) > 0.85


def test_points_of_somebody_else_find_nobody(take, clip, pose_bundle):
    one, other = take.people.values()
    moved = replace(one, keypoints2d=replace(one.keypoints2d, xy=one.keypoints2d.xy + 200.0))
    masks = first(replace(take, people={one.id: moved}), clip, pose_bundle)
    assert not masks.people
    # Looked for where the other one is, too.
    moved = replace(one, box=other.box)
    masks = first(replace(take, people={one.id: moved}), clip, pose_bundle)
    assert not masks.people


def test_whom_two_claim_is_nobodys(take, clip, pose_bundle):
    person = take.people["person-1"]
    twice = {name: replace(person, id=name) for name in ("person-1", "double")}
    masks = first(replace(take, people=twice), clip, pose_bundle)
    assert not masks.people
    assert masks.unclear.sum() > 1000


def test_who_was_never_detected_cannot_be_looked_for(take, clip, pose_bundle):
    bare = {name: replace(person, keypoints2d=None) for name, person in take.people.items()}
    with pytest.raises(MaskError, match="where in the picture anybody was detected"):
        first(replace(take, people=bare), clip, pose_bundle)


def test_kept_masks_are_told_from_those_held_to_bodies(told, take, clip, pose_bundle, body):
    assert independent_masks(told)
    with open_video(clip) as video:
        masks = next(iter(StoredMasks(told).segment(told, video)))
    assert np.array_equal(masks.people["person-1"], told.people["person-1"].masks.at(0))

    with closing(LightSegmenter(pose_bundle, body)) as segmenter:
        held = with_masks(take, clip, segmenter)
    unknown = replace(told, provenance=())
    for one in (take, held, unknown):
        assert not independent_masks(one)
        with pytest.raises(MaskError, match="made without its fitted bodies"):
            StoredMasks(one)
