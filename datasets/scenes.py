"""Scenes of several people whose motion is known, filmed by a camera that was never there."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from mocap.body import Body
from mocap.datasets.detections import DETECTOR, Noise, Performance, detect
from mocap.datasets.motions import BodyClip, read_bvh_clip, to_bodies
from mocap.errors import MocapError
from mocap.geometry import Camera, look_at
from mocap.take import BodyMotion, Person, Take, VideoRecord, World

#: Three dancers in one floor frame, centimetres; the first frame is a calibration pose.
_DANCERS = ("A_test.bvh", "B_test.bvh", "C_test.bvh")
_SIZE = (1280, 720)
_FIELD_OF_VIEW = np.deg2rad(55.0)
#: Height of the camera, metres, and the share of the picture kept free at each border.
_HEIGHT, _BORDER = 1.6, 0.05
_SOLES = ("left_heel_sole", "right_heel_sole", "left_toe_sole", "right_toe_sole")


def dancers(
    folder: str | Path,
    body: Body,
    *,
    seconds: float = 8.0,
    start: float = 0.0,
    noise: Noise = DETECTOR,
    azimuth: float = 20.0,
    seed: int = 0,
) -> tuple[Take, Take]:
    """Three dancers on one stage, as one static camera would see them, and the truth.

    Args:
        folder: with ``A_test.bvh``, ``B_test.bvh`` and ``C_test.bvh``, 40 frames a second.
        body: whose motion the dance becomes.
        seconds: of dance, at most.
        start: where in the dance to begin, seconds.
        noise: how wrong the detections are.
        azimuth: where the camera stands, degrees about the vertical; 0 is in front of them.
        seed: of the detections' errors.

    Returns:
        A take with keypoints only, whose camera has the true intrinsics but stands, as an
        assumed one does, level at the origin; and a take with bodies and the true camera, in a
        world with the floor at y = 0. People go by the same ids in both.

    Raises:
        MocapError: the dance is over before ``start``.
        ExportError: a file is missing or malformed.
    """
    clips = []
    for name in _DANCERS:
        clip = read_bvh_clip(Path(folder) / name, units=0.01, performer="perfume", skip=1)
        first = round(start * clip.fps)
        clip = clip[first : first + max(1, round(seconds * clip.fps))]
        if not len(clip):
            raise MocapError(f"{Path(folder) / name}: is over before second {start}")
        clips.append(clip)
    return film(to_bodies(clips, body), body, noise=noise, azimuth=azimuth, seed=seed)


def film(
    clips: Sequence[BodyClip],
    body: Body,
    *,
    noise: Noise = DETECTOR,
    azimuth: float = 20.0,
    seed: int = 0,
) -> tuple[Take, Take]:
    """Film motions that share a world and a clock; see :func:`dancers`.

    Args:
        clips: one a person; as long as the shortest is.
        body: whose motion they are.
        noise: how wrong the detections are.
        azimuth: where the camera stands, degrees about the vertical, 0 towards +Z.
        seed: of the detections' errors.

    Returns:
        The detected take and the truth.
    """
    frames = min(len(clip) for clip in clips)
    fps = clips[0].fps
    motions = [_on_floor(_motion(clip, body, frames), body) for clip in clips]
    names = [f"person-{i + 1}" for i in range(len(clips))]
    people = [
        Performance.of(body, clip.body_pose(slice(0, frames)), name)
        for clip, name in zip(clips, names, strict=True)
    ]
    # The lift onto the floor moves joints and points alike.
    people = [
        replace(p, joints=m.joints, points=p.points + (m.joints - p.joints)[:, :1])
        for p, m in zip(people, motions, strict=True)
    ]
    camera = _camera(np.concatenate([p.points for p in people], 1), np.deg2rad(azimuth))
    video = VideoRecord("synthetic", "", *_SIZE, fps, np.arange(frames) / fps)
    seen = detect(people, camera, fps, noise, size=_SIZE, seed=seed)
    unplaced = Camera(camera.K, np.diag([-1.0, -1.0, 1.0])[None], np.zeros((1, 3)), "given")
    detected = Take(video, unplaced, {person.id: person for person in seen})
    world = World(np.array([0.0, 1.0, 0.0, 0.0]), "the motion's own", "the motion's own")
    truth = {
        name: Person(
            id=name,
            label=clip.name,
            frames=np.arange(frames),
            observed=np.ones(frames, bool),
            box=np.full((frames, 4), np.nan, np.float32),
            body=motion,
        )
        for name, clip, motion in zip(names, clips, motions, strict=True)
    }
    return detected, Take(video, camera, truth, world)


def _motion(clip: BodyClip, body: Body, frames: int) -> BodyMotion:
    pose = clip.body_pose(slice(0, frames))
    with torch.no_grad():
        joints = body.to(dtype=torch.float64).forward(pose).joints.numpy()
    assert pose.global_orient is not None
    assert pose.body_pose is not None
    return BodyMotion(
        betas=clip.betas,
        expression=np.zeros((frames, 10)),
        global_orient=pose.global_orient.numpy(),
        body_pose=pose.body_pose.numpy(),
        left_hand_pose=np.zeros((frames, 45)),
        right_hand_pose=np.zeros((frames, 45)),
        jaw_pose=np.zeros((frames, 3)),
        transl=clip.pose.transl[:frames],
        joints=joints,
        model=body.name,
        model_sha256=body.sha256,
        licence=body.licence,
    )


def _on_floor(motion: BodyMotion, body: Body) -> BodyMotion:
    """The motion lifted by one height, so that its feet stand on y = 0."""
    with torch.no_grad():
        marks = body.forward(motion, return_landmarks=True).landmarks
    assert marks is not None
    soles = marks[:, [body.landmark_names.index(name) for name in _SOLES], 1].numpy()
    # Feet stand on it in most frames; the few lowest are where the corpus cuts through its floor.
    lift = np.array([0.0, -float(np.percentile(soles.min(1), 5)), 0.0])
    return replace(motion, transl=motion.transl + lift, joints=motion.joints + lift)


def _camera(points: Float[np.ndarray, "frames points 3"], azimuth: float) -> Camera:
    """A static camera that keeps all points in its picture, from no farther than it must."""
    width, height = _SIZE
    focal = 0.5 * width / np.tan(0.5 * _FIELD_OF_VIEW)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    flat = points.reshape(-1, 3)
    middle = (flat.min(0) + flat.max(0)) / 2
    away = np.array([np.sin(azimuth), 0.0, np.cos(azimuth)])
    least, most = np.array(_SIZE) * _BORDER, np.array(_SIZE) * (1 - _BORDER)
    for distance in np.arange(2.0, 60.0, 0.1):
        place = middle + distance * away
        place[1] = _HEIGHT
        R, t = look_at(place, middle)
        camera = Camera(K[None], R[None], t[None], "given")
        pixels = camera.project(flat[None], np.zeros(1, int))[0]
        if np.all((pixels >= least) & (pixels <= most)):
            return camera
    raise MocapError("these people are too far apart for one camera to see them all")
