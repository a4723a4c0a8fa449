"""The fit's unknowns as what the take holds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mocap.fitting.person import Fitted
from mocap.take import BodyMotion, Contacts

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body


def body_motion(
    one: Fitted,
    fingers: tuple[np.ndarray, np.ndarray],
    sigma: Float[np.ndarray, "frames 55"],
    body: Body,
) -> BodyMotion:
    """A person's motion of the whole body, with joints by the body itself.

    Args:
        one: the fitted person.
        fingers: left and right hand poses, (F, 45) axis-angle each.
        sigma: of each joint, metres.
        body: the model that was fitted.
    """
    import torch

    from mocap.body import BodyPose

    frames = len(one.pose)
    vectors = one.pose.rotation_vectors()
    left, right = fingers
    motion = BodyMotion(
        betas=one.betas,
        expression=np.zeros((frames, 10)),
        global_orient=continuous(vectors[:, 0]),
        body_pose=vectors[:, 1:].reshape(frames, 63),
        left_hand_pose=left,
        right_hand_pose=right,
        jaw_pose=np.zeros((frames, 3)),
        transl=one.pose.transl,
        joints=np.zeros((frames, 55, 3)),
        model=body.name,
        model_sha256=body.sha256,
        licence=body.licence,
        joint_sigma=sigma,
    )
    exact = body.to(dtype=torch.float64)
    with torch.no_grad():
        joints = exact.forward(BodyPose.of(motion, exact.template)).joints
    return replace(motion, joints=joints.numpy())


def contacts_record(probability: Float[np.ndarray, "frames 4"], level: float) -> Contacts:
    """Contacts as the take holds them, of somebody who stands at a height over the ground."""
    return Contacts(*probability.T, level=float(level))


def continuous(vectors: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "frames 3"]:
    """The same rotations as vectors that do not jump where the angle passes half a turn."""
    out = vectors.copy()
    for frame in range(1, len(out)):
        angle = np.linalg.norm(out[frame])
        if angle > 1e-6:
            other = out[frame] * (1 - 2 * np.pi / angle)
            if np.sum((other - out[frame - 1]) ** 2) < np.sum((out[frame] - out[frame - 1]) ** 2):
                out[frame] = other
    return out
