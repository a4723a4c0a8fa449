"""Points bound to the body: on the skin, off it, far away, and on triangles that are none."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh

from mocap.avatar import bind
from mocap.avatar.binding import Binding
from mocap.body import Body
from mocap.skeletons import SMPLX_55


@pytest.fixture(scope="module")
def vertices(body: Body) -> torch.Tensor:
    return body.rest_vertices()[0]


def within(body: Body, vertices: torch.Tensor, chosen: torch.Tensor) -> tuple:
    """Points inside of faces, their shares of the corners, and the outward normals there."""
    generator = torch.Generator().manual_seed(0)
    shares = 0.1 + torch.rand(len(chosen), 3, generator=generator)
    shares = shares / shares.sum(1, keepdim=True)
    corners = vertices[body.faces[chosen]]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = torch.nn.functional.normalize(normals, dim=1)
    return (corners * shares[..., None]).sum(1), shares, normals


def test_what_is_on_the_skin_goes_with_it(body, vertices):
    # The last face is what paddings stand for.
    chosen = torch.cat([torch.arange(0, len(body.faces), 97), torch.tensor([len(body.faces) - 1])])
    points, shares, _ = within(body, vertices, chosen)
    binding, away = bind(points, vertices, body)
    assert binding.faces.min() >= 0
    # Behind the eyelids are eyes, whose vertices are nearer than the lids' own.
    right = binding.faces == chosen
    assert right.float().mean() > 0.98
    assert right[-1]
    assert away.max() < 0.003
    assert away[right].max() < 1e-4
    places = binding.between(vertices, body.faces)
    torch.testing.assert_close(places[right], points[right], rtol=0, atol=1e-4)
    skin = (body.weights[body.faces[chosen]] * shares[..., None]).sum(1)
    torch.testing.assert_close(binding.weights[right], skin[right], rtol=0, atol=0.02)


def test_the_nearest_face_is_that_of_a_search_through_all(body, vertices):
    points = vertices[::300] + 0.03 * torch.randn(
        len(vertices[::300]), 3, generator=torch.Generator().manual_seed(1)
    )
    _, away = bind(points, vertices, body)
    mesh = trimesh.Trimesh(vertices.numpy(), body.faces.numpy(), process=False)
    for point, found in zip(points.numpy(), away.numpy(), strict=True):
        asked = np.tile(point, (len(mesh.faces), 1))
        nearest = trimesh.triangles.closest_point(mesh.triangles, asked)
        least = np.linalg.norm(nearest - point, axis=1).min()
        assert least - 1e-6 <= found <= least + 1e-3


def test_a_skirt_goes_with_both_legs(body, vertices):
    knees = body.rest_joints()[0, list(SMPLX_55.indices("left_knee", "right_knee"))]
    between = knees.mean(0) + torch.tensor([0.0, 0.0, 0.06])
    binding, away = bind(between[None], vertices, body)
    assert away > 0.04
    legs = [
        sum(
            float(binding.weights[0, SMPLX_55.index(f"{side}_{joint}")])
            for joint in ("hip", "knee", "ankle")
        )
        for side in ("left", "right")
    ]
    assert min(legs) > 0.3
    # The same places on the skin belong to one leg alone.
    skin, _ = bind(knees + torch.tensor([0.0, 0.0, 0.06]), vertices, body)
    assert skin.weights[0, SMPLX_55.index("right_knee")] < 0.01


def test_weights_and_shares_are_whole_however_far_away(body, vertices):
    points, _, normals = within(body, vertices, torch.arange(0, len(body.faces), 500))
    for distance in (0.0, 0.015, 0.03, 0.1, 5.0):
        binding, away = bind(points + distance * normals, vertices, body)
        assert (away <= distance + 1e-5).all()
        for part in (binding.weights, binding.shares):
            assert (part >= 0).all()
            torch.testing.assert_close(part.sum(1), torch.ones(len(points)), rtol=0, atol=1e-5)


def test_weights_do_not_jump_with_distance(body, vertices):
    points, _, normals = within(body, vertices, torch.arange(0, len(body.faces), 2000))
    for first in (0.0199, 0.03, 0.0399):
        near, _ = bind(points + first * normals, vertices, body)
        next_to_it, _ = bind(points + (first + 2e-4) * normals, vertices, body)
        change = (near.weights - next_to_it.weights).abs().sum(1)
        assert change.median() < 0.02


@pytest.mark.filterwarnings("error")
def test_triangles_without_an_area_do_no_harm(body, vertices):
    none = torch.tensor([[0, 0, 0], [1, 1, 2], [40, 41, 41]])
    broken = replace(body, faces=torch.cat([none, body.faces, none]))
    points = vertices[[0, 1, 2, 40, 41]] + torch.tensor([0.0, 0.001, 0.0])
    binding, away = bind(points, vertices, broken)
    assert (away < 2e-3).all()
    assert binding.weights.isfinite().all()
    torch.testing.assert_close(binding.shares.sum(1), torch.ones(5))


def test_a_binding_has_as_many_of_everything(body, vertices):
    binding, _ = bind(vertices[:5], vertices, body)
    assert len(binding[torch.tensor([True, False, True, False, False])]) == 2
    with pytest.raises(ValueError, match=r"shares \(4, 3\)"):
        Binding(binding.faces, binding.shares[:4], binding.weights)


def test_a_carrier_moves_places_as_the_surface_moves(body, vertices):
    binding, _ = bind(vertices[::50], vertices, body)
    pose = {"body_pose": 0.3 * torch.ones(1, 63), "expression": torch.ones(1, 10)}
    whole = body.forward(type("Pose", (), pose), return_vertices=True).vertices[0]
    places = binding.carrier(body).forward(type("Pose", (), pose), return_vertices=True).vertices[0]
    torch.testing.assert_close(places, whole[::50], rtol=0, atol=1e-5)
