"""People on the ground and beside each other: what is around them, and what becomes of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.fitting import FitConfig, fit
from mocap.fitting.balance import Balance
from mocap.fitting.contacts import Footing
from mocap.fitting.flesh import SOLES
from mocap.fitting.freedom import COORDINATES, SIZE
from mocap.fitting.kinematics import pose_rig
from mocap.fitting.problem import data_energy, data_equations
from mocap.fitting.terms import Weights
from mocap.fitting.together import _AWAY, _around, settle
from mocap.geometry import Camera
from mocap.take import Take

from .problems import known, leaning, small, surrounded
from .synthetic import DETECTOR, Actor, act, see, standing, take_of, upright

ZERO = np.zeros(10)
FPS = 30.0
FRAMES = 30
#: A camera that is known, a metre and a half over the floor.
CAMERA = replace(
    Camera.assumed(1280, 720), t=np.array([[0.0, 1.5, 0.0]]), source="given", gravity_given=True
)


def standing_at(body64, x: float, z: float, azimuth: float = 30.0, frames: int = FRAMES) -> Actor:
    """Somebody who stands on the floor y = 0: the feet do not move, all above the hips does."""
    still = act(body64, np.zeros((1, 38)), np.zeros(3))
    soles = body64.forward(still.pose, return_vertices=True).vertices[..., 1].min()
    angles = standing(frames, sway=0.05)
    legs = [
        column
        for column, coordinate in enumerate(COORDINATES)
        if coordinate.joints[0].endswith(("hip", "knee", "ankle"))
    ]
    angles[:, legs] = 0.0
    return act(body64, angles, np.array([x, -float(soles), z]), upright(azimuth))


def points_of(flesh, one) -> np.ndarray:
    return pose_rig(flesh.rig, one.betas, one.pose).points


def deepest(flesh, one, two) -> np.ndarray:
    """(F,) how deep two people are in each other, metres."""
    mine, theirs = (points_of(flesh, person)[:, flesh.balls] for person in (one, two))
    gaps = np.linalg.norm(mine[:, :, None] - theirs[:, None], axis=-1)
    return np.maximum(flesh.radii[:, None] + flesh.radii - gaps, 0.0).max((1, 2))


class TestGradient:
    """The equations that the solver steps by are those of the energy, surroundings and all."""

    def slopes(self, problem, pose):
        """By the equations, and by the energy, of some random directions."""
        _, gradient = data_equations(problem, ZERO, pose)
        rng = np.random.default_rng(0)
        for _ in range(5):
            step = 1e-7 * rng.normal(size=gradient.shape)
            ahead, behind = (data_energy(problem, ZERO, pose.moved(s)) for s in (step, -step))
            yield 2 * np.sum(gradient * step), ahead - behind

    @pytest.mark.parametrize("what", ["floor", "rests", "balance"])
    def test_of_the_ground(self, body64, rig, flesh, what):
        problem, pose = surrounded(*small(body64, rig, frames=5), flesh)
        around = replace(problem.around, others=np.zeros((5, 0, 3)), their_radii=np.zeros(0))
        if what != "rests":
            around = replace(around, probability=np.zeros((5, 4)))
        if what != "balance":
            around = replace(around, balance=leaning(pose, np.zeros(5)))
        problem = replace(problem, around=around)
        alone = replace(problem, around=None)
        assert data_energy(problem, ZERO, pose) > 1.2 * data_energy(alone, ZERO, pose)
        for told, found in self.slopes(problem, pose):
            assert told == pytest.approx(found, rel=1e-4)

    def test_of_others(self, body64, rig, flesh):
        problem, pose = surrounded(*small(body64, rig, frames=5), flesh, aside=0.1)
        around = replace(problem.around, balance=leaning(pose, np.zeros(5)))
        problem = replace(problem, weights=Weights(apart=0.005), around=around)
        for told, found in self.slopes(problem, pose):
            assert told == pytest.approx(found, rel=1e-4)

    def test_a_clip_in_parts_costs_what_it_costs_whole(self, body64, rig, flesh):
        problem, pose = surrounded(*small(body64, rig, frames=6), flesh)
        parts = [slice(0, 2), slice(2, 6)]
        whole = data_energy(problem, ZERO, pose)
        told = sum(data_energy(problem[part], ZERO, pose[part]) for part in parts)
        assert told == pytest.approx(whole, rel=1e-12)
        blocks, gradient = data_equations(problem, ZERO, pose)
        found = [data_equations(problem[part], ZERO, pose[part]) for part in parts]
        np.testing.assert_allclose(np.concatenate([f[0] for f in found]), blocks, atol=1e-6)
        np.testing.assert_allclose(np.concatenate([f[1] for f in found]), gradient, atol=1e-6)

    def test_surroundings_that_touch_nobody_change_nothing(self, body64, rig, flesh):
        problem, pose = surrounded(*small(body64, rig, frames=5), flesh, aside=9.0)
        lift = np.array([0.0, 3.0, 0.0])
        pose = replace(pose, transl=pose.transl + lift)
        seen = replace(problem.seen, t=problem.seen.t - problem.seen.R @ lift)
        around = replace(
            problem.around, probability=np.zeros((5, 4)), balance=leaning(pose, np.zeros(5))
        )
        problem = replace(problem, seen=seen, around=around)
        alone = replace(problem, around=None)
        assert data_energy(problem, ZERO, pose) == data_energy(alone, ZERO, pose)
        for mine, theirs in zip(
            data_equations(problem, ZERO, pose), data_equations(alone, ZERO, pose), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)
        assert mine.shape == (5, SIZE)


class TestAround:
    """Who is where, in the frames of whom."""

    def footing(self, one) -> Footing:
        frames = len(one.pose)
        return Footing(np.zeros((frames, 4, 3)), np.zeros((frames, 4)))

    def around(self, flesh, people, index: int):
        """What is around one of them; balance is another matter."""
        frames = len(people[index].pose)
        nothing = Balance(np.zeros((frames, 3)), *np.zeros((3, frames)))
        return _around(flesh, people, index, self.footing(people[index]), nothing)

    def later(self, one, start: int, frames: slice):
        """The same person, present in some frames only, counted from a video frame."""
        person = replace(one.person, frames=np.arange(start, start + len(one.pose[frames])))
        return replace(one, person=person, seen=one.seen[frames], pose=one.pose[frames])

    def test_others_are_where_they_are_in_the_frames_they_share(self, body64, rig, flesh):
        one = known(rig, standing_at(body64, 0, 4), CAMERA)
        two = self.later(known(rig, standing_at(body64, 0.6, 4), CAMERA), 10, slice(0, 12))
        balls = points_of(flesh, two)[:, flesh.balls]
        found = self.around(flesh, [one, two], 0)
        assert found.others.shape == (FRAMES, len(flesh.radii), 3)
        np.testing.assert_array_equal(found.others[10:22], balls)
        assert (found.others[:10] == _AWAY).all()
        assert (found.others[22:] == _AWAY).all()
        np.testing.assert_array_equal(found.their_radii, flesh.radii)
        # And the other way round.
        found = self.around(flesh, [one, two], 1)
        np.testing.assert_array_equal(found.others, points_of(flesh, one)[10:22][:, flesh.balls])

    def test_who_comes_when_the_other_is_gone_does_not_count(self, body64, rig, flesh):
        one = known(rig, standing_at(body64, 0, 4), CAMERA)
        two = self.later(known(rig, standing_at(body64, 0.1, 4), CAMERA), FRAMES, slice(0, FRAMES))
        for index in (0, 1):
            found = self.around(flesh, [one, two], index)
            assert found.others.shape == (FRAMES, 0, 3)
            assert found.their_radii.shape == (0,)

    def test_who_is_far_away_does_not_count(self, body64, rig, flesh):
        people = [
            known(rig, standing_at(body64, x, z), CAMERA) for x, z in ((0, 4), (0.5, 4), (-2.5, 4))
        ]
        found = [self.around(flesh, people, i) for i in range(3)]
        balls = len(flesh.radii)
        assert [around.others.shape[1] for around in found] == [balls, balls, 0]
        np.testing.assert_array_equal(found[0].others, points_of(flesh, people[1])[:, flesh.balls])

    def test_everybody_near_counts(self, body64, rig, flesh):
        people = [known(rig, standing_at(body64, x, 4), CAMERA) for x in (0, 0.5, 1.0)]
        found = self.around(flesh, people, 1)
        wanted = [points_of(flesh, people[i])[:, flesh.balls] for i in (0, 2)]
        np.testing.assert_array_equal(found.others, np.concatenate(wanted, axis=1))
        np.testing.assert_array_equal(found.their_radii, np.tile(flesh.radii, 2))


@pytest.mark.parametrize(
    "offset", [(0.0, 0.06), (0.08, 0.0), (0.04, 0.05)],
    ids=["one behind the other", "side by side", "aslant"],
)  # fmt: skip
def test_people_who_are_in_each_other_end_apart(body64, rig, flesh, offset):
    """However exactly they were seen in each other."""
    actors = [standing_at(body64, 0, 4), standing_at(body64, offset[0], 4 + offset[1], 200)]
    people = [known(rig, actor, CAMERA, name=f"p{i}") for i, actor in enumerate(actors)]
    before = deepest(flesh, *people).mean()
    assert before > 0.06
    careless = FitConfig(weights=Weights(apart=1e3))
    alone, _ = settle(rig, flesh, people, careless)
    settled, _ = settle(rig, flesh, people, FitConfig())
    assert deepest(flesh, *alone).mean() > 0.9 * before
    assert deepest(flesh, *settled).mean() < 0.5 * before


def test_settled_feet_rest_on_the_floor_and_the_rest_stays(body64, rig, flesh):
    one = known(rig, standing_at(body64, 0.3, 4), CAMERA)
    sunk = replace(one, pose=replace(one.pose, transl=one.pose.transl - [0, 0.05, 0]))
    (settled,), (resting,) = settle(rig, flesh, [sunk], FitConfig())
    assert resting.shape == (FRAMES, 4)
    assert resting.min() > 0.9
    soles = points_of(flesh, settled)[:, flesh.soles]
    assert np.abs(soles[..., 1]).max() < 0.02
    assert np.linalg.norm(np.diff(soles[..., [0, 2]], axis=0), axis=-1).max() < 0.002
    assert settled.person is sunk.person
    np.testing.assert_array_equal(settled.betas, sunk.betas)


def test_no_rounds_leave_everybody_where_they_are(body64, rig, flesh):
    people = [known(rig, standing_at(body64, x, 4), CAMERA) for x in (0, 0.2)]
    settled, resting = settle(rig, flesh, people, FitConfig(rounds=0))
    assert settled == people
    assert [one.shape for one in resting] == [(FRAMES, 4)] * 2


def soles_of(take: Take, body64, name: str = "person-1") -> tuple[np.ndarray, np.ndarray]:
    """A person's sole landmarks (F, 4, 3) and lowest skin (F,) by the body itself."""
    motion = take.people[name].body
    posed = body64.forward(
        BodyPose.of(motion, body64.template), return_landmarks=True, return_vertices=True
    )
    marks = posed.landmarks.numpy()
    columns = [body64.landmark_names.index(f"{sole}_sole") for sole in SOLES]
    return marks[:, columns], posed.vertices[..., 1].min(1).values.numpy()


