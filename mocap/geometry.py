"""Cameras, frames and rotations.

The conventions of the whole package, stated once: metres, seconds and radians in memory, pixels
for images; the middle of the upper left pixel is **(0.5, 0.5)**, its corner (0, 0). World:
right-handed, **+Y up**, ground at y = 0. Camera: OpenCV (x right, y down, z forward). ``R`` and
``t`` take world to camera: ``x_camera = R @ x_world + t``. Quaternions are ``wxyz``. Rotations
are axis-angle in the take, matrices inside computations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.distortion import COEFFICIENTS, distort, undistort

#: Field of view along the longer image side when nothing tells it: phones and webcams in their
#: main lens, action cameras aside.
DEFAULT_FIELD_OF_VIEW = np.deg2rad(60.0)

#: What to add to intrinsics (3, 3) of OpenCV's pixels, whose middles have whole numbers, as
#: calibration files have them.
FROM_OPENCV = np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])

#: Points along a side at which it is asked what a lens shows.
_GRID = 65

#: What turns a world whose +Y is up into one whose +Z is: what was ahead, +Z, becomes -Y.
Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
#: And back.
Z_UP_TO_Y_UP = Y_UP_TO_Z_UP.T


@dataclass(frozen=True)
class Camera:
    """A pinhole camera behind a lens, fixed or moving (a leading axis of 1 or of frames).

    Attributes:
        K: (1|F, 3, 3) intrinsics in pixels; the first one's middle is (0.5, 0.5).
        R: (1|F, 3, 3) rotation, world to camera.
        t: (1|F, 3) translation in metres, world to camera.
        source: of the intrinsics: ``"given"`` or ``"estimated"``; ``"none"`` of a camera that was
            never there, and only looks at people.
        distortion: (C,) coefficients of the lens, as in :mod:`mocap.distortion`; None for none.
        model: of the lens: ``"opencv"`` or ``"fisheye"``.
        gravity_given: whether ``R`` is known to have the world's +Y up, not only assumed to.
        note: where the intrinsics came from, for people to read.

    Raises:
        ValueError: the model is unknown or takes another number of coefficients.
    """

    K: Float[np.ndarray, "frames 3 3"]
    R: Float[np.ndarray, "frames 3 3"]
    t: Float[np.ndarray, "frames 3"]
    source: str = "estimated"
    distortion: Float[np.ndarray, " coefficients"] | None = None
    model: str = "opencv"
    gravity_given: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.model not in COEFFICIENTS:
            raise ValueError(f"a lens of model {self.model!r}; known: {', '.join(COEFFICIENTS)}")
        if self.distortion is not None and len(self.distortion) not in COEFFICIENTS[self.model]:
            counts = " or ".join(map(str, COEFFICIENTS[self.model]))
            raise ValueError(
                f"{len(self.distortion)} distortion coefficients; {self.model} has {counts}"
            )

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

    @property
    def bends(self) -> bool:
        """Whether the lens shows anything elsewhere than a pinhole; a fisheye's always does."""
        return self.distortion is not None and (
            self.model == "fisheye" or bool(self.distortion.any())
        )

    def at(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """K, R and t for given video frames, each with a leading axis of their number.

        What does not change has one entry; what does keeps its last value after its end.
        """
        K, R, t = (part[np.minimum(frames, len(part) - 1)] for part in (self.K, self.R, self.t))
        return K, R, t

    def project(
        self, points_world: Float[np.ndarray, "frames *points 3"], frames: np.ndarray
    ) -> np.ndarray:
        """Project world points (metres) of given frames to pixels, as the lens shows them.

        What is behind the camera, or beyond the lens' reach, is NaN.
        """
        K, R, t = self.at(frames)
        flat = points_world.reshape(len(frames), math.prod(points_world.shape[1:-1]), 3)
        points_camera = np.einsum("fij,fpj->fpi", R, flat) + t[:, None]
        pixels = project_camera(points_camera, K)
        if self.distortion is not None:
            focal, centre = _focal_and_centre(K)
            bent = distort((pixels - centre) / focal, self.distortion, self.model)
            pixels = bent * focal + centre
        return pixels.reshape(*points_world.shape[:-1], 2)

    def undistort(
        self, pixels: Float[np.ndarray, "frames *points 2"], frames: np.ndarray
    ) -> np.ndarray:
        """Where a pinhole with the same K would show what the lens shows at ``pixels``.

        NaN stays NaN, and so becomes what no ray through this lens can reach.
        """
        if self.distortion is None:
            return pixels.astype(float)
        flat = pixels.reshape(len(frames), math.prod(pixels.shape[1:-1]), 2).astype(float)
        focal, centre = _focal_and_centre(self.at(frames)[0])
        ideal = undistort((flat - centre) / focal, self.distortion, self.model)
        return (ideal * focal + centre).reshape(pixels.shape)

    def border(self, width: int, height: int, frame: int) -> tuple[int, int]:
        """What a pinhole with the same K has to show beyond its picture for all the lens shows.

        Args:
            width: of the picture, pixels.
            height: likewise.
            frame: of the video.

        Returns:
            Columns to the left and as many to the right, rows above and as many below; no more
            than make the picture twice as wide and high. 0 of a lens that shows no more.
        """
        if not self.bends:
            return 0, 0
        size = np.array([width, height])
        steps = np.linspace(0, 1, _GRID)
        seen = np.stack(np.meshgrid(steps, steps), -1).reshape(1, -1, 2) * size
        places = self.undistort(seen, np.array([frame]))[0]
        beyond = np.maximum(-np.nanmin(places, 0), np.nanmax(places, 0) - size)
        columns, rows = np.clip(np.ceil(beyond), 0, size // 2).astype(int)
        return int(columns), int(rows)


def _focal_and_centre(K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Focal lengths and principal points, (F, 1, 2) each, of (F, 3, 3) intrinsics."""
    return np.stack([K[:, 0, 0], K[:, 1, 1]], -1)[:, None], K[:, None, :2, 2]


def project_camera(points_camera: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Project (F, P, 3) camera-frame points with (F, 3, 3) intrinsics to (F, P, 2) pixels."""
    depth = points_camera[..., 2:]
    safe = np.where(depth > 1e-6, depth, np.nan)
    focal, centre = _focal_and_centre(K)
    return points_camera[..., :2] / safe * focal + centre


def viewing_rays(pixels: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Unit directions (…, 3), camera frame, in which pixels (…, 2) are seen; K is (3, 3)."""
    rays = np.concatenate(
        [(pixels - K[:2, 2]) / [K[0, 0], K[1, 1]], np.ones((*pixels.shape[:-1], 1))], -1
    )
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def look_at(
    place: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], roll: float = 0.0
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """R and t (world to camera) of a camera that has a target in the middle of its picture.

    Args:
        place: of the camera, world metres.
        target: what it looks at; straight above or below, the picture's right is the world's +X.
        roll: by which the camera is turned about its axis afterwards, radians.
    """
    ahead = (target - place) / np.linalg.norm(target - place)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    length = np.linalg.norm(right)
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    level = np.stack([right, np.cross(ahead, right), ahead])
    R = Rotation.from_euler("z", -roll).as_matrix() @ level
    return R, -R @ place


def view_angles(
    camera_relative: Float[np.ndarray, "*batch 3"],
) -> tuple[Float[np.ndarray, "*batch"], Float[np.ndarray, "*batch"]]:
    """Azimuth and elevation, radians, of a camera at a place in a person's heading axes.

    The axes are x to the person's left, y up, z to the front: azimuth is 0 for a camera in front
    and positive on the person's left, elevation is 0 at the height of the hips.
    """
    x, y, z = np.moveaxis(camera_relative, -1, 0)
    return np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))


def unit_vectors(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Vectors of length one; what has no length stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def frame_along(
    first: Float[np.ndarray, "*batch 3"], second: Float[np.ndarray, "*batch 3"]
) -> Float[np.ndarray, "*batch 3 3"]:
    """Rotations whose first column is ``first`` and whose second leans to ``second``."""
    x = unit_vectors(first)
    z = unit_vectors(np.cross(x, second))
    return np.stack([x, np.cross(z, x), z], -1)


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
    known = (norm > 1e-9) | (cosine > 0)
    unit = np.where(known[..., None], axis / np.maximum(norm, 1e-300)[..., None], spare)
    return rotation_matrices(unit * angle[..., None])


def rotation_matrices(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Axis-angle, radians, to rotation matrices."""
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)


def world_rotations(
    local: Float[np.ndarray, "frames joints 3 3"], parents: Sequence[int]
) -> Float[np.ndarray, "frames joints 3 3"]:
    """Rotations to the world of a tree's joints that are turned against their parents.

    Args:
        local: from each joint's axes to its parent's.
        parents: of each joint, parents before children, -1 for a root.
    """
    world = local.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            world[:, joint] = world[:, parent] @ local[:, joint]
    return world


def local_rotations(
    world: Float[np.ndarray, "frames joints 3 3"], parents: Sequence[int]
) -> Float[np.ndarray, "frames joints 3 3"]:
    """The way back from :func:`world_rotations`."""
    local = world.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            local[:, joint] = np.swapaxes(world[:, parent], 1, 2) @ world[:, joint]
    return local
