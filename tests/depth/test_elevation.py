"""Elevations that are told, and what they make of a camera's place."""

import math

import pytest
import torch

from mocap.depth.elevation import elevation_features, levelled, with_told_elevation

NAN = float("nan")
CAMERA = torch.tensor([1.0, 0.5, 2.0])
OWN = torch.tensor(0.1)


def elevation_of(camera: torch.Tensor) -> float:
    x, y, z = camera.tolist()
    return math.atan2(y, math.hypot(x, z))


@pytest.mark.parametrize("told", [(NAN, NAN), (0.3, NAN), (NAN, 0.1), (math.inf, 0.1)])
def test_nothing_told_changes_nothing(told):
    place = with_told_elevation(CAMERA, torch.tensor(told), OWN)
    torch.testing.assert_close(place, CAMERA, atol=1e-5, rtol=1e-5)
    assert not elevation_features(torch.tensor(told)).any()


@pytest.mark.parametrize(("sigma", "share"), [(1e-4, 1.0), (0.1, 0.5), (0.2, 0.2), (100.0, 0.0)])
def test_both_elevations_count_as_they_are_sure(sigma, share):
    own, told = elevation_of(CAMERA), -0.6
    place = with_told_elevation(CAMERA, torch.tensor([told, sigma]), OWN)
    assert elevation_of(place) == pytest.approx(own + share * (told - own), abs=1e-4)
    # Only that: neither azimuth nor distance.
    assert place.norm() == pytest.approx(CAMERA.norm().item(), rel=1e-5)
    assert math.atan2(place[0], place[2]) == pytest.approx(math.atan2(1.0, 2.0), abs=1e-5)


def test_what_is_told_beyond_straight_up_turns_nobody_round():
    camera = torch.tensor([0.3, 4.0, 0.6])
    place = with_told_elevation(camera, torch.tensor([math.radians(105), 0.03]), OWN)
    assert place[0] > 0
    assert place[2] > 0


@pytest.mark.parametrize("up", [1.0, -1.0])
def test_straight_above_or_below_has_finite_slopes(up):
    camera = torch.tensor([0.0, up, 0.0], requires_grad=True)
    place = with_told_elevation(camera, torch.tensor([0.2, 0.1]), OWN)
    flat = levelled(torch.ones(17, 3), camera)
    (place.sum() + flat.sum()).backward()
    assert place.isfinite().all()
    assert flat.isfinite().all()
    assert camera.grad.isfinite().all()


def test_points_are_levelled_by_the_cameras_elevation():
    """A camera that looks down by 30 degrees: what is straight up in the world leans to it."""
    angle = math.radians(30.0)
    camera = torch.tensor([0.0, 2 * math.sin(angle), 2 * math.cos(angle)])
    up = torch.tensor([0.0, -math.cos(angle), -math.sin(angle)])
    ahead = torch.tensor([0.0, -math.sin(angle), math.cos(angle)])
    points = torch.cat([up[None], ahead[None], torch.zeros(15, 3)])
    away, down = levelled(points, camera).unbind(-1)
    torch.testing.assert_close(away[:2], torch.tensor([0.0, 1.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(down[:2], torch.tensor([-1.0, 0.0]), atol=1e-5, rtol=0)
