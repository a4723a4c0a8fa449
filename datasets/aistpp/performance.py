"""A motion brought onto the stage of a replica, and told at any moments."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mocap.body import Body, BodyPose
from mocap.datasets.motions import BodyClip, between
from mocap.datasets.pairs.views import heading_axes, headings
from mocap.skeletons import COCO_17, SMPLX_55

#: Pelvis and body joints: those of SMPL-X that move here.
_MOVING = 22
_HIPS = SMPLX_55.indices("left_hip", "right_hip")
_SOLES = ("left_heel_sole", "right_heel_sole", "left_toe_sole", "right_toe_sole")


@dataclass(frozen=True)
class Staged:
    """Somebody's motion about the world's origin, feet on y = 0, facing +Z on the whole.

    Attributes:
        body: who moves.
        betas: (B,) of what shape.
        times: (F,) of the frames, seconds.
        rotations: (F, 22, 3) axis-angle of the pelvis and the body's joints.
        transl: (F, 3) world metres.
    """

    body: Body
    betas: Float[np.ndarray, " shape"]
    times: Float[np.ndarray, " frames"]
    rotations: Float[np.ndarray, "frames 22 3"]
    transl: Float[np.ndarray, "frames 3"]

    @classmethod
    def of(cls, clip: BodyClip, body: Body, seconds: float) -> "Staged":
        """The first so many seconds of a clip, or all of it if it is shorter."""
        count = max(2, min(len(clip), int(np.ceil(seconds * clip.fps)) + 1))
        pose = clip.body_pose(slice(0, count))
        assert pose.global_orient is not None
        assert pose.body_pose is not None
        assert pose.transl is not None
        own = np.concatenate([pose.global_orient.numpy(), pose.body_pose.numpy()], 1)
        times = np.arange(len(own)) / clip.fps
        raw = cls(body, clip.betas, times, own.reshape(-1, _MOVING, 3), pose.transl.numpy())
        return raw._centred()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return float(self.times[-1])

    def at(self, times: Float[np.ndarray, " moments"]) -> "Staged":
        """The motion at given moments, the nearest end's beyond its ends."""
        rotations, transl = between(self.times, self.rotations, self.transl, times)
        return Staged(self.body, self.betas, times, rotations, transl)

    def pose(self, part: slice | None = None) -> BodyPose:
        """As the body model takes it."""
        part = part or slice(None)
        rotations, transl = self.rotations[part], self.transl[part]
        given = {
            "betas": self.betas,
            "global_orient": rotations[:, 0],
            "body_pose": rotations[:, 1:].reshape(len(rotations), -1),
            "transl": transl,
        }
        like = self.body.template
        return BodyPose(**{name: torch.as_tensor(v).to(like) for name, v in given.items()})

    def keypoints(self) -> Float[np.ndarray, "frames 17 3"]:
        """The body's own COCO points, world metres."""
        with torch.no_grad():
            posed = self.body.forward(self.pose(), return_landmarks=True)
        return self.body.named_points(posed, COCO_17.names).double().numpy()

    def _centred(self) -> "Staged":
        """Moved and turned about the vertical, all frames alike."""
        with torch.no_grad():
            posed = self.body.forward(self.pose(), return_landmarks=True)
        assert posed.landmarks is not None
        hips = posed.joints[:, _HIPS].double().numpy()
        heading = headings(hips)
        facing = np.arctan2(np.nanmean(np.sin(heading)), np.nanmean(np.cos(heading)))
        turn = heading_axes(np.nan_to_num(facing))
        names = self.body.landmark_names
        soles = posed.landmarks[:, [names.index(name) for name in _SOLES], 1]
        # Most frames have a foot on the floor; the few lowest are where a clip cuts through it.
        floor = float(np.percentile(soles.amin(1).numpy(), 5))
        middle = np.append(hips.mean(1)[:, [0, 2]].mean(0), floor)[[0, 2, 1]]
        pelvis = self.body.rest_joints(torch.as_tensor(self.betas).to(self.body.template))
        root = pelvis[0, 0].double().numpy()
        # The root turns about the pelvis' joint, which transl has not moved yet.
        transl = (root + self.transl - middle) @ turn.T - root
        rotations = self.rotations.copy()
        root_turn = Rotation.from_matrix(turn) * Rotation.from_rotvec(rotations[:, 0])
        rotations[:, 0] = root_turn.as_rotvec()
        return Staged(self.body, self.betas, self.times, rotations, transl)
