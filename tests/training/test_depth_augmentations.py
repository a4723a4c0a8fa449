from dataclasses import replace

import numpy as np
import pytest
import torch
from made_pairs import camera_at, make_pairs

from mocap.datasets.detections import CLEAN
from mocap.evaluate import DepthPoses, evaluate_depth
from mocap.geometry import rotation_between
from mocap.skeletons import COCO_17
from mocap.training.depth import augmentations as ways
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import NO_AUGMENTATION, Augmentations
from mocap.training.depth.data import make_samples

MIRROR = list(COCO_17.mirror)


@pytest.fixture(scope="module")
def batch() -> Batch:
    samples = make_samples(make_pairs(20, (30.0, -120.0)), 5, rate=30.0)
    return samples.batch(torch.arange(0, len(samples), 7))


def same(one: Batch, other: Batch, **tolerance: float) -> None:
    for name in Batch.__dataclass_fields__:
        a, b = getattr(one, name).numpy(), getattr(other, name).numpy()
        np.testing.assert_allclose(a, b, err_msg=name, **{"atol": 2e-4, **tolerance})


def every(batch: Batch) -> torch.Tensor:
    return torch.ones(len(batch), dtype=torch.bool)


def test_mirroring_twice_changes_nothing(batch: Batch) -> None:
    once = ways.mirrored(batch, every(batch))
    same(ways.mirrored(once, every(batch)), batch)
    assert (once.xy - batch.xy).nan_to_num().abs().max() > 10


def test_only_the_chosen_are_mirrored(batch: Batch) -> None:
    chosen = every(batch)
    chosen[::2] = False
    some = ways.mirrored(batch, chosen)
    assert torch.equal(some.truth[::2].nan_to_num(), batch.truth[::2].nan_to_num())
    whole = ways.mirrored(batch, every(batch))
    assert torch.equal(some.xy[1::2].nan_to_num(), whole.xy[1::2].nan_to_num())


def test_a_mirrored_truth_is_the_truth_of_the_mirrored_picture() -> None:
    pairs = make_pairs(8, (40.0, -75.0), (25.0,), noise=CLEAN, splits=("train",))
    samples = make_samples(pairs, rate=30.0)
    batch = samples.batch(torch.arange(len(samples)))
    mirrored = ways.mirrored(batch, every(batch))
    x, y, z = mirrored.camera.unbind(-1)
    np.testing.assert_allclose(torch.atan2(x, z)[:, 0], -pairs.azimuth, atol=1e-5)
    elevation = torch.atan2(y, torch.hypot(x, z))[:, 0]
    np.testing.assert_allclose(elevation, pairs.elevation, atol=1e-5)
    # The mirrored points are seen where the mirrored camera's lens puts the mirrored truth.
    assert np.abs(reprojection(mirrored, pairs.camera_relative)).max() < 0.05
    assert np.abs(reprojection(batch, pairs.camera_relative)).max() < 0.05


def reprojection(batch: Batch, camera: np.ndarray) -> np.ndarray:
    """Pixels between the 2D, and the 3D put at its distance on the ray through the 2D hips."""
    K = camera_at(0, 0).K[0]
    xy, xyz = batch.xy[:, 0].double().numpy(), batch.truth[:, 0].double().numpy()
    distance = np.linalg.norm(camera, axis=-1)
    found = []
    for pixels, points, far in zip(xy, xyz, distance, strict=True):
        hips = pixels[COCO_17.indices("left_hip", "right_hip")].mean(0)

        def shown(at: np.ndarray, points=points, far=far) -> np.ndarray:
            ray = np.array([*(at - K[:2, 2]) / K[0, 0], 1.0])
            ray /= np.linalg.norm(ray)
            seen = points @ rotation_between(ray, np.array([0.0, 0.0, 1.0])) + far * ray
            return seen[:, :2] / seen[:, 2:] * K[0, 0] + K[:2, 2]

        # The middle of the hips in the picture is not quite the picture of their middle.
        at = hips
        for _ in range(20):
            at = at + hips - shown(at)[COCO_17.indices("left_hip", "right_hip")].mean(0)
        found.append(shown(at) - pixels)
    return np.array(found)


