"""What another system told, as a take: our body, on our ground, with what our fit needs.

Rotations are carried over as they are. People's shape is their own where our body can know it, and
an average adult's otherwise; hips stay where they were told, so that everybody is where the camera
saw them. Then the world is lowered or lifted until people's soles are on the ground.

Where the file tells a camera, the take also holds what a detector would have seen of these people:
the body's points in the picture and in the camera's axes. With these, `mocap fit` can ground and
refine them as if they had been detected.
"""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.datasets.results.recording import Footage, Performance, Recording
from mocap.errors import MocapError
from mocap.geometry import Camera, look_at, rotation_between
from mocap.skeletons import MEDIAPIPE_33, SMPLX_55
from mocap.take import (
    IMPORTED,
    BodyMotion,
    Keypoints2D,
    Keypoints3D,
    Person,
    StageRecord,
    Take,
    VideoRecord,
    World,
)

#: The stage that the take's record names.
STAGE, VERSION = "import", "1"

_HIPS = SMPLX_55.indices("left_hip", "right_hip")
_SOLES = ("left_heel_sole", "right_heel_sole", "left_toe_sole", "right_toe_sole")
_SOLES_OF_SMPLX = ("left_heel", "right_heel", "left_big_toe", "right_big_toe")
#: The share of frames in which soles may be below the ground, in percent.
_BELOW = 5.0
#: How far below the soles a knee or a hand is that carries somebody, metres, and in how many frames
#: that is looked for.
_KNEELING, _LOOKS = 0.03, 200
#: Frames a second where nobody tells.
USUAL_FPS = 30.0
_USUAL_SIZE = (1280, 720)
#: How far the ratio of a picture's sides may be off when it was made smaller.
_ASPECT = 0.01
#: Where a camera is put that nobody told of: metres in front of people, and above the ground.
_BEFORE, _ABOVE = 4.0, 1.4
#: How sure projected points are: less than detected ones.
_CONFIDENCE = 0.8


def take_of(
    recording: Recording,
    path: Path,
    body: Body,
    *,
    footage: Footage | None = None,
    fps: float | None = None,
    height: float | None = None,
) -> Take:
    """A recording as a take.

    Args:
        recording: what a reader made of the file.
        path: of that file, for the record.
        body: the model that is to carry the motion.
        footage: the video it was made from, for true times and for overlays.
        fps: frames a second; the video's, the file's, or 30 if None.
        height: of the people, metres; as told, or average, if None.

    Raises:
        MocapError: the video ends before the motion does, or its pictures are of another shape.
    """
    started = time.perf_counter()
    people = tuple(one.filled() for one in recording.people)
    video = _video(recording, footage, fps)
    bodies = {one.name: _body_motion(one, body, _shape(one, body, height)) for one in people}
    floor = _floor(body, list(bodies.values()))
    lift = np.array([0.0, -floor, 0.0])
    bodies = {
        name: replace(one, transl=one.transl + lift, joints=one.joints + lift)
        for name, one in bodies.items()
    }
    is_seen = recording.camera is not None
    camera = recording.camera or _in_front(bodies[people[0].name], video)
    if is_seen:
        K = _scaled(camera.K, recording.size, footage)
        camera = replace(camera, K=K, t=camera.t - camera.R @ lift)
    found = {}
    for one in people:
        motion = bodies[one.name]
        observed = np.ones(len(one.frames), bool) if one.seen is None else one.seen
        found[one.name] = _person(one, observed, motion, body, camera if is_seen else None)
    record = StageRecord(
        STAGE,
        VERSION,
        {
            "from": recording.system,
            "file": path.name,
            "model": recording.model,
            "axes": recording.axes,
            "lifted": round(float(lift[1]), 4),
            "people": {one.name: one.told for one in people},
        },
        round(recording.seconds + time.perf_counter() - started, 3),
        {"body": body.sha256},
    )
    gravity = recording.gravity or "nobody: the camera counts as level"
    world = World(np.array([0.0, 1.0, 0.0, 0.0]), gravity, f"{recording.system}'s metres")
    return Take(video, camera, found, world, (record,))


def _video(recording: Recording, footage: Footage | None, fps: float | None) -> VideoRecord:
    count = recording.frame_count
    if footage is None:
        rate = fps or recording.fps or USUAL_FPS
        width, height = recording.size or _USUAL_SIZE
        return VideoRecord("", "", width, height, rate, np.arange(count) / rate)
    footage.require(count)
    times = footage.times if fps is None else np.arange(len(footage.times)) / fps
    rate = (len(times) - 1) / times[-1] if len(times) > 1 else (fps or USUAL_FPS)
    return VideoRecord(footage.path, footage.sha256, *footage.size, float(rate), times)


def _scaled(
    K: np.ndarray, size: tuple[int, int] | None, footage: Footage | None
) -> Float[np.ndarray, "frames 3 3"]:
    """Intrinsics for the video's pictures, which the system may have made smaller."""
    if size is None or footage is None or footage.size == size:
        return K
    across, down = (now / was for now, was in zip(footage.size, size, strict=True))
    if abs(across / down - 1.0) > _ASPECT:
        raise MocapError(
            f"{footage.path}: is {footage.size[0]}×{footage.size[1]} pixels, and the motion was "
            f"seen in pictures of {size[0]}×{size[1]}; give the video it was made from"
        )
    return np.array([across, down, 1.0])[:, None] * K


def _shape(one: Performance, body: Body, height: float | None) -> np.ndarray:
    if height is not None:
        return body.betas_for_height(height).double().numpy()
    return np.zeros(body.num_betas) if one.shape is None else one.shape


