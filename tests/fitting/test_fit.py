"""Made-up people through the whole fit, compared with what they really did."""

import dataclasses
import logging

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.errors import FitError
from mocap.fitting import FitConfig, Weights, fit
from mocap.fitting.freedom import COORDINATES
from mocap.fitting.observations import observe
from mocap.fitting.person import scaled
from mocap.geometry import Camera
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Take

from .synthetic import (
    CLEAN,
    DETECTOR,
    act,
    coordinates,
    in_camera_axes,
    mpjpe,
    see,
    standing,
    take_of,
    upright,
)

#: No ground, for most of these people hang in the air like puppets, and a lens that is known.
FREE = FitConfig(rounds=0, refine_lens=False)
#: Habits hardly believed either: what is left is what the fit itself gets wrong.
LOOSE = FitConfig(rounds=0, refine_lens=False, weights=Weights(prior=10.0))
FPS = 30.0
AWAY = np.array([0.0, 0.0, 4.0])
LEGS = tuple(
    f"{side}_{point}"
    for side in ("left", "right")
    for point in ("knee", "ankle", "heel", "foot_index")
)


def fitted(
    body, actor, camera, *, noise=CLEAN, fps=FPS, config=LOOSE, size=(1280, 720), **seen
) -> Take:
    return fit(take_of([see(actor, camera, noise, **seen)], camera, fps, size), body, config)


