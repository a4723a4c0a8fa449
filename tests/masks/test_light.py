"""Masks without another model, on a real clip of two people."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from mocap.masks import LightSegmenter, with_masks
from mocap.masks.silhouettes import SilhouetteDrawer
from mocap.take import Take
from mocap.video import open_video


@pytest.fixture(scope="module")
def masked(take, clip, pose_bundle, body) -> Take:
    with closing(LightSegmenter(pose_bundle, body)) as segmenter:
        return with_masks(take, clip, segmenter)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


def test_masks_lie_on_the_fitted_bodies(masked, body):
    drawer = SilhouetteDrawer(masked, body)
    found: dict[str, list[float]] = {name: [] for name in masked.people}
    for frame in range(len(masked.video.timestamps)):
        for name, seen in drawer.draw(frame).seen.items():
            person = masked.people[name]
            mask = person.masks.at(frame - person.frames[0])
            if mask is not None:
                found[name].append(overlap(mask, seen))
    assert len(found) == 2
    for name, overlaps in found.items():
        assert len(overlaps) >= 0.9 * len(masked.people[name].frames), name
        assert np.mean(overlaps) >= 0.7, name
        assert min(overlaps) >= 0.5, name


def test_masks_see_more_than_the_bodies(masked, body):
    """Hair, shirts and shorts are beyond the surface that was fitted; the ground is not."""
    drawer = SilhouetteDrawer(masked, body)
    for name, person in masked.people.items():
        row = len(person.frames) // 2
        seen = drawer.draw(int(person.frames[row])).seen[name]
        mask = person.masks.at(row)
        beyond = np.count_nonzero(mask & ~seen) / np.count_nonzero(mask)
        assert 0.02 < beyond < 0.35


def test_nobody_shares_a_pixel(masked):
    for frame in range(len(masked.video.timestamps)):
        taken = np.zeros((masked.video.height, masked.video.width), int)
        for person in masked.people.values():
            row = frame - int(person.frames[0])
            mask = person.masks.at(row) if 0 <= row < len(person.frames) else None
            taken += 0 if mask is None else mask
        assert taken.max() <= 1


def test_who_is_behind_has_what_the_one_in_front_leaves(take, clip, pose_bundle, body):
    """A double, half a step behind and aside, is told from the person in the picture."""
    person = take.people["person-1"]
    R, t = take.camera.R[0], take.camera.t[0]
    from_camera = person.body.transl + R.T @ t
    aside = 0.2 * R[0] + 0.1 * from_camera
    motion = replace(person.body, transl=person.body.transl + aside)
    double = replace(person, id="double", body=motion)
    crowd = replace(take, people={"double": double, "person-1": person})
    with closing(LightSegmenter(pose_bundle, body)) as segmenter, open_video(clip) as video:
        masks = next(iter(segmenter.segment(crowd, video)))
    silhouettes = SilhouetteDrawer(crowd, body).draw(0)
    assert np.count_nonzero(silhouettes.whole["double"] & silhouettes.whole["person-1"]) > 500
    front, back = masks.people["person-1"], masks.people.get("double")
    assert overlap(front, silhouettes.seen["person-1"]) > 0.6
    assert back is None or not (front & back).any()


def test_out_of_the_picture_is_known_and_empty(take, clip, pose_bundle, body):
    person = take.people["person-1"]
    aside = 100.0 * take.camera.R[0, 0]
    gone = replace(person, body=replace(person.body, transl=person.body.transl + aside))
    alone = replace(take, people={"person-1": gone})
    with closing(LightSegmenter(pose_bundle, body)) as segmenter, open_video(clip) as video:
        masks = next(iter(segmenter.segment(alone, video)))
    assert not masks.people["person-1"].any()


def test_in_pictures_of_nothing_nobody_is_made_out(take, clip, pose_bundle, body):
    with closing(LightSegmenter(pose_bundle, body)) as segmenter, open_video(clip) as video:
        first = next(iter(video))
        blank = replace(first, image=np.full_like(first.image, 90))
        person = take.people["person-1"]
        unseen = replace(person, observed=np.zeros_like(person.observed), keypoints2d=None)
        doubted = replace(take, people={"person-1": unseen})
        masks = next(iter(segmenter.segment(doubted, [blank])))
    assert "person-1" not in masks.people
