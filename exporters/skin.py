"""The surface that a skeleton carries."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from mocap.body import Body
from mocap.errors import ExportError
from mocap.take import BodyMotion, Take


@dataclass(frozen=True, eq=False)
class Skin:
    """A surface in the rest pose of a skeleton, and how its joints move it.

    Attributes:
        vertices: (V, 3) metres, in the rest pose, where the root is at its rest position.
        faces: (T, 3) triangles, counter-clockwise from outside.
        weights: (V, J) of the skeleton's joints; each vertex's add up to one.
    """

    vertices: Float[np.ndarray, "vertices 3"]
    faces: Int[np.ndarray, "faces 3"]
    weights: Float[np.ndarray, "vertices joints"]

    def normals(self) -> Float[np.ndarray, "vertices 3"]:
        """(V, 3) unit normals, those of the faces around by their areas."""
        a, b, c = (self.vertices[self.faces[:, corner]] for corner in range(3))
        across = np.cross(b - a, c - a)
        summed = np.zeros_like(self.vertices)
        for corner in range(3):
            np.add.at(summed, self.faces[:, corner], across)
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        return summed / np.where(length > 0, length, 1.0)

    def strongest(self, count: int) -> "Skin":
        """The same with no more than so many joints a vertex, the strongest."""
        if count >= self.weights.shape[1]:
            return self
        least = np.partition(self.weights, -count, axis=1)[:, -count]
        kept = np.where(self.weights >= np.maximum(least, 1e-9)[:, None], self.weights, 0.0)
        return replace(self, weights=kept / kept.sum(1, keepdims=True))

    def strongest_joints(
        self, count: int
    ) -> tuple[Int[np.ndarray, "vertices most"], Float[np.ndarray, "vertices most"]]:
        """The joints that move each vertex, no more than so many, and their weights.

        Returns:
            (V, C) joints, the strongest first, and (V, C) weights, zero where there are fewer,
            whose joint is then 0. C is no more than vertices need, and a multiple of four.
        """
        weights = self.strongest(count).weights
        most = -int(-(weights > 0).sum(1).max() // 4) * 4
        weights = np.pad(weights, ((0, 0), (0, max(0, most - weights.shape[1]))))
        order = np.argsort(-weights, axis=1, kind="stable")[:, :most]
        chosen = np.take_along_axis(weights, order, axis=1)
        return np.where(chosen > 0, order, 0), chosen


def skin_from_take(take: Take, person_id: str, body: Body) -> Skin:
    """The body of one person in the rest pose of :func:`~mocap.exporters.motion.motion_from_take`.

    Args:
        take: a take with fitted bodies.
        person_id: whose.
        body: the model they were fitted with.

    Raises:
        ExportError: they were fitted with another model.
    """
    person = require_body(take, person_id, body)
    betas = torch.as_tensor(np.asarray(person.betas), dtype=body.template.dtype)
    with torch.no_grad():
        vertices = body.rest_vertices(betas)[0]
    return Skin(
        vertices.double().numpy(), body.faces.numpy(), body.weights.double().numpy()
    ).strongest(8)


def require_body(take: Take, person_id: str, body: Body) -> BodyMotion:
    """The motion of a person who was fitted with this body.

    Raises:
        ExportError: they were not fitted, or with another.
    """
    person = take.people[person_id].body
    if person is None:
        raise ExportError(f"person {person_id}: has no body motion yet; `mocap fit` makes it")
    if person.model_sha256 != body.sha256:
        raise ExportError(
            f"person {person_id}: was fitted with the body {person.model} "
            f"({person.model_sha256[:12]}), not with {body.name} ({body.sha256[:12]}); name the "
            "file it was fitted with by --body, or leave the surface out with --no-mesh"
        )
    return person
