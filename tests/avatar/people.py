"""People of Gaussians in known colours, and pictures of them from around."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mocap.avatar import Avatar, View, constant_harmonics, render, surface_avatar
from mocap.avatar.looks import Look
from mocap.body import Body, BodyPose
from mocap.geometry import look_at
from mocap.skeletons import SMPLX_55

#: Of pictures: width and height, pixels.
SIZE = (96, 160)


def stance(**degrees: float) -> BodyPose:
    """Joints turned about the axis that goes through the picture."""
    turns = torch.zeros(21, 3)
    for joint, angle in degrees.items():
        turns[SMPLX_55.index(joint) - 1, 2] = np.deg2rad(angle)
    return BodyPose(body_pose=turns.reshape(1, 63))


def bent(body: Body, seed: int = 0, size: float = 0.35) -> BodyPose:
    """A random pose: turned, bent everywhere, with a face and fists, away from the origin."""
    chance = np.random.default_rng(seed)
    widths = {
        **{"expression": body.num_expressions, "global_orient": 3, "body_pose": 63},
        **{"left_hand_pose": 45, "right_hand_pose": 45, "jaw_pose": 3, "transl": 3},
    }
    parts = {
        name: torch.from_numpy(size * chance.normal(size=(1, width))).to(body.template)
        for name, width in widths.items()
    }
    return BodyPose(**parts)


def shape(body: Body, seed: int = 0) -> Tensor:
    """Betas of somebody."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=10)).to(body.template)


def painted(means: Tensor) -> Tensor:
    """A colour for every place of a body at rest, (N, 3): smooth, and other on either side."""
    x, y, z = means.T
    return torch.stack([0.5 + 0.5 * x, 0.5 + 0.3 * torch.sin(4 * y), 0.5 + 1.5 * z], 1).clamp(0, 1)


def painted_avatar(body: Body, count: int = 3000, name: str = "anna") -> Avatar:
    """Somebody in many colours."""
    avatar = surface_avatar(body, shape(body), count, name=name)
    harmonics = constant_harmonics(painted(avatar.gaussians.means))
    return replace(avatar, gaussians=replace(avatar.gaussians, harmonics=harmonics))


def view_from(degrees: float, like: Tensor, away: float = 3.2, size: tuple = SIZE) -> View:
    """A camera on a circle about somebody at rest; from 0 degrees it sees the face."""
    angle = np.deg2rad(degrees)
    middle = np.array([0.0, -0.25, 0.0])
    place = middle + away * np.array([np.sin(angle), 0.05, np.cos(angle)])
    R, t = look_at(place, middle)
    K = np.array([[2.5 * size[0], 0, size[0] / 2], [0, 2.5 * size[0], size[1] / 2], [0, 0, 1]])
    return View(*(torch.from_numpy(part).to(like) for part in (K, R, t)))


def look_from(
    avatar: Avatar, degrees: float, row: int = 0, pose: BodyPose | None = None, size: tuple = SIZE
) -> Look:
    """A picture of an avatar in front of black, from somewhere around."""
    view = view_from(degrees, avatar.betas, size=size)
    pose = pose or standing(avatar.body)
    picture = render(avatar.posed(pose), view, size, antialiased=avatar.antialiased)
    return Look(
        row=row,
        image=picture.colour,
        mask=picture.alpha > 0.5,
        told=torch.ones_like(picture.alpha, dtype=torch.bool),
        view=view,
        pose=pose,
        shrunk=1.0,
    )


def standing(body: Body) -> BodyPose:
    """Arms hanging, out of the way of the sides."""
    turns = torch.zeros(21, 3)
    turns[15, 2], turns[16, 2] = -1.0, 1.0
    return BodyPose(body_pose=turns.reshape(1, 63).to(body.template))
