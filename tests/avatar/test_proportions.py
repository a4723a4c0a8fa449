"""A shape found by pictures, against the one that they are of."""

from dataclasses import replace

import pytest
import torch

from avatar.walks import FRAMES, a_walk, disturbed, pictures, striped
from mocap.avatar import Avatar, RefineConfig, proportions
from mocap.avatar.picture_energy import Stage
from mocap.body import Body, BodyPose

QUICK = RefineConfig(sizing=(Stage(96, 20), Stage(160, 20)))
#: What a fit gets wrong: the third and fifth are proportions, not stature.
OFF = torch.tensor([0.0, 0.0, 1.2, 0.0, -1.2])


@pytest.fixture(scope="module")
def person(body: Body) -> Avatar:
    return striped(body).shaped(torch.tensor([0.4, -0.6, 0.0, 0.0, 0.0]))


@pytest.fixture(scope="module")
def walk() -> BodyPose:
    return a_walk()


def bones(body: Body, betas: torch.Tensor) -> torch.Tensor:
    """Lengths of the body's bones, metres."""
    joints = body.forward(BodyPose(betas=betas[None])).joints[0, :22]
    return (joints[1:] - joints[list(body.parents[1:22])]).norm(dim=-1)


def test_a_misjudged_shape_is_put_right(person: Avatar, walk: BodyPose, body: Body) -> None:
    other = person.shaped(person.betas + OFF)
    told: list[tuple[int, int]] = []
    found = proportions(
        other,
        disturbed(walk, 3),
        pictures(person, walk),
        config=QUICK,
        on_step=lambda *at: told.append(at),
    )
    right = bones(body, person.betas)
    off, left = ((bones(body, one) - right).norm() for one in (other.betas, found.betas))
    assert found.verdict.better
    assert left < 0.6 * off
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_right_shape_stays(person: Avatar, walk: BodyPose, body: Body) -> None:
    found = proportions(person, walk, pictures(person, walk), config=QUICK)
    # A pixel of the pictures is 19 mm large.
    assert (bones(body, found.betas) - bones(body, person.betas)).abs().max() < 0.005


def test_a_shape_is_kept_where_pictures_left_out_do_not_agree(
    person: Avatar, walk: BodyPose
) -> None:
    own, others = pictures(person, walk), pictures(person.shaped(person.betas + 2 * OFF), walk)
    held = {look.row for look in own[2::4]}
    mixed = [own[row] if row in held else others[row] for row in range(FRAMES)]
    found = proportions(person, walk, mixed, config=QUICK)
    assert not found.verdict.better
    assert found.betas is person.betas


def test_a_single_picture_is_too_few_to_judge_by(person: Avatar, walk: BodyPose) -> None:
    found = proportions(person, walk, pictures(person, walk)[:1], config=QUICK)
    assert found.betas is person.betas
    assert not found.verdict.better


def test_another_shape_and_back_is_the_same_avatar(person: Avatar) -> None:
    there = person.shaped(person.betas + OFF)
    back = there.shaped(person.betas)
    assert (there.gaussians.means - person.gaussians.means).abs().max() > 0.005
    assert (back.gaussians.means - person.gaussians.means).abs().max() < 1e-6
    longer = person.shaped(torch.cat([person.betas, torch.zeros(3)]))
    assert (longer.gaussians.means - person.gaussians.means).abs().max() < 1e-6
    pose = replace(a_walk(), betas=None)
    one, same = (
        avatar.carriages(pose, person.betas + OFF)[0].carry(avatar.gaussians).means
        for avatar in (person, there)
    )
    assert (one - same).abs().max() < 1e-5