def test_rolling_the_camera_rolls_the_truth_and_keeps_errors(batch: Batch) -> None:
    angle = torch.linspace(-0.5, 0.5, len(batch))
    turned = ways.rolled(batch, angle)
    same(ways.rolled(turned, -angle), batch)

    def measured(some: Batch):
        middle = some.frames // 2
        true, raw, camera = (
            part[:, middle].numpy() for part in (some.truth, some.xyz, some.camera)
        )
        return evaluate_depth(DepthPoses(true, camera), DepthPoses(raw)).overall.raw

    before, after = measured(batch), measured(turned)
    assert after.mpjpe_mm == pytest.approx(before.mpjpe_mm, rel=1e-5)
    assert after.depth_mm == pytest.approx(before.depth_mm, rel=1e-5)
    assert after.pa_mpjpe_mm == pytest.approx(before.pa_mpjpe_mm, rel=1e-4)
    assert (turned.truth - batch.truth).nan_to_num().abs().max() > 0.1


def test_a_rolled_truth_is_the_truth_of_the_rolled_picture() -> None:
    pairs = make_pairs(6, (40.0,), (25.0,), noise=CLEAN, splits=("train",))
    samples = make_samples(pairs, rate=30.0)
    batch = samples.batch(torch.arange(len(samples)))
    rolled = ways.rolled(batch, torch.full((len(samples),), 0.4))
    assert np.abs(reprojection(rolled, pairs.camera_relative)).max() < 0.05


def test_without_the_size_of_the_picture_the_person_stays_in_place(batch: Batch) -> None:
    unknown = batch.replaced(middle=torch.full_like(batch.middle, torch.nan))
    mirrored = ways.mirrored(unknown, every(batch))
    known = batch.xy.isfinite().all(-1, keepdim=True)
    for pick, far in ((torch.amin, torch.inf), (torch.amax, -torch.inf)):
        before, after = (
            pick(torch.where(known, one.xy, far), (1, 2)) for one in (unknown, mirrored)
        )
        np.testing.assert_allclose(after, before, atol=1e-2)


def test_time_runs_backwards_twice_is_forwards(batch: Batch) -> None:
    back = ways.reversed_in_time(batch, every(batch))
    assert back.time.diff(dim=1).nanmean() > 0
    np.testing.assert_array_equal(back.truth[:, 0], batch.truth[:, -1])
    same(ways.reversed_in_time(back, every(batch)), batch)


def test_blending_reaches_the_true_picture(batch: Batch) -> None:
    whole = ways.blended(batch, torch.ones(len(batch)))
    np.testing.assert_allclose(whole.xy, batch.truth_xy, atol=1e-3)
    half = ways.blended(batch, torch.full((len(batch),), 0.5))
    np.testing.assert_allclose(half.xy, 0.5 * (batch.xy + batch.truth_xy), atol=1e-2)
    unknown = batch.replaced(truth_xy=torch.full_like(batch.xy, torch.nan))
    same(ways.blended(unknown, torch.ones(len(batch))), unknown)


def test_swapped_sides_are_in_what_is_seen_and_not_in_the_truth(batch: Batch) -> None:
    chosen = torch.zeros(len(batch), batch.frames, 17, dtype=torch.bool)
    chosen[:, 1] = True
    wrong = ways.swapped(batch, chosen)
    np.testing.assert_array_equal(wrong.xyz[:, 1], batch.xyz[:, 1, MIRROR])
    np.testing.assert_array_equal(wrong.xyz[:, 2], batch.xyz[:, 2])
    np.testing.assert_array_equal(wrong.truth, batch.truth)


def test_legs_alone_are_swapped(batch: Batch) -> None:
    legs = torch.tensor([name.endswith(("hip", "knee", "ankle")) for name in COCO_17.names])
    wrong = ways.swapped(batch, legs.expand(len(batch), batch.frames, 17))
    np.testing.assert_array_equal(wrong.xy[:, :, legs], batch.xy[:, :, MIRROR][:, :, legs])
    np.testing.assert_array_equal(wrong.xy[:, :, ~legs], batch.xy[:, :, ~legs])


def test_elevations_are_told_as_far_off_as_is_said(batch: Batch) -> None:
    many = Batch(*(part.repeat_interleave(400, 0) for part in vars(batch).values()))
    amounts = replace(NO_AUGMENTATION, tell_elevation=0.5)
    told = ways.augmented(many, amounts, torch.Generator().manual_seed(0)).elevation
    x, y, z = many.camera.unbind(-1)
    error = told[..., 0] - torch.atan2(y, torch.hypot(x, z))
    known = told.isfinite().all(-1)
    assert known.float().mean() == pytest.approx(0.5 * float(x.isfinite().float().mean()), abs=0.05)
    off = (error / told[..., 1])[known]
    assert off.square().mean() == pytest.approx(1.0, abs=0.15)
    assert torch.rad2deg(told[..., 1][known]).quantile(0.5) == pytest.approx(4.5, abs=1.0)


