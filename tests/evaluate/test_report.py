"""A take measured as a whole: against itself, against itself spoilt, and against real truth."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from takes import make_take

from mocap.evaluate import (
    RigCamera,
    Truth,
    TruthError,
    TruthPerson,
    evaluate,
    load_truth,
    read_rig,
    triangulate_takes,
)
from mocap.evaluate.alignment import fit_similarity
from mocap.evaluate.joints import LIMBS
from mocap.evaluate.truth import truth_of_take
from mocap.geometry import Camera, rotation_between
from mocap.pipeline import ExtractConfig, detect
from mocap.skeletons import COCO_17, MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D, Keypoints3D, Refined3D

FRAMES = 60
CLIP = "clips/pose2sim_single"


@pytest.fixture
def take():
    return make_take(people=2, frames=FRAMES)


def limbs(take, name):
    return take.people[name].body.joints[:, SMPLX_55.indices(*LIMBS)]


def other_world(take):
    """The same people as truth with Z up, turned and elsewhere, seen by the same camera."""
    turn = Rotation.from_euler("xz", [90, 40], degrees=True).as_matrix()
    shift = np.array([5.0, -2.0, 0.5])
    camera = take.camera
    # x_camera = R x + t for the take's x; the truth's points are turn @ x + shift.
    R = camera.R[0] @ turn.T
    seen = RigCamera(Camera(camera.K, R[None], (camera.t[0] - R @ shift)[None], "given"), 1280, 720)
    people = {
        str(number): TruthPerson(limbs(take, name) @ turn.T + shift)
        for number, name in enumerate(take.people)
    }
    return Truth("z.json", LIMBS, people, None, np.array([0.0, 0.0, 1.0]), "told", {"c1": seen})


def pairs(found):
    return [(one.truth, one.person) for one in found.people]


def moved(take, name, change):
    person = take.people[name]
    body = replace(person.body, joints=change(person.body.joints))
    return replace(take, people={**take.people, name: replace(person, body=body)})


def test_a_take_agrees_with_itself(take):
    found = evaluate(take, truth_of_take(take, "self.h5")).comparison
    assert found.camera == "take"
    assert found.tilt_error_degrees == pytest.approx(0, abs=1e-6)
    assert [(one.truth, one.person) for one in found.people] == [
        ("person-1",) * 2,
        ("person-2",) * 2,
    ]
    for one in found.people:
        fit = one.fit
        assert fit.frames == FRAMES
        figures = (fit.mpjpe_camera_axes_mm, fit.mpjpe_world_up_to_heading_mm, fit.pa_mpjpe_mm)
        np.testing.assert_allclose(figures, 0, atol=1e-6)
        assert one.rotation_mean_degrees == pytest.approx(0, abs=1e-4)
        assert one.world[0].w_mpjpe_mm == pytest.approx(0, abs=1e-6)
        assert fit.swapped_share == 0
    assert found.identities.switches == 0
    assert found.group.root_distance_error_mm == pytest.approx(0, abs=1e-6)
    assert found.group.shared_wa_mpjpe_mm == pytest.approx(0, abs=1e-6)


def test_any_world_will_do(take):
    found = evaluate(take, other_world(take), camera="C_1").comparison
    assert found.camera == "c1"
    assert found.tilt_error_degrees == pytest.approx(0, abs=1e-4)
    for one in found.people:
        assert one.fit.mpjpe_camera_axes_mm == pytest.approx(0, abs=1e-6)
        assert one.fit.mpjpe_world_up_to_heading_mm == pytest.approx(0, abs=1e-6)


def test_tilt_is_no_error_of_the_pose_but_of_the_world(take):
    tilted = Rotation.from_rotvec([np.deg2rad(7), 0.0, 0.0]).apply([0.0, 0.0, 1.0])
    truth = replace(other_world(take), up=tilted)
    found = evaluate(take, truth, camera="c1").comparison
    assert found.tilt_error_degrees == pytest.approx(7, abs=1e-3)
    fit = found.people[0].fit
    assert fit.mpjpe_camera_axes_mm == pytest.approx(0, abs=1e-6)
    assert fit.mpjpe_world_up_to_heading_mm > 20


def test_without_a_camera_what_needs_none_is_compared(take):
    truth = replace(other_world(take), cameras={})
    found = evaluate(take, truth).comparison
    assert found.camera is None
    assert np.isnan(found.tilt_error_degrees)
    assert [(one.truth, one.person) for one in found.people] == [
        ("0", "person-1"),
        ("1", "person-2"),
    ]
    fit = found.people[0].fit
    assert np.isnan(fit.mpjpe_camera_axes_mm)
    assert fit.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert fit.mpjpe_world_up_to_heading_mm == pytest.approx(0, abs=1e-6)
    assert found.identities.switches == 0


def test_errors_land_on_the_joint_that_is_off(take):
    def off(joints):
        joints = joints.copy()
        joints[:, SMPLX_55.index("left_wrist")] += [0.06, 0.0, 0.08]
        return joints

    found = evaluate(moved(take, "person-1", off), other_world(take), camera="c1").comparison
    fit = found.people[0].fit
    assert fit.joints["left_wrist"].camera_axes_mm == pytest.approx(100)
    assert fit.joints["right_wrist"].camera_axes_mm == pytest.approx(0, abs=1e-6)
    assert fit.mpjpe_camera_axes_mm == pytest.approx(100 / 12)


def test_people_too_near_each_other_are_seen_only_together(take):
    near = moved(take, "person-2", lambda joints: joints - [0.4, 0.0, 0.0])
    found = evaluate(near, replace(other_world(take), cameras={})).comparison
    assert found.people[1].world[0].wa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert found.group.root_distance_error_mm == pytest.approx(400, rel=0.1)
    assert found.group.shared_wa_mpjpe_mm > 50


def test_people_who_exchange_names_are_identity_switches(take):
    one, two = take.people.values()
    joints = [one.body.joints.copy(), two.body.joints.copy()]
    for own, other in zip(joints, (two, one), strict=True):
        own[FRAMES // 2 :] = other.body.joints[FRAMES // 2 :]
    swapped = moved(take, one.id, lambda _: joints[0])
    swapped = moved(swapped, two.id, lambda _: joints[1])
    found = evaluate(swapped, other_world(take), camera="c1").comparison
    assert found.identities.switches == 2
    assert found.identities.matched_share == 1


def test_exchanged_sides_are_told(take):
    mirror = list(SMPLX_55.mirror)
    found = evaluate(
        moved(take, "person-1", lambda joints: joints[:, mirror]), other_world(take), camera="c1"
    )
    assert found.comparison.people[0].fit.swapped_share > 0.9
    assert not found.people[0].plausible


def test_the_detector_is_measured_beside_the_fit(take):
    person = take.people["person-1"]
    xyz, xy = np.full((FRAMES, 33, 3), np.nan), np.full((FRAMES, 33, 2), np.nan)
    rows = MEDIAPIPE_33.indices(*LIMBS)
    seen = limbs(take, "person-1") @ take.camera.R[0].T
    xyz[:, rows] = 1.1 * (seen - seen[:, [3, 9]].mean(1, keepdims=True))
    xy[:, rows] = take.camera.project(limbs(take, "person-1"), person.frames)
    person = replace(
        person,
        keypoints2d=Keypoints2D(xy, np.ones((FRAMES, 33)), "mediapipe33", "test"),
        keypoints3d=Keypoints3D(xyz, "mediapipe33", "test"),
        body=None,
    )
    # Depth put right: the true points, in the axes of a camera that faces the person.
    rays = seen[:, [3, 9]].mean(1)
    facing = rotation_between(
        rays / np.linalg.norm(rays, axis=1, keepdims=True), np.array([0.0, 0.0, 1.0])
    )
    better = np.full((FRAMES, 17, 3), np.nan)
    better[:, COCO_17.indices(*LIMBS)] = np.einsum("fij,fpj->fpi", facing, xyz[:, rows] / 1.1)
    nothing = np.zeros(FRAMES)
    refined = Refined3D(
        better, np.ones((FRAMES, 17)), nothing, nothing, np.zeros((FRAMES, 3)), "coco17", "test"
    )
    bare = replace(take, people={"person-1": replace(person, refined3d=refined)})
    found = evaluate(bare, other_world(take), camera="c1").comparison
    assert pairs(found) == [("0", "person-1")]
    assert found.people[0].refined.mpjpe_camera_axes_mm == pytest.approx(0, abs=0.1)
    assert found.missed == ("1",)
    raw, turned = found.people[0].detector, found.people[0].detector_turned
    assert found.people[0].fit is None
    assert raw.pa_mpjpe_mm == pytest.approx(0, abs=1e-6)
    # They were made in the camera's own axes, so turning them makes them worse.
    assert 10 < raw.mpjpe_camera_axes_mm < turned.mpjpe_camera_axes_mm


def test_missing_truth_and_missing_frames_are_no_errors(take):
    truth = other_world(take)
    points = truth.people["0"].points.copy()
    points[10:20] = np.nan
    points[30, 4] = np.nan
    truth = replace(truth, people={**truth.people, "0": TruthPerson(points[:50])})
    truth = replace(truth, people={"0": truth.people["0"]})
    found = evaluate(take, truth, camera="c1").comparison
    assert found.people[0].fit.frames == 40
    assert found.people[0].fit.mpjpe_camera_axes_mm == pytest.approx(0, abs=1e-6)


def test_what_does_not_go_together_is_refused(take):
    truth = other_world(take)
    with pytest.raises(TruthError, match="no camera c9"):
        evaluate(take, truth, camera="c9")
    with pytest.raises(TruthError, match="nobody named person-7"):
        evaluate(take, truth, person="person-7")
    far = {"0": TruthPerson(truth.people["0"].points + [50.0, 0.0, 0.0])}
    with pytest.raises(TruthError, match="nobody in it is anybody"):
        evaluate(take, replace(truth, people=far), camera="c1")


def test_reports_are_json_without_numbers_that_are_none(take):
    told = evaluate(take, other_world(take)).as_json()
    text = json.dumps(told, allow_nan=False)
    assert json.loads(text) == told
    assert told["people"][0]["feet"] is None
    assert told["comparison"]["people"][0]["fit"]["mpjpe_camera_axes_mm"] is None


@pytest.mark.slow
def test_four_views_agree_with_other_peoples_truth(
    data_dir, four_camera_clip, pose_bundle, hand_bundle
):
    theirs = load_truth(data_dir / CLIP / "ground_truth.json")
    rig = read_rig(four_camera_clip / "Calib.qca.txt", [f"cam0{i}" for i in (1, 2, 3, 4)])
    config = ExtractConfig(hands=False)
    takes = {name: detect(four_camera_clip / f"{name}.mp4", config) for name in rig}
    result = triangulate_takes(takes, rig)
    main = max(result.who, key=lambda name: sum(one is not None for one in result.who[name]))
    assert None not in result.who[main]
    assert result.residual_px[main] < 12
    np.testing.assert_allclose(result.truth.up, [0, 1, 0])
    mine = result.truth.people[main].points[:, :12]
    true = theirs.people["1"].points[:, [theirs.names.index(name) for name in LIMBS]]
    assert np.isfinite(mine).all(-1).mean() > 0.95
    lay = fit_similarity(mine.reshape(-1, 3), true.reshape(-1, 3), scaled=False)
    gaps = np.linalg.norm(lay(mine.reshape(1, -1, 3)[0]) - true.reshape(-1, 3), axis=-1)
    assert np.nanmean(gaps) < 0.035
    # What only two views see ties them to each other, and must not bend the rest.
    scale = fit_similarity(mine.reshape(-1, 3), true.reshape(-1, 3)).scale
    assert scale == pytest.approx(1, abs=0.03)

    # One view alone, against both truths: the same story within what they differ by.
    reports = [evaluate(takes["cam03"], truth, camera="cam03") for truth in (theirs, result.truth)]
    errors = [one.comparison.people[0].detector.mpjpe_camera_axes_mm for one in reports]
    assert 90 < errors[0] < 140
    assert errors[1] == pytest.approx(errors[0], abs=15)
