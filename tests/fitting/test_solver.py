"""The banded solver against a dense one, a plain one, and its own promises."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import roma
import torch
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose
from mocap.fitting import freedom, solver, terms
from mocap.fitting.balance import _SEGMENTS
from mocap.fitting.flesh import SOLES
from mocap.fitting.freedom import SIZE, expansion
from mocap.fitting.initialise import initial_pose
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.prior import PosePrior
from mocap.fitting.problem import energy
from mocap.fitting.rig import DEPTH_BONES
from mocap.fitting.solver import solve
from mocap.fitting.terms import Weights
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55

from .problems import hidden, small, surrounded
from .synthetic import DETECTOR, Noise

ZERO = np.zeros(10)
#: Enough to be sure that the end was reached.
MANY = 200


def off(pose: Pose, size: float, seed: int = 0) -> Pose:
    """The pose with errors of ``size`` radians and metres in every frame."""
    return pose.moved(np.random.default_rng(seed).normal(0, size, (len(pose), SIZE)))


def gap(rig, one: Pose, two: Pose) -> float:
    """The largest distance between joints of two motions, metres."""
    joints = [pose_rig(rig, ZERO, pose).joints for pose in (one, two)]
    return float(np.linalg.norm(joints[0] - joints[1], axis=-1).max())


class PlainEnergy:
    """The energy written once more from its definition, on the body itself and with autograd.

    Unknowns are a step (F, SIZE) from a starting pose. Nothing of the rig, the kinematics or the
    terms is used; of balance and flesh only the lists of masses and balls.
    """

    def __init__(self, problem, start: Pose, body64):
        self.body, self.weights, self.start = body64, problem.weights, start
        self.around = problem.around
        as_tensor = torch.as_tensor
        seen = problem.seen
        self.pixels, self.metric, self.weight = map(
            as_tensor, (seen.pixels, seen.metric, seen.weight)
        )
        self.rays, self.K, self.R, self.t = map(as_tensor, (seen.rays, seen.K, seen.R, seen.t))
        self.size, self.fps = seen.size, seen.fps
        self.names = [MEDIAPIPE_33.names[k] for k in problem.rig.keypoints]
        self.expand = as_tensor(expansion())

    def residuals(self, step: torch.Tensor) -> torch.Tensor:
        step = step.reshape(-1, SIZE)
        angles = torch.as_tensor(self.start.coordinates) + step[:, 6:]
        turn = roma.rotvec_to_rotmat(step[:, 3:6])
        root = turn @ torch.as_tensor(self.start.root)
        transl = torch.as_tensor(self.start.transl) + step[:, :3]
        pose = BodyPose(
            global_orient=roma.rotmat_to_rotvec(root),
            body_pose=(angles @ self.expand.T)[:, 3:],
            transl=transl,
        )
        posed = self.body.forward(pose, return_landmarks=True)
        points = torch.stack(
            [
                posed.landmarks[:, self.body.landmark_names.index(name)]
                if name in self.body.landmark_names
                else posed.joints[:, SMPLX_55.index(name)]
                for name in self.names
            ],
            1,
        )
        around = [] if self.around is None else self.surroundings(posed)
        return torch.cat(
            [
                part.flatten()
                for part in (
                    *around,
                    self.picture(points),
                    self.depth(points),
                    self.lateral(points),
                    self.habits(angles),
                    self.limits(angles),
                    *self.accelerations(transl, root, angles),
                )
            ]
        )

    def picture(self, points):
        camera = torch.einsum("fij,fpj->fpi", self.R, points) + self.t[:, None]
        image = torch.einsum("fij,fpj->fpi", self.K, camera)
        error = (image[..., :2] / image[..., 2:] - self.pixels) / (
            self.weights.reprojection * self.size
        )
        robust = 1 + error.square().sum(-1, keepdim=True) / self.weights.outlier**2
        return self.weight.sqrt()[..., None] * error / robust.sqrt()

    def depth(self, points):
        out = []
        for a, b in DEPTH_BONES:
            i, j = self.names.index(a), self.names.index(b)
            bone = torch.einsum("fij,fj->fi", self.R, points[:, j] - points[:, i])
            told = self.metric[:, j] - self.metric[:, i]
            sure = torch.minimum(self.weight[:, i], self.weight[:, j]).sqrt()
            out.append(sure * ((bone - told) * self.rays).sum(-1) / self.weights.depth)
        return torch.stack(out)

    def lateral(self, points):
        left, right = self.names.index("left_hip"), self.names.index("right_hip")
        centre = (points[:, left] + points[:, right])[:, None] / 2
        places = torch.einsum("fij,fpj->fpi", self.R, points - centre)
        missing = places - self.metric
        along = (missing * self.rays[:, None]).sum(-1, keepdim=True) * self.rays[:, None]
        hips = torch.minimum(self.weight[:, left], self.weight[:, right])[:, None]
        return (
            torch.minimum(self.weight, hips).sqrt()[..., None]
            * (missing - along)
            / self.weights.lateral
        )

    def habits(self, angles):
        """The likeliest of some Gaussians or Student's t, as a sum of squares."""
        prior, count = PosePrior.load(), angles.shape[1]
        means, roots = torch.as_tensor(prior.means), torch.as_tensor(prior.roots)
        gaps = torch.einsum("kij,fkj->fki", roots, angles[:, None] - means)
        squared = gaps.square().sum(-1)
        twice = squared
        if np.isfinite(prior.freedom):
            twice = (prior.freedom + count) * torch.log1p(squared / prior.freedom)
        peaks = torch.as_tensor(prior.log_weights) + torch.linalg.slogdet(roots).logabsdet
        behind = 2 * (peaks.max() - peaks)
        best = (twice + behind).argmin(1)
        each = torch.arange(len(angles))
        scale = (twice[each, best] / squared[each, best]).sqrt()
        return torch.cat([scale[:, None] * gaps[each, best], behind[best, None].sqrt()], 1) / (
            self.weights.prior
        )

    def limits(self, angles):
        low, high = map(torch.as_tensor, freedom.limits())
        return (angles - angles.clamp(low, high)) / self.weights.limit

    def accelerations(self, transl, root, angles):
        rate = self.fps**2
        turns = roma.rotmat_to_rotvec(root[1:] @ root[:-1].transpose(1, 2))
        return (
            rate
            * (transl[2:] - 2 * transl[1:-1] + transl[:-2])
            / self.weights.translation_acceleration,
            rate * (turns[1:] - turns[:-1]) / self.weights.root_acceleration,
            rate * (angles[2:] - 2 * angles[1:-1] + angles[:-2]) / self.weights.acceleration,
        )

    def surroundings(self, posed):
        as_tensor = torch.as_tensor
        marks, names = posed.landmarks, self.body.landmark_names
        soles = marks[:, [names.index(f"{sole}_sole") for sole in SOLES]]
        places, probability = as_tensor(self.around.places), as_tensor(self.around.probability)
        rests = probability.sqrt()[..., None] * (soles - places) / self.weights.rest
        flesh = self.around.flesh
        carriers, offsets = flesh.rig.carriers[flesh.balls], flesh.rig.offsets[flesh.balls]
        along = posed.rotations[:, carriers] @ as_tensor(offsets)[..., None]
        balls = posed.joints[:, carriers] + along[..., 0]
        radii, firm = as_tensor(flesh.radii), as_tensor(flesh.clearance[flesh.balls])
        low = torch.cat([soles[..., 1], balls[..., 1] - firm], 1)
        gaps = (balls[:, :, None] - as_tensor(self.around.others)[:, None]).norm(dim=-1)
        depth = (radii[:, None] + as_tensor(self.around.their_radii) - gaps).clamp(min=0)
        return (
            self.balance(posed),
            rests,
            low.clamp(max=0) / self.weights.floor,
            depth.max(-1).values / self.weights.apart,
        )

    def balance(self, posed):
        asked, centre = self.around.balance, 0.0
        for a, b, mass, share in _SEGMENTS:
            start, end = (posed.joints[:, SMPLX_55.index(joint)] for joint in (a, b))
            centre = centre + mass * (start + share * (end - start))
        along = (centre * torch.as_tensor(asked.direction)).sum(-1)
        off = (along - torch.as_tensor(asked.target)).abs() - torch.as_tensor(asked.reach)
        beyond = off.clamp(min=0) / self.weights.balance
        robust = 1 + (beyond / self.weights.outlier) ** 2
        return torch.as_tensor(asked.trust).sqrt() * beyond / robust.sqrt()

    def __call__(self, step: np.ndarray) -> float:
        with torch.no_grad():
            return float(0.5 * self.residuals(torch.as_tensor(step.ravel())).square().sum())

    def minimum(self) -> tuple[float, Pose]:
        """Least energy and its pose, by a dense trust-region method."""
        derivative = torch.func.jacfwd(self.residuals)

        def values(x):
            with torch.no_grad():
                return self.residuals(torch.as_tensor(x)).numpy()

        # Much smaller matrices than are worth two threads.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        found = least_squares(
            values,
            np.zeros(len(self.start) * SIZE),
            jac=lambda x: derivative(torch.as_tensor(x)).numpy(),
            x_scale="jac",
            ftol=1e-6,
            max_nfev=40,
        )
        torch.set_num_threads(threads)
        return float(found.cost), self.start.moved(found.x.reshape(-1, SIZE))


