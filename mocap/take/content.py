"""What a take is made of: frozen records of arrays with units, axes and names.

Units and frames are those of :mod:`mocap.geometry`; how records are stored is
:mod:`mocap.records`' business.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.records import attribute, dataset, group
from mocap.take.masks import Masks

#: How the source of keypoints begins that another system told, and no detector found.
IMPORTED = "imported"


@dataclass(frozen=True)
class VideoRecord:
    """The video a take was made from; ``timestamps`` (F,) are seconds from its first frame.

    ``rotation`` is by how many degrees clockwise the stored pictures were turned upright.
    ``field_of_view`` (radians, along the longer side) is what the file itself tells, if it does.
    """

    path: str = attribute()
    sha256: str = attribute()
    width: int = attribute()
    height: int = attribute()
    fps: float = attribute()
    timestamps: Float[np.ndarray, " frames"] = dataset("s", "frame")
    rotation: int | None = attribute(required=False)
    field_of_view: float | None = attribute(required=False)


@dataclass(frozen=True)
class CameraRecord:
    """The camera of :class:`mocap.geometry.Camera`, as stored."""

    K: Float[np.ndarray, "frames 3 3"] = dataset("px", "frame|1, row, column")
    R: Float[np.ndarray, "frames 3 3"] = dataset("1", "frame|1, camera axis, world axis")
    t: Float[np.ndarray, "frames 3"] = dataset("m", "frame|1, camera x y z")
    source: str = attribute()
    model: str = attribute()
    distortion: Float[np.ndarray, " coefficients"] | None = dataset(
        "1", "coefficient", required=False
    )
    gravity_given: bool | None = attribute(required=False)
    note: str | None = attribute(required=False)


@dataclass(frozen=True)
class World:
    """The gravity-aligned world everybody shares.

    Attributes:
        ground: (4,) plane ``a x + b y + c z + d = 0`` in world metres, normal up.
        gravity_source: where "up" came from.
        scale_source: where the metre came from.
    """

    ground: Float[np.ndarray, "4"] = dataset("m", "a b c d")
    gravity_source: str = attribute()
    scale_source: str = attribute()


@dataclass(frozen=True)
class Scene:
    """What the pictures show beside people.

    ``segments`` (S, 4) are straight edges, x0 y0 x1 y1, as the lens shows them, the longest first.
    """

    segments: Float[np.ndarray, "segments 4"] = dataset("px", "segment, x0 y0 x1 y1")


@dataclass(frozen=True)
class Keypoints2D:
    """Image points: ``xy`` (N, J, 2) pixels, NaN where unseen; ``confidence`` (N, J) in [0, 1]."""

    xy: Float[np.ndarray, "frames points 2"] = dataset("px", "frame, point, x y")
    confidence: Float[np.ndarray, "frames points"] = dataset("1", "frame, point")
    skeleton: str = attribute()
    source: str = attribute()


@dataclass(frozen=True)
class Keypoints3D:
    """Metric points relative to the hips' middle, axes of the camera: ``xyz`` (N, J, 3).

    The axes are those of a camera that has the person in the middle of its picture, as detectors
    that work on crops give them.
    """

    xyz: Float[np.ndarray, "frames points 3"] = dataset("m", "frame, point, x right y down z away")
    skeleton: str = attribute()
    source: str = attribute()


@dataclass(frozen=True)
class Refined3D:
    """Metric points with their depth put right, and from where the person was seen.

    Missing frames are NaN.

    Attributes:
        xyz: (N, J, 3) from the hips' middle, the axes of :class:`Keypoints3D`.
        sigma: (N, J) root mean square of the distance to be expected from the truth.
        azimuth: (N,) of the camera about the person: 0 in front of it, positive to its left.
        elevation: (N,) of the camera above the height of the hips.
        camera_relative: (N, 3) the camera from the hips' middle, in axes that turn with the
            person's hips and stay upright.
    """

    xyz: Float[np.ndarray, "frames points 3"] = dataset("m", "frame, point, x right y down z away")
    sigma: Float[np.ndarray, "frames points"] = dataset("m", "frame, point")
    azimuth: Float[np.ndarray, " frames"] = dataset("rad", "frame")
    elevation: Float[np.ndarray, " frames"] = dataset("rad", "frame")
    camera_relative: Float[np.ndarray, "frames 3"] = dataset("m", "frame, x left y up z front")
    skeleton: str = attribute()
    source: str = attribute()


@dataclass(frozen=True)
class Hands2D:
    """Both hands' image points, each in the order of ``hand21``."""

    left: Keypoints2D = group(Keypoints2D, required=True)
    right: Keypoints2D = group(Keypoints2D, required=True)


