"""What becomes of an import: heights, videos, ways back and onwards."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_results import FRAMES, known_motion, write_aistpp, write_gvhmr
from takes import embodied, make_take

from mocap.body import BodyPose, load_body
from mocap.datasets.results import Footage, read_result, take_of
from mocap.errors import MocapError
from mocap.exporters import ExportConfig, export_take
from mocap.fitting import FitConfig, fit
from mocap.take import Take


def test_what_we_export_comes_back(tmp_path: Path) -> None:
    body = load_body()
    take = embodied(make_take(people=1, frames=31), body)
    (path,) = export_take(take, ["person-1"], "amass", tmp_path, ExportConfig(), body=body)
    back = take_of(read_result(path, "amass", body), path, body)
    was, now = take.people["person-1"].body, back.people["person-1"].body
    assert was is not None
    assert now is not None
    np.testing.assert_allclose(now.betas, was.betas)
    lift = now.joints[0, 0] - was.joints[0, 0]
    np.testing.assert_allclose(lift[[0, 2]], 0.0, atol=1e-6)
    np.testing.assert_allclose(now.joints - lift, was.joints, atol=1e-6)
    np.testing.assert_allclose(now.left_hand_pose, was.left_hand_pose, atol=1e-6)


@pytest.mark.parametrize("preset", ["smplx", "mixamo", "unreal", "unity"])
def test_bvh_is_followed(tmp_path: Path, preset: str) -> None:
    body = load_body()
    take = _with_fists(embodied(make_take(people=1, frames=31), body))
    config = ExportConfig(preset=preset, units="cm")
    (path,) = export_take(take, ["person-1"], "bvh", tmp_path, config)
    back = take_of(read_result(path, "bvh", body, units=0.01), path, body)
    was, now = take.people["person-1"].body, back.people["person-1"].body
    assert was is not None
    assert now is not None
    names = body.joint_names
    for joint in ("left_knee", "right_ankle", "left_elbow", "right_wrist"):
        at = names.index(joint)
        gap = (now.joints - now.joints[:, :1])[:, at] - (was.joints - was.joints[:, :1])[:, at]
        assert np.linalg.norm(gap, axis=1).mean() < 0.05
    # Palms of another shape lie a degree differently.
    np.testing.assert_allclose(now.left_hand_pose, was.left_hand_pose, atol=0.02)
    np.testing.assert_allclose(now.right_hand_pose, was.right_hand_pose, atol=0.02)


def _with_fists(take: Take) -> Take:
    """The take with fingers that close."""
    person = take.people["person-1"]
    assert person.body is not None
    frames = len(person.frames)
    closing = np.linspace(0.0, 1.2, frames)[:, None, None] * [0.1, 0.2, 1.0]
    pose = np.tile(closing, (1, 15, 1)).reshape(frames, 45)
    fists = replace(person.body, left_hand_pose=-pose, right_hand_pose=pose)
    with torch.no_grad():
        body = load_body().to(dtype=torch.float64)
        joints = body.forward(BodyPose.of(fists, body.template)).joints.numpy()
    fists = replace(fists, joints=joints)
    return replace(take, people={"person-1": replace(person, body=fists)})


def test_height_is_what_is_asked_for(tmp_path: Path) -> None:
    body = load_body()
    path = write_gvhmr(known_motion(), tmp_path / "r.pt")
    recording = read_result(path, "gvhmr", body)
    motion = take_of(recording, path, body, height=1.9).people["person-1"].body
    assert motion is not None
    betas = torch.as_tensor(motion.betas, dtype=torch.float32)
    assert float(body.height(betas)[0]) == pytest.approx(1.9, abs=1e-3)


def test_times_are_the_videos(tmp_path: Path) -> None:
    body = load_body()
    path = write_gvhmr(known_motion(), tmp_path / "r.pt")
    recording = read_result(path, "gvhmr", body)
    times = np.cumsum(np.full(FRAMES + 3, 0.05)) - 0.05
    footage = Footage("clip.mp4", "ab" * 32, (1280, 720), times)
    take = take_of(recording, path, body, footage=footage)
    assert take.video.fps == pytest.approx(20.0)
    np.testing.assert_array_equal(take.video.timestamps, times)
    short = replace(footage, times=times[:10])
    with pytest.raises(MocapError, match="has 10 frames, and the motion 40"):
        take_of(recording, path, body, footage=short)


def test_what_has_a_camera_can_be_fitted_again(tmp_path: Path) -> None:
    body = load_body()
    path = write_gvhmr(known_motion(), tmp_path / "r.pt")
    take = take_of(read_result(path, "gvhmr", body), path, body)
    saved = take.save(tmp_path / "take.h5")
    fitted = fit(Take.load(saved), body, FitConfig())
    was, now = take.people["person-1"].body, fitted.people["person-1"].body
    assert was is not None
    assert now is not None
    assert fitted.people["person-1"].contacts is not None
    local = [one.joints[:, :22] - one.joints[:, :1] for one in (was, now)]
    # The fit's rig has hinges for elbows and knees, and a prior; wild poses are pulled at.
    assert np.linalg.norm(local[0] - local[1], axis=-1).mean() < 0.05


def test_without_a_camera_one_stands_in_front(tmp_path: Path) -> None:
    body = load_body()
    path = write_aistpp(known_motion(), tmp_path / "gBR_sBM_cAll_d04_mBR0_ch01.pkl")
    take = take_of(read_result(path, "aistpp", body), path, body)
    person = take.people["d04"]
    assert person.keypoints2d is None
    assert person.body is not None
    pixels = take.camera.project(person.body.joints[:1], person.frames[:1])[0]
    assert np.all((pixels > 0) & (pixels < [take.video.width, take.video.height]))


def test_who_kneels_kneels_on_the_ground(tmp_path: Path) -> None:
    body = load_body()
    frames = 12
    poses = np.zeros((frames, 165))
    # On the shins, insteps down.
    for joint, angle in ((4, 1.57), (5, 1.57), (7, 1.0), (8, 1.0)):
        poses[:, 3 * joint] = angle
    path = tmp_path / "kneeling.npz"
    trans = np.tile([0.2, 0.1, 3.0], (frames, 1))
    # Archives have +Z up.
    poses[:, 0] = np.pi / 2
    np.savez(path, poses=poses, trans=trans, mocap_frame_rate=30.0, betas=np.zeros(16))
    motion = take_of(read_result(path, "amass", body), path, body).people["person-1"].body
    assert motion is not None
    with torch.no_grad():
        posed = body.forward(BodyPose.of(motion, body.template), return_vertices=True)
    assert posed.vertices is not None
    lowest = posed.vertices[..., 1].min(1).values
    np.testing.assert_allclose(lowest.numpy(), 0.0, atol=1e-3)