def test_finds_the_minimum_that_a_plain_solver_finds(body64, rig):
    noise = Noise(pixels=0.03, metres=0.05, shear=0.1)
    problem, truth = small(body64, rig, frames=3, noise=noise)
    weight = np.random.default_rng(3).uniform(0.2, 1, problem.seen.weight.shape)
    weight[1] = 0.0
    problem = replace(problem, seen=replace(problem.seen, weight=weight))
    start = off(truth, 0.05)
    plain = PlainEnergy(problem, start, body64)
    # First, that both speak of one energy: on the body, skin differs from the rig a little.
    still = np.zeros((len(start), SIZE))
    assert plain(still) == pytest.approx(energy(problem, ZERO, start), rel=2e-3)
    assert_same_minima(problem, rig, start, body64)


def assert_same_minima(problem, rig, start: Pose, body64) -> None:
    """Neither solver gets any farther from where the other ended.

    From a start a little off they may end in different minima: the likeliest of several usual
    poses is another one on the other side of a ridge.
    """
    wanted, pose = PlainEnergy(problem, start, body64).minimum()
    assert energy(problem, ZERO, pose) == pytest.approx(wanted, rel=2e-3)
    _, kept = solve(problem, ZERO, pose, iterations=MANY, free_shape=False, ease=False)
    assert energy(problem, ZERO, kept) == pytest.approx(wanted, rel=1e-3)
    assert gap(rig, kept, pose) < 0.01
    _, own = solve(problem, ZERO, start, iterations=MANY, free_shape=False)
    better, _ = PlainEnergy(problem, own, body64).minimum()
    assert energy(problem, ZERO, own) == pytest.approx(better, rel=2e-3)
    assert energy(problem, ZERO, own) < 1.05 * wanted


