"""Errors of depth: analytic cases, bins, and what a plot is written to."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mocap.errors import MocapError
from mocap.evaluate import (
    DepthPoses,
    evaluate_depth,
    measure_depth,
    write_depth_plot,
)
from mocap.skeletons import COCO_17

LEFT_KNEE, LEFT_ANKLE, NOSE = COCO_17.indices("left_knee", "left_ankle", "nose")
HIPS = COCO_17.indices("left_hip", "right_hip")


def standing(frames: int = 4) -> np.ndarray:
    """Somebody upright who faces the camera: x right in the picture, y down, z away."""
    side = {"left": 1.0, "right": -1.0}
    places = {
        "shoulder": (0.18, -0.5, 0.0),
        "elbow": (0.25, -0.25, -0.1),
        "wrist": (0.25, -0.05, -0.3),
        "hip": (0.1, 0.0, 0.0),
        "knee": (0.12, 0.4, -0.1),
        "ankle": (0.12, 0.8, 0.1),
        "eye": (0.03, -0.72, -0.1),
        "ear": (0.07, -0.7, 0.0),
    }
    pose = np.zeros((17, 3))
    pose[NOSE] = (0.0, -0.7, -0.12)
    for row, name in enumerate(COCO_17.names[1:], 1):
        which, part = name.split("_")
        x, y, z = places[part]
        pose[row] = (side[which] * x, y, z)
    return np.repeat(pose[None], frames, 0)


def places(azimuths: np.ndarray, elevations: np.ndarray | float = 0.0) -> np.ndarray:
    """Cameras four metres off, heading axes; degrees."""
    a, e = np.deg2rad(azimuths), np.deg2rad(np.broadcast_to(elevations, np.shape(azimuths)))
    return 4 * np.stack([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)], -1)


def test_the_truth_is_without_error() -> None:
    true = DepthPoses(standing(), places(np.zeros(4)))
    found = measure_depth(true, DepthPoses(true.xyz, 2 * true.camera))
    assert found.samples == 4
    assert found.mpjpe_mm == found.depth_mm == found.image_plane_mm == 0
    assert found.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert found.wrong_arms == found.wrong_thighs == found.wrong_shanks == 0
    assert found.bone_variation == pytest.approx(0, abs=1e-9)
    assert found.camera_median_degrees == pytest.approx(0, abs=1e-6)
    assert math.isnan(found.within_one_sigma)


def test_errors_along_the_view_and_across_it() -> None:
    true = standing()
    moved = true.copy()
    moved[:, LEFT_ANKLE] += (0.03, 0.04, 0.12)
    found = measure_depth(DepthPoses(true, places(np.zeros(4))), DepthPoses(moved))
    assert found.mpjpe_mm == pytest.approx(130 / 12)
    assert found.depth_mm == pytest.approx(120 / 12)
    assert found.image_plane_mm == pytest.approx(50 / 12)
    # The face is no limb, and the hips' middle is laid on the true one.
    shifted = true + 0.5
    shifted[:, NOSE] += 1
    found = measure_depth(DepthPoses(true, places(np.zeros(4))), DepthPoses(shifted))
    assert found.mpjpe_mm == pytest.approx(0, abs=1e-9)


def test_turned_and_scaled_poses_are_right_after_procrustes() -> None:
    turn = Rotation.from_rotvec([0.2, 0.4, -0.1]).as_matrix()
    true = standing()
    found = measure_depth(DepthPoses(true, places(np.zeros(4))), DepthPoses(1.3 * true @ turn.T))
    assert found.mpjpe_mm > 50
    assert found.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)


def test_wrong_signs_count_where_the_truth_is_deep_enough() -> None:
    true = standing(2)
    flipped = true * (1, 1, -1)
    found = measure_depth(DepthPoses(true, places(np.zeros(2))), DepthPoses(flipped))
    assert (found.wrong_arms, found.wrong_thighs, found.wrong_shanks) == (1, 1, 1)
    one = true.copy()
    one[0, LEFT_ANKLE, 2] = one[0, LEFT_KNEE, 2] - 0.001
    found = measure_depth(DepthPoses(true, places(np.zeros(2))), DepthPoses(one))
    # One of four shanks, no arm, no thigh.
    assert (found.wrong_arms, found.wrong_thighs, found.wrong_shanks) == (0, 0, 0.25)
    flat = true * (1, 1, 0.2)
    found = measure_depth(DepthPoses(flat, places(np.zeros(2))), DepthPoses(-flat))
    # Shanks are 4 cm deep then: nobody's fault; so are thighs and arms.
    assert math.isnan(found.wrong_shanks)


def test_bones_vary_within_a_sequence_and_against_the_truth() -> None:
    true = np.concatenate([standing(4), 1.2 * standing(4)])
    camera = places(np.zeros(8))
    sequence = np.repeat([0, 1], 4)
    longer = true.copy()
    longer[:4] *= 1.1
    for whose, expected in ((sequence, 0.0), (None, 0.05 / 1.05)):
        found = measure_depth(DepthPoses(true, camera), DepthPoses(longer), sequence=whose)
        assert found.bone_variation == pytest.approx(expected, abs=1e-9)
    breathing = true * np.array([0.9, 1.1] * 4)[:, None, None]
    found = measure_depth(DepthPoses(true, camera), DepthPoses(breathing), sequence=sequence)
    assert found.bone_variation == pytest.approx(0.1)


def test_directions_to_the_camera() -> None:
    azimuths = np.array([0.0, 90.0, 175.0, -30.0])
    true = DepthPoses(standing(), places(azimuths, 10.0))
    found = measure_depth(true, DepthPoses(true.xyz, places(azimuths + 20, 10.0)))
    # 175° and 195° are 20° apart, not 340.
    assert found.azimuth_median_degrees == pytest.approx(20)
    assert found.elevation_median_degrees == pytest.approx(0, abs=1e-6)
    between = 2 * math.asin(math.cos(math.radians(10)) * math.sin(math.radians(10)))
    assert found.camera_median_degrees == pytest.approx(math.degrees(between))
    found = measure_depth(true, DepthPoses(true.xyz, places(azimuths, -5.0)))
    assert found.elevation_median_degrees == pytest.approx(15)
    assert found.camera_p90_degrees == pytest.approx(15)


def test_a_pose_alone_tells_the_camera_by_its_torso() -> None:
    # The torso is upright in the picture, so the camera is level with it, in front.
    true = DepthPoses(standing(), places(np.zeros(4)))
    assert measure_depth(true, DepthPoses(true.xyz)).camera_median_degrees == pytest.approx(0)
    # Somebody who bends towards the camera: it seems to be 30° up, and is not.
    turn = Rotation.from_euler("X", 30, degrees=True).as_matrix()
    bent = measure_depth(true, DepthPoses(true.xyz @ turn.T))
    assert bent.elevation_median_degrees == pytest.approx(30)
    assert bent.azimuth_median_degrees == pytest.approx(0, abs=1e-4)


def test_sigma_is_compared_with_the_errors() -> None:
    true = standing()
    off = true + np.where(np.isin(np.arange(17), HIPS)[:, None], 0.0, [0.0, 0.0, 0.1])
    said = np.full((4, 17), 0.2)
    said[0] = 0.09
    said[1] = 0.04
    found = measure_depth(
        DepthPoses(true, places(np.zeros(4))), DepthPoses(off, places(np.zeros(4)), said)
    )
    # The hips, 2 of 12, are exact.
    assert found.within_one_sigma == pytest.approx((2 * 12 + 2 * 2) / 48)
    assert found.within_two_sigma == pytest.approx((3 * 12 + 2) / 48)


def test_missing_points_are_left_out() -> None:
    true, seen = standing(), standing() + 0.0
    true[0, LEFT_ANKLE] = np.nan
    seen[0, LEFT_ANKLE] += 5.0
    seen[1, LEFT_KNEE] = np.nan
    found = measure_depth(DepthPoses(true, places(np.zeros(4))), DepthPoses(seen))
    assert found.mpjpe_mm == 0
    assert found.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert found.wrong_shanks == 0
    nothing = measure_depth(
        DepthPoses(true, places(np.zeros(4))), DepthPoses(np.full_like(true, np.nan))
    )
    assert math.isnan(nothing.mpjpe_mm)


def spread(count: int = 3000) -> tuple[DepthPoses, DepthPoses, DepthPoses]:
    """Cameras all around; raw is off by 10 cm, by 20 behind; refined by half of it."""
    rng = np.random.default_rng(0)
    azimuths, elevations = rng.uniform(-180, 180, count), rng.uniform(-40, 60, count)
    true = DepthPoses(standing(count), places(azimuths, elevations))
    off = np.where(np.abs(azimuths) > 90, 0.2, 0.1)
    body = ~np.isin(np.arange(17), HIPS)
    shift = off[:, None, None] * body[:, None] * np.array([0.0, 0.0, 1.0])
    refined = DepthPoses(true.xyz + 0.5 * shift, true.camera, np.full((count, 17), 0.1))
    return true, DepthPoses(true.xyz + shift), refined


def test_bins_hold_all_samples_once_and_tell_them_apart() -> None:
    true, raw, refined = spread()
    report = evaluate_depth(true, raw, refined)
    for bins in (report.azimuths, report.elevations, report.cells):
        assert sum(one.raw.samples for one in bins) == 3000
    assert [one.azimuth for one in report.azimuths][:2] == [(-180, -150), (-150, -120)]
    assert [one.elevation for one in report.elevations] == [
        (-90, -10),
        (-10, 10),
        (10, 30),
        (30, 90),
    ]
    assert len(report.cells) == 48
    for one in report.azimuths:
        behind = one.azimuth[0] < -90 or one.azimuth[1] > 90
        assert one.raw.mpjpe_mm == pytest.approx((200 if behind else 100) * 10 / 12)
        assert one.refined.mpjpe_mm == pytest.approx(0.5 * one.raw.mpjpe_mm)
        assert one.enough
        assert one.better
    assert not report.elevations[0].azimuth


def test_a_camera_straight_behind_is_in_a_bin() -> None:
    true = DepthPoses(standing(2), places(np.array([180.0, -180.0]), 90.0))
    report = evaluate_depth(true, DepthPoses(true.xyz))
    assert sum(one.raw.samples for one in report.azimuths) == 2
    assert report.overall.refined is None


def test_as_json_nothing_is_no_number() -> None:
    true, raw, _ = spread(40)
    told = evaluate_depth(true, raw).as_json()
    text = json.dumps(told, allow_nan=False)
    assert told["overall"]["raw"]["within_one_sigma"] is None
    assert '"mpjpe_mm"' in text


def test_nothing_to_measure_is_refused() -> None:
    nobody = DepthPoses(np.zeros((0, 17, 3)), np.zeros((0, 3)))
    with pytest.raises(MocapError, match="no poses"):
        evaluate_depth(nobody, nobody)
    true = DepthPoses(standing(3), places(np.zeros(3)))
    with pytest.raises(MocapError, match=r"2 poses.*3"):
        evaluate_depth(true, DepthPoses(standing(2)))


@pytest.mark.parametrize("measure", [evaluate_depth, measure_depth])
def test_a_truth_without_cameras_is_a_mistake(measure) -> None:
    poses = DepthPoses(standing(3))
    with pytest.raises(ValueError, match="the camera's places"):
        measure(poses, poses)


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    true, raw, refined = spread(300)
    path = write_depth_plot(evaluate_depth(true, raw, refined), tmp_path / "deep" / "polar.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert write_depth_plot(evaluate_depth(true, raw), tmp_path / "raw.svg").stat().st_size > 1000
    with pytest.raises(MocapError, match=r"polar\.abc"):
        write_depth_plot(evaluate_depth(true, raw), tmp_path / "polar.abc")
