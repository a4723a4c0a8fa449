"""People cut out of a clip: where they stand, through which lens, at which size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.filmed import SIZE, Filmed, filmed
from mocap.avatar import View, render
from mocap.avatar.choosing import candidates
from mocap.avatar.likeness import likeness
from mocap.avatar.looks import Look, looks
from mocap.errors import AvatarError, VideoError
from mocap.take import Masks, run_lengths

BARREL = (-0.25, 0.05, 0.001, 0.002, 0.0)


@pytest.fixture(scope="module", params=[None, BARREL], ids=["straight", "bent"])
def one(request, body, tmp_path_factory) -> Filmed:
    return filmed(tmp_path_factory.mktemp("clip"), body, frames=5, lens=request.param)


@pytest.fixture(scope="module")
def pair(body, tmp_path_factory) -> Filmed:
    return filmed(tmp_path_factory.mktemp("pair"), body, people=2, frames=5)


def iou(avatar, look: Look) -> float:
    shown = render(avatar.posed(look.pose), look.view, look.size).alpha > 0.5
    both, either = shown & look.mask & look.told, (shown | look.mask) & look.told
    return float(both.sum() / either.sum())


@pytest.mark.parametrize("largest", [640, 100])
def test_bodies_lie_on_their_masks_through_any_lens(one, body, largest):
    found = looks(one.take, one.video, {"person-1": [0, 3, 4]}, body, largest=largest)["person-1"]
    assert [look.row for look in found] == [0, 3, 4]
    for look in found:
        assert look.mask.shape == look.told.shape == look.image.shape[:2]
        assert max(look.size) <= largest
        # Gaussians that are smaller than pixels make thin limbs a little wider.
        assert iou(one.avatars["person-1"], look) > (0.93 if largest > 100 else 0.8)
        assert look.told.float().mean() > 0.9
    straight = replace(one.take, camera=replace(one.take.camera, distortion=None))
    wrong = looks(straight, one.video, {"person-1": [0]}, body, largest=largest)["person-1"][0]
    bent = one.take.camera.distortion is not None
    assert (
        iou(one.avatars["person-1"], wrong) < 0.9 * iou(one.avatars["person-1"], found[0])
    ) == bent
    alike = likeness(one.avatars["person-1"], found)
    assert alike.psnr > 20


def test_two_people_lie_on_their_own_masks(pair, body):
    found = looks(pair.take, pair.video, {"person-1": [2], "person-2": [2]}, body)
    for name, (look,) in found.items():
        assert iou(pair.avatars[name], look) > 0.9
        assert look.told.all()


def test_who_is_in_front_is_told(pair, body):
    one, other = pair.take.people["person-1"], pair.take.people["person-2"]
    # The other one is before the right half of them.
    mask = one.masks.at(2)
    middle = int(np.flatnonzero(mask.any(0)).mean())
    half = np.zeros_like(mask)
    half[:, middle:] = True
    masks = Masks.of([run_lengths(half)] * 5, *half.shape[::-1], "the right half")
    take = replace(pair.take, people={**pair.take.people, "person-2": replace(other, masks=masks)})
    (look,) = looks(take, pair.video, {"person-1": [2]}, body)["person-1"]
    whole = View.pinhole(take.camera, 2, body.template)
    column = middle - round(float(whole.K[0, 2] - look.view.K[0, 2]))
    assert 0 < column < look.size[0]
    assert look.told[:, :column].all()
    assert not look.told[:, column:].any()


def test_smaller_pictures_are_of_the_same(one, body):
    look = looks(one.take, one.video, {"person-1": [1]}, body)["person-1"][0]
    small = look.smaller(80)
    assert max(small.size) == 80
    assert small.shrunk == pytest.approx(80 / max(look.size), rel=0.03)
    assert iou(one.avatars["person-1"], small) > 0.75
    assert look.smaller(10_000) is look
    # Each pixel is the mean of those that it covers.
    assert small.image.mean() == pytest.approx(float(look.image.mean()), abs=0.01)
    partly = replace(look, told=torch.ones_like(look.told))
    partly.told[: len(partly.told) // 2] = False
    assert not partly.smaller(40).told[:19].any()


def test_frames_without_a_mask_are_left_out(one, body):
    person = one.take.people["person-1"]
    runs = person.masks.runs
    ends = np.cumsum(runs)
    # Nothing is known of the first frame, nobody is to be seen in the second.
    width, height = one.take.video.width, one.take.video.height
    rle = np.concatenate([[width * height], person.masks.rle[ends[1] :]]).astype(np.uint32)
    fewer = Masks(rle, np.array([0, 1, *runs[2:]]), width, height, "the truth")
    people = {"person-1": replace(person, masks=fewer)}
    found = looks(replace(one.take, people=people), one.video, {"person-1": range(5)}, body)
    assert [look.row for look in found["person-1"]] == [2, 3, 4]
    assert candidates(people["person-1"], 10) == [2, 3, 4]
    assert candidates(people["person-1"], 2) == [2, 4]
    unseen = replace(people["person-1"], observed=np.array([1, 1, 1, 0, 1], bool))
    assert candidates(unseen, 10) == [2, 4]
    assert candidates(replace(person, masks=None), 10) == []


def test_masks_beyond_the_pinholes_picture_show_nobody(one, body):
    if one.take.camera.distortion is None:
        pytest.skip("a straight lens shows no more than a pinhole does")
    width, height = one.take.video.width, one.take.video.height
    corner = np.zeros((height, width), bool)
    corner[:3, :3] = True
    masks = Masks.of([run_lengths(corner)] * 5, width, height, "a corner")
    people = {"person-1": replace(one.take.people["person-1"], masks=masks)}
    found = looks(replace(one.take, people=people), one.video, {"person-1": [0, 1]}, body)
    assert found == {"person-1": []}


def test_beyond_what_a_pincushion_lens_saw_nothing_is_told(body, tmp_path):
    clip = filmed(tmp_path, body, frames=2, lens=(0.3, 0.05, 0.0, 0.0, 0.0))
    take, (width, height) = clip.take, SIZE
    everywhere = np.ones((height, width), bool)
    masks = Masks.of([run_lengths(everywhere)] * 2, width, height, "everywhere")
    people = {"person-1": replace(take.people["person-1"], masks=masks)}
    look = looks(replace(take, people=people), clip.video, {"person-1": [0]}, body)["person-1"][0]
    assert look.size == SIZE
    # Where the lens shows each pixel of the pinhole's picture, if it does.
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([x, y], -1) - take.camera.K[0, :2, 2]
    rays = np.concatenate([rays / take.camera.K[0, 0, 0], np.ones((height, width, 1))], -1)
    camera = replace(take.camera, R=np.eye(3)[None], t=np.zeros((1, 3)))
    places = camera.project(rays[None], np.array([0]))[0]
    inside = ((places > 0.5) & (places < np.array(SIZE) - 0.5)).all(-1)
    assert 0.5 < inside.mean() < 0.9
    assert np.mean(look.told.numpy() == inside) > 0.995
    assert look.told.numpy()[60:180, 80:240].all()


def test_the_clip_is_read_as_far_as_need_be(one, body):
    told = []
    looks(one.take, one.video, {"person-1": [2]}, body, progress=lambda *step: told.append(step))
    assert told == [("looking", done, 3) for done in range(4)]
    assert looks(one.take, one.video, {"person-1": []}, body) == {"person-1": []}


def test_what_is_missing_is_named(one, body, tmp_path):
    person = one.take.people["person-1"]
    for part in ("body", "masks"):
        people = {"person-1": replace(person, **{part: None})}
        with pytest.raises(AvatarError, match="Person 1 has no m"):
            looks(replace(one.take, people=people), one.video, {"person-1": [0]}, body)
    with pytest.raises(VideoError, match=r"gone\.mp4"):
        looks(one.take, tmp_path / "gone.mp4", {"person-1": [0]}, body)


def test_who_lacks_a_leg_is_less_alike(one, body):
    """Nor does it help not to be there at all."""
    found = looks(one.take, one.video, {"person-1": [1]}, body)["person-1"]
    whole = one.avatars["person-1"]
    # The right leg.
    lacking = (whole.gaussians.means[:, 1] < -0.4) & (whole.gaussians.means[:, 0] < 0)
    gaussians = replace(
        whole.gaussians, opacities=whole.gaussians.opacities.masked_fill(lacking, 0.001)
    )
    nobody = replace(whole.gaussians, opacities=torch.full_like(whole.gaussians.opacities, 0.001))
    alike, legless, gone = (
        likeness(replace(whole, gaussians=some), found).psnr
        for some in (whole.gaussians, gaussians, nobody)
    )
    assert alike > legless + 2
    assert legless > gone + 2
