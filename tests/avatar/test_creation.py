"""Avatars made from clips: of known people, and of those in the real one."""

from contextlib import closing
from dataclasses import replace

import pytest
import torch

from avatar.filmed import Filmed, filmed
from avatar.people import painted_avatar
from avatar.test_shaping import around, clothed
from mocap.avatar import CreationConfig, bind, create_avatars, surface_avatar
from mocap.avatar.creation import _created, _Parts
from mocap.avatar.likeness import likeness
from mocap.avatar.shaping import ShapeConfig
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.masks import LightSegmenter, with_masks
from mocap.progress import silent
from mocap.take import Take

QUICK = CreationConfig(
    gaussians=3000, looks=5, held_out=2, candidates=8, rounds=2, shape=ShapeConfig(steps=20)
)


@pytest.fixture(scope="module")
def pair(body: Body, tmp_path_factory) -> Filmed:
    return filmed(tmp_path_factory.mktemp("pair"), body, people=2, frames=8)


def test_known_people_are_made_again(pair, body):
    told = []
    made = create_avatars(
        pair.take, pair.video, body, (), QUICK, progress=lambda *step: told.append(step)
    )
    assert list(made) == ["person-1", "person-2"]
    for name, one in made.items():
        assert one.avatar.name == name
        assert len(one.avatar) == 3000
        assert one.looks == 5
        assert 0.2 < one.seen < 1
        assert one.alike.overlap > 0.85
        assert one.alike.psnr > 18
        betas = torch.from_numpy(pair.take.people[name].body.betas).float()
        torch.testing.assert_close(one.avatar.betas, betas)
    assert {what for what, _, _ in told} == {"looking", "outlines", "colours"}
    assert all(0 <= done <= total for _, done, total in told)


def test_only_who_is_asked_for_is_made(pair, body):
    plain = replace(QUICK, shape=ShapeConfig(steps=0), held_out=0)
    made = create_avatars(pair.take, pair.video, body, ["person-2"], plain)
    assert list(made) == ["person-2"]
    assert made["person-2"].alike is None
    # Without steps towards the outlines it is the body's own surface.
    avatar = made["person-2"].avatar
    _, away = bind(avatar.gaussians.means, body.rest_vertices(avatar.betas[None])[0], body)
    assert away.quantile(0.99) < 1e-4


def test_pictures_that_are_measured_on_decide_nothing(body):
    bare = painted_avatar(body, 1500)
    dressed = clothed(bare, 0.03)
    plain = surface_avatar(body, bare.betas, 1000)
    config = replace(QUICK, rounds=1, shape=ShapeConfig(steps=30, rate=0.006))
    shown = around(dressed, 0, 90, 180, 270)
    with_clothes, without = around(dressed, 45), around(bare, 45)
    for deciding, measured, dresses in (
        (with_clothes, without, True),
        (without, with_clothes, False),
        ([], without, True),
    ):
        made = _created(plain, _Parts(shown, deciding, measured), config, silent)
        stayed = torch.equal(made.avatar.gaussians.means, plain.gaussians.means)
        assert stayed != dresses
        assert made.alike == likeness(made.avatar, measured)


def test_who_cannot_be_made_is_named(pair, body):
    def expect(take: Take, words: str, people: tuple = ()) -> None:
        with pytest.raises(AvatarError, match=words):
            create_avatars(take, pair.video, body, people, QUICK)

    def changed(**parts: object) -> Take:
        everybody = {n: replace(p, **parts) for n, p in pair.take.people.items()}
        return replace(pair.take, people=everybody)

    expect(changed(masks=None), "both a motion and masks; `mocap masks`")
    expect(changed(body=None), "both a motion and masks")
    expect(changed(masks=None), "person-1 has no mask in any frame", ("person-1",))
    expect(changed(body=None), "person-1 has no motion", ("person-1",))
    expect(pair.take, "nobody in the take is called 'anna', only person-1, person-2", ("anna",))
    motion = replace(pair.take.people["person-1"].body, model_sha256="1" * 64, model="smplx")
    expect(changed(body=motion), "fitted with the body smplx, not with .* --body")


@pytest.fixture(scope="module")
def masked(pair_take: Take, pair_clip, pose_bundle, body: Body) -> Take:
    with closing(LightSegmenter(pose_bundle, body)) as segmenter:
        return with_masks(pair_take, pair_clip, segmenter)


@pytest.mark.slow
def test_real_people_look_alike_in_pictures_left_out(masked, pair_clip, body):
    config = replace(CreationConfig(), gaussians=8000, looks=12, candidates=20)
    made = create_avatars(masked, pair_clip, body, (), config)
    assert len(made) == 2
    for one in made.values():
        assert one.alike.overlap > 0.7
        assert one.alike.psnr > 17
        assert one.seen > 0.3
