"""The studio, and the camera that goes round in it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from avatar.people import painted_avatar, view_from
from mocap.avatar import View, orbit, render, studio
from mocap.avatar.stage_set import shadow
from mocap.geometry import look_at

FPS = 30.0


def sphere(middle: np.ndarray, radius: float) -> np.ndarray:
    """Points of a sphere, (200, 3)."""
    points = np.random.default_rng(0).normal(size=(200, 3))
    return middle + radius * points / np.linalg.norm(points, axis=1, keepdims=True)


def sprint(frames: int) -> np.ndarray:
    """Stands, runs away at 8 m/s, and stands again."""
    along = np.clip(np.arange(frames) - frames // 2, 0, 30) / FPS * 8
    return np.stack([along, np.full(frames, 0.95), 0.3 * np.sin(np.arange(frames) / 9)], 1)


def at(place: np.ndarray, frames: int, known: slice = slice(None)) -> np.ndarray:
    places = np.full((frames, 3), np.nan)
    places[known] = place
    return places


SCENES = {
    "one": [sprint(120)],
    "two": [sprint(120), at(np.array([0.0, 0.9, -1.0]), 120)],
    "comes and goes": [
        at(np.array([0.0, 0.9, 0.0]), 120, slice(10, 100)),
        at(np.array([4.0, 0.9, 3.0]), 120, slice(40, 60)),
    ],
    "lying": [at(np.array([0.0, 0.1, 0.0]), 120)],
}


@pytest.mark.parametrize("size", [(960, 720), (270, 480)])
@pytest.mark.parametrize("scene", SCENES)
def test_everybody_is_in_the_picture_and_the_camera_above_the_floor(scene, size):
    people = SCENES[scene]
    views = orbit(people, size, 1.0, FPS)
    assert len(views) == 120
    for frame, view in enumerate(views):
        K, R, t = (part.double().numpy() for part in (view.K, view.R, view.t))
        place = -R.T @ t
        assert place[1] >= 0.3 - 1e-4
        for one in people:
            if np.isnan(one[frame, 0]):
                continue
            # As far as hands reach.
            seen = sphere(one[frame], 1.0) @ R.T + t
            pixels = seen[:, :2] / seen[:, 2:] * K.diagonal()[:2] + K[:2, 2]
            assert seen[:, 2].min() > 0
            assert (pixels >= -1).all()
            assert (pixels <= np.array(size) + 1).all()


@pytest.mark.parametrize("size", [(960, 720), (270, 480)])
@pytest.mark.parametrize("apart", [(0.0, 0.0, -2.0), (2.5, 0.0, 0.0), (0.0, 1.5, 0.0)])
def test_the_camera_is_no_farther_than_it_has_to_be(apart, size):
    one = np.array([0.0, 0.9, 0.0])
    view = orbit([at(one, 60), at(one + apart, 60)], size, 0.0, FPS)[30]
    K, R, t = (part.double().numpy() for part in (view.K, view.R, view.t))
    # What 5 % more than hands reach takes up touches the picture's edge.
    seen = np.concatenate([sphere(place, 1.05) for place in (one, one + apart)]) @ R.T + t
    pixels = seen[:, :2] / seen[:, 2:] * K.diagonal()[:2] + K[:2, 2]
    nearest = np.minimum(pixels, np.array(size) - pixels).min()
    assert -0.01 * max(size) < nearest < 0.02 * max(size)


def test_it_goes_round_calmly():
    places = []
    for view in orbit([at(np.array([1.0, 0.9, 2.0]), 100)], (640, 480), 2.0, FPS):
        place = (-view.R.T @ view.t).numpy() - [1.0, 0.9, 2.0]
        places.append(np.arctan2(place[0], place[2]))
    turned = np.unwrap(places)
    assert turned[0] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(np.diff(turned), 2 * 2 * np.pi / 100, atol=1e-5)
    jolted = orbit([sprint(120)], (640, 480), 0.0, FPS)
    steps = np.diff([(-view.R.T @ view.t).numpy() for view in jolted], axis=0)
    jolts = np.abs(np.diff(steps, axis=0)).max() * FPS**2
    # The runner's own are of 8 m/s within a frame.
    assert jolts < 0.1 * 8 * FPS


def test_without_anybody_it_looks_at_the_middle():
    views = orbit([at(np.zeros(3), 10, slice(0))], (64, 48), 1.0, FPS)
    assert len(views) == 10
    for view in views:
        torch.testing.assert_close(view.t[:2], torch.zeros(2), rtol=0, atol=1e-5)
        assert view.t[2] > 1


def test_the_floor_is_checkered_and_fades_into_air():
    R, t = look_at(np.array([0.0, 2.0, 5.0]), np.array([0.0, 0.0, 0.0]))
    K = torch.tensor([[100.0, 0, 64], [0, 100, 48], [0, 0, 1]])
    picture = studio(View(K, torch.from_numpy(R).float(), torch.from_numpy(t).float()), (128, 96))
    assert picture.shape == (96, 128, 3)
    assert ((picture >= 0) & (picture <= 1)).all()
    # Above the horizon is nothing but air.
    torch.testing.assert_close(picture[0], picture[0, :1].expand(128, 3))

    # Below, squares of half a metre: what is under the cross-hairs differs from what is next to it.
    def tone(x: float, z: float) -> float:
        seen = R @ [x, 0.0, z] + t
        column, row = (100 * seen[:2] / seen[2] + [64, 48]).astype(int)
        return float(picture[row, column, 0])

    assert abs(tone(0.25, 0.25) - tone(0.75, 0.25)) > 0.02
    assert tone(0.25, 0.25) == pytest.approx(tone(0.75, 0.75), abs=0.01)
    upward, _ = look_at(np.array([0.0, 1.0, 0.0]), np.array([0.0, 9.0, 1.0]))
    sky = studio(View(K, torch.from_numpy(upward).float(), torch.tensor([0.0, 0, 0])), (16, 16))
    torch.testing.assert_close(sky, picture[0, 0].expand_as(sky))


def test_a_shadow_lies_under_its_person(body):
    gaussians = painted_avatar(body, 2400).gaussians
    standing = gaussians.means + torch.tensor([1.0, 1.3, 0.0]) - gaussians.means.mean(0)
    dark = shadow(replace(gaussians, means=standing))
    assert (dark.means[:, 1] > 0).all()
    assert (dark.means[:, 1] < 0.01).all()
    assert dark.means[:, 0].mean() == pytest.approx(1.0, abs=0.1)
    view = view_from(0, gaussians.means)
    before = render(gaussians, view, (96, 160), background=(1.0, 1.0, 1.0)).alpha
    assert before.max() > 0.9
    R, t = look_at(np.array([1.0, 4.0, 0.01]), np.array([1.0, 0.0, 0.0]))
    above = View(view.K, torch.from_numpy(R).float(), torch.from_numpy(t).float())
    darkness = render(dark, above, (96, 160)).alpha
    assert 0.1 < darkness.max() < 0.9