def _body_motion(one: Performance, body: Body, betas: np.ndarray) -> BodyMotion:
    """A performance on our body, hips in place."""
    frames = len(one.frames)
    turns = one.turns.reshape(frames, -1)
    exact = body.to(dtype=torch.float64)
    rest = exact.rest_joints(torch.as_tensor(betas, dtype=torch.float64))[0].numpy()
    root = Rotation.from_rotvec(one.turns[:, 0]).as_matrix()
    # The body turns about its pelvis; the translation is added last.
    transl = one.hips - root @ (rest[_HIPS].mean(0) - rest[0]) - rest[0]
    motion = BodyMotion(
        betas=np.asarray(betas, dtype=float),
        expression=np.zeros((frames, min(10, body.num_expressions))),
        global_orient=turns[:, :3],
        body_pose=turns[:, 3:66],
        jaw_pose=turns[:, 66:69],
        left_hand_pose=turns[:, 75:120],
        right_hand_pose=turns[:, 120:165],
        transl=transl,
        joints=np.zeros((frames, 55, 3)),
        model=body.name,
        model_sha256=body.sha256,
        licence=body.licence,
    )
    with torch.no_grad():
        joints = exact.forward(BodyPose.of(motion, exact.template)).joints
    return replace(motion, joints=joints.numpy())


def _points(body: Body, motion: BodyMotion, names: tuple[str, ...]) -> np.ndarray:
    """(N, points, 3) landmarks, world metres."""
    pose = BodyPose.of(motion, body.template)
    with torch.no_grad():
        posed = body.forward(pose, return_landmarks=True)
    return body.named_points(posed, names).double().numpy()


def _floor(body: Body, motions: list[BodyMotion]) -> float:
    """The height of what people stand on, kneel on or lie on."""
    names = _SOLES if set(_SOLES) <= set(body.landmark_names) else _SOLES_OF_SMPLX
    lowest = [
        _points(body, one, names)[..., 1].min(1) - _below_soles(body, one, names) for one in motions
    ]
    return float(np.percentile(np.concatenate(lowest), _BELOW))


def _below_soles(body: Body, motion: BodyMotion, names: tuple[str, ...]) -> np.ndarray:
    """(N,) how far something else than soles is below them, metres: 0 of who is on their feet."""
    count = len(motion.transl)
    shown = np.unique(np.linspace(0, count - 1, min(count, _LOOKS)).round().astype(int))
    pose = BodyPose.of(motion, body.template)
    part = BodyPose(
        **{
            name: value if value is None or value.ndim < 2 else value[shown]
            for name, value in vars(pose).items()
        }
    )
    with torch.no_grad():
        posed = body.forward(part, return_vertices=True, return_landmarks=True)
    assert posed.vertices is not None
    surface = posed.vertices[..., 1].min(1).values.double().numpy()
    soles = body.named_points(posed, names).double().numpy()[..., 1].min(1)
    deeper = np.where(soles - surface > _KNEELING, soles - surface, 0.0)
    nearest = np.abs(np.arange(count)[:, None] - shown).argmin(1)
    return deeper[nearest]


def _in_front(motion: BodyMotion, video: VideoRecord) -> Camera:
    """A camera that looks at where somebody begins, from the front."""
    target = motion.joints[0, 0].copy()
    ahead = Rotation.from_rotvec(motion.global_orient[0]).apply([0.0, 0.0, 1.0])
    ahead[1] = 0.0
    ahead /= np.linalg.norm(ahead) or 1.0
    eye = target + _BEFORE * ahead
    eye[1] = _ABOVE
    R, t = look_at(eye, target)
    K = Camera.assumed(video.width, video.height).K
    return Camera(
        K, R[None], t[None], source="none", note="none told: in front of where people begin"
    )


def _person(
    one: Performance,
    observed: np.ndarray,
    motion: BodyMotion,
    body: Body,
    camera: Camera | None,
) -> Person:
    frames = one.frames
    person = Person(
        one.name,
        label=one.name,
        frames=frames,
        observed=observed,
        box=np.full((len(frames), 4), np.nan),
        body=motion,
    )
    if camera is None:
        return person
    points = _points(body, motion, MEDIAPIPE_33.names)
    xy = np.where(observed[:, None, None], camera.project(points, frames), np.nan)
    source = f"{IMPORTED} motion, as the body shows it"
    sure = np.where(np.isfinite(xy).all(-1), _CONFIDENCE, 0.0)
    corners = np.concatenate([xy.min(1), xy.max(1)], axis=1)
    return replace(
        person,
        box=corners,
        keypoints2d=Keypoints2D(xy, sure, MEDIAPIPE_33.name, source),
        keypoints3d=Keypoints3D(
            np.where(observed[:, None, None], _facing(points, frames, camera), np.nan),
            MEDIAPIPE_33.name,
            source,
        ),
    )


def _facing(
    points: Float[np.ndarray, "frames points 3"], frames: np.ndarray, camera: Camera
) -> Float[np.ndarray, "frames points 3"]:
    """Points from the hips' middle, in the axes of a camera that has the person in the middle."""
    _, R, t = camera.at(frames)
    seen = np.einsum("fij,fpj->fpi", R, points) + t[:, None]
    hips = seen[:, MEDIAPIPE_33.indices("left_hip", "right_hip")].mean(1)
    rays = hips / np.linalg.norm(hips, axis=1, keepdims=True)
    back = rotation_between(rays, np.array([0.0, 0.0, 1.0]))
    return np.einsum("fij,fpj->fpi", back, seen - hips[:, None])