def test_a_single_frame_is_never_swapped(batch: Batch) -> None:
    single = Batch(*(part[:, :1] for part in vars(batch).values()))
    amounts = replace(NO_AUGMENTATION, swap=1.0)
    same(ways.augmented(single, amounts, torch.Generator().manual_seed(0)), single)


def test_the_detectors_3d_leans_turns_and_flattens_as_a_whole(batch: Batch) -> None:
    count = len(batch)
    nothing, same_depth = torch.zeros(count), torch.ones(count)
    quarter = torch.full((count,), np.pi / 2)
    leaning = ways.leant(batch, quarter, nothing, same_depth)
    # What was below is now away, and what was away is above.
    np.testing.assert_allclose(leaning.xyz[..., 2], batch.xyz[..., 1], atol=1e-5)
    np.testing.assert_allclose(leaning.xyz[..., 1], -batch.xyz[..., 2], atol=1e-5)
    turned = ways.leant(batch, nothing, quarter, same_depth)
    np.testing.assert_allclose(turned.xyz[..., 0], batch.xyz[..., 2], atol=1e-5)
    np.testing.assert_allclose(turned.xyz[..., 1], batch.xyz[..., 1], atol=1e-5)
    flat = ways.leant(batch, nothing, nothing, 0.5 * same_depth)
    np.testing.assert_allclose(flat.xyz[..., 2], 0.5 * batch.xyz[..., 2], atol=1e-6)
    for changed in (leaning, turned, flat):
        assert torch.equal(changed.truth.nan_to_num(), batch.truth.nan_to_num())
        assert torch.equal(changed.xy.nan_to_num(), batch.xy.nan_to_num())


def test_what_is_dropped_is_missing_by_value_and_confidence(batch: Batch) -> None:
    missing = torch.zeros(len(batch), batch.frames, 17, dtype=torch.bool)
    missing[0, 2, 9] = True
    gone = ways.without(batch, missing)
    assert gone.xy[0, 2, 9].isnan().all()
    assert gone.xyz[0, 2, 9].isnan().all()
    assert gone.confidence[0, 2, 9] == 0
    np.testing.assert_array_equal(gone.truth, batch.truth)


def test_the_same_lots_make_the_same_samples(batch: Batch) -> None:
    amounts = Augmentations(swap=0.5, drop_frames=0.5, drop_3d=0.3)

    def drawn(seed: int) -> Batch:
        return ways.augmented(batch, amounts, torch.Generator().manual_seed(seed))

    same(drawn(1), drawn(1), atol=0)
    assert not torch.equal(drawn(1).xy.nan_to_num(), drawn(2).xy.nan_to_num())
    same(ways.augmented(batch, NO_AUGMENTATION, torch.Generator()), batch, atol=0)


def test_amounts_are_what_they_are_said_to_be() -> None:
    samples = make_samples(make_pairs(20, (30.0, -120.0), (0.0,)), 5, rate=30.0)
    batch = samples.batch(torch.arange(len(samples)).repeat(100))
    lots = torch.Generator().manual_seed(0)
    only = replace(NO_AUGMENTATION, drop_3d=0.2)
    gone = ways.augmented(batch, only, lots).xyz.isnan().all(-1).all(-1).all(-1)
    assert gone.float().mean() == pytest.approx(0.2, abs=0.03)
    noisy = ways.augmented(batch, replace(NO_AUGMENTATION, noise_2d=0.01), lots)
    off = (noisy.xy - batch.xy) / ways.person_size(batch)[:, None, None, None]
    assert off[off.isfinite()].std() == pytest.approx(0.01, rel=0.02)
    runs = ways.augmented(batch, replace(NO_AUGMENTATION, drop_frames=0.5), lots)
    unseen = (runs.confidence.sum(-1) == 0) & (batch.confidence.sum(-1) > 0)
    assert unseen.any(1).float().mean() == pytest.approx(0.45, abs=0.08)
    assert (unseen.sum(1) <= 3).all()
