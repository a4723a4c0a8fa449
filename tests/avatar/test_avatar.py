"""Avatars in motion: against plain blend skinning, the body's surface, turned cameras."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from takes import forward

from avatar.people import bent, painted_avatar, shape, view_from
from mocap.avatar import Avatar, View, bind, constant_harmonics, render, surface_avatar
from mocap.avatar.projection import project
from mocap.avatar.rotations import rotation_matrices
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError


@pytest.fixture(scope="module")
def avatar(body: Body) -> Avatar:
    return painted_avatar(body, 1500)


@pytest.fixture(scope="module")
def exact(body64: Body) -> Avatar:
    """In double precision; half a hand's breadth off the skin, in no even way."""
    avatar = painted_avatar(body64, 60)
    generator = torch.Generator().manual_seed(3)
    off = 0.03 * torch.randn(60, 3, generator=generator, dtype=torch.float64)
    means = avatar.gaussians.means + off
    return replace(avatar, gaussians=replace(avatar.gaussians, means=means))


def covariances(gaussians) -> torch.Tensor:
    axes = rotation_matrices(gaussians.rotations) * gaussians.scales[:, None]
    return axes @ axes.mT


def test_all_of_an_avatar_goes_to_another_device_or_type(avatar):
    # PyTorch's device of tensors without numbers refuses whatever is elsewhere, as a GPU does.
    away = avatar.to("meta")
    posed = away.posed(bent(away.body))
    assert {part.device.type for part in vars(posed).values()} == {"meta"}
    assert posed.means.shape == avatar.gaussians.means.shape
    exact = avatar.to(torch.float64)
    pose = bent(exact.body)
    assert exact.posed(pose).means.dtype == torch.float64
    torch.testing.assert_close(
        exact.posed(pose).means.float(), avatar.posed(bent(avatar.body)).means, rtol=0, atol=1e-5
    )


def test_without_a_pose_they_rest(avatar):
    posed, rest = avatar.posed(BodyPose()), avatar.gaussians
    torch.testing.assert_close(posed.means, rest.means, rtol=0, atol=2e-6)
    torch.testing.assert_close(covariances(posed), covariances(rest), rtol=1e-4, atol=1e-9)
    assert torch.equal(posed.scales, rest.scales)
    assert torch.equal(posed.opacities, rest.opacities)


@pytest.mark.parametrize("seed", [0, 1])
def test_means_are_those_of_plain_blend_skinning(exact, seed):
    body, pose = exact.body, bent(exact.body, seed)
    posed = exact.posed(pose).means.numpy()
    vectors = pose.axis_angles(body.template)[0].numpy()
    local = Rotation.from_rotvec(vectors).as_matrix()
    joints = body.rest_joints(exact.betas[None], pose.expression)[0].numpy()
    offsets = joints - joints[[max(parent, 0) for parent in body.parents]]
    offsets[0] = joints[0]
    placed = forward(local[None], joints[:1], offsets)[0]
    world = list(local)
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            world[joint] = world[parent] @ local[joint]
    corners, shares = body.faces[exact.binding.faces].numpy(), exact.binding.shares.numpy()
    faces_of = body.directions[..., body.num_betas :].numpy() @ pose.expression[0].numpy()
    entries = (local[1:] - np.eye(3)).reshape(-1)[body.pose_entries.numpy()]
    corrections = np.tensordot(entries, body.pose_directions.numpy(), 1)
    for n in range(len(exact)):
        at_rest = exact.gaussians.means[n].numpy().copy()
        for corner, share in zip(corners[n], shares[n], strict=True):
            at_rest += share * (faces_of[corner] + corrections[corner])
        expected = np.zeros(3)
        for joint, weight in enumerate(exact.binding.weights[n].numpy()):
            expected += weight * (world[joint] @ (at_rest - joints[joint]) + placed[joint])
        np.testing.assert_allclose(posed[n], expected + pose.transl[0].numpy(), atol=1e-10)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_on_the_skin_they_stay_on_it(avatar, seed):
    pose = bent(avatar.body, seed)
    whole = avatar.body.forward(replace(pose, betas=avatar.betas[None]), return_vertices=True)
    _, away = bind(avatar.posed(pose).means, whole.vertices[0], avatar.body)
    assert away.max() < 0.005


def test_another_shape_is_that_shape(avatar):
    other, pose = -avatar.betas, bent(avatar.body, 4)
    whole = avatar.body.forward(replace(pose, betas=other[None]), return_vertices=True)
    _, away = bind(avatar.posed(pose, other).means, whole.vertices[0], avatar.body)
    assert away.quantile(0.999) < 0.001


def test_gradients_reach_pose_and_shape(exact):
    few, pose = exact[::20], bent(exact.body, 5, 0.2)

    def placed(turns, place, face, betas):
        posed = few.posed(
            replace(pose, body_pose=turns, transl=place, expression=face), betas=betas
        )
        return posed.means, covariances(posed), posed.harmonics

    inputs = (pose.body_pose, pose.transl, pose.expression, few.betas)
    assert torch.autograd.gradcheck(placed, [part.clone().requires_grad_() for part in inputs])


