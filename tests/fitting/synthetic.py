"""People made up: a known body moves in front of a known camera, and is seen with known errors.

The points come from the skinned body, not from the rig of the fit, so that what the rig leaves out
shows. Everything is exact before noise is added.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.fitting.freedom import COORDINATES, expansion
from mocap.geometry import Camera, rotation_between
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D, Keypoints3D, Person, Take, VideoRecord

#: The joints that MPJPE is measured on: where limbs bend, and the neck.
MEASURED = SMPLX_55.indices(
    "neck",
    *(
        f"{side}_{joint}"
        for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        for side in ("left", "right")
    ),
)
_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")
_SHOULDER_Z = [
    i
    for i, c in enumerate(COORDINATES)
    if c.axis == 2 and c.joints[0] in ("left_shoulder", "right_shoulder")
]


@dataclass(frozen=True)
class Noise:
    """How wrong detections are.

    Attributes:
        pixels: standard deviation, as a share of the person's height in the picture.
        metres: standard deviation of the 3D points, each axis.
        depth_share: how much of true depth extents the 3D points lose.
        shear: depth gained for every metre down: leaning forward, MediaPipe's habit.
        scale: of the detector's metre.
    """

    pixels: float = 0.0
    metres: float = 0.0
    depth_share: float = 0.0
    shear: float = 0.0
    scale: float = 1.0


CLEAN = Noise()
DETECTOR = Noise(pixels=0.008, metres=0.02, depth_share=0.15, shear=0.08, scale=0.93)


@dataclass(frozen=True)
class Actor:
    """A motion that is known: joints (F, 55, 3) and MediaPipe's points (F, 33, 3), world metres."""

    pose: BodyPose
    joints: np.ndarray
    points: np.ndarray
    hidden: tuple[str, ...] = field(default=())


def coordinates(
    frames: int, fps: float, seed: int = 0, reach: float = 0.5, pace: float = 1.0
) -> np.ndarray:
    """Smooth random angles (F, C), within the middle ``reach`` of each coordinate's range."""
    rng = np.random.default_rng(seed)
    low, high = np.deg2rad([c.limits for c in COORDINATES]).T
    mean = np.deg2rad([c.mean for c in COORDINATES])
    mean[_SHOULDER_Z] *= 0.6
    times = np.arange(frames)[:, None] / fps
    rate, phase = rng.uniform(0.15, 0.5, len(mean)) * pace, rng.uniform(0, 2 * np.pi, len(mean))
    swing = reach * np.minimum(high - mean, mean - low) * rng.uniform(0.4, 1.0, len(mean))
    # A knee's usual angle is near its limit; about such a mean there is little room to swing.
    middle = np.where(np.minimum(high - mean, mean - low) < 0.6, 0.65 * mean + 0.35 * low, mean)
    middle = np.where(
        np.minimum(high - mean, mean - low) < 0.6, 0.7 * mean + 0.3 * (low + high) / 2, middle
    )
    return np.clip(middle + swing * np.sin(2 * np.pi * rate * times + phase), low, high)


def standing(frames: int, sway: float = 0.02) -> np.ndarray:
    """Angles (F, C) of a person who stands, arms down, and sways a little."""
    angles = np.zeros((frames, len(COORDINATES)))
    for column in _SHOULDER_Z:
        angles[:, column] = np.deg2rad(1.3 * COORDINATES[column].mean)
    rng = np.random.default_rng(7)
    noise = gaussian_filter1d(rng.normal(size=angles.shape), 6, axis=0, mode="nearest")
    return angles + sway * noise / max(noise.std(), 1e-9)


def act(
    body: Body,
    angles: np.ndarray,
    pelvis: np.ndarray,
    root: Rotation | None = None,
    betas: np.ndarray | None = None,
    hands: tuple[np.ndarray, np.ndarray] | None = None,
    hidden: tuple[str, ...] = (),
) -> Actor:
    """The motion of angles (F, C) with the pelvis at (F, 3) or (3,), world metres.

    Args:
        body: in double precision.
        angles: of :data:`mocap.fitting.freedom.COORDINATES`, radians.
        pelvis: where the pelvis joint is.
        root: its rotations, F of them or one; none if None.
        betas: the shape.
        hands: left and right hand poses, (F, 45).
        hidden: MediaPipe points that are never detected.
    """
    frames = len(angles)
    betas = np.zeros(10) if betas is None else betas
    vectors = angles @ expansion().T
    turn = np.zeros((frames, 3)) if root is None else np.resize(root.as_rotvec(), (frames, 3))
    rest = body.rest_joints(torch.as_tensor(betas))[0, 0].numpy()
    flat = np.zeros((frames, 45))
    left, right = (flat, flat) if hands is None else hands
    pose = BodyPose(
        betas=torch.as_tensor(betas),
        global_orient=torch.as_tensor(turn),
        body_pose=torch.as_tensor(vectors[:, 3:]),
        left_hand_pose=torch.as_tensor(left),
        right_hand_pose=torch.as_tensor(right),
        transl=torch.as_tensor(np.broadcast_to(pelvis, (frames, 3)) - rest),
    )
    with torch.no_grad():
        posed = body.forward(pose, return_landmarks=True)
    points = body.named_points(posed, MEDIAPIPE_33.names).numpy()
    return Actor(pose, posed.joints.numpy(), points, hidden)


