"""From what a detector saw of somebody, and what is known to be true, to training pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from mocap.datasets.pairs.record import Pairs
from mocap.datasets.pairs.views import UP, camera_centres, facing_pose, viewpoints
from mocap.geometry import Camera
from mocap.keypoints import Detection
from mocap.skeletons import COCO_17, COCO_OF_MEDIAPIPE, MEDIAPIPE_33

_HIPS = COCO_17.indices("left_hip", "right_hip")
_MEDIAPIPE_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")


@dataclass
class Sightings:
    """One person where they were seen: in M of the frames looked at.

    Attributes:
        frames: which of the frames looked at, rising.
        bodies: as detected in them.
        mirrored: as detected in the picture's mirror image, the mirroring undone; None where
            nobody looked, or nobody was found.
    """

    frames: list[int] = field(default_factory=list)
    bodies: list[Detection] = field(default_factory=list)
    mirrored: list[Detection | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frames)

    def add(self, frame: int, body: Detection, mirrored: Detection | None) -> None:
        """Note what was seen in one more frame."""
        self.frames.append(frame)
        self.bodies.append(body)
        self.mirrored.append(mirrored)


def pair_up(
    seen: Sightings,
    truth_world: Float[np.ndarray, "frames 17 3"],
    times: Float[np.ndarray, " frames"],
    camera: Camera,
    size: tuple[int, int],
    *,
    name: str,
    split: str,
) -> Pairs:
    """Pairs of one person before one camera.

    A frame becomes a pair if the person was seen in it and all of the truth is known, heading
    included.

    Args:
        seen: the person as detected.
        truth_world: COCO's points in every frame looked at, world metres; NaN where unknown.
        times: of the same frames, seconds.
        camera: that took the pictures; static.
        size: width and height of the picture, pixels.
        name: of the sequence in the pairs.
        split: what it is for.
    """
    every = np.arange(len(truth_world))
    truth_xy = camera.project(truth_world, every)
    # Headings are told of all frames: one may be borrowed from a frame without a sighting.
    view = viewpoints(truth_world[:, _HIPS], UP, camera_centres(camera.R, camera.t))
    frames = np.array(seen.frames, int)
    known = np.isfinite(truth_world[frames]).all((1, 2)) & np.isfinite(view.azimuth[frames])
    kept = np.flatnonzero(known)
    at = frames[kept]
    truth = truth_world[at]
    xy, xyz, confidence = _arrays([seen.bodies[row] for row in kept])
    mirrored = [seen.mirrored[row] for row in kept]
    other = _arrays(mirrored) if any(one is not None for one in mirrored) else (None, None, None)
    return Pairs(
        corrupted=xyz[:, COCO_OF_MEDIAPIPE],
        ground_truth=facing_pose(truth, truth[:, _HIPS].mean(1), camera.R, camera.t),
        visibility=confidence[:, COCO_OF_MEDIAPIPE],
        pose_2d=xy[:, COCO_OF_MEDIAPIPE],
        azimuth=view.azimuth[at],
        elevation=view.elevation[at],
        camera_relative=view.camera_relative[at],
        heading=view.heading[at],
        sequence=np.zeros(len(at), int),
        time=times[at],
        truth_2d=truth_xy[at],
        image_size=np.tile(np.array(size, float), (len(at), 1)),
        landmarks_xy=xy,
        landmarks_xyz=xyz,
        landmarks_confidence=confidence,
        mirrored_xy=other[0],
        mirrored_xyz=other[1],
        mirrored_confidence=other[2],
        sequences=(name,),
        splits=(split,),
    )


def _arrays(
    bodies: Sequence[Detection | None],
) -> tuple[
    Float[np.ndarray, "frames 33 2"],
    Float[np.ndarray, "frames 33 3"],
    Float[np.ndarray, "frames 33"],
]:
    """Pixels, hips-centred metres and confidences; NaN for None."""
    xy = np.full((len(bodies), 33, 2), np.nan, np.float32)
    xyz = np.full((len(bodies), 33, 3), np.nan, np.float32)
    confidence = np.full((len(bodies), 33), np.nan, np.float32)
    for row, body in enumerate(bodies):
        if body is not None:
            xy[row], confidence[row] = body.xy, np.clip(body.confidence, 0.0, 1.0)
            xyz[row] = body.xyz - body.xyz[_MEDIAPIPE_HIPS].mean(0)
    return xy, xyz, confidence