@dataclass(frozen=True)
class Hands3D:
    """Both hands' metric points, each relative to the hand's own centre, axes of the camera."""

    left: Keypoints3D = group(Keypoints3D, required=True)
    right: Keypoints3D = group(Keypoints3D, required=True)


@dataclass(frozen=True)
class BodyMotion:
    """SMPL-X pose and shape of one person, axis-angle in radians, world metres.

    ``joints`` follow SMPL-X's 55. Betas belong to the model whose hash is recorded, to no other.
    ``joint_sigma`` says how far each joint may be off: the root mean square error to be expected
    of its place relative to the pelvis, and of the pelvis's own place in the world.
    """

    betas: Float[np.ndarray, " shape"] = dataset("1", "component")
    expression: Float[np.ndarray, "frames expressions"] = dataset("1", "frame, component")
    global_orient: Float[np.ndarray, "frames 3"] = dataset("rad", "frame, axis-angle")
    body_pose: Float[np.ndarray, "frames 63"] = dataset("rad", "frame, 21 joints x axis-angle")
    left_hand_pose: Float[np.ndarray, "frames 45"] = dataset("rad", "frame, 15 x axis-angle")
    right_hand_pose: Float[np.ndarray, "frames 45"] = dataset("rad", "frame, 15 x axis-angle")
    jaw_pose: Float[np.ndarray, "frames 3"] = dataset("rad", "frame, axis-angle")
    transl: Float[np.ndarray, "frames 3"] = dataset("m", "frame, world x y z")
    joints: Float[np.ndarray, "frames 55 3"] = dataset("m", "frame, joint, world x y z")
    model: str = attribute()
    model_sha256: str = attribute()
    licence: str = attribute()
    joint_sigma: Float[np.ndarray, "frames 55"] | None = dataset(
        "m", "frame, joint", required=False
    )


@dataclass(frozen=True)
class Contacts:
    """How likely each of four foot points rests on something, in [0, 1], (N,) each.

    ``level`` is the height over the ground of what the person stands on, metres: 0 for the ground.
    """

    left_heel: Float[np.ndarray, " frames"] = dataset("1", "frame")
    left_toe: Float[np.ndarray, " frames"] = dataset("1", "frame")
    right_heel: Float[np.ndarray, " frames"] = dataset("1", "frame")
    right_toe: Float[np.ndarray, " frames"] = dataset("1", "frame")
    level: float | None = attribute(required=False)

    def stacked(self) -> Float[np.ndarray, "frames 4"]:
        """(N, 4) of the four points, in their order."""
        return np.stack([self.left_heel, self.left_toe, self.right_heel, self.right_toe], axis=1)


@dataclass(frozen=True)
class Person:
    """One person: an unbroken run of video frames from first to last sight.

    Attributes:
        id: the name used on the command line and in file names.
        frames: (N,) video frame numbers, consecutive.
        observed: (N,) whether the person was detected there; elsewhere the motion is filled in.
        box: (N, 4) x0 y0 x1 y1, pixels; NaN where not observed.
    """

    id: str
    label: str = attribute()
    frames: Int[np.ndarray, " frames"] = dataset("1", "video frame")
    observed: Bool[np.ndarray, " frames"] = dataset("1", "frame")
    box: Float[np.ndarray, "frames 4"] = dataset("px", "frame, x0 y0 x1 y1")
    keypoints2d: Keypoints2D | None = group(Keypoints2D)
    hands2d: Hands2D | None = group(Hands2D)
    keypoints3d: Keypoints3D | None = group(Keypoints3D)
    hands3d: Hands3D | None = group(Hands3D)
    refined3d: Refined3D | None = group(Refined3D)
    body: BodyMotion | None = group(BodyMotion)
    contacts: Contacts | None = group(Contacts)
    masks: Masks | None = group(Masks)

    @property
    def coverage(self) -> float:
        """Share of the person's frames in which it was really seen."""
        return float(np.mean(self.observed))


@dataclass(frozen=True)
class StageRecord:
    """What a stage was run with: enough to run it again and to know if that is needed.

    ``parameters`` are JSON: a tuple becomes a list here, as it would in the file.
    """

    name: str
    version: str
    parameters: dict[str, Any]
    seconds: float
    inputs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", json.loads(json.dumps(self.parameters)))
