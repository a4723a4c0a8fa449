"""What normalisation promises: place, size and resolution of a picture change nothing."""

from dataclasses import fields

import numpy as np
import pytest
import torch

from mocap.depth import Normalised, normalise
from mocap.skeletons import COCO_17

from .conftest import somebody

LEFT_HIP, RIGHT_HIP = COCO_17.indices("left_hip", "right_hip")
NAN = float("nan")


def assert_same(one: Normalised, other: Normalised) -> None:
    for item in fields(Normalised):
        a, b = getattr(one, item.name), getattr(other, item.name)
        torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4, msg=item.name)


@pytest.mark.parametrize("scale", [0.05, 0.7, 1.0, 20.0])
@pytest.mark.parametrize(("right", "down"), [(0, 0), (-1500, 300), (2000, 2000)])
def test_place_and_size_in_the_picture_change_nothing(scale, right, down):
    xy, xyz, confidence, time = somebody(6).batch(windows=2)
    moved = xy * scale + torch.tensor([right, down]) * scale
    assert_same(normalise(moved, xyz, confidence, time), normalise(xy, xyz, confidence, time))


def test_when_it_was_changes_nothing():
    xy, xyz, confidence, time = somebody(6).batch()
    assert_same(normalise(xy, xyz, confidence, time + 100), normalise(xy, xyz, confidence, time))


def test_windows_of_a_batch_have_nothing_to_do_with_each_other():
    batch = somebody(12).batch(windows=3)
    whole = normalise(*batch)
    alone = normalise(*(part[1:2] for part in batch))
    for item in fields(Normalised):
        torch.testing.assert_close(getattr(whole, item.name)[1:2], getattr(alone, item.name))


def test_units_and_origins():
    given = normalise(*somebody(4).batch())
    for points in (given.xy, given.xyz):
        assert points[..., [LEFT_HIP, RIGHT_HIP], :].mean(-2).abs().max() < 1e-5
    weight = given.confidence_2d * given.confidence_3d
    flat, deep = (points.norm(dim=-1) for points in (given.xy, given.xyz[..., :2]))
    assert float((flat * weight).sum()) == pytest.approx(float((deep * weight).sum()), rel=1e-5)
    assert given.time[0].tolist() == pytest.approx([-0.1, -0.1 / 3, 0.1 / 3, 0.1])


def test_y_is_down_and_proportions_stay():
    xy, xyz, confidence, time = somebody().batch()
    given = normalise(xy, xyz, confidence, time)
    nose, ankle = COCO_17.index("nose"), COCO_17.index("left_ankle")
    assert given.xy[0, 0, nose, 1] < 0 < given.xy[0, 0, ankle, 1]
    pixels, units = xy[0, 0, ankle] - xy[0, 0, nose], given.xy[0, 0, ankle] - given.xy[0, 0, nose]
    assert float(units[0] / units[1]) == pytest.approx(float(pixels[0] / pixels[1]), rel=1e-4)


def test_coming_nearer_and_walking_along_show():
    xy, xyz, confidence, time = somebody(5).batch()
    xy = xy[:, :1].expand_as(xy)
    growth = torch.tensor([0.8, 0.9, 1.0, 1.1, 1.2])[None, :, None, None]
    given = normalise(
        xy * growth, xyz[:, :1].expand_as(xyz), confidence[:, :1].expand_as(confidence), time
    )
    size = given.xy[0].norm(dim=-1).mean(-1)
    assert size.tolist() == pytest.approx((size[2] * growth.flatten()).tolist(), rel=1e-4)
    step = given.centre[0].diff(dim=0)
    hips = xy[0, 0, [LEFT_HIP, RIGHT_HIP]].mean(0)
    assert step[0, 0] / step[0, 1] == pytest.approx(float(hips[0] / hips[1]), rel=1e-3)
    assert given.centre[0].mean(0).abs().max() < 1e-5


def test_missing_points_are_zero_without_confidence():
    xy, xyz, confidence, time = somebody(3).batch()
    xy[0, 0, 3], xyz[0, 1, 5], confidence[0, 2, 7] = NAN, NAN, 0.0
    xy[0, 1, 9, 0], confidence[0, 1, 2] = float("inf"), NAN
    given = normalise(xy, xyz, confidence, time)
    for item in fields(Normalised):
        assert getattr(given, item.name).isfinite().all(), item.name
    assert given.confidence_2d[0, 0, 3] == given.xy[0, 0, 3].abs().sum() == 0
    assert given.confidence_3d[0, 0, 3] > 0
    assert given.confidence_3d[0, 1, 5] == given.xyz[0, 1, 5].abs().sum() == 0
    assert given.confidence_2d[0, 1, 5] > 0
    for frame, joint in ((2, 7), (1, 2)):
        assert given.confidence_2d[0, frame, joint] == given.confidence_3d[0, frame, joint] == 0
    assert given.confidence_2d[0, 1, 9] == given.xy[0, 1, 9].abs().sum() == 0


def test_what_a_missing_point_holds_does_not_matter():
    xy, xyz, confidence, time = somebody(3).batch()
    confidence[0, :, 4] = 0
    other, deep = xy.clone(), xyz.clone()
    other[0, :, 4], deep[0, :, 4] = 1e6, NAN
    assert_same(normalise(other, deep, confidence, time), normalise(xy, xyz, confidence, time))


def test_without_a_hip_the_seen_points_centre_is_the_origin():
    xy, xyz, confidence, time = somebody().batch()
    confidence[0, 0, LEFT_HIP] = 0
    given = normalise(xy, xyz, confidence, time)
    weight = given.confidence_2d[0, 0, :, None]
    torch.testing.assert_close((given.xy[0, 0] * weight).sum(0), torch.zeros(2), atol=1e-4, rtol=0)
    assert given.xy[0, 0, RIGHT_HIP].norm() > 0.05


def test_frames_in_which_nobody_is_seen():
    xy, xyz, confidence, time = somebody(5).batch()
    xy[0, 3:], xyz[0, 3:], confidence[0, 3:], time[0, 3:] = NAN, NAN, 0, NAN
    given = normalise(xy, xyz, confidence, time)
    assert given.seen.tolist() == [[1, 1, 1, 0, 0]]
    first = normalise(xy[:, :3], xyz[:, :3], confidence[:, :3], time[:, :3])
    torch.testing.assert_close(given.xy[:, :3], first.xy)
    torch.testing.assert_close(given.time[:, :3], first.time)
    torch.testing.assert_close(given.centre[:, :3], first.centre)
    for item in fields(Normalised):
        assert getattr(given, item.name)[:, 3:].abs().sum() == 0, item.name


def test_nobody_at_all_and_no_3d():
    seen = somebody(2)
    nothing = np.full_like(seen.xyz, np.nan)
    xy, _, confidence, time = seen.batch()
    for pixels in (xy, torch.full_like(xy, NAN), torch.zeros_like(xy)):
        given = normalise(pixels, torch.from_numpy(nothing).float()[None], confidence, time)
        assert all(getattr(given, item.name).isfinite().all() for item in fields(Normalised))
    given = normalise(xy, torch.from_numpy(nothing).float()[None], confidence, time)
    weight = given.confidence_2d / given.confidence_2d.sum()
    assert float((given.xy.norm(dim=-1) * weight).sum()) == pytest.approx(0.45, rel=1e-4)
