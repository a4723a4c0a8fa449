"""Each term of the energy: where it is zero, what it costs, and how it changes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.fitting import terms
from mocap.fitting.freedom import COORDINATES, SIZE, limits
from mocap.fitting.kinematics import Pose, point_jacobian, pose_rig
from mocap.fitting.problem import accelerations
from mocap.fitting.rig import DEPTH_BONES, Rig
from mocap.fitting.terms import Weights

from .problems import TILTED, small

#: Reweighting would hide the derivative of the residual itself.
NOT_ROBUST = Weights(outlier=1e9)


@pytest.fixture(scope="module")
def truth(body64, rig):
    return small(body64, rig)


@pytest.fixture(scope="module")
def wrong(truth):
    """The problem with a pose that is off by a few centimetres, and points of all weights."""
    problem, pose = truth
    rng = np.random.default_rng(1)
    step = rng.normal(0, 0.05, (len(pose), SIZE))
    weight = rng.uniform(0, 1, problem.seen.weight.shape)
    weight[rng.uniform(size=weight.shape) < 0.2] = 0.0
    return replace(problem, seen=replace(problem.seen, weight=weight)), pose.moved(step)


def evaluated(term: str, problem, pose, weights) -> terms.Residuals:
    posed = pose_rig(problem.rig, np.zeros(10), pose)
    jacobian = point_jacobian(problem.rig, pose, posed)
    if term == "metric":
        return terms.metric(problem.rig, posed.points, jacobian, problem.seen, weights)
    return terms.reprojection(posed.points, jacobian, problem.seen, weights)


@pytest.mark.parametrize("term", ["reprojection", "metric"])
def test_derivatives(wrong, term):
    problem, pose = wrong
    analytic = evaluated(term, problem, pose, NOT_ROBUST).jacobian
    numeric = np.empty_like(analytic)
    for unknown in range(SIZE):
        step = np.zeros((len(pose), SIZE))
        step[:, unknown] = 1e-6
        ahead = evaluated(term, problem, pose.moved(step), NOT_ROBUST).values
        behind = evaluated(term, problem, pose.moved(-step), NOT_ROBUST).values
        numeric[..., unknown] = (ahead - behind) / 2e-6
    np.testing.assert_allclose(analytic, numeric, atol=2e-5)


@pytest.mark.parametrize("term", ["reprojection", "metric"])
def test_nothing_is_wrong_where_the_points_are_seen(truth, term):
    problem, pose = truth
    # 32-bit keypoints, and skin that the rig holds rigid, are what is left.
    values = evaluated(term, problem, pose, problem.weights).values
    assert np.abs(values).max() < 0.3
    if term == "reprojection":
        parts = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        rigid = [
            problem.rig.point(f"{side}_{part}") for side in ("left", "right") for part in parts
        ]
        assert np.abs(values.reshape(len(pose), -1, 2)[:, rigid]).max() < 1e-3


def test_reprojection_counts_in_shares_of_the_persons_height(truth):
    problem, pose = truth
    weights = replace(NOT_ROBUST, reprojection=0.02)
    seen = problem.seen
    moved = replace(seen, pixels=seen.pixels + seen.size * np.array([0.02, -0.04]))
    before = evaluated("reprojection", problem, pose, weights).values
    after = evaluated("reprojection", replace(problem, seen=moved), pose, weights).values
    change = (after - before).reshape(-1, 2)
    np.testing.assert_allclose(change, np.tile([-1.0, 2.0], (len(change), 1)), atol=1e-6)
    # The picture of a person of half the size, seen by half the focal length, says the same.
    half = np.diag([0.5, 0.5, 1.0])
    shrunk = replace(seen, pixels=seen.pixels / 2, K=half @ seen.K, size=seen.size / 2)
    again = evaluated("reprojection", replace(problem, seen=shrunk), pose, weights).values
    np.testing.assert_allclose(again, before, atol=1e-9)


def test_outliers_saturate(truth):
    problem, pose = truth
    points = pose_rig(problem.rig, np.zeros(10), pose).points
    seen, weights = problem.seen, Weights(outlier=3.0)
    clean = terms.reprojection_energy(points, seen, weights)
    deviation = weights.reprojection * seen.size

    def cost(deviations: float) -> float:
        pixels = seen.pixels.copy()
        pixels[0, 3, 0] += deviations * deviation
        return terms.reprojection_energy(points, replace(seen, pixels=pixels), weights) - clean

    # Geman and McClure: half the square near zero, half the square of the scale far away.
    assert cost(0.1) == pytest.approx(0.005, rel=0.01)
    assert cost(3.0) == pytest.approx(0.5 * 9 / 2, rel=1e-3)
    assert cost(1000.0) == pytest.approx(0.5 * 9, rel=1e-3)
    pulls = []
    for deviations in (1.0, 30.0):
        pixels = seen.pixels.copy()
        pixels[0, 3, 0] += deviations * deviation
        residuals = evaluated(
            "reprojection", replace(problem, seen=replace(seen, pixels=pixels)), pose, weights
        )
        pulls.append(np.abs(np.einsum("n,nm->m", residuals.values[0], residuals.jacobian[0])).max())
    assert pulls[1] < 0.05 * pulls[0]


def test_the_robust_energy_falls_as_its_reweighted_residuals_say(wrong):
    problem, pose = wrong
    weights = Weights(reprojection=0.01, outlier=2.0)
    residuals = evaluated("reprojection", problem, pose, weights)
    error = np.abs(residuals.values).max()
    assert error > 0.9, "the test wants points beyond the bend of the robust cost"
    gradient = np.einsum("fn,fnm->fm", residuals.values, residuals.jacobian)

    def energy(step: np.ndarray) -> float:
        points = pose_rig(problem.rig, np.zeros(10), pose.moved(step)).points
        return terms.reprojection_energy(points, problem.seen, weights)

    rng = np.random.default_rng(0)
    for _ in range(5):
        step = 1e-6 * rng.normal(size=gradient.shape)
        slope = energy(step) - energy(-step)
        assert slope == pytest.approx(2 * np.sum(gradient * step), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("term", ["reprojection", "metric"])
def test_points_of_no_weight_say_nothing(wrong, term):
    problem, pose = wrong
    nothing = problem.seen.weight == 0
    assert nothing.sum() > 20
    seen = problem.seen
    absurd = replace(
        seen,
        pixels=np.where(nothing[..., None], 1e5, seen.pixels),
        metric=np.where(nothing[..., None], -77.0, seen.metric),
    )
    one = evaluated(term, problem, pose, problem.weights)
    two = evaluated(term, replace(problem, seen=absurd), pose, problem.weights)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.jacobian, two.jacobian)


def test_weight_multiplies_the_energy(wrong):
    problem, pose = wrong
    seen = problem.seen
    half = replace(problem, seen=replace(seen, weight=seen.weight / 2))
    for term in ("reprojection", "metric"):
        whole = np.sum(evaluated(term, problem, pose, problem.weights).values ** 2)
        less = np.sum(evaluated(term, half, pose, problem.weights).values ** 2)
        assert less == pytest.approx(whole / 2)


def test_a_point_behind_the_camera_is_no_catastrophe(truth):
    problem, pose = truth
    behind = replace(pose, transl=pose.transl + np.array([0.0, 0.0, -30.0]))
    residuals = evaluated("reprojection", problem, behind, problem.weights)
    assert np.isfinite(residuals.values).all()
    assert np.isfinite(residuals.jacobian).all()


class TestMetric:
    """Bones along the ray, places across it."""

    def parts(self, problem, pose):
        values = evaluated("metric", problem, pose, problem.weights).values
        bones = len(problem.rig.bones)
        return values[:, :bones], values[:, bones:].reshape(len(pose), -1, 2)

    def shifted(self, problem, pose, offset):
        """The metric residuals' change when the left wrist is told to be elsewhere."""
        wrist = problem.rig.point("left_wrist")
        metric = problem.seen.metric.copy()
        metric[:, wrist] += offset
        moved = replace(problem, seen=replace(problem.seen, metric=metric))
        return [
            after - before
            for after, before in zip(
                self.parts(moved, pose), self.parts(problem, pose), strict=True
            )
        ]

    def test_along_the_ray_only_the_bones_of_the_point_notice(self, truth):
        problem, pose = truth
        by_bone, across = self.shifted(problem, pose, 0.1 * problem.seen.rays)
        names = problem.rig.bones
        for column, (start, end) in enumerate(names):
            wanted = {"left_wrist": -1.0}.get(end, 0.0) - {"left_wrist": -1.0}.get(start, 0.0)
            np.testing.assert_allclose(
                by_bone[:, column], wanted * 0.1 / problem.weights.depth, atol=1e-9
            )
        assert np.abs(across).max() < 1e-9

    def test_across_the_ray_only_the_point_notices(self, truth):
        problem, pose = truth
        side = np.cross(problem.seen.rays, [0.3, 1.0, 0.2])
        side /= np.linalg.norm(side, axis=-1, keepdims=True)
        by_bone, across = self.shifted(problem, pose, 0.1 * side)
        assert np.abs(by_bone).max() < 1e-9
        lengths = np.linalg.norm(across, axis=-1)
        wrist = problem.rig.point("left_wrist")
        np.testing.assert_allclose(lengths[:, wrist], 0.1 / problem.weights.lateral)
        assert np.delete(lengths, wrist, axis=1).max() < 1e-9

    def test_the_place_of_the_whole_body_does_not_matter(self, truth):
        problem, pose = truth
        moved = replace(pose, transl=pose.transl + np.array([0.2, -0.1, 0.3]))
        for here, there in zip(self.parts(problem, pose), self.parts(problem, moved), strict=True):
            np.testing.assert_allclose(here, there, atol=1e-9)

    def test_every_depth_bone_is_on_the_open_body(self, rig):
        assert rig.bones == DEPTH_BONES

    def test_bones_of_points_the_body_lacks_are_left_out(self, rig):
        kept = np.array(
            [point for point in range(len(rig.keypoints)) if point != rig.point("nose")]
        )
        fewer = Rig(
            rig.joints, rig.joint_directions, rig.keypoints[kept], rig.carriers[kept],
            rig.offsets[kept], rig.offset_directions[kept],
        )  # fmt: skip
        assert set(DEPTH_BONES) - set(fewer.bones) == {
            ("nose", "left_ear"),
            ("nose", "right_ear"),
        }


