"""Small takes made from nothing: people with a plain skeleton, smooth motion and exact joints."""

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.geometry import Camera
from mocap.skeletons import SMPLX_55
from mocap.take import BodyMotion, Person, Take, VideoRecord, World

# Offsets from the parent in the rest pose, metres; the right side mirrors the left. Roughly an
# adult of 1.7 m, T-pose, facing +Z.
_LEFT_AND_MIDDLE = {
    "pelvis": (0.0, -0.35, 0.01),
    "left_hip": (0.06, -0.09, -0.01),
    "spine1": (0.0, 0.11, -0.03),
    "left_knee": (0.05, -0.38, 0.0),
    "spine2": (0.0, 0.14, 0.02),
    "left_ankle": (-0.01, -0.40, -0.04),
    "spine3": (0.0, 0.06, 0.0),
    "left_foot": (0.04, -0.06, 0.13),
    "neck": (0.0, 0.17, -0.02),
    "left_collar": (0.05, 0.08, -0.01),
    "head": (0.0, 0.16, 0.02),
    "left_shoulder": (0.12, 0.05, -0.01),
    "left_elbow": (0.25, -0.01, -0.02),
    "left_wrist": (0.25, 0.01, 0.0),
    "jaw": (0.0, -0.01, 0.0),
    "left_eye_smplhf": (0.03, 0.04, 0.06),
    "left_index1": (0.10, 0.0, 0.02),
    "left_middle1": (0.11, 0.0, 0.0),
    "left_pinky1": (0.09, -0.01, -0.04),
    "left_ring1": (0.10, 0.0, -0.02),
    "left_thumb1": (0.04, -0.01, 0.03),
}
_PHALANX = {"2": (0.033, 0.0, 0.0), "3": (0.023, 0.0, 0.0)}
# How far, in radians, a joint swings in the random motion; the others by a quarter of that.
_SWING = {"pelvis": 1.2, "shoulder": 1.2, "elbow": 1.0, "hip": 0.8, "knee": 0.8, "thumb": 0.6}


def rest_offsets() -> np.ndarray:
    """(55, 3) metres from the parent in the rest pose; the pelvis's own rest position first."""
    offsets = []
    for name in SMPLX_55.names:
        left = name.replace("right", "left")
        bone = np.array(_LEFT_AND_MIDDLE.get(left) or _PHALANX[left[-1]])
        offsets.append(bone * [-1.0, 1.0, 1.0] if name.startswith("right") else bone)
    return np.array(offsets)


