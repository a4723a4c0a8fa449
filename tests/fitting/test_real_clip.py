"""A real person, from one camera of a real clip: what the detector saw, and what the fit made."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch

from mocap.body import BodyPose
from mocap.fitting import FitConfig, fit
from mocap.pipeline import ExtractConfig, detect
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Take
from mocap.video import open_video

FRAMES = 40
LIMBS = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
)


@dataclass(frozen=True)
class Seen:
    """Limb joints (F, 12) of the only person: seen and fitted, in pixels and metres."""

    take: Take
    seen: np.ndarray
    sure: np.ndarray
    shown: np.ndarray
    height: float


@pytest.fixture(scope="session")
def clip(four_camera_clip, pose_bundle, hand_bundle, tmp_path_factory, body) -> Seen:
    folder = tmp_path_factory.mktemp("cam03")
    with open_video(four_camera_clip / "cam03.mp4") as source:
        fps = source.info.fps
        for number, frame in zip(range(FRAMES), source, strict=False):
            cv2.imwrite(str(folder / f"{number:04d}.png"), frame.image[..., ::-1])
    take = fit(detect(folder, ExtractConfig(fps=fps, hands=False)), body, FitConfig())
    person = take.people["person-1"]
    rows = MEDIAPIPE_33.indices(*LIMBS)
    seen = person.keypoints2d.xy[:, rows].astype(float)
    sure = person.keypoints2d.confidence[:, rows] > 0.5
    joints = person.body.joints[:, SMPLX_55.indices(*LIMBS)]
    height = float(np.nanmedian(np.ptp(person.keypoints2d.xy[..., 1], axis=1)))
    return Seen(take, seen, sure, take.camera.project(joints, person.frames), height)


@pytest.mark.slow
def test_the_body_lies_over_the_person(clip):
    assert list(clip.take.people) == ["person-1"]
    gaps = np.linalg.norm(clip.shown - clip.seen, axis=-1)[clip.sure] / clip.height
    assert clip.sure.mean() > 0.5
    assert gaps.mean() < 0.025
    assert np.percentile(gaps, 95) < 0.07


@pytest.mark.slow
def test_nothing_is_missing_and_nothing_shakes(clip):
    person = clip.take.people["person-1"]
    motion = person.body
    assert len(person.frames) == FRAMES
    for part in (motion.joints, motion.body_pose, motion.transl, motion.left_hand_pose):
        assert np.isfinite(part).all()

    def jitter(points: np.ndarray) -> float:
        return float(np.linalg.norm(np.diff(points, 3, axis=0), axis=-1).mean())

    raw = person.keypoints3d.xyz[:, MEDIAPIPE_33.indices(*LIMBS)].astype(float)
    fitted = motion.joints[:, SMPLX_55.indices(*LIMBS)]
    assert jitter(fitted - motion.joints[:, :1]) < 0.25 * jitter(raw)
    # And it is a motion, no statue: the joints move as far as the detector's do.
    spans = [np.ptp(points - points[:, 6:7], axis=0).max() for points in (fitted, raw)]
    assert spans[0] > 0.3 * spans[1]


@pytest.mark.slow
def test_the_person_stands_on_the_floor_the_right_way_up(clip, body64):
    motion = clip.take.people["person-1"].body
    posed = body64.forward(BodyPose.of(motion, body64.template), return_vertices=True)
    heights = posed.vertices[..., 1].numpy()
    assert 1.3 < np.median(np.ptp(heights, axis=1)) < 2.2
    assert abs(np.median(heights.min(1))) < 0.06
    assert heights.min() > -0.15
    neck, pelvis = (motion.joints[:, SMPLX_55.index(name), 1] for name in ("neck", "pelvis"))
    assert (neck > pelvis).all()
    stature = float(body64.height(torch.as_tensor(motion.betas))[0])
    assert 1.4 < stature < 2.0
