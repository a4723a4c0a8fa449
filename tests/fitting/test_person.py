"""A person alone: roughed out at a share of the frames, and the same as if at all of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mocap.errors import FitError
from mocap.fitting import FitConfig, person
from mocap.fitting.kinematics import Pose, pose_rig
from mocap.fitting.person import _between, _rough, fit_alone, seen_of, with_stature
from mocap.geometry import Camera

from .problems import known
from .synthetic import DETECTOR, act, coordinates, see, take_of, upright

CAMERA = replace(Camera.assumed(1280, 720), source="given")
AWAY = np.array([0.3, 0.0, 4.0])


def motion(frames: int, seed: int = 0) -> Pose:
    """A smooth motion that turns all the way round."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames)[:, None] / 60.0
    return Pose(
        np.sin(times * [1.0, 2.0, 0.5] + rng.normal(size=3)),
        Rotation.from_rotvec(4.0 * times * [0.2, 1.0, -0.3]).as_matrix(),
        np.sin(times * rng.uniform(0.5, 3.0, 38) + rng.normal(size=38)),
    )


def part_of(pose: Pose, kept: np.ndarray) -> Pose:
    return Pose(pose.transl[kept], pose.root[kept], pose.coordinates[kept])


class TestBetween:
    """Every frame from some."""

    @pytest.mark.parametrize("stride", [2, 3, 4, 8])
    def test_frames_that_were_kept_are_kept_exactly(self, stride):
        whole = motion(50)
        kept = np.arange(0, 50, stride)
        found = _between(part_of(whole, kept), kept, 50)
        assert len(found) == 50
        np.testing.assert_allclose(found.transl[kept], whole.transl[kept], atol=1e-12)
        np.testing.assert_allclose(found.root[kept], whole.root[kept], atol=1e-9)
        np.testing.assert_allclose(found.coordinates[kept], whole.coordinates[kept], atol=1e-12)

    def test_frames_between_are_near_what_they_were(self):
        whole = motion(61)
        kept = np.arange(0, 61, 4)
        found = _between(part_of(whole, kept), kept, 61)
        assert np.abs(found.transl - whole.transl).max() < 0.003
        assert np.abs(found.coordinates - whole.coordinates).max() < 0.01
        turns = Rotation.from_matrix(np.swapaxes(found.root, 1, 2) @ whole.root).magnitude()
        assert turns.max() < 1e-3
        np.testing.assert_allclose(np.linalg.det(found.root), 1.0)

    @pytest.mark.parametrize(("frames", "stride"), [(48, 3), (50, 4), (27, 2)])
    def test_the_last_is_held_to_the_end(self, frames, stride):
        """Two frames may follow the last that was kept, and more at higher rates."""
        whole = motion(frames)
        kept = np.arange(0, frames, stride)
        assert kept[-1] < frames - 1 or stride == 2
        found = _between(part_of(whole, kept), kept, frames)
        for frame in range(kept[-1], frames):
            np.testing.assert_allclose(found.transl[frame], whole.transl[kept[-1]], atol=1e-12)
            np.testing.assert_allclose(found.root[frame], whole.root[kept[-1]], atol=1e-9)
            np.testing.assert_allclose(
                found.coordinates[frame], whole.coordinates[kept[-1]], atol=1e-12
            )

    def test_all_frames_are_all_frames(self):
        whole = motion(9)
        assert _between(whole, np.arange(9), 9) is whole


def seen_at(body64, rig, fps: float, frames: int, seed: int = 0):
    """What was seen of a motion, and the motion."""
    actor = act(body64, coordinates(frames, fps, seed), AWAY, upright(40.0))
    return known(rig, actor, CAMERA, fps=fps, noise=DETECTOR)


