"""What a pose detector would report of bodies whose motion is known.

Points are those of MediaPipe Pose on the skinned body; their errors are MediaPipe's habits: 3D
points that lose depth, lean forward, wander slowly and come in a metre of their own; 2D points
that tremble; and points behind another body, or behind one's own, that are guessed with little
confidence. Bodies hide one another as capsules around their bones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d

from mocap.body import Body, BodyPose, PosedBody
from mocap.geometry import Camera, rotation_between
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import Keypoints2D, Keypoints3D, Person

_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")

#: Bones that hide what is behind them, and their radii in metres.
_CAPSULES: tuple[tuple[str, str, float], ...] = (
    ("pelvis", "spine3", 0.14),
    ("spine3", "neck", 0.14),
    ("left_shoulder", "right_shoulder", 0.09),
    ("head", "head", 0.11),
    *(
        (f"{side}_{a}", f"{side}_{b}", radius)
        for side in ("left", "right")
        for a, b, radius in (
            ("hip", "knee", 0.075),
            ("knee", "ankle", 0.055),
            ("shoulder", "elbow", 0.045),
            ("elbow", "wrist", 0.04),
        )
    ),
)
#: A body hides what is this far behind its capsules' surface, metres; nearer points are its skin.
_BEHIND = 0.12


@dataclass(frozen=True)
class Noise:
    """How wrong detections are.

    Attributes:
        pixels: standard deviation of 2D points, as a share of the person's height in the picture.
        metres: standard deviation of the 3D points, each axis.
        depth_share: how much of true depth extents the 3D points lose.
        shear: depth gained for every metre down: leaning forward, MediaPipe's habit.
        scale: of the detector's metre.
        wander: seconds over which errors of 3D points keep their sign.
        hidden: how much larger the errors of hidden points are.
        hidden_confidence: of points behind another body; points behind one's own have half of
            what is missing to 1.
        lost: share of hidden points from which on the whole person is not found.
    """

    pixels: float = 0.008
    metres: float = 0.02
    depth_share: float = 0.15
    shear: float = 0.08
    scale: float = 0.93
    wander: float = 0.13
    hidden: float = 4.0
    hidden_confidence: float = 0.2
    lost: float = 0.75


DETECTOR = Noise()
#: Everything exact; what is hidden is still hidden.
CLEAN = Noise(pixels=0.0, metres=0.0, depth_share=0.0, shear=0.0, scale=1.0)


@dataclass(frozen=True)
class Performance:
    """A body's true motion.

    Attributes:
        id: of the person.
        joints: (F, 55, 3) of SMPL-X, world metres.
        points: (F, 33, 3) of MediaPipe, world metres.
    """

    id: str
    joints: Float[np.ndarray, "frames 55 3"]
    points: Float[np.ndarray, "frames 33 3"]

    @classmethod
    def of(cls, body: Body, pose: BodyPose, name: str) -> "Performance":
        """The motion of a body, in double precision."""
        exact = body.to(dtype=torch.float64)
        with torch.no_grad():
            posed = exact.forward(pose, return_landmarks=True)
        return cls(name, posed.joints.numpy(), landmarks(body, posed))


def landmarks(body: Body, posed: PosedBody) -> Float[np.ndarray, "frames 33 3"]:
    """MediaPipe's points of a body posed with its landmarks, and joints for those it lacks."""
    return body.named_points(posed, MEDIAPIPE_33.names).numpy()


def detect(
    people: Sequence[Performance],
    camera: Camera,
    fps: float,
    noise: Noise = DETECTOR,
    *,
    size: tuple[int, int] = (1280, 720),
    seed: int = 0,
) -> list[Person]:
    """Everybody as a detector would report them.

    Args:
        people: who is there; all with the same frames.
        camera: that sees them.
        fps: frames a second.
        noise: how wrong the detector is.
        size: width and height of the picture; points outside it are reported with no confidence.
        seed: of the errors.

    Returns:
        A person each, from first to last sight; who is never seen is left out.
    """
    rng = np.random.default_rng(seed)
    bodies = [_in_camera(person.joints, camera) for person in people]
    seen = []
    for i, person in enumerate(people):
        points = _in_camera(person.points, camera)
        others = [body for j, body in enumerate(bodies) if j != i]
        by_others = np.zeros(points.shape[:2], bool)
        for body in others:
            by_others |= _hides(body, points)
        by_self = _hides(bodies[i], points) & ~by_others
        reported = _reported(person, points, camera, (by_others, by_self), fps, noise, size, rng)
        if reported is not None:
            seen.append(reported)
    return seen


