"""Motion corrected by pictures, against motion that is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.walks import FRAMES, a_walk, disturbed, pictures, striped
from mocap.avatar import Avatar, RefineConfig, refine
from mocap.avatar.descent import energy_of
from mocap.avatar.picture_energy import Corrections, Evidence, Stage, splines
from mocap.avatar.verdict import Verdict, differences
from mocap.body import Body, BodyPose

QUICK = RefineConfig(stages=(Stage(96, 10, limbs=False), Stage(160, 20)))


@pytest.fixture(scope="module")
def person(body: Body) -> Avatar:
    return striped(body)


@pytest.fixture(scope="module")
def walk() -> BodyPose:
    return a_walk()


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
    assert found.verdict.better
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
    mixed = [seen[row] if row % 2 else elsewhere[row] for row in range(FRAMES)]
    found = refine(person, walk, mixed, config=QUICK)
    assert not found.verdict.better
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
    assert not found.verdict.better


def test_what_is_off_by_more_looks_less_alike(person: Avatar, walk: BodyPose) -> None:
    seen = pictures(person, walk)
    offs = [differences(person, disturbed(walk, degrees), seen).mean() for degrees in (0, 4, 8, 16)]
    assert offs[0] < 0.01
    assert offs == sorted(offs)


def test_pictures_that_repeat_each_other_tell_less() -> None:
    chance = np.random.default_rng(0)
    gains = 1 + chance.normal(size=200)
    once = Verdict.of(gains, np.zeros(200))
    assert once.doubt == pytest.approx(1 / np.sqrt(200), rel=0.2)
    four = Verdict.of(np.repeat(gains, 4), np.zeros(800))
    assert four.doubt == pytest.approx(once.doubt, rel=0.35)


def test_whoever_comes_down_from_a_roof_is_not_held_up_there(
    person: Avatar, walk: BodyPose
) -> None:
    down = torch.zeros(FRAMES, 3)
    down[FRAMES // 2 :, 1] = -2
    resting = np.zeros((FRAMES, 4))
    resting[: FRAMES // 2] = 1
    pose = replace(walk, transl=walk.transl + down)
    mixed = splines(FRAMES, 4.0)

    def likely(evidence: Evidence) -> float:
        looks = pictures(person, walk)
        energy = energy_of(person, pose, looks, evidence, mixed, 30.0, QUICK)
        return energy.motion(Corrections.none(mixed.shape[1], person.betas)).item()

    assert likely(Evidence(resting)) == pytest.approx(likely(Evidence()))
