"""Motion clips as robots follow them: our body moves as the performer, and is then looked at."""

from collections.abc import Callable

import numpy as np
import torch

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.retarget import to_body
from mocap.retarget import HumanMotion, human_motion


def human_of_clip(
    clip: MotionClip,
    body: Body,
    name: str | None = None,
    *,
    on_frames: Callable[[int], None] = lambda done: None,
) -> HumanMotion:
    """A clip as a motion that robots can follow; what it labels as resting rests if it can.

    Args:
        clip: in metres.
        body: that takes on the performer's proportions.
        name: what to call whoever moves; the clip's name if None.
        on_frames: told how many frames the body has followed.

    Raises:
        MocapError: the clip is no motion that a body, or a robot, could follow.
    """
    body = body.to(dtype=torch.float64)
    moved = to_body(clip, body, on_frames=on_frames)
    pose = moved.body_pose()
    with torch.no_grad():
        joints = body.forward(pose).joints.numpy()
    parts = [np.asarray(part) for part in (pose.global_orient, pose.body_pose)]
    vectors = np.concatenate(parts, 1).reshape(len(moved), -1, 3)
    times = np.arange(len(moved)) / moved.fps
    return human_motion(name or clip.name, joints, vectors, times, labels=clip.contacts)
