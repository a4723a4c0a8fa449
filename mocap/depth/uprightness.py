"""What gravity tells of how somebody is seen: from how high, and by a camera held how askew."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mocap.geometry import Camera
from mocap.scene import Gravity


@dataclass(frozen=True)
class Uprightness:
    """How the camera is held, and how one person is seen by it, in every frame.

    Attributes:
        elevation: of the camera above the level of the hips, radians; NaN where they are not seen.
        roll: how far the camera's up is turned from the picture's top, radians, x towards y.
        centre: about which the picture turns, pixels.
    """

    elevation: Float[np.ndarray, " frames"]
    roll: Float[np.ndarray, " frames"]
    centre: Float[np.ndarray, "frames 2"]

    @classmethod
    def of(
        cls,
        hips: Float[np.ndarray, "frames 2"],
        frames: np.ndarray,
        camera: Camera,
        gravity: Gravity,
    ) -> "Uprightness":
        """As hips at these pixels are seen.

        Args:
            hips: their middle, pixels; NaN where unknown.
            frames: of the video.
            camera: that sees them.
            gravity: up in the axes of the camera's first frame.
        """
        K, R, _ = camera.at(frames)
        pixels = camera.undistort(hips, frames)
        whole = np.concatenate([pixels, np.ones_like(K[:, :1, 2])], 1)
        rays = np.linalg.solve(K, whole[..., None])[..., 0]
        up = R @ camera.R[0].T @ gravity.up
        sine = -np.sum(rays * up, -1) / np.linalg.norm(rays, axis=-1)
        x, y, _ = up.T
        # A camera that looks straight down sees no up: there is nothing to turn the picture by.
        doubt = gravity.sigma / np.maximum(np.hypot(x, y), 1e-6)
        roll = np.arctan2(x, -y) / (1 + doubt**2)
        return cls(np.arcsin(np.clip(sine, -1.0, 1.0)), roll, K[:, :2, 2].copy())

    def upright(self, xy: Float[np.ndarray, "frames points 2"]) -> np.ndarray:
        """Pixels of the picture that the camera would take if it were not askew."""
        middle = self.centre[:, None]
        return _turned(xy - middle, -self.roll) + middle

    def upright_metres(self, xyz: Float[np.ndarray, "frames points 3"]) -> np.ndarray:
        """Facing axes of the camera that is not askew; those of the one that is turn with it."""
        return _turned(xyz, -self.roll)

    def as_seen(self, xyz: Float[np.ndarray, "frames points 3"]) -> np.ndarray:
        """Back from :meth:`upright_metres`."""
        return _turned(xyz, self.roll)


def _turned(points: np.ndarray, angle: Float[np.ndarray, " frames"]) -> np.ndarray:
    """Points turned about the axis of sight, x towards y."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], -1)
    return np.concatenate([turned, points[..., 2:]], -1).astype(points.dtype)
