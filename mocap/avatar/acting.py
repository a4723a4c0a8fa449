"""Who moves how: avatars and the motion that each of them performs."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from mocap.avatar.avatar import Avatar
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.looks import pose_at
from mocap.body import BodyPose
from mocap.skeletons import SMPLX_55
from mocap.take import Person

_LEGS = tuple(
    SMPLX_55.indices(f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in ("left", "right")
)

#: By what share legs of the same person may have become longer or shorter when proportions were
#: corrected.
_CORRECTED = 0.05


@dataclass(frozen=True, eq=False)
class Act:
    """An avatar's motion over frames of a film.

    Attributes:
        avatar: who moves.
        frames: (F,) the film's frames in which they are, consecutive.
        pose: of each of these; betas are the avatar's own.
        pelvis: (F, 3) where the hips are, world metres.
    """

    avatar: Avatar
    frames: Int[np.ndarray, " frames"]
    pose: BodyPose
    pelvis: Float[np.ndarray, "frames 3"]

    def at(self, frame: int) -> Gaussians | None:
        """The avatar in one frame; None if they are not in it."""
        row = frame - int(self.frames[0])
        if not 0 <= row < len(self.frames):
            return None
        with torch.no_grad():
            now = slice(row, row + 1)
            return self.avatar.posed(BodyPose.of(self.pose, self.avatar.betas, now))

    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of all that the Gaussians come of: motion, avatar and body."""
        avatar, digest = self.avatar, hashlib.sha256(self.avatar.body.sha256.encode())
        parts = [*vars(avatar.gaussians).items(), *vars(avatar.binding).items()]
        parts += [("shape", avatar.betas), *vars(self.pose).items()]
        parts += [("frames", torch.as_tensor(self.frames))]
        for name, part in parts:
            if part is not None:
                digest.update(f"{name} {part.dtype} {tuple(part.shape)} ".encode())
                digest.update(part.detach().cpu().numpy().tobytes())
        return digest.hexdigest()


def act(
    avatar: Avatar,
    pose: BodyPose,
    joints: Float[np.ndarray, "frames 55 3"],
    frames: Int[np.ndarray, " frames"],
    *,
    own: bool = False,
) -> Act:
    """A motion performed by an avatar.

    Who is larger or smaller than whose motion it was takes longer or shorter steps, so that feet
    that rested still do: places shrink with the legs about the world's origin on the ground.

    Args:
        avatar: who performs.
        pose: of every frame, for any shape of the body.
        joints: SMPL-X's in every frame, world metres, of whose motion it was.
        frames: of the film, consecutive.
        own: whether the motion is the avatar's own person's, whose places are kept.
    """
    like = avatar.betas
    pose = replace(BodyPose.of(pose, like), betas=None)
    pelvis = joints[:, 0]
    if not own:
        rest = _rest(avatar)
        pelvis = pelvis * (_leg(rest) / _leg(joints[0]))
        pose = replace(pose, transl=torch.as_tensor(pelvis - rest[0]).to(like))
    return Act(avatar, frames, pose, pelvis)


def act_of(avatar: Avatar, person: Person) -> Act:
    """The motion of one of a take's people, performed by an avatar.

    The avatar made of this very person stays where the camera saw them, and has the proportions
    that they have been found to have since.
    """
    motion = person.body
    assert motion is not None
    own = False
    if motion.model_sha256 == avatar.body.sha256 and len(avatar.betas) == len(motion.betas):
        betas = torch.as_tensor(motion.betas).to(avatar.betas)
        own = torch.allclose(betas, avatar.betas, rtol=0, atol=1e-4)
        if not own and avatar.name == person.id:
            shaped = avatar.shaped(betas)
            before, after = (_leg(_rest(one)) for one in (avatar, shaped))
            if abs(after / before - 1) < _CORRECTED:
                avatar, own = shaped, True
    everything = pose_at(motion, slice(None), avatar.betas)
    if motion.model_sha256 != avatar.body.sha256:
        # Expressions of one body mean nothing to another.
        everything = replace(everything, expression=None)
    return act(avatar, everything, motion.joints.astype(float), person.frames, own=own)


def together(several: list[Gaussians]) -> Gaussians:
    """Several people's Gaussians as one scene, in which who is in front hides who is behind."""
    if len(several) == 1:
        return several[0]
    most = max(one.harmonics.shape[1] for one in several)
    padded = [
        torch.nn.functional.pad(one.harmonics, (0, 0, 0, most - one.harmonics.shape[1]))
        for one in several
    ]
    means, scales, rotations, opacities = (
        torch.cat([getattr(one, name) for one in several])
        for name in ("means", "scales", "rotations", "opacities")
    )
    return Gaussians(means, scales, rotations, opacities, torch.cat(padded))


def _rest(avatar: Avatar) -> Float[np.ndarray, "joints 3"]:
    """Joints of the avatar's own body at rest, metres."""
    return avatar.body.rest_joints(avatar.betas[None])[0].detach().double().cpu().numpy()


def _leg(joints: Float[np.ndarray, "55 3"]) -> float:
    """Length of a leg, the mean of both, metres."""
    lengths = [
        np.linalg.norm(np.diff(joints[list(chain)], axis=0), axis=1).sum() for chain in _LEGS
    ]
    return float(np.mean(lengths))
