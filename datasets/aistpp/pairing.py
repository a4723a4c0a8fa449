"""From what a detector saw and what is annotated to training pairs."""

import numpy as np
from jaxtyping import Float

from mocap.datasets.aistpp.dancer import COCO_OF_MEDIAPIPE, Sightings
from mocap.datasets.pairs import Pairs
from mocap.datasets.pairs.views import UP, camera_centres, facing_pose, viewpoints
from mocap.geometry import Camera
from mocap.skeletons import COCO_17, MEDIAPIPE_33

_HIPS = COCO_17.indices("left_hip", "right_hip")
_MEDIAPIPE_HIPS = MEDIAPIPE_33.indices("left_hip", "right_hip")


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
    """Pairs of one video.

    A frame becomes a pair if the dancer was seen in it and all of the truth is known, heading
    included.

    Args:
        seen: the dancer as detected.
        truth_world: COCO's points in every frame looked at, world metres; NaN where unknown.
        times: of the same frames, seconds.
        camera: that took the video; static.
        size: width and height of the picture, pixels.
        name: of the sequence in the pairs.
        split: what it is for.
    """
    every = np.arange(len(truth_world))
    truth_xy = camera.project(truth_world, every)
    # Headings are told of all frames: one may be borrowed from a frame without a sighting.
    view = viewpoints(truth_world[:, _HIPS], UP, camera_centres(camera.R, camera.t))
    known = np.isfinite(truth_world[seen.frames]).all((1, 2))
    known &= np.isfinite(view.azimuth[seen.frames])
    at = seen.frames[known]
    truth = truth_world[at]
    landmarks = seen.xyz[known] - seen.xyz[known][:, _MEDIAPIPE_HIPS].mean(1, keepdims=True)
    xy, confidence = seen.xy[known], seen.confidence[known]
    return Pairs(
        corrupted=landmarks[:, COCO_OF_MEDIAPIPE],
        ground_truth=facing_pose(truth, truth[:, _HIPS].mean(1), camera.R, camera.t),
        visibility=np.clip(confidence[:, COCO_OF_MEDIAPIPE], 0.0, 1.0),
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
        landmarks_xyz=landmarks,
        landmarks_confidence=np.clip(confidence, 0.0, 1.0),
        sequences=(name,),
        splits=(split,),
    )