def upright(azimuth: float) -> Rotation:
    """A turn about the vertical, degrees: 0 faces an assumed camera, 180 looks away from it."""
    return Rotation.from_euler("y", 180.0 + azimuth, degrees=True)


def see(
    actor: Actor,
    camera: Camera,
    noise: Noise = CLEAN,
    *,
    name: str = "person-1",
    observed: np.ndarray | None = None,
    seed: int = 0,
) -> Person:
    """A person as a detector would report it; points are NaN where not observed or hidden."""
    rng = np.random.default_rng(seed)
    frames = len(actor.points)
    observed = np.ones(frames, bool) if observed is None else observed
    _, R, t = camera.at(np.arange(frames))
    in_camera = np.einsum("fij,fpj->fpi", R, actor.points) + t[:, None]
    xy = camera.project(actor.points, np.arange(frames))
    size = np.median(np.ptp(xy, axis=1).max(-1))
    centre = in_camera[:, _HIPS].mean(1)
    ray = centre / np.linalg.norm(centre, axis=-1, keepdims=True)
    facing = rotation_between(ray, np.array([0.0, 0.0, 1.0]))
    xyz = np.einsum("fij,fpj->fpi", facing, in_camera - centre[:, None])
    xyz[..., 2] = (1 - noise.depth_share) * xyz[..., 2] + noise.shear * xyz[..., 1]
    # Detectors' errors in depth are slow: they follow the pose, not the frame.
    wander = gaussian_filter1d(rng.normal(size=xyz.shape), 4, axis=0, mode="nearest")
    xyz = noise.scale * (xyz + noise.metres * wander / max(wander.std(), 1e-9))
    xy = xy + noise.pixels * size * rng.normal(size=xy.shape)
    confidence = np.ones((frames, 33))
    unseen = np.zeros((frames, 33), bool)
    unseen[~observed] = True
    unseen[:, [MEDIAPIPE_33.index(point) for point in actor.hidden]] = True
    xy[unseen], xyz[unseen], confidence[unseen] = np.nan, np.nan, 0.0
    box = np.full((frames, 4), np.nan)
    box[observed] = np.concatenate([np.nanmin(xy[observed], 1), np.nanmax(xy[observed], 1)], axis=1)
    return Person(
        id=name,
        label=name,
        frames=np.arange(frames),
        observed=observed,
        box=box.astype(np.float32),
        keypoints2d=Keypoints2D(
            xy.astype(np.float32), confidence.astype(np.float32), "mediapipe33", "synthetic"
        ),
        keypoints3d=Keypoints3D(xyz.astype(np.float32), "mediapipe33", "synthetic"),
    )


def take_of(
    people: list[Person], camera: Camera, fps: float, size: tuple[int, int] = (1280, 720)
) -> Take:
    """A take with keypoints of people and nothing else; ``size`` is (width, height)."""
    frames = max(len(person.frames) for person in people)
    times = np.arange(frames) / fps
    video = VideoRecord("clip.mp4", "0" * 64, *size, fps, times)
    return Take(video, camera, {person.id: person for person in people})


def mpjpe(
    take: Take, actor: Actor, camera: Camera, *, name: str = "person-1", root_free: bool = False
) -> float:
    """Mean distance of the measured joints from the truth in the camera's axes, millimetres.

    Args:
        take: fitted.
        actor: the truth.
        camera: the one the truth was seen with.
        name: of the person.
        root_free: whether the pelvis is put where it belongs first, as is usual: a single camera
            tells distance only as well as it knows the body's size.
    """
    person = take.people[name]
    assert person.body is not None
    found = in_camera_axes(person.body.joints, take.camera, person.frames)
    truth = in_camera_axes(actor.joints, camera, person.frames)
    if root_free:
        found, truth = found - found[:, :1], truth - truth[:, :1]
    gaps = np.linalg.norm(found - truth, axis=-1)[:, MEASURED]
    return float(1000 * gaps.mean())


def in_camera_axes(points: np.ndarray, camera: Camera, frames: np.ndarray) -> np.ndarray:
    """World points (F, P, 3) in the frame of the camera."""
    _, R, t = camera.at(frames)
    return np.einsum("fij,fpj->fpi", R, points) + t[:, None]
