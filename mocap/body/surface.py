"""A body's surface, or some of its vertices: shaped, bent and skinned."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.body.kinematics import skin


@dataclass(frozen=True)
class Surface:
    """Vertices and what moves them; metres, in the rest frame.

    Attributes:
        template: vertices of the mean body.
        directions: their change with each shape and expression component.
        pose_directions: their change with entries of the joints' ``R - I``.
        weights: skin weights.
    """

    template: Float[Tensor, "vertices 3"]
    directions: Float[Tensor, "vertices 3 components"]
    pose_directions: Float[Tensor, "entries vertices 3"]
    weights: Float[Tensor, "vertices joints"]

    def posed(
        self,
        mix: Float[Tensor, "shapes components"],
        entries: Float[Tensor, "batch entries"],
        rest: Float[Tensor, "shapes joints 3"],
        rotations: Float[Tensor, "batch joints 3 3"],
        joints: Float[Tensor, "batch joints 3"],
        chunk: int,
    ) -> Float[Tensor, "batch vertices 3"]:
        """Posed vertices, ``chunk`` bodies at a time so that memory stays bounded.

        Args:
            mix: coefficients of the components; one shape, or one for each body.
            entries: entries of ``R - I`` that the pose directions belong to.
            rest: the shapes' joints in the rest pose.
            rotations: of the joints, from the rest frame to the world.
            joints: posed joints.
            chunk: bodies at a time.
        """
        shared = len(mix) == 1
        # One shape for all bodies is shaped once, not once per chunk.
        common = shaped(self.template, self.directions, mix) if shared else None
        pieces = []
        for start in range(0, max(len(joints), 1), chunk):
            here = slice(start, start + chunk)
            surface = common
            if surface is None:
                surface = shaped(self.template, self.directions, mix[here])
            bent = (entries[here] @ self.pose_directions.flatten(1)).unflatten(1, (-1, 3))
            at_rest = rest if shared else rest[here]
            pieces.append(
                skin(surface + bent, at_rest, rotations[here], joints[here], self.weights)
            )
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def shaped(
    template: Float[Tensor, "points 3"],
    directions: Float[Tensor, "points 3 components"],
    mix: Float[Tensor, "shapes given"],
) -> Float[Tensor, "shapes points 3"]:
    """``template + directions @ mix`` for each row of ``mix``; components not given are zero."""
    used = directions[..., : mix.shape[1]].flatten(0, 1)
    return template + (mix @ used.T).unflatten(1, (-1, 3))
