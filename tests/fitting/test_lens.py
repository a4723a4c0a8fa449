"""People seen through a lens: once it is known, they are fitted as through a pinhole."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.fitting import FitConfig, fit
from mocap.fitting.observations import observe
from mocap.geometry import Camera
from mocap.take import Take

from .synthetic import act, coordinates, mpjpe, see, take_of, upright

FPS = 30.0
#: Somebody hangs in the air, behind a lens that is known one way or another.
PUPPET = FitConfig(rounds=0, refine_lens=False)
#: An action camera's barrel: people at the border come out a tenth smaller.
BARREL = np.array([-0.28, 0.09, 0.001, -0.0008, -0.012])
FISHEYE = np.array([-0.04, 0.006, -0.003, 0.0005])
LENSES = {"opencv": BARREL, "fisheye": FISHEYE}


@pytest.fixture(scope="module")
def actor(body64):
    return act(body64, coordinates(40, FPS), np.array([1.6, 0.2, 3.6]), upright(40))


def behind(camera: Camera, model: str) -> Camera:
    return replace(camera, distortion=LENSES[model], model=model, source="given")


@pytest.mark.parametrize("model", LENSES)
def test_through_a_known_lens_everything_is_as_through_a_pinhole(rig, actor, camera, model):
    lens = behind(camera, model)
    bent, straight = see(actor, lens), see(actor, camera)
    assert np.abs(bent.keypoints2d.xy - straight.keypoints2d.xy).max() > 30
    known = observe(bent, rig, *lens.at(bent.frames), FPS, lens)
    plain = observe(straight, rig, *camera.at(straight.frames), FPS)
    np.testing.assert_allclose(known.pixels, plain.pixels, atol=0.01)
    np.testing.assert_allclose(known.rays, plain.rays, atol=1e-5)
    np.testing.assert_allclose(known.metric, plain.metric, atol=1e-4)
    np.testing.assert_array_equal(known.weight, plain.weight)


def test_what_no_ray_can_reach_counts_as_unseen(rig, actor, camera):
    lens = replace(camera, distortion=np.array([-0.3, 0.0, 0.0, 0.0]))
    person = see(actor, camera)
    xy = person.keypoints2d.xy.copy()
    point = rig.keypoints[0]
    xy[5, point] = [4000.0, 300.0]
    person = replace(person, keypoints2d=replace(person.keypoints2d, xy=xy))
    seen = observe(person, rig, *lens.at(person.frames), FPS, lens)
    assert seen.weight[5, 0] == 0
    assert seen.weight[4, 0] > 0
    assert np.isfinite(seen.pixels).all()


@pytest.mark.parametrize("model", LENSES)
def test_a_known_lens_costs_nothing(body, actor, camera, model):
    lens = behind(camera, model)

    def fitted(seen_through: Camera, told: Camera) -> Take:
        return fit(take_of([see(actor, seen_through)], told, FPS), body, PUPPET)

    straight, known, unknown = fitted(camera, camera), fitted(lens, lens), fitted(lens, camera)
    assert mpjpe(known, actor, lens) == pytest.approx(mpjpe(straight, actor, camera), abs=1.0)
    assert mpjpe(unknown, actor, camera) > mpjpe(known, actor, lens) + 50
    # The picture of the fit lies over what was seen, distortion and all.
    assert known.camera.model == model
    joints = known.people["person-1"].body.joints[:, :22]
    shown = known.camera.project(joints, np.arange(40))
    seen = lens.project(actor.joints[:, :22], np.arange(40))
    assert np.linalg.norm(shown - seen, axis=-1).mean() < 6
