"""Networks that say something without having learned anything, and people to show them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from mocap.depth import DepthNetwork, NetworkConfig
from mocap.skeletons import COCO_17

# A standing person in front of the camera, metres, y down, z away; left is at larger x.
STANDING = {
    "nose": (0.0, -0.62, -0.10),
    "left_eye": (0.03, -0.65, -0.08),
    "right_eye": (-0.03, -0.65, -0.08),
    "left_ear": (0.07, -0.64, 0.0),
    "right_ear": (-0.07, -0.64, 0.0),
    "left_shoulder": (0.18, -0.45, 0.0),
    "right_shoulder": (-0.18, -0.45, 0.0),
    "left_elbow": (0.25, -0.18, 0.02),
    "right_elbow": (-0.25, -0.18, 0.02),
    "left_wrist": (0.27, 0.05, -0.08),
    "right_wrist": (-0.27, 0.05, -0.08),
    "left_hip": (0.10, 0.0, 0.0),
    "right_hip": (-0.10, 0.0, 0.0),
    "left_knee": (0.11, 0.42, -0.03),
    "right_knee": (-0.11, 0.42, -0.03),
    "left_ankle": (0.11, 0.82, 0.04),
    "right_ankle": (-0.11, 0.82, 0.04),
}


@dataclass(frozen=True)
class Seen:
    """What a detector says of somebody: pixels, metres, confidence, seconds."""

    xy: np.ndarray
    xyz: np.ndarray
    confidence: np.ndarray
    times: np.ndarray

    def batch(self, *, windows: int = 1) -> tuple[Tensor, ...]:
        """The same for the network: as windows of equal length."""
        parts = (self.xy, self.xyz, self.confidence, self.times)
        return tuple(
            torch.from_numpy(part.reshape(windows, -1, *part.shape[1:]).astype(np.float32))
            for part in parts
        )


def somebody(frames: int = 1, *, fps: float = 15.0, seed: int = 0) -> Seen:
    """Somebody who sways and waves, as a detector might see them from 4 m away."""
    rng = np.random.default_rng(seed)
    rest = np.array([STANDING[name] for name in COCO_17.names])
    times = np.arange(frames) / fps
    size, phase = rng.normal(0, 0.08, rest.shape), rng.uniform(0, 2 * np.pi, rest.shape)
    body = rest + size * np.sin(3 * times[:, None, None] + phase)
    body -= body[:, COCO_17.indices("left_hip", "right_hip")].mean(1, keepdims=True)
    placed = body + [0.3, 0.1, 4.0]
    xy = 900 * placed[..., :2] / placed[..., 2:] + [640, 360]
    xyz = body * [1, 1, 0.7] + rng.normal(0, 0.02, body.shape)
    return Seen(xy, xyz, rng.uniform(0.4, 1.0, body.shape[:2]), times)


@pytest.fixture
def make_network() -> Callable[..., DepthNetwork]:
    """Networks whose every weight has a say, always the same."""

    def make(**config: object) -> DepthNetwork:
        generator = torch.Generator().manual_seed(1)
        network = DepthNetwork(NetworkConfig(**config)).eval().requires_grad_(False)
        for name, weight in network.named_parameters():
            spread = 0.05 if name.startswith(("read", "names")) else weight.shape[-1] ** -0.5
            weight.copy_(torch.randn(weight.shape, generator=generator) * spread)
        return network

    return make
