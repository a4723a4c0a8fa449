"""Avatars that perform: their own motion where it was, others' with steps of their own length."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from takes import embodied, make_take

from avatar.people import painted_avatar, view_from
from mocap.avatar import Avatar, Gaussians, act, act_of, render, surface_avatar, together
from mocap.avatar.stage_set import shadow
from mocap.body import Body, BodyPose
from mocap.skeletons import SMPLX_55
from mocap.take import Person

ANKLES = SMPLX_55.indices("left_ankle", "right_ankle")


@pytest.fixture(scope="module")
def person(body: Body) -> Person:
    return embodied(make_take(frames=12, first_frame=5), body).people["person-1"]


def of_height(body: Body, metres: float) -> Avatar:
    return surface_avatar(body, body.betas_for_height(metres), 500)


def joints_of(one, frames: slice = slice(None)) -> np.ndarray:
    pose = replace(one.pose, betas=one.avatar.betas)
    return one.avatar.body.forward(pose).joints.numpy()[frames]


def walk(body: Body, betas: torch.Tensor) -> tuple[BodyPose, np.ndarray]:
    """Somebody who rocks forward over feet that rest: hips, knees and ankles go together."""
    lean = torch.linspace(-0.25, 0.25, 20)
    turns = torch.zeros(20, 21, 3)
    # A stiff leg that turns about its ankle: the foot stays flat.
    for side in ("left", "right"):
        turns[:, SMPLX_55.index(f"{side}_hip") - 1, 0] = -lean
        turns[:, SMPLX_55.index(f"{side}_ankle") - 1, 0] = lean
    pose = BodyPose(betas=betas, body_pose=turns.reshape(20, 63), transl=torch.zeros(20, 3))
    still = body.forward(pose).joints
    feet = still[:, list(ANKLES)].mean(1)
    place = torch.tensor([0.5, 0.08, 2.0]) - feet
    pose = replace(pose, transl=place)
    return pose, body.forward(pose).joints.numpy()


def slide(joints: np.ndarray) -> float:
    """Metres a frame, the most of either ankle."""
    return float(np.linalg.norm(np.diff(joints[:, list(ANKLES)], axis=0), axis=2).max())


def test_a_fingerprint_is_of_the_motion_the_avatar_and_its_binding(body, person):
    avatar = of_height(body, 1.7)
    one = act_of(avatar, person)
    assert one.fingerprint() == act_of(of_height(body, 1.7), person).fingerprint()
    place = one.pose.transl.clone()
    place[3, 0] += 1e-4
    share = avatar.binding.weights.roll(1, 1)
    others = (
        replace(one, pose=replace(one.pose, transl=place)),
        replace(one, frames=one.frames + 1),
        replace(one, avatar=replace(avatar, binding=replace(avatar.binding, weights=share))),
        replace(one, avatar=avatar.shaped(avatar.betas + 0.01)),
        replace(one, avatar=replace(avatar, body=replace(body, sha256="0" * 64))),
    )
    assert len({one.fingerprint(), *(other.fingerprint() for other in others)}) == 6


def test_scenes_are_where_the_body_is(body, person):
    avatar = of_height(body, 1.7)
    here = act_of(avatar, person)
    # A device of tensors without numbers: what is left elsewhere is refused, as on a GPU.
    there = replace(here, avatar=avatar.to("meta")).at(7)
    scene = together([there, shadow(there)])
    assert {part.device.type for part in vars(scene).values()} == {"meta"}
    assert scene.means.shape == together([here.at(7), shadow(here.at(7))]).means.shape


@pytest.mark.parametrize("metres", [1.45, 2.0])
def test_resting_feet_rest_whatever_the_size(body, metres):
    betas = body.betas_for_height(1.75)
    pose, joints = walk(body, betas)
    assert slide(joints) < 1e-5
    found = act(of_height(body, metres), pose, joints, np.arange(20))
    moved = joints_of(found)
    assert slide(moved) < 0.002
    # Steps are as much shorter or longer as legs are.
    way, before = (np.linalg.norm(np.ptp(one[:, 0], axis=0)) for one in (moved, joints))
    assert way / before == pytest.approx(metres / 1.75, rel=0.08)
    ankles = (one[0, list(ANKLES), 1].mean() for one in (moved, joints))
    assert next(ankles) == pytest.approx(next(ankles) * metres / 1.75, abs=0.02)


def test_the_very_person_is_left_where_they_were(body, person):
    avatar = surface_avatar(body, torch.from_numpy(person.body.betas).float(), 500)
    found = act_of(avatar, person)
    np.testing.assert_allclose(joints_of(found), person.body.joints, atol=1e-4)
    np.testing.assert_allclose(found.pelvis, person.body.joints[:, 0])


def test_somebody_else_walks_as_far_as_their_legs_do(body, person):
    small = of_height(body, 1.4)
    found = act_of(small, person)
    joints = joints_of(found)
    np.testing.assert_allclose(joints[:, 0], found.pelvis, atol=1e-4)
    ratios = found.pelvis / person.body.joints[:, 0]
    assert 0.6 < ratios.min() <= ratios.max() < 0.9
    np.testing.assert_allclose(ratios, ratios[0, 0], rtol=1e-6)


def test_another_bodys_face_is_not_made(body, person):
    motion = replace(person.body, model_sha256="1" * 64, expression=np.full((12, 10), 3.0))
    found = act_of(of_height(body, 1.7), replace(person, body=motion))
    assert found.pose.expression is None
    assert act_of(of_height(body, 1.7), person).pose.expression is not None


def test_they_are_there_in_their_frames_only(body, person):
    found = act_of(of_height(body, 1.7), person)
    assert found.at(4) is None
    assert found.at(17) is None
    for frame in (5, 16):
        row = slice(frame - 5, frame - 4)
        pose = BodyPose.of(found.pose, found.avatar.betas, row)
        assert len(pose.transl) == 1
        expected = found.avatar.posed(pose).means
        torch.testing.assert_close(found.at(frame).means, expected)
        assert not found.at(frame).means.requires_grad


def test_who_is_nearer_hides_who_is_behind(body):
    avatar = painted_avatar(body, 2500)
    view = view_from(0, avatar.betas)
    front, back = avatar.gaussians, avatar.gaussians
    red, blue = (
        replace(one, harmonics=torch.full_like(one.harmonics, -1.7) + torch.tensor(colour))
        for one, colour in ((front, [3.4, 0, 0]), (back, [0, 0, 3.4]))
    )
    behind = replace(blue, means=blue.means - torch.tensor([0.0, 0.0, 0.5]))
    for scene in (together([red, behind]), together([behind, red])):
        picture = render(scene, view, (96, 160)).colour
        covered = render(red, view, (96, 160)).alpha > 0.97
        assert covered.sum() > 300
        assert picture[covered][:, 0].mean() > 0.9
        assert picture[covered][:, 2].mean() < 0.06
        # Around them, the farther one is seen.
        assert (picture[..., 2] > 0.8).sum() < (picture[..., 0] > 0.8).sum()


def test_harmonics_of_all_degrees_go_together():
    def some(coefficients: int) -> Gaussians:
        generator = torch.Generator().manual_seed(coefficients)
        return Gaussians(
            torch.randn(3, 3, generator=generator),
            torch.full((3, 3), 0.1),
            torch.tensor([1.0, 0, 0, 0]).expand(3, 4),
            torch.full((3,), 0.9),
            torch.randn(3, coefficients, 3, generator=generator),
        )

    parts = [some(1), some(16), some(4)]
    scene = together(parts)
    assert scene.harmonics.shape == (9, 16, 3)
    assert torch.equal(scene.harmonics[6:, :4], parts[2].harmonics)
    assert not scene.harmonics[6:, 4:].any()
    assert torch.equal(scene.means[3:6], parts[1].means)
    assert together(parts[:1]) is parts[0]


def test_whose_proportions_were_corrected_has_them(body: Body, person: Person) -> None:
    motion = person.body
    before = torch.from_numpy(motion.betas).float()
    before[1:3] += 0.3
    avatar = replace(surface_avatar(body, before, 500), name=person.id)
    assert np.abs(joints_of(act_of(avatar, person)) - motion.joints).max() < 1e-4
    # Of anybody else, the avatar keeps its own.
    stranger = act_of(replace(avatar, name="anna"), person)
    assert torch.equal(stranger.avatar.betas, before)
    giant = replace(of_height(body, 2.1), name=person.id)
    assert torch.equal(act_of(giant, person).avatar.betas, giant.betas)
