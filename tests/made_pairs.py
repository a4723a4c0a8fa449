"""Training pairs made up: a body waves its limbs in front of cameras, and is seen with errors."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mocap.body import BodyPose, load_body
from mocap.datasets.detections import DETECTOR, Noise, Performance, detect
from mocap.datasets.pairs import Pairs
from mocap.datasets.pairs.views import facing_pose, viewpoints
from mocap.geometry import Camera
from mocap.skeletons import COCO_17, MEDIAPIPE_33, SMPLX_55, point_map

SIZE = (1280, 720)
FPS = 30.0
_HIPS = COCO_17.indices("left_hip", "right_hip")
_TO_COCO = point_map(MEDIAPIPE_33, COCO_17)
#: Joints that swing, and how far each way about each axis, radians.
_SWINGS = {
    "left_shoulder": (0.4, 0.6, 0.8),
    "right_shoulder": (0.4, 0.6, 0.8),
    "left_elbow": (0.0, 0.9, 0.0),
    "right_elbow": (0.0, 0.9, 0.0),
    "left_hip": (0.7, 0.2, 0.2),
    "right_hip": (0.7, 0.2, 0.2),
    "left_knee": (0.8, 0.0, 0.0),
    "right_knee": (0.8, 0.0, 0.0),
    "spine2": (0.3, 0.2, 0.2),
}


def make_pairs(
    frames: int = 60,
    azimuths: Sequence[float] = (0.0, 50.0, 140.0, -80.0),
    elevations: Sequence[float] = (0.0, 20.0),
    *,
    noise: Noise = DETECTOR,
    splits: Sequence[str] = ("train", "train", "train", "val", "test"),
    seed: int = 0,
    landmarks: bool = False,
) -> Pairs:
    """A sequence for each camera, told apart by its name, for the splits in turn.

    Args:
        frames: of each sequence.
        azimuths: of the cameras, degrees about the vertical; 0 is in front of the first frame.
        elevations: of the cameras, degrees.
        noise: how wrong the detector is.
        splits: of the sequences, in turn.
        seed: of motion and errors.
        landmarks: whether all that the detector told is kept.
    """
    performance = _performance(frames, seed)
    parts = []
    for number, (azimuth, elevation) in enumerate((a, e) for e in elevations for a in azimuths):
        camera = camera_at(azimuth, elevation)
        split = splits[number % len(splits)]
        parts.append(
            _seen(performance, camera, noise, seed + number, f"{azimuth:g}/{elevation:g}", split)
        )
    pairs = Pairs.concatenate(parts)
    return pairs if landmarks else pairs.without_landmarks()


def camera_at(azimuth: float, elevation: float, distance: float = 4.0) -> Camera:
    """A camera that looks at a point a metre above the origin; degrees."""
    a, e = np.deg2rad([azimuth, elevation])
    centre = np.array([0.0, 1.0, 0.0])
    place = centre + distance * np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    z = (centre - place) / distance
    x = np.cross(z, [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    R = np.stack([x, np.cross(z, x), z])
    K = Camera.assumed(*SIZE).K
    return Camera(K, R[None], -(R @ place)[None], "given")


@lru_cache(maxsize=4)
def _performance(frames: int, seed: int) -> Performance:
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / FPS
    pose = np.zeros((frames, 21, 3))
    for name, swing in _SWINGS.items():
        pace, start = rng.uniform(0.3, 1.2, 3), rng.uniform(0, 2 * np.pi, 3)
        pose[:, SMPLX_55.index(name) - 1] = swing * np.sin(2 * np.pi * pace * time + start)
    turn = Rotation.from_euler("Y", 0.8 * np.sin(2 * np.pi * 0.2 * time))
    body = BodyPose(
        global_orient=torch.from_numpy(turn.as_rotvec()),
        body_pose=torch.from_numpy(pose.reshape(frames, 63)),
        transl=torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64).repeat(frames, 1),
    )
    return Performance.of(load_body(), body, "dancer")


def _seen(
    performance: Performance, camera: Camera, noise: Noise, seed: int, name: str, split: str
) -> Pairs:
    [person] = detect([performance], camera, FPS, noise, size=SIZE, seed=seed)
    frames = person.frames[person.observed]
    xy, xyz = person.keypoints2d, person.keypoints3d
    assert xy is not None
    assert xyz is not None
    points = _TO_COCO(performance.points)[frames]
    pelvis = points[:, _HIPS].mean(1)
    view = viewpoints(points[:, _HIPS], np.array([0.0, 1.0, 0.0]), _centre(camera))
    return Pairs(
        corrupted=_TO_COCO(xyz.xyz[person.observed]),
        ground_truth=facing_pose(points, pelvis, camera.R, camera.t),
        visibility=_TO_COCO(xy.confidence[person.observed][..., None])[..., 0],
        pose_2d=_TO_COCO(xy.xy[person.observed]),
        azimuth=view.azimuth,
        elevation=view.elevation,
        camera_relative=view.camera_relative,
        sequence=np.zeros(len(frames), np.int32),
        time=frames / FPS,
        heading=view.heading,
        truth_2d=camera.project(points, frames),
        image_size=np.full((len(frames), 2), SIZE),
        landmarks_xy=xy.xy[person.observed],
        landmarks_xyz=xyz.xyz[person.observed],
        landmarks_confidence=xy.confidence[person.observed],
        sequences=(name,),
        splits=(split,),
    )


def _centre(camera: Camera) -> np.ndarray:
    return -np.einsum("fji,fj->fi", camera.R, camera.t)