@pytest.mark.parametrize("coefficients", [1, 4, 9, 16])
def test_a_turned_person_looks_as_to_a_turned_camera(exact, coefficients):
    generator = torch.Generator().manual_seed(coefficients)
    harmonics = torch.randn(len(exact), coefficients, 3, generator=generator, dtype=torch.float64)
    scales = torch.tensor([0.12, 0.05, 0.02]).double().expand(len(exact), 3)
    avatar = replace(
        exact, gaussians=replace(exact.gaussians, harmonics=0.3 * harmonics, scales=scales)
    )
    vector = np.array([0.7, -1.9, 0.4])
    turn = torch.from_numpy(Rotation.from_rotvec(vector).as_matrix())
    shift = torch.tensor([[0.3, -2.0, 1.0]]).double()
    pose = BodyPose(global_orient=torch.from_numpy(vector)[None], transl=shift)
    view = view_from(30, exact.betas)
    # The body turns about its pelvis.
    pelvis = avatar.body.rest_joints(avatar.betas[None])[0, 0]
    moved = pelvis + shift[0] - turn @ pelvis
    R = view.R @ turn.T
    turned = View(view.K, R, view.t - R @ moved)
    rest = render(avatar.gaussians, view, (96, 160))
    posed = avatar.posed(pose)
    torch.testing.assert_close(
        covariances(posed), turn @ covariances(avatar.gaussians) @ turn.T, rtol=0, atol=1e-12
    )
    found = render(posed, turned, (96, 160))
    assert rest.alpha.max() > 0.9
    # Skin weights are stored in single precision.
    torch.testing.assert_close(found.alpha, rest.alpha, rtol=0, atol=2e-6)
    torch.testing.assert_close(found.colour, rest.colour, rtol=0, atol=2e-6)


def test_gaussians_keep_their_size_where_limbs_twist(avatar):
    turns = torch.zeros(21, 3)
    turns[19, 0] = 3.0
    posed = avatar.posed(BodyPose(body_pose=turns.reshape(1, 63)))
    volumes = torch.linalg.det(covariances(posed)) / torch.linalg.det(covariances(avatar.gaussians))
    torch.testing.assert_close(volumes, torch.ones(len(avatar)), rtol=0.02, atol=0)
    assert posed.rotations.norm(dim=1).min() > 0.05


def test_several_frames_are_each_of_them(avatar):
    poses = [bent(avatar.body, seed) for seed in (6, 7)]
    both = BodyPose(
        **{
            name: torch.cat([getattr(one, name) for one in poses])
            for name, part in vars(poses[0]).items()
            if part is not None
        }
    )
    for carriage, pose in zip(avatar.carriages(both), poses, strict=True):
        expected = avatar.posed(pose)
        found = carriage.carry(avatar.gaussians)
        torch.testing.assert_close(found.means, expected.means, rtol=0, atol=1e-5)
        torch.testing.assert_close(covariances(found), covariances(expected), rtol=0, atol=1e-8)


def test_fewer_gaussians_cover_as_much(avatar):
    fewer = avatar.thinned(400)
    assert 400 <= len(fewer) <= 600
    assert avatar.thinned(len(avatar)) is avatar
    view = view_from(0, avatar.betas)
    whole, some = (render(one.gaussians, view, (96, 160)).alpha > 0.5 for one in (avatar, fewer))
    assert (whole & some).sum() > 0.85 * (whole | some).sum()


def test_an_avatar_is_somebody(avatar, body):
    with pytest.raises(AvatarError, match="no Gaussians"):
        avatar[:0]
    with pytest.raises(AvatarError, match="99 components"):
        replace(avatar, betas=torch.zeros(99))
    with pytest.raises(AvatarError, match="10 Gaussians are bound"):
        replace(avatar, binding=avatar.binding[:10])


def test_a_surface_is_covered_evenly(body):
    betas = shape(body, 2)
    avatar = surface_avatar(body, betas, 4000, colour=(0.2, 0.4, 0.6))
    vertices = body.rest_vertices(betas[None])[0]
    _, away = bind(avatar.gaussians.means, vertices, body)
    # Behind the eyelids are eyes.
    assert (away < 1e-5).float().mean() > 0.998
    assert away.max() < 0.004
    torch.testing.assert_close(
        avatar.gaussians.harmonics,
        constant_harmonics(torch.tensor([[0.2, 0.4, 0.6]]).expand(4000, 3)),
    )
    # Thin across the surface: the shortest axis is the normal there.
    corners = vertices[body.faces[avatar.binding.faces]]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.nn.functional.normalize(normals, dim=1)
    across = rotation_matrices(avatar.gaussians.rotations)[:, :, 0]
    assert (across * normals).sum(1).abs().min() > 0.99
    assert (avatar.gaussians.scales[:, 0] < 0.5 * avatar.gaussians.scales[:, 1]).all()
    # There are no holes: whoever looks sees hardly anything of what is behind.
    for degrees in (0, 90, 180):
        view = view_from(degrees, betas)
        splats = project(avatar.gaussians, view, (96, 160))
        alpha = render(avatar.gaussians, view, (96, 160)).alpha
        x, y = splats.means.round().long().T
        assert alpha[y.clamp(0, 159), x.clamp(0, 95)].quantile(0.1) > 0.8
