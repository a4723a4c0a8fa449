"""What touches: soles where the skin is lowest, balls in the body; and rigs with fewer points."""

from dataclasses import replace

import numpy as np
import pytest

from mocap.fitting.flesh import SOLES, Flesh
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig
from mocap.fitting.rig import Rig
from mocap.skeletons import SMPLX_55

from .problems import true_pose
from .synthetic import act, coordinates, standing, upright

PLACE = np.array([0.3, 0.9, 4.0])
SHAPES = {"usual": np.zeros(10), "another": np.linspace(-1.5, 1.5, 10)}


@pytest.fixture(params=SHAPES)
def betas(request) -> np.ndarray:
    return SHAPES[request.param]


def placed(angles: np.ndarray) -> Pose:
    frames = len(angles)
    return Pose(np.tile(PLACE, (frames, 1)), np.stack([np.eye(3)] * frames), angles)


def points_and_body(body64, flesh, angles, betas):
    """The flesh's points (F, P, 3) and the body's own landmarks, vertices and joints."""
    actor = act(body64, angles, PLACE, upright(40), betas=betas)
    posed = body64.forward(actor.pose, return_landmarks=True, return_vertices=True)
    points = pose_rig(flesh.rig, betas, true_pose(actor)).points
    return points, posed.landmarks.numpy(), posed.vertices.numpy(), posed.joints.numpy()


def test_soles_are_the_bodys_own_in_any_pose_and_shape(body64, flesh, betas):
    points, marks, _, _ = points_and_body(body64, flesh, coordinates(40, 30.0), betas)
    wanted = marks[:, [body64.landmark_names.index(f"{sole}_sole") for sole in SOLES]]
    assert np.linalg.norm(points[:, flesh.soles] - wanted, axis=-1).max() < 1e-3
    assert np.ptp(wanted, axis=0).max() > 0.1, "the test wants feet that move"


def test_soles_are_the_lowest_of_somebody_who_stands(body64, flesh, betas):
    points, _, vertices, _ = points_and_body(body64, flesh, np.zeros((1, 38)), betas)
    lowest = vertices[..., 1].min(1)
    assert np.abs(points[:, flesh.soles, 1] - lowest[:, None]).max() < 0.01
    # And balls are no lower: whoever stands, stands on the soles.
    assert ((points[..., 1] - flesh.clearance).min(1) > lowest - 0.001).all()


def test_heels_are_behind_and_toes_in_front(body64, flesh):
    points, _, _, joints = points_and_body(body64, flesh, np.zeros((1, 38)), np.zeros(10))
    ahead = upright(40).apply([0.0, 0.0, 1.0])
    left = upright(40).apply([1.0, 0.0, 0.0])
    for foot, side in ((0, "left"), (2, "right")):
        ankle = joints[0, SMPLX_55.index(f"{side}_ankle")]
        heel, toe = points[0, foot] - ankle, points[0, foot + 1] - ankle
        assert heel @ ahead == pytest.approx(-0.017, abs=0.005)
        assert toe @ ahead == pytest.approx(0.130, abs=0.005)
        assert (ankle - joints[0, 0]) @ left * (1 if side == "left" else -1) > 0.04


def test_both_sides_are_alike(body64, flesh):
    points, _, _, joints = points_and_body(body64, flesh, np.zeros((1, 38)), np.zeros(10))
    inside = (points[0] - joints[0, 0]) @ upright(40).as_matrix()
    pairs = [(0, 2), (1, 3)]
    first = len(SOLES) + 4
    pairs += [(first + ball, first + 8 + ball) for ball in range(8)]
    for left, right in pairs:
        np.testing.assert_allclose(inside[left], inside[right] * [-1, 1, 1], atol=0.004)
    radii = flesh.radii
    np.testing.assert_array_equal(radii[4:12], radii[12:20])


def to_skin(body64, flesh) -> np.ndarray:
    """(B,) metres from each ball's centre to the nearest skin, standing."""
    points, _, vertices, _ = points_and_body(body64, flesh, standing(1), np.zeros(10))
    return np.linalg.norm(points[0, flesh.balls][:, None] - vertices[0], axis=-1).min(1)


def test_balls_of_arms_and_legs_are_as_thick_as_these(body64, flesh):
    nearest = to_skin(body64, flesh)
    limbs = np.r_[4:7, 8:15, 16:20]
    assert np.abs(nearest - flesh.radii)[limbs].max() < 0.024
    # What does not give way on the floor is under the skin.
    assert (nearest - flesh.clearance[flesh.balls])[limbs].min() > -0.002
    # A hand is flatter than any ball; its ball is in it all the same.
    assert nearest[[7, 15]].min() > 0.008


