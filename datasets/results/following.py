"""The body made to follow a clip of another skeleton, as a performance."""

import numpy as np
import torch

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.retarget import to_body
from mocap.datasets.results.recording import Performance
from mocap.skeletons import SMPLX_55

_HIPS = SMPLX_55.indices("left_hip", "right_hip")


def followed(clip: MotionClip, body: Body, name: str = "person-1") -> Performance:
    """What the body does when it follows a clip."""
    made = to_body(clip, body)
    exact = body.to(dtype=torch.float64)
    pose = made.body_pose()
    with torch.no_grad():
        joints = exact.forward(pose).joints.numpy()
    turns = pose.axis_angles(exact.template).numpy()
    told = {"distance": round(float(np.nanmean(made.error)), 4)}
    frames = np.arange(len(made))
    return Performance(name, frames, turns, joints[:, _HIPS].mean(1), None, made.betas, told)
