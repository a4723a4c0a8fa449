"""How much Gaussians cover: beside a ball and a body, whose silhouettes are known."""

import numpy as np
import pytest
import torch

from avatar.people import shape, standing, view_from
from avatar.surfaces import gaussians_on, sphere
from mocap.avatar import View, render, surface_avatar
from mocap.body import Body, BodyPose
from mocap.masks.depth_maps import depth_map

#: Of pictures of a ball, pixels along a side; of those of a body, which is 96 pixels high there.
SIDE, BODY_SIZE = 96, (70, 117)
#: Pixels along a side of which a pixel of the body's true silhouette is made.
FINE = 8


@pytest.mark.parametrize(("antialiased", "least", "most"), [(False, 1.07, 1.12), (True, 1.0, 1.05)])
def test_area_of_a_ball(antialiased, least, most):
    ball = gaussians_on(sphere(0.2), 40_000).to(torch.float64)
    K = torch.tensor([[400.0, 0, SIDE / 2], [0, 400, SIDE / 2], [0, 0, 1]]).double()
    view = View(K, torch.eye(3).double(), torch.tensor([0.0, 0, 2]).double())
    alpha = render(ball, view, (SIDE, SIDE), antialiased=antialiased).alpha
    # The camera sees a little less than half of it.
    radius = 400 * 0.2 / np.sqrt(2**2 - 0.2**2)
    truth = np.pi * radius**2
    assert least < float((alpha > 0.5).sum()) / truth < most
    assert least < float(alpha.sum()) / truth < most
    y, x = np.indices((SIDE, SIDE)) + 0.5 - SIDE / 2
    assert alpha.numpy()[np.hypot(x, y) < radius - 2].mean() > 0.98


def test_area_of_a_body(body: Body):
    betas, (width, height) = shape(body), BODY_SIZE
    avatar = surface_avatar(body, betas, 20_000)
    pose = standing(body)
    posed = avatar.posed(pose)
    surface = body.forward(
        BodyPose(betas=betas[None], body_pose=pose.body_pose), return_vertices=True
    ).vertices[0]
    found = []
    for degrees in (10, 80, 160):
        view = view_from(degrees, betas, size=BODY_SIZE)
        seen = (surface @ view.R.T + view.t) @ view.K.T
        pixels = (FINE * seen[:, :2] / seen[:, 2:] - 0.5).double().numpy()
        depth = depth_map(
            pixels,
            seen[:, 2].double().numpy(),
            body.faces.numpy(),
            FINE * width,
            FINE * height,
        )
        truth = np.isfinite(depth).reshape(height, FINE, width, FINE).mean((1, 3))
        assert 90 < np.ptp(np.flatnonzero((truth > 0.5).any(1))) < 100
        alphas = [
            render(posed, view, BODY_SIZE, antialiased=mode).alpha.numpy()
            for mode in (False, avatar.antialiased)
        ]
        # Nobody is seen through.
        assert alphas[1][truth == 1].mean() > 0.98
        found.append([(alpha > 0.5).sum() / (truth > 0.5).sum() for alpha in alphas])
    classic, antialiased = np.mean(found, 0)
    assert classic > 1.25
    assert antialiased < 1.18