def test_balls_of_the_trunk_are_in_the_trunk(body64, flesh):
    """As far from the back as from the front, or people lie above the floor and sit too far off."""
    points, _, vertices, _ = points_and_body(body64, flesh, np.zeros((1, 38)), np.zeros(10))
    turn = upright(40).as_matrix()
    centres, skin = points[0, flesh.balls][:3] @ turn, vertices[0] @ turn
    for centre, radius in zip(centres, flesh.radii[:3], strict=True):
        level = skin[(np.abs(skin[:, :2] - centre[:2]) < 0.03).all(1), 2]
        assert level.min() - (centre[2] - radius) < 0.05
        assert (centre[2] + radius) - level.max() < 0.05


def test_no_two_people_could_hide_in_the_gaps(body64, flesh):
    """Along every limb and the trunk the next ball is never farther than a limb is thick."""
    points, _, _, joints = points_and_body(body64, flesh, standing(1), np.zeros(10))
    centres, radii = points[0, flesh.balls], flesh.radii
    for upper, lower in (("knee", "ankle"), ("elbow", "wrist"), ("hip", "knee")):
        a, b = (joints[0, SMPLX_55.index(f"left_{name}")] for name in (upper, lower))
        along = a + np.linspace(0.15, 1, 30)[:, None] * (b - a)
        outside = np.linalg.norm(along[:, None] - centres, axis=-1) - radii
        assert outside.min(1).max() < 0.14, (upper, lower)


def test_a_body_without_sole_landmarks_gets_heels_and_toes(body, body64, rig):
    marks = body.landmarks
    kept = [i for i, name in enumerate(marks.names) if not name.endswith("_sole")]
    fewer = replace(
        marks,
        names=tuple(marks.names[i] for i in kept),
        joints=marks.joints[kept],
        carriers=marks.carriers[kept],
        offsets=marks.offsets[kept],
        vertices=marks.vertices[kept],
        weights=marks.weights[kept],
    )
    spare = Flesh.of(replace(body, landmarks=fewer), rig)
    names = ("left_heel", "left_big_toe", "right_heel", "right_big_toe")
    points, landmarks, _, _ = points_and_body(body64, spare, standing(1), np.zeros(10))
    wanted = landmarks[:, [body64.landmark_names.index(name) for name in names]]
    assert np.linalg.norm(points[:, :4] - wanted, axis=-1).max() < 0.01


def test_a_larger_body_has_its_flesh_where_it_is(body, body64, flesh):
    """Balls keep their size but lie along the limbs of whatever length."""
    tall = body.betas_for_height(2.0).double().numpy()[:10]
    for betas in (np.zeros(10), tall):
        points, _, _, joints = points_and_body(body64, flesh, standing(1), betas)
        knee, ankle = (joints[0, SMPLX_55.index(f"left_{name}")] for name in ("knee", "ankle"))
        shin = points[0, flesh.balls][10]
        np.testing.assert_allclose(shin, (knee + ankle) / 2, atol=1e-5)


class TestOnly:
    """The rig with some of its points."""

    def test_the_points_kept_are_the_same_points(self, flesh, rng):
        chosen = rng.uniform(size=len(flesh.rig.carriers)) < 0.4
        angles = coordinates(5, 30.0)
        pose = placed(angles)
        betas = np.linspace(-1, 1, 10)
        few = flesh.rig.only(chosen)
        whole, some = pose_rig(flesh.rig, betas, pose), pose_rig(few, betas, pose)
        np.testing.assert_array_equal(some.points, whole.points[:, chosen])
        np.testing.assert_array_equal(
            point_jacobian(few, pose, some), point_jacobian(flesh.rig, pose, whole)[:, chosen]
        )

    def test_none_is_a_rig_too(self, rig):
        none = rig.only(np.zeros(len(rig.carriers), bool))
        pose = placed(np.zeros((2, 38)))
        posed = pose_rig(none, np.zeros(10), pose)
        assert posed.points.shape == (2, 0, 3)
        assert none.moved_by.shape == (0, 22)

    def test_keypoints_keep_their_names(self, rig):
        chosen = np.ones(len(rig.carriers), bool)
        chosen[rig.point("nose")] = False
        fewer = rig.only(chosen)
        assert isinstance(fewer, Rig)
        for name in ("left_knee", "right_index", "left_heel"):
            before, after = rig.point(name), fewer.point(name)
            assert rig.carriers[before] == fewer.carriers[after]
            np.testing.assert_array_equal(rig.offsets[before], fewer.offsets[after])
