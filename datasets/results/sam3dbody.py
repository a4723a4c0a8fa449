"""SAM 3D Body's outputs: people of pictures, as MHR, Meta's Momentum human rig.

Layout (Meta, 2025), a dictionary a person: ``pred_keypoints_3d`` (70, 3) metres and ``pred_cam_t``
(3,), which add up to places in camera axes (x right, y down, z away), and ``pred_keypoints_2d``
(70, 2) pixels. A file is an ``.npz`` of one person, or a list of people, or a list of such lists, a
picture each (``.npy`` or ``.pkl``). MHR's joints are not SMPL-X's: the body follows the key points,
with head, hands and feet turned as theirs are.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.results.following import followed
from mocap.datasets.results.linking import linked
from mocap.datasets.results.models import array
from mocap.datasets.results.recording import (
    CAMERA_AXES,
    LEVEL,
    Recording,
    level_camera,
)
from mocap.datasets.unpickling import read_arrays
from mocap.errors import MocapError
from mocap.progress import Progress, silent

#: MHR's key points at SMPL-X's joints.
_PLACES: dict[str, int] = {
    **{
        f"{side}_{joint}": first + (side == "right")
        for side in ("left", "right")
        for joint, first in (
            *(("shoulder", 5), ("elbow", 7), ("hip", 9)),
            *(("knee", 11), ("ankle", 13)),
        )
    },
    "left_wrist": 62,
    "right_wrist": 41,
    "neck": 69,
}
#: Joints that turn with three points of the body's, and where MHR has these.
_TURNERS: dict[str, dict[str, int]] = {
    "head": {"nose": 0, "left_ear": 3, "right_ear": 4},
    "left_ankle": {"left_big_toe": 15, "left_small_toe": 16, "left_heel": 17},
    "right_ankle": {"right_big_toe": 18, "right_small_toe": 19, "right_heel": 20},
    "left_wrist": {"left_wrist": 62, "left_index1": 49, "left_pinky1": 61},
    "right_wrist": {"right_wrist": 41, "right_index1": 28, "right_pinky1": 40},
}
_POINTS = 70


def read_sam3dbody(path: Path, body: Body, fps: float, progress: Progress = silent) -> Recording:
    """Read outputs of SAM 3D Body.

    Args:
        path: the file.
        body: ours.
        fps: of the pictures, if they are several.
        progress: told of frames that the body has followed.

    Raises:
        MocapError: the file is missing, damaged, or holds more than arrays.
        KeyError: what it lacks.
    """
    pictures = _pictures(read_arrays(path))
    first = next((people[0] for people in pictures if people), None)
    if first is None:
        raise MocapError("nobody is in it")
    placed = [[_placed(person) for person in people] for people in pictures]
    K = _intrinsics(first)
    tracks = [{frame: placed[frame][i] for frame, i in one.items()} for one in linked(placed)]
    clips = [_clip(f"person-{number}", track, body, fps) for number, track in enumerate(tracks, 1)]
    people = tuple(
        replace(one, frames=np.array(list(track)))
        for track, one in zip(tracks, followed(clips, body, progress=progress), strict=True)
    )
    width, height = (round(2 * value) for value in K[:2, 2])
    return Recording(
        "SAM 3D Body", "MHR", CAMERA_AXES, people, level_camera(K[None]), size=(width, height)
    )


def _pictures(content: Any) -> list[list[dict[str, Any]]]:
    """People by picture."""
    if isinstance(content, np.ndarray) and content.dtype == object:
        content = content.tolist()
    if isinstance(content, dict):
        content = content.get("outputs", [content])
    if not isinstance(content, list) or not content:
        raise KeyError("pred_keypoints_3d")
    pictures = content if isinstance(content[0], list) else [content]
    if not all(isinstance(one, dict) for people in pictures for one in people):
        raise KeyError("pred_keypoints_3d")
    return pictures


def _placed(person: dict[str, Any]) -> Float[np.ndarray, "70 3"]:
    """Key points in the world of a level camera."""
    points = array(person, "pred_keypoints_3d").reshape(-1, 3)
    pixels = array(person, "pred_keypoints_2d").reshape(-1, 2)
    if not len(points) == len(pixels) == _POINTS:
        raise MocapError(
            f"it has {len(points)} points of somebody and {len(pixels)} in the picture; MHR has "
            f"{_POINTS}"
        )
    if not np.isfinite(points).all():
        raise MocapError("some of somebody's points are not numbers")
    return (points + array(person, "pred_cam_t").reshape(3)) @ LEVEL.T


def _intrinsics(person: dict[str, Any]) -> Float[np.ndarray, "3 3"]:
    """The camera that puts a person's points on their pixels."""
    places = array(person, "pred_keypoints_3d") + array(person, "pred_cam_t").reshape(3)
    pixels = array(person, "pred_keypoints_2d")
    rays = places[:, :2] / places[:, 2:]
    (fx, x), (fy, y) = (np.polyfit(rays[:, axis], pixels[:, axis], 1) for axis in (0, 1))
    return np.array([[fx, 0, x], [0, fy, y], [0, 0, 1.0]])


def _clip(name: str, track: dict[int, np.ndarray], body: Body, fps: float) -> MotionClip:
    points = np.stack(list(track.values()))
    rest = body.rest_joints()[0].double().numpy()
    names = (*_PLACES, "head")
    # Ears are about where the head turns.
    ears = points[:, [3, 4]].mean(1)
    joints = np.concatenate([points[:, list(_PLACES.values())], ears[:, None]], axis=1)
    turns = np.full((len(points), len(names), 3, 3), np.nan)
    for joint, corners in _TURNERS.items():
        mine = np.stack([_corner(body, corner, rest) for corner in corners])
        turns[:, names.index(joint)] = _turned(mine, points[:, list(corners.values())])
    return MotionClip(name, name, fps, names, joints, turns)


def _corner(body: Body, name: str, rest: np.ndarray) -> np.ndarray:
    """A point of the body at rest."""
    if name in body.joint_names:
        return rest[body.joint_names.index(name)]
    attached = body.landmark_attachments()
    i = attached.names.index(name)
    return rest[attached.joints[i]] + attached.template[i]


def _turned(
    rest: Float[np.ndarray, "points 3"], seen: Float[np.ndarray, "frames points 3"]
) -> Float[np.ndarray, "frames 3 3"]:
    """Rotations that turn points at rest as near as can be to where they are seen."""
    around = rest - rest.mean(0)
    return np.stack(
        [Rotation.align_vectors(one - one.mean(0), around)[0].as_matrix() for one in seen]
    )