def test_finds_the_minimum_that_a_plain_solver_finds_among_others(body64, rig, flesh):
    """On the ground, feet held, and somebody else in the way."""
    noise = Noise(pixels=0.02, metres=0.04)
    problem, truth = surrounded(*small(body64, rig, frames=3, noise=noise), flesh)
    start = off(truth, 0.02)
    plain = PlainEnergy(problem, start, body64)
    still = np.zeros((len(start), SIZE))
    alone = energy(replace(problem, around=None), ZERO, start)
    assert energy(problem, ZERO, start) > 1.5 * alone, "the test wants surroundings that matter"
    assert plain(still) == pytest.approx(energy(problem, ZERO, start), rel=2e-3)
    assert_same_minima(problem, rig, start, body64)


def dense_step(problem, blocks, gradient, part: slice, total: int) -> np.ndarray:
    """The step of least energy of a window, from the whole clip's matrix."""
    second = np.diff(np.eye(total), 2, axis=0)
    scale = terms.acceleration_scale(problem.seen.fps, problem.weights) ** 2
    smooth = np.kron((second.T @ second)[part, part], np.diag(scale))
    frames = part.stop - part.start
    for frame in range(frames):
        rows = slice(frame * SIZE, (frame + 1) * SIZE)
        smooth[rows, rows] += blocks[frame]
    return -np.linalg.solve(smooth, gradient.ravel()).reshape(frames, SIZE)


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        (12, slice(0, 12)), (12, slice(0, 5)), (12, slice(5, 9)), (12, slice(11, 12)),
        (12, slice(10, 12)), (1, slice(0, 1)), (2, slice(0, 2)), (3, slice(0, 3)), (4, slice(1, 2)),
    ],
)  # fmt: skip
def test_banded_matrix_is_the_dense_one(body64, rig, frames, part):
    problem, truth = small(body64, rig, frames=frames)
    pose = off(truth, 0.05)
    blocks, gradient = solver._normal_equations(problem, ZERO, pose, part)
    banded = solver._solve_banded(problem, blocks, gradient, 0.0, frames, part)
    dense = dense_step(problem, blocks, gradient, part, frames)
    np.testing.assert_allclose(banded, dense, atol=1e-5)
    assert np.abs(dense).max() > 1e-3