def _in_camera(points: np.ndarray, camera: Camera) -> np.ndarray:
    _, R, t = camera.at(np.arange(len(points)))
    return np.einsum("fij,fpj->fpi", R, points) + t[:, None]


def _hides(
    joints: Float[np.ndarray, "frames 55 3"], points: Float[np.ndarray, "frames points 3"]
) -> Bool[np.ndarray, "frames points"]:
    """Whether a body's capsules stand before points; both in the camera's frame."""
    starts = joints[:, None, [SMPLX_55.index(a) for a, _, _ in _CAPSULES]]
    ends = joints[:, None, [SMPLX_55.index(b) for _, b, _ in _CAPSULES]]
    radii = np.array([radius for _, _, radius in _CAPSULES])
    # In the plane of pictures at distance one, a capsule is a segment with a radius.
    flat = points[:, :, None, :2] / points[:, :, None, 2:]
    a, b = starts[..., :2] / starts[..., 2:], ends[..., :2] / ends[..., 2:]
    along = b - a
    share = np.sum((flat - a) * along, -1) / np.maximum(np.sum(along**2, -1), 1e-12)
    share = np.clip(share, 0.0, 1.0)
    gap = np.linalg.norm(flat - a - share[..., None] * along, axis=-1)
    depth = starts[..., 2] + share * (ends[..., 2] - starts[..., 2])
    front = points[:, :, None, 2] - depth > radii + _BEHIND
    return np.any((gap < radii / depth) & front & (depth > 0.1), axis=-1)


def _reported(
    person: Performance,
    points: Float[np.ndarray, "frames 33 3"],
    camera: Camera,
    hidden: tuple[np.ndarray, np.ndarray],
    fps: float,
    noise: Noise,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Person | None:
    by_others, by_self = hidden
    xy = camera.project(person.points, np.arange(len(points)))
    outside = ~np.all((xy >= 0) & (xy < np.array(size)), axis=-1)
    observed = np.mean(by_others | outside, axis=1) < noise.lost
    if not observed.any():
        return None
    factor = np.where(by_others, noise.hidden, np.where(by_self, 0.5 * (1 + noise.hidden), 1.0))
    height = np.median(np.ptp(xy, axis=1).max(-1))
    xy = xy + noise.pixels * height * factor[..., None] * rng.normal(size=xy.shape)
    xyz = _raw_metric(points, fps, noise, factor, rng)
    behind = 0.5 * (1 + noise.hidden_confidence)
    confidence = np.where(by_others, noise.hidden_confidence, np.where(by_self, behind, 1.0))
    confidence = np.clip(confidence - 0.05 * rng.random(confidence.shape), 0.0, 1.0)
    confidence = np.where(outside, 0.05, confidence)
    xy[~observed], xyz[~observed], confidence[~observed] = np.nan, np.nan, 0.0
    first, last = np.flatnonzero(observed)[[0, -1]]
    run = slice(first, last + 1)
    box = np.full((len(points), 4), np.nan)
    box[observed] = np.concatenate([xy[observed].min(1), xy[observed].max(1)], axis=1)
    source = "synthetic"
    return Person(
        id=person.id,
        label=person.id,
        frames=np.arange(first, last + 1),
        observed=observed[run],
        box=box[run].astype(np.float32),
        keypoints2d=Keypoints2D(
            xy[run].astype(np.float32),
            confidence[run].astype(np.float32),
            MEDIAPIPE_33.name,
            source,
        ),
        keypoints3d=Keypoints3D(xyz[run].astype(np.float32), MEDIAPIPE_33.name, source),
    )


def _raw_metric(
    points: Float[np.ndarray, "frames 33 3"],
    fps: float,
    noise: Noise,
    factor: Float[np.ndarray, "frames 33"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "frames 33 3"]:
    """The 3D points as the detector has them, of true ones in the camera's frame, metres."""
    centre = points[:, _HIPS].mean(1)
    ray = centre / np.linalg.norm(centre, axis=-1, keepdims=True)
    facing = rotation_between(ray, np.array([0.0, 0.0, 1.0]))
    xyz = np.einsum("fij,fpj->fpi", facing, points - centre[:, None])
    xyz[..., 2] = (1 - noise.depth_share) * xyz[..., 2] + noise.shear * xyz[..., 1]
    wander = rng.normal(size=xyz.shape)
    wander = gaussian_filter1d(wander, max(noise.wander * fps, 0.3), axis=0, mode="nearest")
    wander *= factor[..., None] / max(float(wander.std()), 1e-9)
    return noise.scale * (xyz + noise.metres * wander)