def assert_sound(take: Take, name: str = "person-1") -> None:
    """Nothing missing, and rotations that make the joints on record."""
    motion = take.people[name].body
    for field in dataclasses.fields(motion):
        value = getattr(motion, field.name)
        if isinstance(value, np.ndarray):
            assert np.isfinite(value).all(), field.name
    for part in (take.camera.K, take.camera.R, take.camera.t):
        assert np.isfinite(part).all()
    np.testing.assert_allclose(take.camera.R[0] @ take.camera.R[0].T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("azimuth", [0, 45, 90, 135, 180, 225, 270, 315])
def test_from_every_side(body, body64, camera, azimuth):
    actor = act(body64, coordinates(45, FPS, seed=azimuth % 4), AWAY, upright(azimuth))
    take = fitted(body, actor, camera)
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < 8
    assert mpjpe(take, actor, camera) < 16


@pytest.mark.parametrize(
    "turn",
    [("z", 180), ("x", 180), ("x", -90), ("x", 90), ("z", 90), ("y", 0)],
    ids=["handstand", "head over", "on the back", "on the belly", "on the side", "upright"],
)  # fmt: skip
def test_any_way_up(body, body64, camera, turn):
    root = upright(20) * Rotation.from_euler(*turn, degrees=True)
    actor = act(body64, coordinates(45, FPS), AWAY, root)
    take = fitted(body, actor, camera)
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < 4
    # Distance is known as well as size.
    assert mpjpe(take, actor, camera) < 5


@pytest.mark.parametrize(
    ("axis", "degrees", "azimuth"), [("y", 720, 0), ("z", 360, 140), ("x", -360, 250)],
    ids=["pirouette", "cartwheel", "somersault"],
)  # fmt: skip
def test_all_the_way_round(body, body64, camera, axis, degrees, azimuth):
    turns = Rotation.from_euler(axis, np.linspace(0, degrees, 60)[:, None], degrees=True)
    actor = act(body64, coordinates(60, FPS, reach=0.3), AWAY, upright(azimuth) * turns)
    take = fitted(body, actor, camera)
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < 3
    # As vectors, too, the turn goes on where it is half done; once round may start again at zero.
    vectors = take.people["person-1"].body.global_orient
    jumps = np.linalg.norm(np.diff(vectors, axis=0), axis=-1)
    assert (jumps > 1.0).sum() <= abs(degrees) / 360


def test_vectors_do_not_jump_where_a_turn_is_half_done(body, body64, camera):
    turns = Rotation.from_euler("y", np.linspace(100, 260, 40)[:, None], degrees=True)
    actor = act(body64, standing(40), AWAY, turns)
    motion = fitted(body, actor, camera).people["person-1"].body
    angles = np.linalg.norm(motion.global_orient, axis=-1)
    assert angles.min() < np.deg2rad(110)
    assert angles.max() > np.deg2rad(250)
    assert np.linalg.norm(np.diff(motion.global_orient, axis=0), axis=-1).max() < 0.3


@pytest.mark.parametrize("fps", [25.0, 30.0, 60.0, 120.0])
def test_at_every_frame_rate(body, body64, camera, fps):
    actor = act(body64, coordinates(int(1.2 * fps), fps), AWAY, upright(30))
    take = fitted(body, actor, camera, fps=fps)
    assert mpjpe(take, actor, camera, root_free=True) < 4
    # Distance is known as well as size.
    assert mpjpe(take, actor, camera) < 5


@pytest.mark.parametrize(
    ("size", "pelvis"),
    [
        ((720, 1280), (0.0, 0.0, 5.0)),
        ((1280, 720), (2.0, 0.0, 4.0)),
        ((1280, 720), (-2.2, 0.7, 4.5)),
        ((1920, 1080), (0.5, -0.5, 12.0)),
    ],
    ids=["portrait", "right border", "left corner", "far"],
)  # fmt: skip
def test_anywhere_in_the_picture(body, body64, size, pelvis):
    camera = Camera.assumed(*size)
    actor = act(body64, coordinates(45, FPS, seed=1), np.array(pelvis), upright(60))
    take = fitted(body, actor, camera, size=size)
    assert mpjpe(take, actor, camera, root_free=True) < 8
    assert mpjpe(take, actor, camera) < 0.005 * 1000 * pelvis[2]


@pytest.mark.parametrize("azimuth", [20, 110, 200, 290])
def test_as_wrong_as_detectors_are(body, body64, camera, azimuth):
    actor = act(body64, coordinates(60, FPS, seed=azimuth % 3), AWAY, upright(azimuth))
    take = fitted(body, actor, camera, noise=DETECTOR, config=FREE)
    assert_sound(take)
    person = take.people["person-1"]
    # The detector's own points, put where the hips truly are.
    told = person.keypoints3d.xyz - person.keypoints3d.xyz[
        :, MEDIAPIPE_33.indices("left_hip", "right_hip")
    ].mean(1, keepdims=True)
    true_points = in_camera_axes(actor.points, camera, person.frames)
    true_points = true_points - true_points[:, MEDIAPIPE_33.indices("left_hip", "right_hip")].mean(
        1, keepdims=True
    )
    limbs = [
        MEDIAPIPE_33.index(f"{side}_{joint}")
        for side in ("left", "right")
        for joint in ("shoulder", "elbow", "wrist", "knee", "ankle")
    ]
    raw = 1000 * np.linalg.norm(told - true_points, axis=-1)[:, limbs].mean()
    found = mpjpe(take, actor, camera, root_free=True)
    assert found < 40
    assert found < 0.8 * raw
    assert mpjpe(take, actor, camera) < 70


def test_noise_is_smoothed_away(body, body64, camera):
    actor = act(body64, standing(60, sway=0.05), AWAY, upright(30))
    take = fitted(body, actor, camera, noise=DETECTOR, config=FREE)

    def jitter(pixels):
        return np.linalg.norm(np.diff(pixels, 3, axis=0), axis=-1).mean()

    person = take.people["person-1"]
    names = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")
    motion = person.body.joints[:, SMPLX_55.indices(*names)]
    seen = person.keypoints2d.xy[:, MEDIAPIPE_33.indices(*names)].astype(float)
    assert jitter(take.camera.project(motion, person.frames)) < 0.15 * jitter(seen)


def test_the_record_is_what_the_body_makes_of_it(body, body64, camera):
    """SMPL-X's meaning of the numbers: another reader's forward pass gives the same joints."""
    actor = act(body64, coordinates(30, FPS), AWAY, upright(100), betas=np.linspace(-1, 1, 10))
    take = fitted(body, actor, camera)
    motion = take.people["person-1"].body
    posed = body64.forward(BodyPose.of(motion, body64.template))
    np.testing.assert_allclose(motion.joints, posed.joints.numpy(), atol=1e-9)
    assert motion.model_sha256 == body.sha256
    assert motion.joints.shape == (30, 55, 3)
    # And where these joints stand in the world of the take, the camera sees them where they were.
    pixels = take.camera.project(motion.joints, np.arange(30))
    true_pixels = camera.project(actor.joints, np.arange(30))
    limbs = SMPLX_55.indices("left_knee", "right_ankle", "left_wrist", "right_elbow")
    assert np.linalg.norm(pixels - true_pixels, axis=-1)[:, limbs].mean() < 4


def stature(take: Take, body, name: str = "person-1") -> float:
    return float(body.height(torch.as_tensor(take.people[name].body.betas, dtype=torch.float32))[0])


@pytest.mark.parametrize("height", [1.5, 1.95])
def test_a_given_height_is_kept_and_sets_the_distance(body, body64, camera, height):
    """The same picture is of a small person nearby or of a large one far away."""
    actor = act(body64, coordinates(45, FPS), AWAY, upright(30))
    own = float(body.height(torch.zeros(1, 10))[0])
    take = fitted(body, actor, camera, config=dataclasses.replace(LOOSE, height=height))
    assert stature(take, body) == pytest.approx(height, abs=1e-3)
    assert take.world.scale_source.startswith("height")
    distance = in_camera_axes(take.people["person-1"].body.joints, take.camera, np.arange(45))[
        :, 0, 2
    ]
    # Not in proportion quite: people of another height are built a little differently.
    assert distance.mean() == pytest.approx(4.0 * height / own, rel=0.05)


def test_the_true_height_gives_the_true_distance(body, body64, camera):
    betas = body.betas_for_height(1.9).double().numpy()[:10]
    actor = act(body64, coordinates(45, FPS), AWAY, upright(30), betas=betas)
    height = float(body.height(torch.as_tensor(betas, dtype=torch.float32))[0])
    take = fitted(body, actor, camera, config=dataclasses.replace(LOOSE, height=height))
    assert mpjpe(take, actor, camera) < 6
    assert mpjpe(take, actor, camera, root_free=True) < 5


@pytest.mark.parametrize("bent", [0.0, 1.2, 2.0])
@pytest.mark.parametrize("metre", [0.8, 1.0, 1.2])
def test_the_detectors_metre_is_found_in_any_pose(body64, camera, rig, bent, metre):
    """Keypoints beside joints are nearer to each other, or farther, when limbs are bent."""
    angles = standing(30)
    for place, coordinate in enumerate(COORDINATES):
        if coordinate.axis == 0 and coordinate.joints[0].endswith(("hip", "knee")):
            angles[:, place] = bent if coordinate.joints[0].endswith("knee") else -bent
    actor = act(body64, angles, AWAY, upright(40))
    seen = observe(see(actor, camera), rig, *camera.at(np.arange(30)), FPS)
    told = dataclasses.replace(seen, metric=metre * seen.metric)
    found = scaled(rig, np.zeros(10), told).metric / seen.metric
    assert np.nanmedian(found) == pytest.approx(1.0, abs=0.004)


@pytest.mark.parametrize(("metre", "factor"), [(0.5, 1.4), (3.0, 0.7)])
def test_no_detectors_metre_is_believed_to_be_far_off(body64, camera, rig, metre, factor):
    actor = act(body64, coordinates(5, FPS), AWAY, upright(30))
    seen = observe(see(actor, camera), rig, *camera.at(np.arange(5)), FPS)
    told = dataclasses.replace(seen, metric=metre * seen.metric)
    np.testing.assert_allclose(scaled(rig, np.zeros(10), told).metric, factor * told.metric)
    nobody = dataclasses.replace(told, weight=0 * told.weight)
    np.testing.assert_array_equal(scaled(rig, np.zeros(10), nobody).metric, told.metric)


def test_the_detectors_metre_does_not_matter(body, body64, camera):
    actor = act(body64, coordinates(45, FPS), AWAY, upright(30))
    for scale in (0.8, 1.25):
        noise = dataclasses.replace(CLEAN, scale=scale)
        assert mpjpe(fitted(body, actor, camera, noise=noise), actor, camera, root_free=True) < 5


def two_people(body64, camera, apart=1.5):
    places = [np.array([-apart / 2, 0.0, 4.0]), np.array([apart / 2, 0.0, 4.8])]
    actors = [
        act(body64, standing(45), place, upright(azimuth))
        for place, azimuth in zip(places, (60, -60), strict=True)
    ]
    people = [see(actor, camera, name=f"person-{i}") for i, actor in enumerate(actors, 1)]
    return actors, people


def test_people_keep_their_distance(body, body64, camera):
    actors, people = two_people(body64, camera)
    take = fit(take_of(people, camera, FPS), body, LOOSE)
    found = [take.people[f"person-{i}"].body.joints[:, 0] for i in (1, 2)]
    true = [actor.joints[:, 0] for actor in actors]
    apart = np.linalg.norm(found[0] - found[1], axis=-1)
    np.testing.assert_allclose(apart, np.linalg.norm(true[0] - true[1], axis=-1), atol=0.05)
    # One world: both stand on the one floor.
    for i in (1, 2):
        feet = take.people[f"person-{i}"].body.joints[
            :, SMPLX_55.indices("left_foot", "right_foot"), 1
        ]
        assert feet.min() == pytest.approx(0.0, abs=0.06)


def test_tall_and_short_stand_on_one_floor(body, body64, camera):
    """Where up is known: a doubtful up explains a difference in level as well as sizes do."""
    camera = dataclasses.replace(camera, gravity_given=True)
    people = []
    for i, (height, x, z) in enumerate([(1.86, -0.8, 4.0), (1.6, 0.8, 4.8)], start=1):
        betas = body.betas_for_height(height).double().numpy()[:10]
        # One floor, a metre below the camera.
        still = act(body64, standing(45), np.zeros(3), upright(0), betas=betas)
        feet = still.points[..., 1].min()
        place = np.array([x, -1.0 - feet, z])
        actor = act(body64, standing(45), place, upright(60), betas=betas)
        people.append(see(actor, camera, name=f"person-{i}"))
    take = fit(take_of(people, camera, FPS), body, FitConfig())
    for i in (1, 2):
        feet = SMPLX_55.indices("left_foot", "right_foot")
        heights = take.people[f"person-{i}"].body.joints[:, feet, 1]
        assert heights.mean() == pytest.approx(0.03, abs=0.05)


def test_somebody_hardly_seen_is_refused_by_name_and_the_others_stay(body, body64, camera, caplog):
    _, people = two_people(body64, camera)
    twice = np.zeros(45, bool)
    twice[[10, 11]] = True
    actors, _ = two_people(body64, camera)
    people[1] = see(actors[1], camera, name="person-2", observed=twice)
    with caplog.at_level(logging.WARNING, logger="mocap"):
        take = fit(take_of(people, camera, FPS), body, LOOSE)
    assert take.people["person-1"].body is not None
    assert take.people["person-2"].body is None
    assert "person-2" in caplog.text
    refused = take.provenance[-1].parameters["refused"]
    assert list(refused) == ["person-2"]
    assert "2 frames" in refused["person-2"]


def test_nobody_left_is_an_error_that_names_everybody(body, body64, camera):
    actors, _ = two_people(body64, camera)
    twice = np.zeros(45, bool)
    twice[[10, 11]] = True
    people = [see(a, camera, name=f"person-{i}", observed=twice) for i, a in enumerate(actors, 1)]
    with pytest.raises(FitError, match=r"person-1.*person-2"):
        fit(take_of(people, camera, FPS), body, LOOSE)
    bare = dataclasses.replace(people[0], keypoints3d=None)
    with pytest.raises(FitError, match=r"person-1: has no keypoints; run `mocap extract`"):
        fit(take_of([bare], camera, FPS), body, LOOSE)
    with pytest.raises(FitError, match="nobody was found"):
        fit(dataclasses.replace(take_of(people, camera, FPS), people={}), body, LOOSE)


def test_a_body_of_an_earlier_fit_does_not_outlive_its_refusal(body, body64, camera):
    actors, people = two_people(body64, camera)
    take = fit(take_of(people, camera, FPS), body, LOOSE)
    twice = np.zeros(45, bool)
    twice[[10, 11]] = True
    hardly = see(actors[1], camera, name="person-2", observed=twice)
    hardly = dataclasses.replace(hardly, body=take.people["person-2"].body)
    again = fit(dataclasses.replace(take, people={**take.people, "person-2": hardly}), body, LOOSE)
    assert again.people["person-2"].body is None


def test_fitting_again_changes_nothing(body, body64, camera):
    actor = act(body64, standing(45), AWAY, upright(30))
    pitched = pitched_camera(10, 0)
    once = fitted(body, actor, pitched)
    twice = fit(once, body, LOOSE)
    np.testing.assert_allclose(
        twice.people["person-1"].body.joints[:, :, 1],
        once.people["person-1"].body.joints[:, :, 1],
        atol=0.01,
    )
    assert [stage.name for stage in twice.provenance] == ["fitting"]


def test_a_person_whose_legs_are_never_seen(body, body64, camera):
    actor = act(body64, standing(45), AWAY, upright(30), hidden=LEGS)
    take = fitted(body, actor, camera, config=FitConfig())
    assert_sound(take)
    joints = take.people["person-1"].body.joints
    above = SMPLX_55.indices("neck", "left_shoulder", "right_elbow", "left_wrist")
    gaps = in_camera_axes(joints, take.camera, np.arange(45)) - in_camera_axes(
        actor.joints, camera, np.arange(45)
    )
    gaps = gaps - gaps[:, :1]
    assert np.linalg.norm(gaps[:, above], axis=-1).mean() < 0.05
    # Legs that nobody sees stand under the body, the knees hardly bent.
    pelvis, knees, ankles = (
        joints[:, SMPLX_55.indices(*names)].mean(1)
        for names in (("pelvis",), ("left_knee", "right_knee"), ("left_ankle", "right_ankle"))
    )
    assert (pelvis[:, 1] > knees[:, 1] + 0.25).all()
    assert (knees[:, 1] > ankles[:, 1] + 0.2).all()


@pytest.mark.parametrize(
    "points",
    [
        ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
        ("nose", "left_ear", "right_ear"),
        ("left_hip", "right_hip"),
        ("left_shoulder", "left_elbow", "left_wrist"),
        ("right_hip", "right_knee", "right_ankle"),
    ],
    ids=["torso", "head", "hips", "left arm", "right leg"],
)
def test_points_that_are_never_seen_are_no_obstacle(body, body64, camera, points):
    actor = act(body64, coordinates(40, FPS, reach=0.3), AWAY, upright(30), hidden=points)
    take = fitted(body, actor, camera, config=FitConfig())
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < (60 if len(points) > 3 else 45)


@pytest.mark.parametrize("seed", range(3))
def test_frames_without_sight_are_filled(body, body64, camera, seed):
    actor = act(body64, coordinates(60, FPS, seed), AWAY, upright(30))
    observed = np.random.default_rng(seed).uniform(size=60) < 0.5
    observed[20:30] = False
    take = fitted(body, actor, camera, observed=observed)
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < 12


@pytest.mark.parametrize(
    "K",
    [
        [[50.0, 0, 640], [0, 50, 360], [0, 0, 1]],
        [[80000.0, 0, 640], [0, 80000, 360], [0, 0, 1]],
        [[900.0, 0, 9000], [0, 900, -9000], [0, 0, 1]],
        [[300.0, 0, 640], [0, 3000, 360], [0, 0, 1]],
    ],
    ids=["fish-eye", "telescope", "centre far outside", "squeezed"],
)
def test_absurd_intrinsics_do_not_break_the_fit(body, body64, camera, K):
    actor = act(body64, standing(20), AWAY, upright(30))
    person = see(actor, camera)
    wrong = Camera(np.array([K]), camera.R, camera.t)
    take = fit(take_of([person], wrong, FPS), body, FitConfig())
    assert_sound(take)


@pytest.mark.parametrize("frames", [3, 4, 5])
def test_short_sightings(body, body64, camera, frames):
    actor = act(body64, coordinates(frames, FPS), AWAY, upright(30))
    take = fitted(body, actor, camera)
    assert_sound(take)
    assert mpjpe(take, actor, camera, root_free=True) < 6


def pitched_camera(pitch: float, roll: float) -> Camera:
    """The assumed camera, tipped down by ``pitch`` and rolled by ``roll`` degrees."""
    level = Camera.assumed(1280, 720)
    tip = Rotation.from_euler("zx", [roll, pitch], degrees=True).as_matrix()
    return Camera(level.K, tip @ level.R, level.t)


def tilt_of(take: Take, truth: Camera) -> float:
    """Degrees between the up direction found and the true one, as the camera sees both."""
    found, true = take.camera.R[0] @ [0.0, 1.0, 0.0], truth.R[0] @ [0.0, 1.0, 0.0]
    return float(np.rad2deg(np.arccos(np.clip(found @ true, -1, 1))))


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (15, 0), (25, 0), (-15, 0), (10, 5), (20, -4)])
@pytest.mark.parametrize("azimuth", [30, 180])
def test_gravity_is_found_from_how_people_stand(body, body64, pitch, roll, azimuth):
    truth = pitched_camera(pitch, roll)
    actor = act(
        body64,
        standing(40),
        np.array([0.2, 0.3 - 4 * np.tan(np.deg2rad(pitch)), 4.0]),
        upright(azimuth),
    )
    # The fit is told a level camera, and has to find the tilt.
    told = Camera.assumed(1280, 720)
    take = fit(take_of([see(actor, truth)], told, FPS), body, LOOSE)
    assert tilt_of(take, truth) < 3.0 + 0.2 * abs(pitch) + 0.65 * abs(roll)
    assert take.world.gravity_source