@pytest.mark.parametrize("part", [slice(0, 9), slice(3, 7)])
def test_gradient_is_that_of_the_energy(body64, rig, part):
    problem, truth = small(body64, rig, frames=9, noise=Noise(pixels=0.02, metres=0.04))
    pose = off(truth, 0.003)
    _, gradient = solver._normal_equations(problem, ZERO, pose, part)
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = np.zeros((9, SIZE))
        step[part] = 1e-6 * rng.normal(size=gradient.shape)
        slope = energy(problem, ZERO, pose.moved(step)) - energy(problem, ZERO, pose.moved(-step))
        # The turning root's own curvature is left out of its smoothness.
        assert slope == pytest.approx(2 * np.sum(gradient * step[part]), rel=0.02)


def test_chunks_change_nothing(body64, rig, monkeypatch):
    problem, truth = small(body64, rig)
    pose = off(truth, 0.1)
    whole = solver._normal_equations(problem, ZERO, pose, slice(2, 12))
    shape = solver._shape_step(problem, ZERO, pose)
    monkeypatch.setattr(solver, "_CHUNK", 3)
    for one, two in zip(
        whole, solver._normal_equations(problem, ZERO, pose, slice(2, 12)), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(solver._shape_step(problem, ZERO, pose), shape, atol=1e-9)


@pytest.mark.parametrize("iteration", [0, 1])
@pytest.mark.parametrize("frames", [1, 15, 16, 17, 24, 25, 100])
def test_windows_cover_every_frame_once(monkeypatch, frames, iteration):
    monkeypatch.setattr(solver, "_WINDOW", 16)
    parts = solver._windows(frames, iteration)
    covered = [frame for part in parts for frame in range(part.start, part.stop)]
    assert covered == list(range(frames))
    assert max(part.stop - part.start for part in parts) <= 16


def test_windows_leave_no_seams(body64, rig, monkeypatch):
    problem, truth = small(body64, rig, frames=70, noise=DETECTOR)
    problem = hidden(problem, slice(30, 36))
    start = off(truth, 0.05)
    _, whole = solve(problem, ZERO, start, iterations=MANY, free_shape=False)
    monkeypatch.setattr(solver, "_WINDOW", 24)
    monkeypatch.setattr(solver, "_CHUNK", 10)
    _, parts = solve(problem, ZERO, start, iterations=MANY, free_shape=False)
    assert energy(problem, ZERO, parts) == pytest.approx(energy(problem, ZERO, whole), rel=2e-3)
    assert gap(rig, whole, parts) < 0.01


@pytest.mark.parametrize("window", [512, 20])
def test_no_step_raises_the_energy(body64, rig, monkeypatch, window):
    monkeypatch.setattr(solver, "_WINDOW", window)
    problem, truth = small(body64, rig, frames=50, noise=DETECTOR)
    pose, costs = off(truth, 0.2), []
    for iteration in range(8):
        for part in solver._windows(len(pose), iteration):
            costs.append(energy(problem, ZERO, pose))
            new = solver._window_step(problem, ZERO, pose, part)
            pose = solver._replaced(pose, part, new)
    costs.append(energy(problem, ZERO, pose))
    assert (np.diff(costs) <= 1e-9).all()
    assert costs[-1] < 0.3 * costs[0]


@pytest.mark.parametrize("part", [slice(0, 6), slice(4, 9), slice(9, 14), slice(0, 14)])
def test_a_window_sees_all_that_its_frames_cost(body64, rig, part):
    problem, truth = small(body64, rig, frames=14, noise=DETECTOR)
    pose = off(truth, 0.05)
    step = np.zeros((14, SIZE))
    step[part] = np.random.default_rng(1).normal(0, 0.02, step[part].shape)
    near = slice(max(0, part.start - 2), min(14, part.stop + 2))
    inside = slice(part.start - near.start, part.stop - near.start)
    change = [
        solver._local_energy(problem[near], ZERO, one[near], inside)
        for one in (pose, pose.moved(step))
    ]
    whole = [energy(problem, ZERO, one) for one in (pose, pose.moved(step))]
    assert np.diff(change)[0] == pytest.approx(np.diff(whole)[0], rel=1e-9)


def test_a_step_that_cannot_help_is_not_taken(body64, rig):
    problem, truth = small(body64, rig)
    _, best = solve(problem, ZERO, truth, iterations=MANY, free_shape=False)
    after = solver._window_step(problem, ZERO, best, slice(0, len(best)))
    assert energy(problem, ZERO, after) <= energy(problem, ZERO, best)
    assert gap(rig, best, after) < 1e-3


@pytest.mark.parametrize("fps", [15.0, 30.0, 120.0])
def test_few_iterations_are_enough_at_any_rate(body64, rig, fps):
    problem, _ = small(body64, rig, frames=int(fps), fps=fps)
    start = initial_pose(rig, ZERO, problem.seen)
    _, usual = solve(problem, ZERO, start, iterations=16, free_shape=False)
    _, best = solve(problem, ZERO, start, iterations=MANY, free_shape=False)
    assert energy(problem, ZERO, usual) < 1.01 * energy(problem, ZERO, best)


def with_outliers(problem, share: float = 0.1):
    """The problem with some points seen somewhere quite else."""
    rng = np.random.default_rng(5)
    pixels = problem.seen.pixels.copy()
    wrong = rng.uniform(size=pixels.shape[:2]) < share
    pixels[wrong] += rng.choice([-1, 1], (wrong.sum(), 2)) * 0.25 * problem.seen.size
    return replace(problem, seen=replace(problem.seen, pixels=pixels))


def test_a_solution_is_kept_by_a_second_solve(body64, rig):
    problem, truth = small(body64, rig, frames=30)
    problem = with_outliers(problem)
    _, best = solve(problem, ZERO, truth, iterations=MANY, free_shape=False)
    # As many as the fit allows itself after it has pinned the height.
    _, again = solve(problem, ZERO, best, iterations=4, free_shape=False, ease=False)
    assert energy(problem, ZERO, again) < 1.005 * energy(problem, ZERO, best)
    assert gap(rig, best, again) < 0.001


def test_outliers_do_not_move_the_body(body64, rig):
    problem, truth = small(body64, rig, frames=30, weights=Weights(prior=5.0))
    _, clean = solve(problem, ZERO, truth, iterations=MANY, free_shape=False)
    start = initial_pose(rig, ZERO, problem.seen)
    _, found = solve(with_outliers(problem), ZERO, start, iterations=30, free_shape=False)
    joints = [pose_rig(rig, ZERO, pose).joints for pose in (clean, found)]
    assert np.linalg.norm(joints[0] - joints[1], axis=-1).mean() < 0.01


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_short_clips(body64, rig, frames):
    problem, truth = small(body64, rig, frames=frames, weights=Weights(prior=10.0))
    start = initial_pose(rig, ZERO, problem.seen)
    betas, found = solve(problem, ZERO, start, iterations=40, free_shape=True)
    assert np.isfinite(betas).all()
    joints = [pose_rig(rig, b, pose).joints for b, pose in ((ZERO, truth), (betas, found))]
    apart = [j - j[:, :1] for j in joints]
    assert np.linalg.norm(apart[0] - apart[1], axis=-1).mean() < 0.015


@pytest.mark.parametrize(
    "gone",
    [slice(20, 40), slice(0, 15), slice(45, 60), [*range(10), *range(25, 40), *range(55, 60)]],
)
def test_what_is_not_seen_is_filled_smoothly(body64, rig, gone):
    problem, truth = small(body64, rig, frames=60)
    problem = hidden(problem, gone)
    betas, found = solve(
        problem, ZERO, initial_pose(rig, ZERO, problem.seen), iterations=16, free_shape=True
    )
    joints = pose_rig(rig, betas, found).joints
    assert np.isfinite(joints).all()
    assert np.isfinite(betas).all()
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.1
    # Nowhere rougher than people move, at the edges of the gap least of all.
    assert np.linalg.norm(np.diff(joints, 2, axis=0), axis=-1).max() * 30**2 < 60.0
    true_joints = pose_rig(rig, ZERO, truth).joints
    away = np.linalg.norm(joints[gone] - true_joints[gone], axis=-1)
    assert away.mean() < 0.35


def test_a_limb_out_of_sight_hangs_as_limbs_do(body64, rig):
    """Where it is likeliest, given all the other angles."""
    problem, _ = small(body64, rig, frames=20)
    weight = problem.seen.weight.copy()
    names = [f"left_{point}" for point in ("elbow", "wrist", "index", "pinky", "thumb")]
    weight[:, [rig.point(name) for name in names]] = 0.0
    problem = replace(problem, seen=replace(problem.seen, weight=weight))
    start = initial_pose(rig, ZERO, problem.seen)
    _, found = solve(problem, ZERO, start, iterations=MANY, free_shape=False)
    arm = np.array(
        [
            coordinate.joints[0] in ("left_shoulder", "left_elbow", "left_wrist")
            for coordinate in freedom.COORDINATES
        ]
    )
    prior = PosePrior.load()
    for angles in found.coordinates[[0, 10, -1]]:
        chosen = int(prior.nearest(angles[None])[0][0])
        mean, precision = prior.means[chosen], prior.roots[chosen].T @ prior.roots[chosen]
        pull = precision[np.ix_(arm, ~arm)] @ (angles - mean)[~arm]
        likeliest = mean[arm] - np.linalg.solve(precision[np.ix_(arm, arm)], pull)
        np.testing.assert_allclose(angles[arm], likeliest, atol=0.05)


def test_shape_step_finds_the_shape(body64, rig, rng):
    problem, truth = small(body64, rig, frames=30, weights=Weights(shape=30.0))
    betas = rng.normal(0, 1, 10)
    posed = pose_rig(rig, betas, truth)
    hips = [rig.point("left_hip"), rig.point("right_hip")]
    R, t = problem.seen.R, problem.seen.t
    camera = np.einsum("fij,fpj->fpi", R, posed.points) + t[:, None]
    image = np.einsum("fij,fpj->fpi", problem.seen.K, camera)
    seen = replace(
        problem.seen,
        pixels=image[..., :2] / image[..., 2:],
        metric=camera - camera[:, hips].mean(1, keepdims=True),
    )
    problem = replace(problem, seen=seen)
    found = ZERO
    for _ in range(4):
        found = solver._shape_step(problem, found, truth)
    mine, wanted = pose_rig(rig, found, truth).points, posed.points
    assert np.linalg.norm(mine - wanted, axis=-1).max() < 0.002
    # A prior that is sure keeps the usual shape whatever is seen.
    stubborn = replace(problem, weights=Weights(shape=1e-4), usual_betas=np.full(10, 0.3))
    np.testing.assert_allclose(solver._shape_step(stubborn, ZERO, truth), 0.3, atol=1e-3)


def test_a_long_clip_is_no_surer_of_the_shape_than_a_short_one(body64, rig):
    """What is wrong in one frame is wrong in the next: evidence about shape soon stops growing."""
    problem, truth = small(body64, rig, frames=40, noise=DETECTOR)
    short = solver._shape_step(problem, ZERO, truth)
    often = np.tile(np.arange(40), 5)
    longer = replace(problem, seen=problem.seen[often])
    repeated = Pose(truth.transl[often], truth.root[often], truth.coordinates[often])
    np.testing.assert_allclose(solver._shape_step(longer, ZERO, repeated), short, atol=1e-9)
    assert np.abs(short).max() > 0.05


def test_a_fast_turn_is_followed(body64, rig):
    """Somebody who spins twice a second, seen at thirty frames a second."""
    problem, truth = small(body64, rig, frames=30, weights=Weights(prior=10.0))
    spin = Rotation.from_euler("y", np.arange(30)[:, None] * 24.0, degrees=True).as_matrix()
    pelvis = truth.transl
    turned = Pose(pelvis, spin @ truth.root, truth.coordinates)
    points = pose_rig(rig, ZERO, turned).points
    hips = [rig.point("left_hip"), rig.point("right_hip")]
    camera = np.einsum("fij,fpj->fpi", problem.seen.R, points) + problem.seen.t[:, None]
    image = np.einsum("fij,fpj->fpi", problem.seen.K, camera)
    seen = replace(
        problem.seen,
        pixels=image[..., :2] / image[..., 2:],
        metric=camera - camera[:, hips].mean(1, keepdims=True),
    )
    problem = replace(problem, seen=seen)
    _, found = solve(problem, ZERO, initial_pose(rig, ZERO, seen), iterations=16, free_shape=False)
    joints = [pose_rig(rig, ZERO, pose).joints for pose in (turned, found)]
    assert np.linalg.norm(joints[0] - joints[1], axis=-1).mean() < 0.015


def test_progress_goes_to_the_log(body64, rig, caplog):
    problem, truth = small(body64, rig, frames=4)
    with caplog.at_level(logging.DEBUG, logger="mocap.fitting.solver"):
        solve(problem, ZERO, truth, iterations=2, free_shape=False)
    assert "iteration 1" in caplog.text
