"""The body: joints, surface and landmarks from shape and pose.

The model is SMPL-X's (Pavlakos et al., "Expressive Body Capture", CVPR 2019): a template, linear
in shape and expression, joints regressed from the shaped surface, pose directions and linear
blend skinning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mocap.body.kinematics import forward_kinematics, rotation_matrices
from mocap.body.landmarks import LandmarkAttachments, LandmarkSet
from mocap.body.pose import BodyPose, PosedBody
from mocap.body.surface import Surface, shaped
from mocap.errors import BodyError
from mocap.skeletons import SMPLX_55


@dataclass(frozen=True, eq=False)
class Body:
    """A body model; metres, Y up, rest pose a T-pose that faces +Z with the left arm on +X.

    Attributes:
        template: vertices of the mean body.
        directions: their change with each shape, then each expression component.
        joint_template: the mean body's joints.
        joint_directions: their change with the same components.
        pose_directions: change of the vertices with those entries of the joints' ``R - I`` that
            change any.
        pose_entries: which of the 486 entries those are.
        weights: skin weights.
        faces: triangles, counter-clockwise from outside.
        landmarks: the body's named points.
        num_betas: number of shape components.
        num_expressions: number of expression components.
        expression_names: what they are called; empty where the file does not say.
        name: a short name of the model.
        path: the file it came from.
        sha256: of that file; shape parameters belong to this model only.
        licence: under which the model may be used.
    """

    template: Float[Tensor, "vertices 3"]
    directions: Float[Tensor, "vertices 3 components"]
    joint_template: Float[Tensor, "55 3"]
    joint_directions: Float[Tensor, "55 3 components"]
    pose_directions: Float[Tensor, "entries vertices 3"]
    pose_entries: Int[Tensor, " entries"]
    weights: Float[Tensor, "vertices 55"]
    faces: Int[Tensor, "faces 3"]
    landmarks: LandmarkSet
    num_betas: int
    num_expressions: int
    expression_names: tuple[str, ...]
    name: str
    path: Path
    sha256: str
    licence: str

    @property
    def joint_names(self) -> tuple[str, ...]:
        """SMPL-X's 55 joints."""
        return SMPLX_55.names

    @property
    def parents(self) -> tuple[int, ...]:
        """Each joint's parent, -1 at the pelvis."""
        return SMPLX_55.parents

    @property
    def landmark_names(self) -> tuple[str, ...]:
        """The named points, in the order of :attr:`PosedBody.landmarks`."""
        return self.landmarks.names

    @property
    def num_vertices(self) -> int:
        """The number of vertices."""
        return len(self.template)

    def to(self, *, dtype: torch.dtype | None = None, device: Any = None) -> "Body":
        """The same body in another floating-point type or on another device."""
        moved: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, Tensor):
                kind = dtype if value.is_floating_point() else None
                moved[item.name] = value.to(dtype=kind, device=device)
        return replace(self, **moved)

    def rest_joints(
        self,
        betas: Float[Tensor, "*frames betas"] | None = None,
        expression: Float[Tensor, "*frames expressions"] | None = None,
    ) -> Float[Tensor, "frames 55 3"]:
        """Joints of the T-pose; a batch of one where neither argument has a batch."""
        return shaped(self.joint_template, self.joint_directions, self._mix(betas, expression))

    def rest_vertices(
        self,
        betas: Float[Tensor, "*frames betas"] | None = None,
        expression: Float[Tensor, "*frames expressions"] | None = None,
    ) -> Float[Tensor, "frames vertices 3"]:
        """Vertices of the T-pose; a batch of one where neither argument has a batch."""
        return shaped(self.template, self.directions, self._mix(betas, expression))

    def height(
        self, betas: Float[Tensor, "*frames betas"] | None = None
    ) -> Float[Tensor, " frames"]:
        """Stature in metres: from the lowest to the highest point of the T-pose."""
        up = self._mix(betas, None)
        y = self.template[:, 1] + up @ self.directions[:, 1, : up.shape[1]].T
        return y.amax(dim=1) - y.amin(dim=1)

    def betas_for_height(self, metres: float) -> Float[Tensor, " betas"]:
        """The likeliest shape of a stature: the smallest betas that reach it.

        Raises:
            BodyError: for a stature no adult has, outside 1.2 to 2.4 m.
        """
        if not 1.2 <= metres <= 2.4:
            raise BodyError(f"a stature of {metres} m is outside 1.2 to 2.4 m")
        betas = self.template.new_zeros(self.num_betas)
        # The highest and lowest vertices change little with shape: a few steps settle.
        for _ in range(6):
            y = self.rest_vertices(betas)[0, :, 1]
            top, bottom = int(y.argmax()), int(y.argmin())
            slope = (self.directions[top, 1] - self.directions[bottom, 1])[: self.num_betas]
            missing = metres - (y[top] - y[bottom]) + slope @ betas
            betas = slope * missing / (slope @ slope)
        return betas

    def forward(
        self,
        pose: BodyPose | Any,
        *,
        return_vertices: bool = False,
        return_landmarks: bool = False,
        chunk: int = 64,
    ) -> PosedBody:
        """Pose a batch of bodies; differentiable in everything.

        Without vertices no work is done that grows with the surface.

        Args:
            pose: a :class:`BodyPose`, or anything with (some of) its attributes, such as a
                take's body motion.
            return_vertices: also skin the surface.
            return_landmarks: also skin the landmarks, at the cost of a few hundred vertices.
            chunk: bodies whose surface is skinned at a time, which bounds memory.

        Raises:
            BodyError: when a field has the wrong width, or batches differ.
        """
        pose = BodyPose.of(pose, self.template)
        pose.check(self.num_betas, self.num_expressions)
        local = rotation_matrices(pose.axis_angles(self.template))
        mix = self._mix(pose.betas, pose.expression)
        rest = shaped(self.joint_template, self.joint_directions, mix)
        rotations, joints = forward_kinematics(local, rest, self.parents)
        eye = torch.eye(3, dtype=local.dtype, device=local.device)
        entries = (local[:, 1:] - eye).flatten(1)[:, self.pose_entries]
        state = (mix, entries, rest, rotations, joints)
        vertices = landmarks = None
        if return_vertices:
            vertices = self._whole.posed(*state, chunk)
        if return_landmarks:
            points = self._landmark_skin.posed(*state, chunk)
            landmarks = self._gather_landmarks(points, joints, rotations)
        if pose.transl is not None:
            shift = pose.transl[:, None]
            joints = joints + shift
            vertices = None if vertices is None else vertices + shift
            landmarks = None if landmarks is None else landmarks + shift
        return PosedBody(joints, rotations, vertices, landmarks)

    __call__ = forward

    def named_points(
        self, posed: PosedBody, names: Sequence[str]
    ) -> Float[Tensor, "frames names 3"]:
        """Landmarks of a posed body, and its joints for names that no landmark has.

        Args:
            posed: with landmarks.
            names: of landmarks or of SMPL-X's joints.

        Raises:
            ValueError: the body has no such point.
        """
        assert posed.landmarks is not None
        known = (*self.landmark_names, *SMPLX_55.names)
        points = torch.cat([posed.landmarks, posed.joints], 1)
        return points[:, [known.index(name) for name in names]]

    def landmark_attachments(self) -> LandmarkAttachments:
        """Landmarks as points carried by the joint that dominates their skin, in float64.

        Keypoints are carried by the joint that they turn with.
        """
        marks, components = self.landmarks, slice(0, self.num_betas)
        shares, ids = marks.weights, marks.vertices
        skin_share = np.einsum("lp,lpj->lj", shares, self.weights.double().cpu().numpy()[ids])
        beside = marks.joints >= 0
        carriers = np.where(beside, marks.carriers, skin_share.argmax(axis=1))
        template = self.template.double().cpu().numpy()
        directions = self.directions[..., components].double().cpu().numpy()
        rest = self.joint_template.double().cpu().numpy()
        moved = self.joint_directions[..., components].double().cpu().numpy()
        places = np.where(
            beside[:, None],
            rest[marks.joints] + marks.offsets,
            np.einsum("lp,lpa->la", shares, template[ids]),
        )
        changes = np.where(
            beside[:, None, None],
            moved[marks.joints],
            np.einsum("lp,lpak->lak", shares, directions[ids]),
        )
        return LandmarkAttachments(
            names=marks.names,
            joints=carriers,
            template=places - rest[carriers],
            directions=changes - moved[carriers],
        )

    @cached_property
    def _whole(self) -> Surface:
        return Surface(self.template, self.directions, self.pose_directions, self.weights)

    @cached_property
    def _landmark_skin(self) -> Surface:
        chosen = torch.from_numpy(self.landmarks.vertices.ravel()).to(self.template.device)
        return Surface(
            self.template[chosen],
            self.directions[chosen],
            self.pose_directions[:, chosen],
            self.weights[chosen],
        )

    def _gather_landmarks(self, points: Tensor, joints: Tensor, rotations: Tensor) -> Tensor:
        marks = self.landmarks
        shares = torch.as_tensor(marks.weights).to(points)
        found = (points.unflatten(1, tuple(shares.shape)) * shares[..., None]).sum(dim=2)
        beside = np.flatnonzero(marks.joints >= 0)
        if len(beside) == 0:
            return found
        found = found.clone()
        away = torch.as_tensor(marks.offsets[beside]).to(points)
        turned = (rotations[:, marks.carriers[beside]] @ away[..., None])[..., 0]
        found[:, beside] = joints[:, marks.joints[beside]] + turned
        return found

    def _mix(self, betas: Tensor | None, expression: Tensor | None) -> Tensor:
        """Coefficients of all components, up to the last that is given: (batch, ≤ components)."""
        parts = []
        if betas is not None:
            parts.append(betas.reshape(-1, betas.shape[-1]))
        if expression is not None:
            before = self.num_betas - (0 if betas is None else betas.shape[-1])
            flat = expression.reshape(-1, expression.shape[-1])
            parts += [flat.new_zeros(len(flat), before), flat]
        if not parts:
            return self.template.new_zeros(1, 0)
        batch = max(len(part) for part in parts)
        return torch.cat([part.expand(batch, -1) for part in parts], dim=1)
