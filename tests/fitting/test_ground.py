"""One gravity, one floor, one scale, from people whose motion is known, in worlds that lean."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.fitting import FitConfig, ground
from mocap.fitting.ground import feet_of, mean_lean, stand
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.person import Fitted
from mocap.fitting.rig import Rig
from mocap.geometry import Camera

from .problems import known
from .synthetic import Actor, act, standing, take_of, upright

FPS = 30.0
FRAMES = 24
#: How the camera is tipped: by nine degrees.
TIP = Rotation.from_euler("xz", [8, -4], degrees=True)


class TestLevel:
    """What a person stands on."""

    def test_is_the_floor_if_it_is_near_the_floor(self):
        for level in (0.0, 0.09, -0.09, np.nan):
            assert ground._level_of(level, np.full(50, -0.02), FitConfig()) == 0.0

    def test_is_a_box_or_a_pit_if_it_is_not(self):
        for level in (0.5, -0.4):
            assert ground._level_of(level, np.full(50, level), FitConfig()) == level

    def test_gives_way_where_bodies_are_under_it_for_long(self):
        lowest = np.zeros(100)
        lowest[:40] = -0.5
        assert ground._level_of(0.0, lowest, FitConfig()) == pytest.approx(-0.5)
        # A glitch, or a hand's breadth, is no reason.
        glitch = np.where(np.arange(100) < 3, -2.0, 0.0)
        assert ground._level_of(0.0, glitch, FitConfig()) == 0.0
        assert ground._level_of(0.0, np.full(100, -0.12), FitConfig()) == 0.0


class TestLean:
    """The direction in which people stand, camera axes."""

    def people(self, direction, frames=40):
        rng = np.random.default_rng(0)
        ankles = rng.normal(0, 0.02, (frames, 3)) + [0.3, 1.0, 4.0]
        return ankles, ankles + 1.4 * np.asarray(direction) + rng.normal(0, 0.02, (frames, 3))

    @pytest.mark.parametrize("degrees", [-20, 0, 10, 30])
    def test_is_found(self, degrees):
        up = Rotation.from_euler("xz", [degrees, 0.3 * degrees], degrees=True).apply([0, -1.0, 0])
        found = mean_lean(*self.people(up))
        assert np.rad2deg(np.arccos(found @ up)) < 0.5
        assert np.linalg.norm(found) == pytest.approx(1.0)

    def test_those_who_bow_or_crouch_do_not_count(self):
        up = np.array([0, -1.0, 0])
        bowing = Rotation.from_euler("x", 40, degrees=True).apply(up)
        tall, low = self.people(up), self.people(0.6 * bowing)
        mixed = (np.concatenate(both) for both in zip(tall, low, strict=True))
        assert np.rad2deg(np.arccos(mean_lean(*mixed) @ up)) < 0.5

    @pytest.mark.parametrize("direction", [(1.0, 0, 0), (0, 0, 1.0), (0, 1.0, 0)])
    def test_is_none_of_those_who_lie_or_stand_on_their_hands(self, direction):
        assert mean_lean(*self.people(direction)) is None

    def test_is_none_of_somebody_hardly_seen(self):
        ankles, necks = self.people((0, -1.0, 0))
        assert mean_lean(ankles[:4], necks[:4]) is None


def tilted(*, moving: bool = False, given: bool = False) -> Camera:
    """A camera a metre up, tipped by nine degrees in a world whose +Y is up."""
    level = Camera.assumed(1280, 720)
    R = level.R @ TIP.as_matrix().T
    t = -R @ [0.1, 1.0, 0.2]
    if moving:
        steps = np.linspace(0, 1, FRAMES)[:, None]
        R = Rotation.from_euler("yx", steps * [8, -3], degrees=True).as_matrix() @ R
        t = t + steps * [0.3, 0.1, 0.0]
    return Camera(level.K, R, t, source="given", gravity_given=given)


def standing_at(body64, x: float, z: float, *, floor=0.0, height=None, azimuth=40.0) -> Actor:
    """Somebody who stands on a floor of some height."""
    betas = None if height is None else body64.betas_for_height(height).numpy()[:10]
    still = act(body64, np.zeros((1, 38)), np.zeros(3), betas=betas)
    soles = body64.forward(still.pose, return_vertices=True).vertices[..., 1].min()
    pelvis = np.array([x, floor - float(soles), z])
    return act(body64, standing(FRAMES), pelvis, upright(azimuth), betas=betas)


def stood(body, rig, flesh, actors, camera, *, leaning=None, config=None):
    """Everybody before and after, and the camera and the world after.

    With ``leaning``, all is told in a world turned by it.
    """
    before = [
        known(rig, actor, camera, name=f"person-{i}") for i, actor in enumerate(actors, start=1)
    ]
    if leaning is not None:
        camera = replace(camera, R=camera.R @ leaning.as_matrix().T)
        before = [leant(rig, one, leaning, camera) for one in before]
    take = take_of([one.person for one in before], camera, FPS)
    after, seen_by, world = stand(take, body, rig, flesh, before, config or FitConfig())
    return before, after, camera, seen_by, world


def leant(rig: Rig, one: Fitted, turn: Rotation, camera: Camera) -> Fitted:
    """The same motion in a world turned about its origin."""
    pelvis = rig.shaped(one.betas)[0][0]
    pose = Pose(
        turn.apply(one.pose.transl + pelvis) - pelvis,
        turn.as_matrix() @ one.pose.root,
        one.pose.coordinates,
    )
    _, R, t = camera.at(one.person.frames)
    return replace(one, pose=pose, seen=replace(one.seen, R=R, t=t))


def joints_of(rig: Rig, one: Fitted) -> np.ndarray:
    return pose_rig(rig, one.betas, one.pose).joints


def assert_the_picture_stays(rig, before, after, camera, moved, pixels: float) -> None:
    frames = np.arange(FRAMES)
    for one, two in zip(before, after, strict=True):
        old = camera.project(joints_of(rig, one), frames)
        new = moved.project(joints_of(rig, two), frames)
        assert np.isfinite(old).all()
        assert np.linalg.norm(new - old, axis=-1).max() < pixels
        # What the fit goes on with sees the same.
        np.testing.assert_allclose(two.seen.R, moved.at(frames)[1])
        np.testing.assert_allclose(two.seen.t, moved.at(frames)[2])


def two_on_one_floor(body64) -> list[Actor]:
    places = [(-1.0, 4.0, 30.0), (1.0, 5.0, -60.0)]
    return [standing_at(body64, x, z, azimuth=azimuth) for x, z, azimuth in places]


@pytest.mark.parametrize("moving", [False, True])
def test_the_picture_stays_while_the_world_turns(body, body64, rig, flesh, moving):
    config = FitConfig(height=1.7)
    before, after, camera, moved, world = stood(
        body, rig, flesh, two_on_one_floor(body64), tilted(moving=moving),
        leaning=TIP.inv(), config=config,
    )  # fmt: skip
    assert_the_picture_stays(rig, before, after, camera, moved, 1e-6)
    turned = np.rad2deg(Rotation.from_matrix(moved.R[0].T @ camera.R[0]).magnitude())
    assert turned > 5, "the test wants a world that turns"
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.betas, two.betas)
        np.testing.assert_array_equal(one.pose.coordinates, two.pose.coordinates)
        np.testing.assert_array_equal(one.seen.metric, two.seen.metric)
    assert world.scale_source == "height 1.7 m, given"


@pytest.mark.parametrize("people", [1, 2])
def test_people_who_stand_end_upright_on_the_floor(body, body64, rig, flesh, people):
    actors = two_on_one_floor(body64)[:people]
    _, after, _, moved, world = stood(body, rig, flesh, actors, tilted(), leaning=TIP.inv())
    np.testing.assert_array_equal(world.ground, [0, 1, 0, 0])
    assert "how people stand" in world.gravity_source
    for one, actor in zip(after, actors, strict=True):
        lowest = feet_of(rig, flesh, one).lowest
        assert np.median(lowest) == pytest.approx(0.0, abs=0.015 if people == 1 else 0.04)
        joints = joints_of(rig, one)
        up = (joints[:, 12] - joints[:, 7:9].mean(1)).mean(0)
        true = (actor.joints[:, 12] - actor.joints[:, 7:9].mean(1)).mean(0)
        cosine = up @ true / np.linalg.norm(up) / np.linalg.norm(true)
        assert np.rad2deg(np.arccos(cosine)) < 4
    # And the camera is where it was among them.
    centre = -moved.R[0].T @ moved.t[0]
    assert centre[1] == pytest.approx(1.0, abs=0.2)
    assert world.scale_source.startswith("an adult" if people == 1 else "adults")


def test_a_given_gravity_is_kept(body, body64, rig, flesh):
    """However people lean, and wherever their feet are."""
    actors = [standing_at(body64, -1, 4, floor=-0.2), standing_at(body64, 1, 6, floor=0.1)]
    camera = tilted(given=True)
    _, _, _, moved, world = stood(body, rig, flesh, actors, camera)
    np.testing.assert_allclose(moved.R, camera.R, atol=1e-6)
    assert moved.gravity_given
    assert world.gravity_source == "given with the camera"
    leaning = stood(body, rig, flesh, actors, tilted(), leaning=TIP.inv())
    assert np.abs(leaning[3].R - leaning[2].R).max() > 0.05


def test_wrong_sizes_are_put_right_and_the_picture_stays(body, body64, rig, flesh):
    """Two of one size, one of whom seems to stand 8 cm higher: another size, and no step."""
    actors = [standing_at(body64, -1, 4, floor=-0.04), standing_at(body64, 1, 4.5, floor=0.04)]
    before, after, camera, moved, world = stood(body, rig, flesh, actors, tilted(given=True))
    heights = [float(body.height(torch.as_tensor(one.betas).float())) for one in after]
    own = float(body.height(torch.zeros(1, 10)))
    assert own * 0.94 < heights[0] < own * 0.98
    assert own * 1.02 < heights[1] < own * 1.06
    lowest = [np.median(feet_of(rig, flesh, one).lowest) for one in after]
    assert np.ptp(lowest) < 0.016
    for one, two, height in zip(before, after, heights, strict=True):
        np.testing.assert_allclose(two.seen.metric, one.seen.metric * height / own, rtol=1e-4)
        np.testing.assert_array_equal(one.seen.pixels, two.seen.pixels)
        np.testing.assert_allclose(one.pose.root, two.pose.root, atol=1e-6)
    # People of another size are not in proportion quite: up to a percent of their height is for
    # the solver to make good.
    assert_the_picture_stays(rig, before, after, camera, moved, 0.01 * before[1].seen.size)
    pelvis = [
        view.project(joints_of(rig, one)[:, 0], np.arange(FRAMES))
        for view, one in ((camera, before[0]), (moved, after[0]))
    ]
    np.testing.assert_allclose(*pelvis, atol=1e-6)
    assert world.scale_source == "adults of average build on one floor"


def test_known_heights_are_not_changed(body, body64, rig, flesh):
    actors = [standing_at(body64, -1, 4, floor=-0.1), standing_at(body64, 1, 4.5, floor=0.1)]
    config = FitConfig(height=1.7)
    before, after, camera, moved, _ = stood(
        body, rig, flesh, actors, tilted(given=True), config=config
    )
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.betas, two.betas)
    assert_the_picture_stays(rig, before, after, camera, moved, 1e-6)


def test_whoever_never_rests_is_not_under_the_floor(body, body64, rig, flesh):
    """Somebody who falls past the camera: the floor is where the fall ends."""
    actor = standing_at(body64, 0, 4)
    fall = np.linspace(1.0, -1.0, FRAMES)[:, None] * [0, 1.5, 0]
    falling = act(body64, standing(FRAMES), actor.joints[:, 0] + fall, upright(40.0))
    _, after, _, _, _ = stood(body, rig, flesh, [falling], tilted(given=True))
    lowest = feet_of(rig, flesh, after[0]).lowest
    assert lowest.min() == pytest.approx(0.0, abs=1e-9)
    assert lowest[0] > 2.5


def test_a_pit_that_somebody_walks_down_into_is_what_they_stand_on(body, body64, rig, flesh):
    """The floor stays where they rested first; being under it is no mistake of theirs."""
    actor = standing_at(body64, 0, 5)
    depth = np.concatenate([np.zeros(14), np.linspace(0, -2.0, 10)])[:, None] * [0, 1.0, 0]
    down = act(body64, standing(FRAMES), actor.joints[:, 0] + depth, upright(40.0))
    _, after, _, _, _ = stood(body, rig, flesh, [down], tilted(given=True))
    lowest = feet_of(rig, flesh, after[0]).lowest
    assert np.median(lowest[:12]) == pytest.approx(0.0, abs=0.01)
    assert after[0].level == pytest.approx(np.percentile(lowest, 5), abs=1e-6)
    assert after[0].level < -1.0


def test_a_box_is_what_somebody_stands_on_whose_size_is_known(body, body64, rig, flesh):
    actors = [standing_at(body64, -1, 4), standing_at(body64, 1, 4.5, floor=0.4)]
    config = FitConfig(height=1.7)
    _, after, _, _, _ = stood(body, rig, flesh, actors, tilted(given=True), config=config)
    assert after[0].level == 0.0
    assert after[1].level == pytest.approx(0.4, abs=0.02)


def test_feet_are_seen_from_where_the_camera_is(body, body64, rig, flesh):
    camera = tilted()
    actor = standing_at(body64, 0.5, 4.0)
    feet = feet_of(rig, flesh, known(rig, actor, camera))
    centre = -camera.R[0].T @ camera.t[0]
    gaps = actor.joints[:, 0] - centre
    np.testing.assert_allclose(feet.distance, np.linalg.norm(gaps, axis=-1), atol=0.05)
    cosine = np.sum(feet.sight * gaps, -1) / np.linalg.norm(gaps, axis=-1)
    assert np.rad2deg(np.arccos(cosine)).max() < 2.0
    np.testing.assert_allclose(feet.soles[..., 1], 0.0, atol=0.03)
    np.testing.assert_allclose(feet.confidence, 1.0)
    assert feet.fps == FPS


def test_feet_of_unseen_frames_have_no_confidence(body64, rig, flesh):
    actor = standing_at(body64, 0.5, 4.0)
    one = known(rig, replace(actor, hidden=("left_heel",)), tilted())
    weight = one.seen.weight.copy()
    weight[5:9] = 0.0
    feet = feet_of(rig, flesh, replace(one, seen=replace(one.seen, weight=weight)))
    assert np.isnan(feet.confidence[5:9]).all()
    assert np.isfinite(np.delete(feet.confidence, range(5, 9), axis=0)).all()
    np.testing.assert_array_equal(feet.confidence[0], [0.0, 1.0, 1.0, 1.0])
