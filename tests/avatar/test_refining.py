"""Motion corrected by pictures, against motion that is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mocap.avatar import Avatar, RefineConfig, refine, render, surface_avatar
from mocap.avatar.colouring import with_colours
from mocap.avatar.looks import Look
from mocap.avatar.picture_energy import Evidence, Stage
from mocap.avatar.projection import View
from mocap.avatar.refining import shown
from mocap.body import Body, BodyPose
from mocap.geometry import look_at

FRAMES = 12
QUICK = RefineConfig(stages=(Stage(64, 10, limbs=False), Stage(96, 20)))


@pytest.fixture(scope="module")
def person(body: Body) -> Avatar:
    """Somebody in striped clothes, so that turns of limbs show."""
    avatar = surface_avatar(body, torch.tensor([0.4, -0.6]), 2000, name="striped")
    place = avatar.gaussians.means
    colours = torch.stack([(25 * place[:, axis]).sin() for axis in range(3)], 1) * 0.4 + 0.5
    return with_colours(avatar, colours)


@pytest.fixture(scope="module")
def walk() -> BodyPose:
    """Arms and legs swing, the body moves sideways."""
    phase = np.linspace(0, np.pi, FRAMES)
    turns = np.zeros((FRAMES, 21, 3))
    for side, sign in ((0, 1.0), (1, -1.0)):
        turns[:, side, 0] = 0.5 * sign * np.sin(phase)
        turns[:, 15 + side, 2] = -sign * (1.0 - 0.3 * np.sin(phase))
        turns[:, 17 + side, 1] = -sign * 0.5
    sideways = np.stack([0.2 * np.sin(phase), 0 * phase + 1, 0 * phase], 1)
    return BodyPose(
        global_orient=torch.zeros(FRAMES, 3),
        body_pose=torch.from_numpy(turns.reshape(FRAMES, 63)).float(),
        transl=torch.from_numpy(sideways).float(),
    )


def disturbed(pose: BodyPose, degrees: float) -> BodyPose:
    """Every joint turned by so many degrees, in a direction that changes slowly."""
    chance = np.random.default_rng(1)
    ends = chance.normal(size=(2, 22, 3))
    ends *= np.deg2rad(degrees) / np.linalg.norm(ends, axis=-1, keepdims=True)
    share = np.linspace(0, 1, FRAMES)[:, None, None]
    turns = torch.from_numpy((1 - share) * ends[0] + share * ends[1]).float()
    assert pose.global_orient is not None
    assert pose.body_pose is not None
    return replace(
        pose,
        global_orient=pose.global_orient + turns[:, 0],
        body_pose=pose.body_pose + turns[:, 1:].flatten(1),
    )


def pictures(avatar: Avatar, pose: BodyPose) -> list[Look]:
    """What a camera half in front sees, before a coloured wall."""
    R, t = look_at(np.array([2.0, 1.3, 2.6]), np.array([0.0, 0.75, 0.0]))
    K = torch.tensor([[150.0, 0, 60], [0, 150, 80], [0, 0, 1]])
    view = View(K, torch.from_numpy(R).float(), torch.from_numpy(t).float())
    found = []
    for row in range(FRAMES):
        one = BodyPose.of(pose, avatar.betas, [row])
        with torch.no_grad():
            seen = render(avatar.posed(one), view, (120, 160), background=(0.3, 0.6, 0.5))
        told = torch.ones(160, 120, dtype=torch.bool)
        found.append(Look(row, seen.colour.clamp(0, 1), seen.alpha > 0.5, told, view, one, 1.0))
    return found


def error(avatar: Avatar, pose: BodyPose, truth: BodyPose) -> float:
    """Mean distance of the body's joints from where they are, metres."""
    betas = avatar.betas[None]
    ours, theirs = (
        avatar.body.forward(replace(one, betas=betas)).joints[:, :22] for one in (pose, truth)
    )
    return float((ours - theirs).norm(dim=-1).mean())


def test_a_disturbed_motion_is_put_right(person: Avatar, walk: BodyPose) -> None:
    wrong = disturbed(walk, 8)
    told: list[tuple[int, int]] = []
    found = refine(
        person, wrong, pictures(person, walk), config=QUICK, on_step=lambda *at: told.append(at)
    )
    assert found.better
    assert error(person, found.pose, walk) < 0.7 * error(person, wrong, walk)
    assert told[0] == (0, 30)
    assert told[-1] == (30, 30)


def test_a_right_motion_stays(person: Avatar, walk: BodyPose) -> None:
    found = refine(person, walk, pictures(person, walk), config=QUICK)
    # A pixel of the pictures is 19 mm large.
    assert error(person, found.pose, walk) < 0.019


def test_a_motion_is_kept_where_pictures_left_out_do_not_agree(
    person: Avatar, walk: BodyPose
) -> None:
    seen = pictures(person, walk)
    elsewhere = pictures(person, replace(walk, transl=walk.transl + torch.tensor([0.5, 0, 0])))
    every = QUICK.every
    mixed = [seen[row] if row % every == every // 2 else elsewhere[row] for row in range(FRAMES)]
    found = refine(person, walk, mixed, config=QUICK)
    assert not found.better
    assert found.pose is walk


def test_resting_feet_stay(person: Avatar, walk: BodyPose) -> None:
    aside = replace(walk, transl=walk.transl + torch.tensor([0.04, 0, 0]))
    seen = pictures(person, aside)

    def moved(resting: np.ndarray | None) -> torch.Tensor:
        found = refine(person, walk, seen, Evidence(resting), QUICK)
        ours, theirs = (
            person.body.forward(replace(one, betas=person.betas[None])).joints[:, [7, 10]]
            for one in (found.pose, walk)
        )
        return (ours - theirs).norm(dim=-1).max()

    resting = np.zeros((FRAMES, 4))
    resting[:, :2] = 1
    assert moved(None) > 0.02
    assert moved(resting) < 0.5 * moved(None)


def test_joints_that_were_detected_stay_where_they_are_seen(person: Avatar, walk: BodyPose) -> None:
    wrong = disturbed(walk, 8)
    seen = pictures(person, walk)
    axis = seen[0].view.R[2]

    def across(detected: np.ndarray | None) -> float:
        found = refine(person, wrong, seen, Evidence(None, detected), QUICK)
        ours, theirs = (
            person.body.forward(replace(one, betas=person.betas[None])).joints[:, :22]
            for one in (found.pose, wrong)
        )
        off = ours - theirs
        return float((off - (off @ axis)[..., None] * axis).norm(dim=-1).mean())

    assert across(np.ones((FRAMES, 22))) < 0.6 * across(None)


def test_a_single_picture_is_too_few_to_judge_by(person: Avatar, walk: BodyPose) -> None:
    found = refine(person, walk, pictures(person, walk)[:1], config=QUICK)
    assert found.pose is walk
    assert not found.better


def test_what_is_off_by_more_looks_less_alike(person: Avatar, walk: BodyPose) -> None:
    seen = pictures(person, walk)
    offs = [shown(person, disturbed(walk, degrees), seen) for degrees in (0, 4, 8, 16)]
    assert offs[0] < 0.01
    assert offs == sorted(offs)
