"""What no detector should say but some do: nothing missing in the take, and nobody else lost."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from mocap.errors import FitError
from mocap.fitting import FitConfig, fit
from mocap.fitting.flesh import SOLES
from mocap.geometry import Camera
from mocap.skeletons import MEDIAPIPE_33
from mocap.take import Keypoints2D, Keypoints3D, Person, Take

from .synthetic import (
    DETECTOR,
    act,
    coordinates,
    mpjpe,
    see,
    standing,
    take_of,
    upright,
)

FPS = 30.0
FRAMES = 45
#: The clip's other person, whom nothing is wrong with.
SOUND = "person-2"
LEGS = tuple(
    f"{side}_{point}"
    for side in ("left", "right")
    for point in ("knee", "ankle", "heel", "foot_index")
)


@pytest.fixture(scope="module")
def known_camera() -> Camera:
    return replace(Camera.assumed(1280, 720), source="given")


@pytest.fixture(scope="module")
def actors(body64):
    """Somebody who stands and somebody who moves, two metres apart."""
    moving = coordinates(FRAMES, FPS, seed=1, reach=0.3)
    return (
        act(body64, standing(FRAMES), np.array([-1.0, 0.0, 4.0]), upright(30.0)),
        act(body64, moving, np.array([1.0, 0.05, 4.5]), upright(-50.0)),
    )


def with_points(person: Person, change) -> Person:
    """The person with keypoints that a function has changed in place: xy, confidence, xyz."""
    image, space = person.keypoints2d, person.keypoints3d
    xy, confidence, xyz = image.xy.copy(), image.confidence.copy(), space.xyz.copy()
    change(xy, confidence, xyz)
    return replace(
        person,
        keypoints2d=Keypoints2D(xy, confidence, image.skeleton, image.source),
        keypoints3d=Keypoints3D(xyz, space.skeleton, space.source),
    )


def fitted_with(body, first: Person, actors, camera: Camera) -> Take:
    """Both people fitted with everything the fit does, ground and all."""
    second = see(actors[1], camera, DETECTOR, name=SOUND, seed=1)
    return fit(take_of([first, second], camera, FPS), body, FitConfig())


def assert_sound(take: Take, *names: str) -> None:
    """People are fitted, and nothing of the take is missing."""
    for part in (take.camera.K, take.camera.R, take.camera.t, take.world.ground):
        assert np.isfinite(part).all()
    np.testing.assert_allclose(take.camera.R[0] @ take.camera.R[0].T, np.eye(3), atol=1e-9)
    for name in names:
        person = take.people[name]
        for record in (person.body, person.contacts):
            assert record is not None, name
            for field in dataclasses.fields(record):
                value = getattr(record, field.name)
                if isinstance(value, np.ndarray):
                    assert np.isfinite(value).all(), (name, field.name)
        contacts = np.stack([getattr(person.contacts, sole) for sole in SOLES])
        assert contacts.min() >= 0.0
        assert contacts.max() <= 1.0


def missing_for_a_second(xy, confidence, xyz):
    xy[8:38], xyz[8:38], confidence[8:38] = np.nan, np.nan, 0.0


def missing_at_both_ends(xy, confidence, xyz):
    for part in (slice(0, 12), slice(30, None)):
        xy[part], xyz[part], confidence[part] = np.nan, np.nan, 0.0


def every_other_frame(xy, confidence, xyz):
    xy[::2], xyz[::2], confidence[::2] = np.nan, np.nan, 0.0


def no_confidence_known(xy, confidence, xyz):
    confidence[10:20] = np.nan


def endless(xy, confidence, xyz):
    xy[20, 5], xyz[22, 11] = np.inf, -np.inf


def far_outside(xy, confidence, xyz):
    xy[15:18] += 1e6


def all_in_one_spot(xy, confidence, xyz):
    xy[30:35], xyz[30:35] = 400.0, 0.0


def flat(xy, confidence, xyz):
    xyz[..., 2] = 0.0


def huge(xy, confidence, xyz):
    xyz *= 1000.0


def the_other_way_up(xy, confidence, xyz):
    xyz[20:] *= -1.0


def sides_swapped(xy, confidence, xyz):
    swapped = [
        MEDIAPIPE_33.index(name.replace("left", "*").replace("right", "left").replace("*", "right"))
        for name in MEDIAPIPE_33.names
    ]
    xy[10:20], xyz[10:20] = xy[10:20][:, swapped], xyz[10:20][:, swapped]


CHANGES = (
    missing_for_a_second,
    missing_at_both_ends,
    every_other_frame,
    no_confidence_known,
    endless,
    far_outside,
    all_in_one_spot,
    flat,
    huge,
    the_other_way_up,
    sides_swapped,
)


@pytest.mark.parametrize("change", CHANGES)
def test_odd_keypoints_leave_no_hole_and_harm_nobody_else(body, actors, known_camera, change):
    person = with_points(see(actors[0], known_camera, DETECTOR), change)
    take = fitted_with(body, person, actors, known_camera)
    assert_sound(take, "person-1", SOUND)
    assert mpjpe(take, actors[1], known_camera, name=SOUND, root_free=True) < 50


@pytest.mark.parametrize("change", [missing_for_a_second, every_other_frame])
def test_what_is_missing_is_filled_in_as_it_was(body, actors, known_camera, change):
    """Somebody who stands, stands through a gap."""
    person = with_points(see(actors[0], known_camera, DETECTOR), change)
    take = fitted_with(body, person, actors, known_camera)
    assert mpjpe(take, actors[0], known_camera, root_free=True) < 75
    joints = take.people["person-1"].body.joints[:, :22]
    steps = np.linalg.norm(np.diff(joints, axis=0), axis=-1)
    assert steps.max() < 0.05


@pytest.mark.parametrize("frames", [[20, 21, 22], [0, 1, 44], [3, 20, 40]])
def test_somebody_seen_in_three_frames(body, actors, known_camera, frames):
    observed = np.zeros(FRAMES, bool)
    observed[frames] = True
    person = see(actors[0], known_camera, DETECTOR, observed=observed)
    take = fitted_with(body, person, actors, known_camera)
    assert_sound(take, "person-1", SOUND)
    assert mpjpe(take, actors[1], known_camera, name=SOUND, root_free=True) < 50
    assert mpjpe(take, actors[0], known_camera, root_free=True) < 110


@pytest.mark.parametrize("frames", [[], [20], [20, 21]])
def test_somebody_seen_in_fewer_is_refused_and_harms_nobody(body, actors, known_camera, frames):
    observed = np.zeros(FRAMES, bool)
    observed[frames] = True
    gone = ~observed

    def hide(xy, confidence, xyz):
        xy[gone], xyz[gone], confidence[gone] = np.nan, np.nan, 0.0

    person = with_points(see(actors[0], known_camera), hide)
    take = fitted_with(body, person, actors, known_camera)
    assert_sound(take, SOUND)
    assert take.people["person-1"].body is None
    assert take.people["person-1"].contacts is None
    assert f"{len(frames)} frames" in take.provenance[-1].parameters["refused"]["person-1"]
    with pytest.raises(FitError, match="person-1"):
        fit(take_of([person], known_camera, FPS), body, FitConfig())


def test_somebody_whose_legs_are_never_seen_stands_on_the_floor_of_the_other(
    body, actors, known_camera
):
    legless = see(replace(actors[0], hidden=LEGS), known_camera, DETECTOR)
    take = fitted_with(body, legless, actors, known_camera)
    assert_sound(take, "person-1", SOUND)
    assert mpjpe(take, actors[1], known_camera, name=SOUND, root_free=True) < 50
    # Feet that nobody sees are not said to rest.
    contacts = take.people["person-1"].contacts
    assert not any(getattr(contacts, sole).any() for sole in SOLES)


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
def test_absurd_intrinsics_leave_everybody_somewhere(body, actors, known_camera, K):
    people = [
        see(actor, known_camera, DETECTOR, name=f"person-{i}", seed=i)
        for i, actor in enumerate(actors, start=1)
    ]
    wrong = Camera(np.array([K]), known_camera.R, known_camera.t, source="given")
    take = fit(take_of(people, wrong, FPS), body, FitConfig())
    assert_sound(take, "person-1", SOUND)
    for person in take.people.values():
        assert np.abs(person.body.transl).max() < 1000


def test_people_in_and_out_of_the_clip_at_different_times(body, actors, known_camera):
    """The one comes when the other has gone, and a third is there for both."""
    first, second = (
        see(actor, known_camera, DETECTOR, name=f"person-{i}", seed=i)
        for i, actor in enumerate(actors, start=1)
    )

    def cut(person: Person, name: str, part: slice) -> Person:
        image, space = person.keypoints2d, person.keypoints3d
        return replace(
            person,
            id=name,
            frames=person.frames[part],
            observed=person.observed[part],
            box=person.box[part],
            keypoints2d=replace(image, xy=image.xy[part], confidence=image.confidence[part]),
            keypoints3d=replace(space, xyz=space.xyz[part]),
        )

    people = [second, cut(first, "early", slice(0, 20)), cut(first, "late", slice(20, 45))]
    take = fit(take_of(people, known_camera, FPS), body, FitConfig())
    assert_sound(take, SOUND, "early", "late")
    for name, part in (("early", slice(0, 20)), ("late", slice(20, 45))):
        joints = take.people[name].body.joints
        assert len(joints) == part.stop - part.start
        pixels = take.camera.project(joints[:, :22], take.people[name].frames)
        true = known_camera.project(actors[0].joints[part, :22], take.people[name].frames)
        assert np.linalg.norm(pixels - true, axis=-1).mean() < 12