@pytest.mark.parametrize(
    ("fps", "frames", "solved"),
    [(60.0, 98, 25), (120.0, 194, 25), (30.0, 60, 30), (30.0, 40, 40), (15.0, 60, 60)],
)
def test_a_motion_is_roughed_out_at_fifteen_frames_a_second(
    body64, rig, monkeypatch, fps, frames, solved
):
    """Or at more, where a clip is so short that too few would be left."""
    counts = []
    solve = person.solve

    def counting(problem, *args, **options):
        counts.append((len(problem.seen), problem.seen.fps))
        return solve(problem, *args, **options)

    monkeypatch.setattr(person, "solve", counting)
    one = seen_at(body64, rig, fps, frames)
    betas, pose = _rough(rig, np.zeros(10), one.seen, FitConfig(iterations=1))
    assert counts == [(solved, pytest.approx(fps * solved / frames, rel=0.05))]
    assert len(pose) == frames
    assert betas.shape == (10,)


@pytest.mark.parametrize(("fps", "frames"), [(60.0, 98), (30.0, 59)])
def test_roughing_out_changes_the_result_by_millimetres(
    body, body64, rig, monkeypatch, fps, frames
):
    actor = act(body64, coordinates(frames, fps), AWAY, upright(40.0))
    seen = see(actor, CAMERA, DETECTOR)
    take = take_of([seen], CAMERA, fps)
    coarse = fit_alone(take, seen, body, rig, FitConfig())
    monkeypatch.setattr(person, "_ROUGH_FPS", fps)
    fine = fit_alone(take, seen, body, rig, FitConfig())
    joints = [pose_rig(rig, one.betas, one.pose).joints for one in (coarse, fine)]
    inside = [j - j[:, :1] for j in joints]
    gap = np.linalg.norm(inside[0] - inside[1], axis=-1)
    assert 0 < gap.mean() < 0.004
    assert gap[-3:].mean() < 0.01


def test_somebody_seen_now_and_then_is_roughed_out_from_all_frames(body, body64, rig):
    """Of the share of frames that would do, hardly any may be seen."""
    actor = act(body64, coordinates(120, 60.0), AWAY, upright(40.0))
    observed = np.zeros(120, bool)
    observed[[1, 2, 3, 61, 62, 63, 117, 118, 119]] = True
    seen = see(actor, CAMERA, observed=observed)
    found = fit_alone(take_of([seen], CAMERA, 60.0), seen, body, rig, FitConfig())
    joints = pose_rig(rig, found.betas, found.pose).joints
    assert np.isfinite(joints).all()
    gaps = (joints - joints[:, :1])[observed] - (actor.joints[:, :22] - actor.joints[:, :1])[
        observed
    ]
    assert np.linalg.norm(gaps, axis=-1).mean() < 0.05


def test_too_little_to_go_by_is_refused_by_name(body, body64, rig):
    actor = act(body64, coordinates(20, 30.0), AWAY, upright(40.0))
    twice = np.zeros(20, bool)
    twice[[3, 17]] = True
    seen = see(actor, CAMERA, name="anna", observed=twice)
    with pytest.raises(FitError, match="anna: seen in 2 frames; a motion needs at least 3"):
        fit_alone(take_of([seen], CAMERA, 30.0), seen, body, rig, FitConfig())
    bare = replace(seen, keypoints2d=None)
    with pytest.raises(FitError, match="anna: has no keypoints"):
        fit_alone(take_of([seen], CAMERA, 30.0), bare, body, rig, FitConfig())


@pytest.mark.parametrize("height", [1.45, 1.7, 2.0])
def test_a_stature_is_met_by_the_nearest_shape(body, rng, height):
    betas = rng.normal(0, 0.7, 10)
    found = with_stature(body, betas, height)
    assert float(body.height(torch.as_tensor(found).float())) == pytest.approx(height, abs=1e-4)
    # Whoever is that tall already stays as they are.
    np.testing.assert_allclose(with_stature(body, found, height), found, atol=1e-3)


def test_the_frame_rate_is_by_the_frames_own_times(body64, rig):
    actor = act(body64, coordinates(31, 30.0), AWAY)
    take = take_of([see(actor, CAMERA)], CAMERA, 30.0)

    def told(times: np.ndarray) -> float:
        timed = replace(take, video=replace(take.video, timestamps=times))
        return seen_of(timed, timed.people["person-1"], rig).fps

    times = take.video.timestamps
    assert told(times) == pytest.approx(30.0)
    assert told(2 * times) == pytest.approx(15.0)
    for few in (np.zeros(1), np.zeros(31)):
        assert told(few) == 30.0
