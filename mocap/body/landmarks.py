"""Named points of a body: on its surface, or carried by a joint."""

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


@dataclass(frozen=True)
class LandmarkSet:
    """Landmarks as sparse means of vertices; those without vertices are joints.

    Attributes:
        names: what the points are called.
        vertices: vertices each is a mean of.
        weights: their shares, rows summing to 1 (all zero where the landmark is a joint).
        joints: the joint a landmark is, or -1.
    """

    names: tuple[str, ...]
    vertices: Int[np.ndarray, "landmarks points"]
    weights: Float[np.ndarray, "landmarks points"]
    joints: Int[np.ndarray, " landmarks"]


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
    """The landmarks a body file names, or SMPL-X's usual ones if it names none."""
    if "landmark_names" in arrays:
        names = tuple(str(name) for name in arrays["landmark_names"])
        vertices = arrays["landmark_vertices"].astype(np.int64)
        weights = arrays["landmark_weights"].astype(np.float64)
        return LandmarkSet(names, vertices, weights, np.full(len(names), -1))
    names = (*SMPLX_VERTICES, *KNUCKLES)
    vertices = np.zeros((len(names), 1), np.int64)
    weights = np.zeros((len(names), 1))
    joints = np.full(len(names), -1)
    vertices[: len(SMPLX_VERTICES), 0] = list(SMPLX_VERTICES.values())
    weights[: len(SMPLX_VERTICES)] = 1.0
    joints[len(SMPLX_VERTICES) :] = SMPLX_55.indices(*KNUCKLES.values())
    return LandmarkSet(names, vertices, weights, joints)
