"""Dancers made of a known motion, for replicas of AIST++."""

import numpy as np

from mocap.body import Body
from mocap.datasets.motions import BodyClip

from .motions.made_up import known_clip


def dance(body: Body, performer: str = "ann", frames: int = 40) -> BodyClip:
    """Swinging limbs, 30 frames a second; the body turns and walks meanwhile."""
    betas = np.array([0.5, -0.4, 0.0, 0.3] + [0.0] * 6)
    _, pose = known_clip(body, betas, frames)
    return BodyClip("known", performer, 30.0, betas, pose, np.zeros(frames))
