"""Colours of somebody known, from pictures of them; and what the pictures do not show."""

import weakref
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from avatar.people import look_from, painted, painted_avatar
from mocap.avatar import Avatar, constant_harmonics
from mocap.avatar.avatar import Carriage
from mocap.avatar.choosing import best, held_out
from mocap.avatar.colouring import coloured, completed, pixels_seen, sureness
from mocap.avatar.harmonics import colours_from
from mocap.body import Body

AROUND = (0, 60, 120, 180, 240, 300)


@pytest.fixture(scope="module")
def painted_one(body: Body) -> Avatar:
    return painted_avatar(body, 2500)


@pytest.fixture(scope="module")
def grey(painted_one) -> Avatar:
    harmonics = torch.zeros_like(painted_one.gaussians.harmonics)
    return replace(painted_one, gaussians=replace(painted_one.gaussians, harmonics=harmonics))


@pytest.fixture(scope="module")
def around(painted_one) -> list:
    return [look_from(painted_one, degrees, row) for row, degrees in enumerate(AROUND)]


def colours(avatar: Avatar) -> torch.Tensor:
    return colours_from(avatar.gaussians.harmonics, avatar.gaussians.means)


def test_colours_are_those_of_the_pictures(painted_one, grey, around):
    told = []
    found, pixels = coloured(grey, around, 3, on_look=lambda: told.append(1))
    assert len(told) == 3 * len(around)
    sure = sureness(pixels) > 0.5
    assert sure.float().mean() > 0.5
    off = (colours(found) - colours(painted_one)).abs()
    assert off[sure].mean() < 0.03
    # More rounds are nearer to them.
    first, _ = coloured(grey, around, 1)
    assert off[sure].mean() < (colours(first) - colours(painted_one)).abs()[sure].mean()


def test_many_pictures_of_many_gaussians_are_not_all_held_at_once(grey, around, monkeypatch):
    carriages: list[weakref.ref] = []

    class Watched(Avatar):
        def carriage(self, *args: object) -> Carriage:
            found = super().carriage(*args)
            carriages.append(weakref.ref(found))
            return found

    watched = Watched(**{item.name: getattr(grey, item.name) for item in fields(grey)})

    def most_held() -> tuple[int, torch.Tensor]:
        held = []
        found, _ = coloured(
            watched,
            around,
            2,
            on_look=lambda: held.append(sum(one() is not None for one in carriages)),
        )
        return max(held), colours(found)

    most, expected = most_held()
    assert most == len(around) == len(carriages)
    monkeypatch.setattr("mocap.avatar.colouring._KEPT", 2 * len(grey))
    most, found = most_held()
    # Two are kept; the last is there until the next has been made.
    assert most <= 4
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_pixels_are_counted_as_they_are_seen(grey, around):
    look = around[0]
    seen = pixels_seen(grey, look)
    # All that is seen of all is as much as the person covers.
    assert seen.sum() == pytest.approx(float(look.mask.sum()), rel=0.05)
    z = grey.gaussians.means[:, 2]
    assert seen[z > 0.05].mean() > 10 * seen[z < -0.05].mean()
    hidden = replace(look, told=torch.zeros_like(look.told))
    assert not pixels_seen(grey, hidden).any()


def test_what_is_behind_somebody_else_tells_no_colours(painted_one, grey, around):
    wrong = replace(
        around[0],
        image=torch.zeros_like(around[0].image),
        told=torch.zeros_like(around[0].told),
    )
    expected, pixels = coloured(grey, around, 2)
    found, again = coloured(grey, [wrong, *around], 2)
    torch.testing.assert_close(again, pixels)
    torch.testing.assert_close(colours(found), colours(expected))


def test_the_unseen_side_is_the_mirror_image_of_the_seen_one(body, painted_one):
    # Alike on both sides, so that it is known what has to come out.
    means = painted_one.gaussians.means
    mirrored = painted(torch.stack([means[:, 0].abs(), means[:, 1], means[:, 2]], 1))
    even = replace(
        painted_one,
        gaussians=replace(painted_one.gaussians, harmonics=constant_harmonics(mirrored)),
    )
    looks = [look_from(even, degrees) for degrees in (60, 90, 120)]
    found, pixels = coloured(painted_one, looks)
    unseen = (sureness(pixels) == 0) & (means[:, 0] < -0.1)
    assert unseen.sum() > 100
    before = (colours(found) - mirrored).abs()[unseen].mean()
    after = (colours(completed(found, pixels)) - mirrored).abs()[unseen].mean()
    assert after < 0.06
    assert after < 0.5 * before
    sure = sureness(pixels) == 1
    torch.testing.assert_close(
        colours(completed(found, pixels))[sure], colours(found)[sure], rtol=0, atol=1e-5
    )


def test_nobody_seen_is_grey(grey, around):
    dark = replace(around[0], mask=torch.zeros_like(around[0].mask))
    away = replace(around[0], view=replace(around[0].view, t=around[0].view.t + 50.0))
    for looks in ([], [dark], [away]):
        found, pixels = coloured(grey, looks)
        assert not pixels.any()
        assert not sureness(pixels).any()
        for one in (found, completed(found, pixels)):
            torch.testing.assert_close(colours(one), torch.full((len(grey), 3), 0.5))


def test_pictures_from_everywhere_are_chosen(painted_one):
    few = painted_one.thinned(500)
    front = [look_from(few, degrees) for degrees in range(-10, 10)]
    looks = [*front[:7], look_from(few, 180), *front[7:]]
    assert 7 in best(few, looks, 2)
    chosen = best(few, looks, 4)
    # And of the front the most different ones.
    assert {0, 7, 20} <= set(chosen)
    assert best(few, looks, 99) == list(range(21))
    assert best(few, [], 3) == []


@pytest.mark.parametrize("left", [0, 1, 2, 3, 5, 8, 9, 40])
def test_what_is_measured_on_decides_nothing(left):
    places = list(range(100, 100 + left))
    for count in (0, 1, 2, 4):
        measured, deciding = held_out(places, count)
        assert not {*measured} & {*deciding}
        assert {*measured, *deciding} <= {*places}
        assert len(measured) == min(count, (left + 1) // 2)
        assert len(deciding) == min(count, left // 2)


def test_pictures_held_out_are_of_the_whole_clip():
    for part in held_out(list(range(40)), 4):
        assert part[0] < 10
        assert part[-1] >= 27
        assert np.diff(part).min() > 5


def test_a_small_picture_counts_as_it_was_in_the_clip(painted_one):
    few = painted_one.thinned(150)
    look = look_from(few, 0)
    small = look.smaller(80)
    assert small.shrunk == pytest.approx(0.5)
    # As small in the clip as the other was made.
    far = replace(small, shrunk=1.0)
    assert best(few, [far, small], 1) == [1]
    assert best(few, [small, far], 1) == [0]
