"""Somebody who walks before a camera, and what it sees."""

from dataclasses import replace

import numpy as np
import torch

from mocap.avatar import Avatar, render, surface_avatar
from mocap.avatar.colouring import with_colours
from mocap.avatar.looks import Look
from mocap.avatar.projection import View
from mocap.body import Body, BodyPose
from mocap.geometry import look_at

FRAMES = 12


def striped(body: Body) -> Avatar:
    """Somebody in striped clothes, so that turns of limbs show."""
    avatar = surface_avatar(body, torch.tensor([0.4, -0.6]), 2000, name="striped")
    place = avatar.gaussians.means
    colours = torch.stack([(25 * place[:, axis]).sin() for axis in range(3)], 1) * 0.4 + 0.5
    return with_colours(avatar, colours)


def a_walk() -> BodyPose:
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
