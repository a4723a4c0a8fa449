"""Named points of a body: on its surface, or carried by a joint.

A body file may say where keypoint detectors see its joints (:data:`KEYPOINT_ARRAYS`): what
is detected as an ankle lies three centimetres above the axis that the foot turns about. Such points
are landmarks by the keypoints' names.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mocap.skeletons import SMPLX_55

#: Vertices of SMPL-X's mesh that annotation schemes share (the ids that the ``smplx`` package
#: appends to the joints), for files that name no landmarks of their own.
SMPLX_VERTICES: dict[str, int] = {
    "nose": 9120,
    "left_eye": 9448,
    "right_eye": 9929,
    "left_ear": 6,
    "right_ear": 616,
    "left_big_toe": 5770,
    "right_big_toe": 8463,
    "left_foot_index": 5770,
    "right_foot_index": 8463,
    "left_small_toe": 5780,
    "right_small_toe": 8474,
    "left_heel": 8846,
    "right_heel": 8635,
    "left_thumb_tip": 5361,
    "left_index_tip": 4933,
    "left_middle_tip": 5058,
    "left_ring_tip": 5169,
    "left_pinky_tip": 5286,
    "right_thumb_tip": 8079,
    "right_index_tip": 7669,
    "right_middle_tip": 7794,
    "right_ring_tip": 7905,
    "right_pinky_tip": 8022,
}

#: MediaPipe Pose's hand points are knuckles, which are joints of SMPL-X.
KNUCKLES: dict[str, str] = {
    f"{side}_{point}": f"{side}_{joint}"
    for side in ("left", "right")
    for point, joint in (("index", "index1"), ("pinky", "pinky1"), ("thumb", "thumb2"))
}


#: A body file's keypoints that lie beside joints: their names; the joint that each is measured
#: from; the joint it turns with, which is that one or its parent; and the way from the joint to the
#: keypoint in the T-pose, metres, the same for every shape.
KEYPOINT_ARRAYS = ("keypoint_names", "keypoint_joints", "keypoint_carriers", "keypoint_offsets")


@dataclass(frozen=True)
class LandmarkSet:
    """Landmarks as sparse means of vertices, or as points at or beside joints.

    Attributes:
        names: what the points are called.
        vertices: vertices each is a mean of.
        weights: their shares, rows summing to 1 (all zero where the landmark goes with a joint).
        joints: the joint that a landmark is at or beside, or -1.
        carriers: the joint it turns with, or -1.
        offsets: from the joint to the landmark, in the carrier's frame, metres.
    """

    names: tuple[str, ...]
    vertices: Int[np.ndarray, "landmarks points"]
    weights: Float[np.ndarray, "landmarks points"]
    joints: Int[np.ndarray, " landmarks"]
    carriers: Int[np.ndarray, " landmarks"]
    offsets: Float[np.ndarray, "landmarks 3"]

    @classmethod
    def on_skin(
        cls,
        names: tuple[str, ...],
        vertices: Int[np.ndarray, "landmarks points"],
        weights: Float[np.ndarray, "landmarks points"],
    ) -> "LandmarkSet":
        """Landmarks that are means of vertices."""
        none = np.full(len(names), -1)
        return cls(names, vertices, weights, none, none, np.zeros((len(names), 3)))

    def with_points_beside_joints(
        self,
        names: tuple[str, ...],
        joints: Int[np.ndarray, " more"],
        carriers: Int[np.ndarray, " more"],
        offsets: Float[np.ndarray, "more 3"],
    ) -> "LandmarkSet":
        """These, and more that go with joints."""
        nothing = np.zeros((len(names), self.vertices.shape[1]))
        return LandmarkSet(
            (*self.names, *names),
            np.concatenate([self.vertices, nothing.astype(np.int64)]),
            np.concatenate([self.weights, nothing]),
            np.concatenate([self.joints, joints]),
            np.concatenate([self.carriers, carriers]),
            np.concatenate([self.offsets, offsets]),
        )


@dataclass(frozen=True)
class LandmarkAttachments:
    """Landmarks as points carried rigidly by one joint each: exact only where skin does not bend.

    In the rest frame (the T-pose), metres, relative to the joint's rest position:
    ``offset = template + directions @ betas``.

    Attributes:
        names: what the points are called.
        joints: the joint that carries each, SMPL-X's 55.
        template: offsets of the mean body.
        directions: their change with each shape component.
    """

    names: tuple[str, ...]
    joints: Int[np.ndarray, " landmarks"]
    template: Float[np.ndarray, "landmarks 3"]
    directions: Float[np.ndarray, "landmarks 3 betas"]

    def offsets(self, betas: Float[np.ndarray, " betas"]) -> Float[np.ndarray, "landmarks 3"]:
        """Offsets for a shape; fewer betas than the body has leave the others at zero."""
        return self.template + self.directions[..., : len(betas)] @ np.asarray(betas, np.float64)


def landmarks_of_file(arrays: dict[str, np.ndarray]) -> LandmarkSet:
    """The landmarks a body file names, or SMPL-X's usual ones if it names none; and keypoints."""
    if "landmark_names" in arrays:
        found = LandmarkSet.on_skin(
            tuple(str(name) for name in arrays["landmark_names"]),
            arrays["landmark_vertices"].astype(np.int64),
            arrays["landmark_weights"].astype(np.float64),
        )
    else:
        found = _usual_landmarks()
    if "keypoint_names" not in arrays:
        return found
    points, joints, carriers, offsets = (arrays[key] for key in KEYPOINT_ARRAYS)
    return found.with_points_beside_joints(
        tuple(str(name) for name in points),
        joints.astype(np.int64),
        carriers.astype(np.int64),
        offsets.astype(np.float64),
    )


def _usual_landmarks() -> LandmarkSet:
    names = tuple(SMPLX_VERTICES)
    vertices = np.array(list(SMPLX_VERTICES.values()))[:, None]
    skin = LandmarkSet.on_skin(names, vertices, np.ones((len(names), 1)))
    knuckles = np.array(SMPLX_55.indices(*KNUCKLES.values()))
    nowhere = np.zeros((len(KNUCKLES), 3))
    return skin.with_points_beside_joints(tuple(KNUCKLES), knuckles, knuckles, nowhere)
