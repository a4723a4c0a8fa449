"""The body made to follow clips of another skeleton, as performances."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from mocap.body import Body
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.retarget import to_body
from mocap.datasets.results.recording import Performance
from mocap.progress import Progress, silent
from mocap.skeletons import SMPLX_55

_HIPS = SMPLX_55.indices("left_hip", "right_hip")


#: What progress calls it.
STAGE = "following"


def followed(
    clips: Sequence[MotionClip], body: Body, *, progress: Progress = silent
) -> list[Performance]:
    """What the body does when it follows clips, a person each.

    Args:
        clips: in metres, called what the people are to be called.
        body: the body.
        progress: called as ``progress("following", frames done, frames)``.

    Raises:
        MocapError: a clip is no motion that a body could follow.
    """
    found, done, total = [], 0, sum(map(len, clips))
    progress(STAGE, 0, total)
    for clip in clips:
        before = done
        found.append(
            _follower(clip, body, lambda n, before=before: progress(STAGE, before + n, total))
        )
        done += len(clip)
    progress(STAGE, total, total)
    return found


def _follower(clip: MotionClip, body: Body, on_frames: Callable[[int], None]) -> Performance:
    made = to_body(clip, body, on_frames=on_frames)
    exact = body.to(dtype=torch.float64)
    pose = made.body_pose()
    with torch.no_grad():
        joints = exact.forward(pose).joints.numpy()
    turns = pose.axis_angles(exact.template).numpy()
    told = {"distance": round(float(np.nanmean(made.error)), 4)}
    frames = np.arange(len(made))
    return Performance(clip.name, frames, turns, joints[:, _HIPS].mean(1), None, made.betas, told)