def plain_pose(coordinates: np.ndarray) -> Pose:
    frames = len(coordinates)
    return Pose(np.zeros((frames, 3)), np.stack([np.eye(3)] * frames), coordinates)


def test_limits_cost_nothing_inside():
    low, high = limits()
    shares = np.linspace(0, 1, 9)[:, None]
    values, slope = terms.joint_limits(plain_pose(low + shares * (high - low)), Weights())
    assert np.abs(values).max() < 1e-12
    inside = terms.joint_limits(plain_pose((low + high)[None] / 2), Weights())[1]
    assert not inside.any()
    assert slope.shape == values.shape


def test_limits_cost_what_is_beyond():
    low, high = limits()
    weights = Weights(limit=0.05)
    values, slope = terms.joint_limits(plain_pose(np.stack([low - 0.1, high + 0.05])), weights)
    np.testing.assert_allclose(values, np.outer([-2.0, 1.0], np.ones(len(low))))
    np.testing.assert_allclose(slope, 1 / 0.05)


@pytest.mark.parametrize("fps", [25.0, 120.0])
def test_steady_motion_costs_nothing(rig, truth, fps):
    problem = replace(truth[0], seen=replace(truth[0].seen, fps=fps))
    frames = np.arange(12)[:, None]
    rng = np.random.default_rng(0)
    start = Rotation.from_rotvec([0.3, -2.0, 0.4])
    # About an axis of its own, past half a turn and on.
    turns = Rotation.from_rotvec(frames * [0.25, -0.3, 0.1])
    pose = Pose(
        frames * [0.1, -0.02, 0.3],
        (turns * start).as_matrix(),
        frames * rng.normal(0, 0.1, len(COORDINATES)),
    )
    assert np.abs(accelerations(problem, pose)).max() < 1e-8


def test_accelerations_are_in_deviations(truth):
    fps = 50.0
    weights = Weights(acceleration=20.0, root_acceleration=10.0, translation_acceleration=5.0)
    problem = replace(truth[0], weights=weights, seen=replace(truth[0].seen, fps=fps))
    squares = 0.5 * (np.arange(12)[:, None] / fps) ** 2
    pose = Pose(
        squares * [0, 5.0, 0],
        Rotation.from_rotvec(squares * [0, 0, 10.0]).as_matrix(),
        squares * np.full(len(COORDINATES), -20.0),
    )
    wanted = np.concatenate([[0, 1, 0], [0, 0, 1], np.full(len(COORDINATES), -1.0)])
    np.testing.assert_allclose(accelerations(problem, pose), np.tile(wanted, (10, 1)), atol=1e-6)


def test_the_camera_of_these_tests_is_a_rotation():
    np.testing.assert_allclose(TILTED.R[0] @ TILTED.R[0].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(TILTED.R[0]) > 0
