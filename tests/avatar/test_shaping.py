"""Outlines: somebody in thick clothes gets them, whoever is right already stays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.people import look_from, painted_avatar, standing
from mocap.avatar import Avatar
from mocap.avatar.likeness import likeness
from mocap.avatar.looks import Look
from mocap.avatar.shaping import ShapeConfig, difference, outlines, reshaped
from mocap.body import Body

CONFIG = ShapeConfig(steps=50, rate=0.006)


@pytest.fixture(scope="module")
def bare(body: Body) -> Avatar:
    return painted_avatar(body, 1500)


def clothed(avatar: Avatar, thickness: float) -> Avatar:
    """The same, farther out; not the head."""
    vertices = avatar.body.rest_vertices(avatar.betas[None])[0]
    corners = vertices[avatar.body.faces[avatar.binding.faces]]
    out = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out = torch.nn.functional.normalize(out, dim=1)
    below = (avatar.gaussians.means[:, 1] < 0.2)[:, None]
    means = avatar.gaussians.means + thickness * below * out
    return replace(avatar, gaussians=replace(avatar.gaussians, means=means))


def around(avatar: Avatar, *degrees: float) -> list[Look]:
    return [look_from(avatar, angle, row) for row, angle in enumerate(degrees)]


def test_clothes_are_recovered(bare):
    dressed = clothed(bare, 0.03)
    looks, others = around(dressed, 0, 50, 130, 180, 230, 310), around(dressed, 25, 205)
    told = []
    field = outlines(bare, looks, CONFIG, progress=lambda *step: told.append(step))
    assert told[0] == ("outlines", 0, 50)
    assert told[-1] == ("outlines", 50, 50)
    before, after = (likeness(one, others) for one in (bare, reshaped(bare, field)))
    assert before.overlap < 0.9
    assert after.overlap > before.overlap + 0.06
    # Farther out, by about as much.
    moved = (reshaped(bare, field).gaussians.means - dressed.gaussians.means).norm(dim=1)
    assert moved.mean() < 0.75 * (bare.gaussians.means - dressed.gaussians.means).norm(dim=1).mean()
    # As many Gaussians more of the same person wear the same.
    more = painted_avatar(bare.body, 4000)
    finer = likeness(reshaped(more, field), others)
    assert finer.overlap > likeness(more, others).overlap + 0.05


def test_who_is_right_stays_so(bare):
    field = outlines(bare, around(bare, 0, 120, 240), replace(CONFIG, steps=20))
    assert field.steps.norm(dim=1).mean() < 0.004


def test_nothing_goes_farther_than_clothes_do(bare):
    look = around(bare, 0)[0]
    giant = replace(look, mask=torch.ones_like(look.mask), image=torch.ones_like(look.image))
    field = outlines(bare, [giant], ShapeConfig(steps=30, rate=0.05))
    # As far as may be, and no farther.
    assert field.steps.norm(dim=1).max() == pytest.approx(0.1, abs=1e-6)


def test_the_same_is_found_again(bare):
    looks, few = around(bare, 0, 90), ShapeConfig(steps=4)
    first, second = (outlines(bare, looks, few).steps for _ in range(2))
    assert first.norm(dim=1).max() > 1e-3
    assert torch.equal(first, second)


def test_differences_are_of_what_is_known(bare):
    look = around(bare, 0)[0]
    carriage = bare.carriage(standing(bare.body))
    for grey in (0.0, 0.5):
        assert difference(look, carriage, bare.gaussians, np.full(3, grey)) < 0.03
    nobody = replace(look, mask=torch.zeros_like(look.mask))
    assert difference(nobody, carriage, bare.gaussians, np.ones(3)) > 0.03
    unknown = replace(nobody, told=torch.zeros_like(look.told))
    assert difference(unknown, carriage, bare.gaussians, np.ones(3)) == 0