def test_a_standing_person_stands_on_the_floor(body, body64, camera):
    actor = act(body64, standing(40), AWAY, upright(30))
    take = fitted(body, actor, camera, config=FitConfig())
    motion = take.people["person-1"].body
    posed = body64.forward(BodyPose.of(motion, body64.template), return_vertices=True)
    soles = posed.vertices[..., 1].amin(1).numpy()
    assert np.abs(soles).max() < 0.03
    np.testing.assert_array_equal(take.world.ground, [0, 1, 0, 0])


def test_a_jump_leaves_the_floor(body, body64, camera):
    times = np.arange(60) / FPS
    flight = np.clip(0.3 - 0.5 * 9.81 * (times - 1.0) ** 2, 0, None)
    pelvis = AWAY + flight[:, None] * np.array([0.0, 1.0, 0.0])
    actor = act(body64, standing(60, sway=0.0), pelvis, upright(30))
    take = fitted(body, actor, camera, config=FitConfig())
    feet = (
        take.people["person-1"]
        .body.joints[:, SMPLX_55.indices("left_foot", "right_foot"), 1]
        .mean(1)
    )
    assert feet[:15].mean() < 0.06
    assert feet[28:33].max() - feet[:15].mean() == pytest.approx(0.3, abs=0.06)


def test_progress_is_told_in_frames(body, body64, camera):
    _, people = two_people(body64, camera)
    told = []
    fit(
        take_of(people, camera, FPS), body, FitConfig(iterations=1), lambda *step: told.append(step)
    )
    frames = sum(len(person.frames) for person in people)
    done = [step[1] for step in told]
    assert {(stage, total) for stage, _, total in told} == {("fitting", frames)}
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, frames)
    assert len(set(done)) > 5


def test_the_fitted_take_can_be_saved(body, body64, camera, tmp_path):
    actor = act(body64, standing(5), AWAY, upright(30))
    take = fitted(body, actor, camera)
    again = Take.load(take.save(tmp_path / "take.h5"))
    np.testing.assert_allclose(
        again.people["person-1"].body.joints, take.people["person-1"].body.joints, atol=1e-6
    )
    assert again.provenance[-1].parameters["weights"]["prior"] == 10.0