def forward(rotations: np.ndarray, root: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Joints (F, 55, 3) of local rotations (F, 55, 3, 3): one frame and joint at a time."""
    joints = np.zeros(rotations.shape[:3])
    for frame, local in enumerate(rotations):
        world: list[np.ndarray] = []
        for i, parent in enumerate(SMPLX_55.parents):
            if parent < 0:
                world.append(local[i])
                joints[frame, i] = root[frame]
            else:
                world.append(world[parent] @ local[i])
                joints[frame, i] = joints[frame, parent] + world[parent] @ offsets[i]
    return joints


def random_pose(times: np.ndarray, rng: np.random.Generator, still: bool = False) -> np.ndarray:
    """Smooth axis-angle curves (F, 55, 3) of slow sines; the eyes stay straight."""
    swing = [
        next((size for part, size in _SWING.items() if part in name), 0.25)
        for name in SMPLX_55.names
    ]
    shape = (len(SMPLX_55), 3)
    rate, phase = rng.uniform(0.2, 1.0, shape), rng.uniform(0, 2 * np.pi, shape)
    size = rng.uniform(-1, 1, shape) * np.array(swing)[:, None] * (0.0 if still else 1.0)
    size[[i for i, name in enumerate(SMPLX_55.names) if "eye" in name]] = 0.0
    return size * np.sin(2 * np.pi * rate * times[:, None, None] + phase)


def make_body(
    pose: np.ndarray, pelvis: np.ndarray, offsets: np.ndarray | None = None
) -> BodyMotion:
    """A body whose joints are the forward kinematics of ``pose``.

    Args:
        pose: (F, 55, 3) axis-angle; the eyes must be zero.
        pelvis: (F, 3) the pelvis in the world, metres.
        offsets: (55, 3) the rest pose; :func:`rest_offsets` if None.
    """
    offsets = rest_offsets() if offsets is None else offsets
    frames = len(pose)
    rotations = Rotation.from_rotvec(pose.reshape(-1, 3)).as_matrix().reshape(frames, 55, 3, 3)
    return BodyMotion(
        betas=np.zeros(10),
        expression=np.zeros((frames, 10)),
        global_orient=pose[:, 0].copy(),
        body_pose=pose[:, 1:22].reshape(frames, 63),
        jaw_pose=pose[:, 22].copy(),
        left_hand_pose=pose[:, 25:40].reshape(frames, 45),
        right_hand_pose=pose[:, 40:].reshape(frames, 45),
        transl=pelvis - offsets[0],
        joints=forward(rotations, pelvis, offsets),
        model="plain",
        model_sha256="0" * 64,
        licence="CC0-1.0",
    )


def make_take(
    *,
    people: int = 1,
    frames: int = 60,
    fps: float = 30.0,
    timestamps: np.ndarray | None = None,
    first_frame: int = 0,
    seed: int = 0,
    still: bool = False,
) -> Take:
    """A small valid take of people named ``person-1``, ``person-2`` … who stand side by side.

    Args:
        people: how many.
        frames: how many frames each is in.
        fps: the video's nominal rate.
        timestamps: (F,) seconds of the video's frames; an even beat at ``fps`` if None.
        first_frame: the video frame in which everybody is first seen.
        seed: of the random motion.
        still: everybody keeps the rest pose.
    """
    if timestamps is None:
        timestamps = np.arange(first_frame + frames) / fps
    chosen = np.arange(first_frame, first_frame + frames)
    times = timestamps[chosen]
    rng = np.random.default_rng(seed)
    entries = {}
    for i in range(people):
        pose = random_pose(times, rng, still)
        sway = np.zeros((frames, 3)) if still else 0.2 * np.sin(times[:, None] * [0.9, 2.0, 1.3])
        body = make_body(pose, sway * [1.0, 0.2, 1.0] + [1.5 * i, 0.93, 3.0])
        entries[f"person-{i + 1}"] = Person(
            id=f"person-{i + 1}",
            label=f"Person {i + 1}",
            frames=chosen,
            observed=np.ones(frames, dtype=bool),
            box=np.tile([100.0 + 300 * i, 50.0, 300.0 + 300 * i, 650.0], (frames, 1)),
            keypoints2d=None,
            hands2d=None,
            keypoints3d=None,
            body=body,
        )
    return Take(
        video=VideoRecord("clip.mp4", "0" * 64, 1280, 720, fps, timestamps),
        camera=Camera.assumed(1280, 720),
        people=entries,
        world=World(np.array([0.0, 1.0, 0.0, 0.0]), "assumed", "assumed"),
    )


def with_body(take: Take, **changes: np.ndarray) -> Take:
    """The take with parts of the first person's body replaced."""
    person = take.people["person-1"]
    assert person.body is not None
    person = replace(person, body=replace(person.body, **changes))
    return replace(take, people={**take.people, "person-1": person})


def embodied(take: Take, body: Body) -> Take:
    """The same motion of a body model, each person with a shape of their own."""
    people = {}
    for number, (name, person) in enumerate(take.people.items()):
        pose = person.body
        assert pose is not None
        betas = np.zeros(body.num_betas)
        betas[:4] = [1.0, -0.5 * number, 0.3, -1.0]
        with torch.no_grad():
            posed = body.forward(
                BodyPose(
                    **{
                        part: torch.as_tensor(getattr(pose, part), dtype=body.template.dtype)
                        for part in ("global_orient", "body_pose", "jaw_pose", "transl")
                        + ("left_hand_pose", "right_hand_pose")
                    },
                    betas=torch.as_tensor(betas, dtype=body.template.dtype),
                )
            )
        fitted = replace(
            pose,
            betas=betas,
            joints=posed.joints.double().numpy(),
            model=body.name,
            model_sha256=body.sha256,
        )
        people[name] = replace(person, body=fitted)
    return replace(take, people=people)