def contacts_of(take: Take, name: str = "person-1") -> np.ndarray:
    found = take.people[name].contacts
    return np.stack([getattr(found, sole) for sole in SOLES], 1)


@pytest.mark.parametrize("azimuth", [30.0, 120.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_noisy_feet_of_somebody_who_stands_stay_on_the_floor(body, body64, azimuth, seed):
    actor = standing_at(body64, 0.3, 4, azimuth, frames=60)
    take = fit(take_of([see(actor, CAMERA, DETECTOR, seed=seed)], CAMERA, FPS), body, FitConfig())
    soles, lowest = soles_of(take, body64)
    slide = np.linalg.norm(np.diff(soles[..., [0, 2]], axis=0), axis=-1)
    assert np.abs(soles[..., 1]).max() < 0.02
    assert np.percentile(slide, 99) < 0.005
    assert slide.max() < 0.008
    assert lowest.min() > -0.01
    assert contacts_of(take).min() > 0.5


def test_two_in_exactly_one_place_are_both_fitted(body, body64):
    """A person detected twice: the centres of all balls coincide."""
    actor = standing_at(body64, 0.3, 4)
    people = [see(actor, CAMERA, name=f"person-{i}") for i in (1, 2)]
    take = fit(take_of(people, CAMERA, FPS), body, FitConfig())
    for person in take.people.values():
        for values in (person.body.joints, person.body.body_pose, person.body.betas):
            assert np.isfinite(values).all()
        assert np.isfinite(contacts_of(take, person.id)).all()
    joints = [person.body.joints[:, :22] for person in take.people.values()]
    apart = np.linalg.norm(joints[0] - joints[1], axis=-1).mean()
    # Both have been seen where they are, and nobody is thrown out of the picture.
    assert 0.02 < apart < 0.5
    for person in take.people.values():
        pixels = take.camera.project(person.body.joints, person.frames)
        true = CAMERA.project(actor.joints, person.frames)
        assert np.linalg.norm(pixels - true, axis=-1).mean() < 12


def test_somebody_far_away_changes_nothing(body, body64):
    """Of one size, on one floor: there is nothing to agree on and nobody to touch."""
    here, far = standing_at(body64, -1, 4), standing_at(body64, 1.5, 8.5)
    people = [
        see(actor, CAMERA, name=f"person-{i}") for i, actor in enumerate((here, far), start=1)
    ]
    config = FitConfig(height=1.7)
    alone = fit(take_of(people[:1], CAMERA, FPS), body, config)
    both = fit(take_of(people, CAMERA, FPS), body, config)
    one, two = (take.people["person-1"].body for take in (alone, both))
    np.testing.assert_array_equal(one.betas, two.betas)
    # The floor is found from the feet of both, millimetres from where it is by one's.
    np.testing.assert_allclose(one.joints, two.joints, atol=0.01)
    np.testing.assert_allclose(one.body_pose, two.body_pose, atol=0.02)


def bent(**degrees: float) -> np.ndarray:
    """Angles (F, C) of somebody who stands but for hips, knees and ankles, degrees about x."""
    angles = standing(FRAMES, sway=0.02)
    for column, coordinate in enumerate(COORDINATES):
        joint = coordinate.joints[0].split("_")[-1]
        if coordinate.axis == 0 and joint in degrees:
            angles[:, column] = np.deg2rad(degrees[joint])
    return angles


@pytest.mark.parametrize(
    ("angles", "turn", "deep"),
    [
        (bent(hip=-80, knee=100, ankle=-25), ("y", 0), 0.01),
        (bent(), ("z", 90), 0.03),
        (bent(), ("x", -90), 0.045),
        (bent(), ("x", 90), 0.045),
        (bent(hip=-10, knee=100, ankle=50), ("y", 0), 0.045),
    ],
    ids=["squatting", "on the side", "on the back", "on the belly", "kneeling"],
)
def test_nobody_is_far_under_the_floor_whatever_they_do(body, body64, angles, turn, deep):
    """By the skin; soles are exact, and the rest of the body is a few balls."""
    root = upright(60.0) * Rotation.from_euler(*turn, degrees=True)
    still = act(body64, angles[:1], np.zeros(3), root)
    lowest = float(body64.forward(still.pose, return_vertices=True).vertices[..., 1].min())
    actor = act(body64, angles, np.array([0.2, -lowest, 4.0]), root)
    take = fit(take_of([see(actor, CAMERA, DETECTOR)], CAMERA, FPS), body, FitConfig())
    _, lowest = soles_of(take, body64)
    assert lowest.min() > -deep
    assert lowest.mean() < 0.08


@pytest.mark.parametrize("seed", [0, 1])
def test_the_fit_does_not_mind_the_order_of_people(body, body64, seed):
    """Nor their names."""
    actors = [standing_at(body64, -0.8, 4), standing_at(body64, 0.8, 5)]
    people = [
        see(actor, CAMERA, DETECTOR, name=f"person-{i}", seed=2 * seed + i)
        for i, actor in enumerate(actors, start=1)
    ]
    there = fit(take_of(people, CAMERA, FPS), body, FitConfig())
    back = fit(take_of(people[::-1], CAMERA, FPS), body, FitConfig())
    for name in ("person-1", "person-2"):
        one, two = (take.people[name].body.joints for take in (there, back))
        np.testing.assert_allclose(one, two, atol=1e-3)
