"""Pictures through lenses: straightened as points are, and bent again."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.avatar.lens import lens_picture, pinhole_picture
from mocap.geometry import Camera

SIZE = (240, 160)
LENSES = {
    "none": (None, "opencv"),
    "zeros": ([0.0] * 5, "opencv"),
    "barrel": ([-0.25, 0.06, 0.002, -0.001, 0.0], "opencv"),
    "pincushion": ([0.15, 0.02, 0.0, 0.0, 0.0], "opencv"),
    "fisheye": ([0.03, -0.01, 0.0, 0.0], "fisheye"),
    "plain fisheye": ([0.0] * 4, "fisheye"),
}


def camera_with(lens: str) -> Camera:
    coefficients, model = LENSES[lens]
    camera = Camera.assumed(*SIZE)
    K = camera.K.copy()
    K[:, :2, 2] += [5.0, -3.0]
    told = None if coefficients is None else np.array(coefficients)
    return replace(camera, K=K, distortion=told, model=model)


def smooth() -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 4, SIZE[0]), np.linspace(0, 3, SIZE[1]))
    planes = [np.sin(x + y), np.cos(2 * x), np.sin(y * x)]
    return (127 + 120 * np.stack(planes, -1)).astype(np.uint8)


@pytest.mark.parametrize("lens", LENSES)
def test_there_and_back_is_the_picture(lens):
    camera, picture = camera_with(lens), smooth()
    again = lens_picture(pinhole_picture(picture, camera, 0), camera, 0)
    inside = lens_picture(pinhole_picture(np.full_like(picture, 255), camera, 0), camera, 0)
    seen = (inside == 255).all(-1)
    assert seen.mean() > 0.75
    assert np.abs(again.astype(int) - picture)[seen].max() <= 4
    assert (again is picture) == (lens in ("none", "zeros"))


@pytest.mark.parametrize("lens", ["barrel", "pincushion", "fisheye"])
def test_what_is_seen_somewhere_is_where_a_pinhole_sees_it(lens):
    camera = camera_with(lens)
    pinhole = replace(camera, distortion=None, model="opencv")
    point = np.array([[[-0.6, 0.3, 2.0]]])
    frames = np.array([0])
    x, y = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)

    def spot(place: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * ((x - place[0]) ** 2 + (y - place[1]) ** 2) / 9).astype(np.float32)

    def middle(picture: np.ndarray) -> np.ndarray:
        return np.array([(picture * x).sum(), (picture * y).sum()]) / picture.sum()

    bent, straight = (one.project(point, frames)[0, 0] for one in (camera, pinhole))
    assert np.linalg.norm(bent - straight) > 0.5
    np.testing.assert_allclose(middle(pinhole_picture(spot(bent), camera, 0)), straight, atol=1.0)
    np.testing.assert_allclose(middle(lens_picture(spot(straight), camera, 0)), bent, atol=1.0)


def test_masks_stay_masks():
    mask = np.zeros(SIZE[::-1], bool)
    mask[40:120, 60:180] = True
    found = pinhole_picture(mask, camera_with("barrel"), 0)
    assert set(np.unique(found)) == {0, 1}


def test_a_lens_that_zooms_is_asked_in_every_frame():
    camera = camera_with("barrel")
    zooming = replace(camera, K=np.concatenate([camera.K, camera.K * [[1.5], [1.5], [1.0]]]))
    picture = smooth()
    np.testing.assert_array_equal(
        pinhole_picture(picture, zooming, 0), pinhole_picture(picture, camera, 0)
    )
    first, second = (pinhole_picture(picture, zooming, frame).astype(int) for frame in (0, 1))
    assert np.abs(first - second).mean() > 1
