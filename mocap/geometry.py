"""Cameras and frames.

The conventions of the whole package, stated once: metres, seconds and radians in memory, pixels
for images. World: right-handed, **+Y up**, ground at y = 0. Camera: OpenCV (x right, y down,
z forward). ``R`` and ``t`` take world to camera: ``x_camera = R @ x_world + t``. Quaternions are
``wxyz``. Rotations are axis-angle in the take, matrices inside computations.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

#: Field of view along the longer image side when nothing tells it: phones and webcams in their
#: main lens, action cameras aside.
DEFAULT_FIELD_OF_VIEW = np.deg2rad(60.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera, fixed or moving (a leading axis of 1 or of frames).

    Attributes:
        K: (1|F, 3, 3) intrinsics in pixels.
        R: (1|F, 3, 3) rotation, world to camera.
        t: (1|F, 3) translation in metres, world to camera.
        source: ``"given"`` or ``"estimated"``.
    """

    K: Float[np.ndarray, "frames 3 3"]
    R: Float[np.ndarray, "frames 3 3"]
    t: Float[np.ndarray, "frames 3"]
    source: str = "estimated"

    @classmethod
    def assumed(cls, width: int, height: int, field_of_view: float | None = None) -> "Camera":
        """A camera of ordinary field of view at the world's origin, looking level along +Z.

        Args:
            width: image width, pixels.
            height: image height, pixels.
            field_of_view: radians along the longer side; :data:`DEFAULT_FIELD_OF_VIEW` if None.
        """
        focal = 0.5 * max(width, height) / np.tan(0.5 * (field_of_view or DEFAULT_FIELD_OF_VIEW))
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        return cls(K[None], np.diag([-1.0, -1.0, 1.0])[None], np.zeros((1, 3)))

    def at(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """K, R and t for given video frames, each with a leading axis of their number.

        What does not change has one entry; what does keeps its last value after its end.
        """
        K, R, t = (part[np.minimum(frames, len(part) - 1)] for part in (self.K, self.R, self.t))
        return K, R, t

    def project(
        self, points_world: Float[np.ndarray, "frames *points 3"], frames: np.ndarray
    ) -> np.ndarray:
        """Project world points (metres) of given frames to pixels; behind the camera is NaN."""
        K, R, t = self.at(frames)
        flat = points_world.reshape(len(frames), math.prod(points_world.shape[1:-1]), 3)
        points_camera = np.einsum("fij,fpj->fpi", R, flat) + t[:, None]
        pixels = project_camera(points_camera, K)
        return pixels.reshape(*points_world.shape[:-1], 2)


def project_camera(points_camera: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Project (F, P, 3) camera-frame points with (F, 3, 3) intrinsics to (F, P, 2) pixels."""
    depth = points_camera[..., 2:]
    safe = np.where(depth > 1e-6, depth, np.nan)
    focal = np.stack([K[:, 0, 0], K[:, 1, 1]], -1)[:, None]
    return points_camera[..., :2] / safe * focal + K[:, None, :2, 2]


def viewing_rays(pixels: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Unit directions (…, 3), camera frame, in which pixels (…, 2) are seen; K is (3, 3)."""
    rays = np.concatenate(
        [(pixels - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones((*pixels.shape[:-1], 1))], -1
    )
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def rotation_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The shortest rotations (…, 3, 3) that take unit vectors ``start`` onto ``end`` (…, 3)."""
    start, end = np.broadcast_arrays(start, end)
    axis = np.cross(start, end)
    cosine = np.sum(start * end, -1)
    # Opposite vectors leave the axis open: any perpendicular one will do.
    spare = np.cross(start, np.where(np.abs(start[..., :1]) < 0.9, [1.0, 0, 0], [0, 1.0, 0]))
    spare /= np.linalg.norm(spare, axis=-1, keepdims=True)
    norm = np.linalg.norm(axis, axis=-1)
    angle = np.arctan2(norm, cosine)
    unit = np.where(norm[..., None] > 1e-9, axis / np.maximum(norm, 1e-9)[..., None], spare)
    vectors = unit * angle[..., None]
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)
