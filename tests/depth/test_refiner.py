"""The refiner: poses, batches and tracks; bad input; honest doubts."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from mocap.depth import DepthRefiner, RefinedPoses, write_checkpoint
from mocap.errors import CheckpointError
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE

from .conftest import Seen, somebody

HIPS = COCO_17.indices("left_hip", "right_hip")
TEMPORAL = ("pose", "joints")


@pytest.fixture
def single(make_network) -> DepthRefiner:
    return DepthRefiner(make_network())


@pytest.fixture(params=TEMPORAL)
def temporal(request, make_network) -> DepthRefiner:
    return DepthRefiner(make_network(frames=9, temporal=request.param))


def points(seen: Seen) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return seen.xy, seen.xyz, seen.confidence


def assert_same(one: RefinedPoses, other: RefinedPoses, rows: object = ...) -> None:
    for item in fields(RefinedPoses):
        ours, theirs = getattr(one, item.name), getattr(other, item.name)
        np.testing.assert_allclose(ours, theirs[rows], atol=2e-4, rtol=1e-3, err_msg=item.name)


def test_one_pose_a_batch_and_a_track_agree(single):
    seen = somebody(5)
    many = single.refine(*points(seen))
    for item, shape in zip(
        fields(RefinedPoses), [(5, 17, 3), (5, 17), (5,), (5,), (5, 3)], strict=True
    ):
        assert getattr(many, item.name).shape == shape
    one = single.refine(*(part[2] for part in points(seen)))
    assert one.xyz.shape == (17, 3)
    assert one.azimuth.shape == ()
    assert_same(one, many, 2)
    assert_same(single.refine_track(*points(seen), seen.times), many)
    assert_same(single.refine(*points(seen), seen.times), many)


def test_it_says_what_the_network_says(single):
    seen = somebody(3)
    with torch.inference_mode():
        expected = single.network(*seen.batch(windows=3))
    refined = single.refine(*points(seen))
    np.testing.assert_allclose(refined.xyz, expected.xyz[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(refined.azimuth, expected.azimuth[:, 0].numpy(), atol=1e-5)
    np.testing.assert_allclose(refined.elevation, expected.elevation[:, 0].numpy(), atol=1e-5)
    assert np.abs(refined.xyz[:, HIPS].mean(1)).max() < 1e-5


def test_many_poses_in_portions_are_as_few(single):
    seen = somebody(700)
    whole = single.refine(*points(seen))
    rows = slice(255, 258)
    assert_same(single.refine(*(part[rows] for part in points(seen))), whole, rows)


def test_mediapipe_points_are_taken_by_name(single):
    seen = somebody(4)
    rng = np.random.default_rng(0)
    order = COCO_OF_MEDIAPIPE
    wide = [rng.normal(size=(4, 33, *part.shape[2:])) for part in points(seen)]
    for part, narrow in zip(wide, points(seen), strict=True):
        part[:, order] = narrow
    assert_same(single.refine(*wide), single.refine(*points(seen)))


def test_a_track_as_long_as_a_window_is_that_window(temporal):
    seen = somebody(9)
    with torch.inference_mode():
        expected = temporal.network(*seen.batch())
    refined = temporal.refine_track(*points(seen), seen.times + 1000)
    np.testing.assert_allclose(refined.xyz, expected.xyz[0].numpy(), atol=1e-4)
    np.testing.assert_allclose(refined.sigma, expected.sigma[0].numpy(), atol=1e-4)


def test_quick_tracks_are_streams_of_the_usual_rate(temporal):
    quick = somebody(18, fps=30.0)
    whole = temporal.refine_track(*points(quick), quick.times)
    for first in (0, 1):
        rows = slice(first, None, 2)
        stream = temporal.refine_track(*(part[rows] for part in points(quick)), quick.times[rows])
        assert_same(stream, whole, rows)


def test_long_tracks_blend_their_windows(temporal):
    seen = somebody(30)
    refined = temporal.refine_track(*points(seen), seen.times)
    assert all(np.isfinite(getattr(refined, item.name)).all() for item in fields(RefinedPoses))
    # The first frame is in the first window only, the tenth in several, none of which agree.
    first = temporal.refine_track(*(part[:9] for part in points(seen)), seen.times[:9])
    np.testing.assert_allclose(refined.xyz[0], first.xyz[0], atol=1e-4)
    assert np.abs(refined.xyz[8] - first.xyz[8]).max() > 1e-4
    # Far away frames are of no account.
    other = somebody(30, seed=1)
    mixed = [
        np.concatenate([a[:20], b[20:]]) for a, b in zip(points(seen), points(other), strict=True)
    ]
    np.testing.assert_allclose(
        temporal.refine_track(*mixed, seen.times).xyz[:6], refined.xyz[:6], atol=1e-4
    )


def test_gaps_are_nan_and_the_rest_is_as_without_them(temporal):
    seen = somebody(30)
    xy, xyz, confidence = (part.copy() for part in points(seen))
    for part in (xy, xyz):
        part[12:16] = np.nan
    confidence[12:16] = 0
    refined = temporal.refine_track(xy, xyz, confidence, seen.times)
    for item in fields(RefinedPoses):
        known = np.isfinite(getattr(refined, item.name)).reshape(30, -1)
        np.testing.assert_array_equal(known.all(1), known.any(1))
        np.testing.assert_array_equal(np.flatnonzero(~known.all(1)), [12, 13, 14, 15])


def test_a_pause_may_be_left_out(temporal):
    seen, later = somebody(12), somebody(12, seed=1)
    parts = [np.concatenate(both) for both in zip(points(seen), points(later), strict=True)]
    both = temporal.refine_track(*parts, np.concatenate([seen.times, later.times + 60]))
    assert_same(temporal.refine_track(*points(seen), seen.times), both, slice(0, 12))
    assert_same(temporal.refine_track(*points(later), later.times), both, slice(12, 24))


@pytest.mark.parametrize("frames", [1, 9])
def test_missing_joints_are_filled_in_and_doubted(make_network, frames):
    refiner = DepthRefiner(make_network(frames=frames))
    seen = somebody(12)
    xy, xyz, confidence = (part.copy() for part in points(seen))
    wrist = COCO_17.index("right_wrist")
    xy[3, wrist], xyz[3, wrist] = np.nan, np.nan
    xy[4, wrist] = np.nan
    confidence[5, wrist] = 0
    refined = refiner.refine_track(xy, xyz, confidence, seen.times)
    whole = refiner.refine_track(*points(seen), seen.times)
    assert np.isfinite(refined.xyz).all()
    for frame in (3, 5):
        assert refined.sigma[frame, wrist] > whole.sigma[frame, wrist] + 0.05


@pytest.mark.parametrize("frames", [1, 9])
def test_whatever_is_seen_numbers_come_out(make_network, frames):
    refiner = DepthRefiner(make_network(frames=frames))
    rng = np.random.default_rng(0)
    seen = somebody(40)
    xy, xyz, confidence = (part.copy() for part in points(seen))
    xy[rng.uniform(size=xy.shape) < 0.3] = np.nan
    xyz[rng.uniform(size=xyz.shape) < 0.3] = np.nan
    xy[:10, HIPS] = np.nan
    xyz[5:15] = np.nan
    xy[20, 0], xy[21, 0, 0], confidence[22, 4] = np.inf, 1e12, np.nan
    xy[25] = xy[25, 0]
    refined = refiner.refine_track(xy, xyz, confidence, seen.times)
    known = np.isfinite(xy).all(-1) | np.isfinite(xyz).all(-1)
    given = np.any(known & (confidence > 0), axis=1)
    assert given.sum() > 30
    for item in fields(RefinedPoses):
        finite = np.isfinite(getattr(refined, item.name)).reshape(40, -1)
        np.testing.assert_array_equal(finite.all(1), given)


def test_upside_down_people_keep_their_hips_and_are_numbers(single):
    seen = somebody(5)
    turned = single.refine(-seen.xy, seen.xyz * [-1, -1, 1], seen.confidence)
    assert np.isfinite(turned.xyz).all()
    assert np.abs(turned.xyz[:, HIPS].mean(1)).max() < 1e-5
    assert (turned.sigma > 0).all()


def test_with_mirrors_left_and_right_are_alike(make_network):
    refiner = DepthRefiner(make_network(), mirrored=True)
    seen, there = somebody(6), list(COCO_17.mirror)
    ours = refiner.refine(*points(seen))
    theirs = refiner.refine(
        seen.xy[:, there] * [-1, 1], seen.xyz[:, there] * [-1, 1, 1], seen.confidence[:, there]
    )
    back = replace(
        theirs,
        xyz=theirs.xyz[:, there] * [-1, 1, 1],
        sigma=theirs.sigma[:, there],
        azimuth=-theirs.azimuth,
        camera_relative=theirs.camera_relative * [-1, 1, 1],
    )
    assert_same(back, ours)
    plain = DepthRefiner(refiner.network).refine(*points(seen))
    assert np.abs(plain.xyz - ours.xyz).max() > 1e-3


@pytest.mark.parametrize(
    "config", [{}, {"frames": 5}, {"elevation": True}, {"frames": 5, "temporal": "both"}], ids=str
)
def test_without_python_it_says_the_same(make_network, config):
    network, seen = make_network(**config), somebody(14)
    seen.xy[3], seen.xyz[3, 4], seen.confidence[5, 11] = np.nan, np.nan, 0
    plain, traced = DepthRefiner(network), DepthRefiner(network, traced=True)
    for _ in range(3):
        assert_same(traced.refine(*points(seen)), plain.refine(*points(seen)))
        assert_same(
            traced.refine(*points(seen), seen.times), plain.refine(*points(seen), seen.times)
        )
        one = [part[5] for part in points(seen)]
        assert_same(traced.refine(*one), plain.refine(*one))


def test_the_elevation_is_told_of_poses_and_tracks(make_network):
    seen = somebody(24)
    high = np.linspace(0.1, 0.5, 24)
    for network in (make_network(elevation=True), make_network(frames=9, elevation=True)):
        refiner = DepthRefiner(network, mirrored=True)
        untold = refiner.refine_track(*points(seen), seen.times)
        told = refiner.refine_track(*points(seen), seen.times, elevation=high)
        assert np.abs(told.xyz - untold.xyz).max() > 1e-3
        one = refiner.refine(*(part[5] for part in points(seen)), elevation=high[5])
        all_ = refiner.refine(*points(seen), elevation=high, elevation_sigma=np.full(24, 0.0524))
        np.testing.assert_allclose(one.xyz, all_.xyz[5], atol=2e-4)
        unknown = refiner.refine_track(*points(seen), seen.times, elevation=np.full(24, np.nan))
        assert_same(unknown, untold)


def test_elevations_of_other_frames_or_in_degrees(single):
    seen = somebody(4)
    with pytest.raises(ValueError, match=r"elevation \(3,\) and .* of the \(4,\) poses"):
        single.refine(*points(seen), elevation=np.zeros(3))
    with pytest.raises(ValueError, match="radians"):
        single.refine(*points(seen), elevation=20.0)
    with pytest.raises(ValueError, match="negative"):
        single.refine(*points(seen), elevation=0.2, elevation_sigma=-1.0)


def test_nobody_and_nothing(single, temporal):
    for refiner in (single, temporal):
        empty = refiner.refine_track(
            np.zeros((0, 17, 2)), np.zeros((0, 17, 3)), np.zeros((0, 17)), np.zeros(0)
        )
        assert empty.xyz.shape == (0, 17, 3)
        unseen = refiner.refine(np.full((17, 2), np.nan), np.full((17, 3), np.nan), np.zeros(17))
        assert np.isnan(unseen.xyz).all()
        assert np.isnan(unseen.azimuth)


def test_shapes_and_times_that_do_not_fit(single):
    seen = somebody(4)
    with pytest.raises(ValueError, match="17 or 33 points"):
        single.refine(seen.xy[:, :16], seen.xyz[:, :16], seen.confidence[:, :16])
    with pytest.raises(ValueError, match="are not"):
        single.refine(seen.xy, seen.xyz[:2], seen.confidence)
    for times in (seen.times[:3], seen.times[::-1], np.full(4, np.nan), np.zeros(4)):
        with pytest.raises(ValueError, match="times"):
            single.refine_track(*points(seen), times)
    with pytest.raises(ValueError, match="times"):
        single.refine_track(*(part[0] for part in points(seen)), seen.times)


def test_whatever_is_asked_single_precision_comes_out(single, temporal):
    seen = somebody(12)
    for refiner in (single, temporal):
        one = refiner.refine(*(part[0] for part in points(seen)))
        for said in (one, refiner.refine(*points(seen)), refiner.refine(*points(seen), seen.times)):
            assert {getattr(said, item.name).dtype for item in fields(said)} == {
                np.dtype(np.float32)
            }


def test_other_units_are_told(single, caplog):
    seen = somebody(4)
    with pytest.raises(ValueError, match=r"xyz holds -?\d.*metres from the hips' middle"):
        single.refine(seen.xy, 1000 * seen.xyz, seen.confidence)
    with pytest.raises(ValueError, match="confidence is above 1; it is wanted from 0 to 1"):
        single.refine(seen.xy, seen.xyz, 100 * seen.confidence)
    single.refine(seen.xy, seen.xyz, np.full((4, 17), 1.0005))
    single.refine_track(*points(seen), seen.times)
    assert not caplog.records
    single.refine_track(*points(seen), 1000 * seen.times)
    assert "are times in ms?" in caplog.text


def test_loading(make_network, tmp_path, monkeypatch):
    network = make_network()
    path = write_checkpoint(network, tmp_path / "r.safetensors")
    seen = somebody(2)
    loaded = DepthRefiner.load(path)
    assert len(loaded.sha256) == 64
    assert (
        np.abs(
            loaded.refine(*points(seen)).xyz - DepthRefiner(network).refine(*points(seen)).xyz
        ).max()
        < 0.01
    )
    monkeypatch.setattr("mocap.depth.refiner.shipped_refiner", lambda **_: path)
    assert DepthRefiner.load().sha256 == loaded.sha256
    write_checkpoint(network, tmp_path / "run" / "model.safetensors")
    assert DepthRefiner.load(tmp_path / "run", "auto").sha256 == loaded.sha256
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert DepthRefiner.load(path, "auto").device.type == "cpu"
    with pytest.raises(CheckpointError, match="'abacus' is none of auto, cpu, cuda"):
        DepthRefiner.load(path, "abacus")
    with pytest.raises(CheckpointError, match="'cuda:1': PyTorch sees 0 CUDA devices"):
        DepthRefiner.load(path, "cuda:1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"empty/model\.safetensors: no such file"):
        DepthRefiner.load(tmp_path / "empty")
    monkeypatch.setattr("mocap.depth.refiner.shipped_refiner", lambda **_: None)
    with pytest.raises(CheckpointError, match="mocap train depth"):
        DepthRefiner.load()
