"""The body as the solver sees it: joints that turn, points that ride on them, and few of both.

Fingers, jaw and eyes do not move any of the body's keypoints, so the rig keeps SMPL-X's first 22
joints. Points are the keypoints' places on the body: a joint itself, or a spot fixed to a joint.
Everything is linear in the shape coefficients (betas).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from mocap.skeletons import MEDIAPIPE_33, SMPLX_55

# PyTorch takes seconds to import: only what poses the whole body pays for it.
if TYPE_CHECKING:
    from mocap.body import Body

#: Joints the solver turns: SMPL-X's body without hands and face.
JOINTS = 22
NAMES = SMPLX_55.names[:JOINTS]
PARENTS = SMPLX_55.parents[:JOINTS]

#: MediaPipe keypoints that are joints of the body, unless it has landmarks of these names.
_JOINT_POINTS = tuple(
    f"{side}_{joint}"
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    for side in ("left", "right")
)
#: MediaPipe keypoints that are spots on the skin, and the landmark of the body they are.
_SKIN_POINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "mouth_left", "mouth_right",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb",
)  # fmt: skip


#: Bones whose extent along the ray the 3D keypoints are believed about, by keypoint names.
DEPTH_BONES: tuple[tuple[str, str], ...] = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("nose", "left_ear"),
    ("nose", "right_ear"),
    *(
        (f"{side}_{a}", f"{side}_{b}")
        for side in ("left", "right")
        for a, b in (
            ("hip", "shoulder"),
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("heel", "foot_index"),
            ("shoulder", "ear"),
            ("wrist", "index"),
            ("wrist", "pinky"),
        )
    ),
)


@dataclass(frozen=True)
class Rig:
    """Rest joints and riding points as linear functions of shape.

    Attributes:
        joints: (22, 3) rest joints of the mean shape, metres.
        joint_directions: (22, 3, B) their change per unit of each beta.
        keypoints: (P,) index of each point among MediaPipe's 33.
        carriers: (P,) joint each point rides on.
        offsets: (P, 3) from the carrier, rest frame, mean shape, metres.
        offset_directions: (P, 3, B) their change per unit of each beta.
    """

    joints: Float[np.ndarray, "22 3"]
    joint_directions: Float[np.ndarray, "22 3 shape"]
    keypoints: Int[np.ndarray, " points"]
    carriers: Int[np.ndarray, " points"]
    offsets: Float[np.ndarray, "points 3"]
    offset_directions: Float[np.ndarray, "points 3 shape"]

    @classmethod
    def of(cls, body: Body, shapes: int) -> "Rig":
        """The rig of a body, with its first ``shapes`` betas."""
        marks = body.landmark_attachments()
        rest = body.joint_template.double().cpu().numpy()
        moved = body.joint_directions[..., :shapes].double().cpu().numpy()
        keypoints, carriers, offsets, directions = [], [], [], []
        for name in (*_JOINT_POINTS, *_SKIN_POINTS):
            offset, direction = np.zeros(3), np.zeros((3, moved.shape[-1]))
            if name in marks.names:
                row = marks.names.index(name)
                own = joint = int(marks.joints[row])
                # Fingers and face do not move here: their spots ride on wrist and head.
                while joint >= JOINTS:
                    joint = SMPLX_55.parents[joint]
                offset = marks.template[row] + rest[own] - rest[joint]
                direction = marks.directions[row, :, :shapes] + moved[own] - moved[joint]
            elif name in _JOINT_POINTS:
                joint = NAMES.index(name)
            else:
                continue
            keypoints.append(MEDIAPIPE_33.index(name))
            carriers.append(joint)
            offsets.append(offset)
            directions.append(direction)
        return cls(
            rest[:JOINTS],
            moved[:JOINTS],
            np.array(keypoints),
            np.array(carriers),
            np.array(offsets),
            np.array(directions),
        )

    def only(self, points: Bool[np.ndarray, " points"]) -> Rig:
        """The rig with some of its points."""
        return Rig(
            self.joints,
            self.joint_directions,
            self.keypoints[points],
            self.carriers[points],
            self.offsets[points],
            self.offset_directions[points],
        )

    def shaped(self, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rest joints (22, 3) and point offsets (P, 3) of a shape."""
        count = len(betas)
        return (
            self.joints + self.joint_directions[..., :count] @ betas,
            self.offsets + self.offset_directions[..., :count] @ betas,
        )

    def rest_points(self, betas: np.ndarray) -> Float[np.ndarray, "points 3"]:
        """The points of a shape in the T-pose, metres."""
        joints, offsets = self.shaped(betas)
        return joints[self.carriers] + offsets

    def point(self, name: str) -> int:
        """The position of a MediaPipe keypoint among the rig's points."""
        return self._places[name]

    def has(self, name: str) -> bool:
        """Whether a MediaPipe keypoint is among the rig's points."""
        return name in self._places

    @cached_property
    def _places(self) -> dict[str, int]:
        return {MEDIAPIPE_33.names[k]: row for row, k in enumerate(self.keypoints) if k >= 0}

    @cached_property
    def bones(self) -> tuple[tuple[str, str], ...]:
        """The :data:`DEPTH_BONES` whose both ends the rig has."""
        return tuple((a, b) for a, b in DEPTH_BONES if self.has(a) and self.has(b))

    @cached_property
    def bone_ends(self) -> Int[np.ndarray, "2 bones"]:
        """Start and end points of the bones."""
        ends = [(self.point(a), self.point(b)) for a, b in self.bones]
        return np.array(ends).reshape(-1, 2).T

    @cached_property
    def moved_by(self) -> Bool[np.ndarray, "points 22"]:
        """Which joints' rotation moves which point."""
        moved = np.zeros((len(self.carriers), JOINTS), bool)
        for point, joint in enumerate(self.carriers):
            while joint >= 0:
                moved[point, joint] = True
                joint = PARENTS[joint]
        return moved
