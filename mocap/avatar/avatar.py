"""An avatar: Gaussians at rest, bound to a body that moves them."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.binding import Binding
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import turned
from mocap.avatar.rotations import blended, product
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError


@dataclass(frozen=True)
class Carriage:
    """Skinning transforms of an avatar's Gaussians: from rest to one pose.

    Attributes:
        before: (N, 3) places at rest, metres.
        after: (N, 3) where these come to be, world metres.
        linear: (N, 3, 3) what becomes of steps away from them.
        turns: (N, 4) by which the Gaussians are turned, quaternions ``wxyz`` of any length.
    """

    before: Float[Tensor, "gaussians 3"]
    after: Float[Tensor, "gaussians 3"]
    linear: Float[Tensor, "gaussians 3 3"]
    turns: Float[Tensor, "gaussians 4"]

    def carry(self, gaussians: Gaussians) -> Gaussians:
        """Gaussians that are at or near these places at rest, in the world."""
        away = (gaussians.means - self.before)[..., None]
        return Gaussians(
            means=self.after + (self.linear @ away)[..., 0],
            scales=gaussians.scales,
            rotations=product(self.turns, gaussians.rotations),
            opacities=gaussians.opacities,
            harmonics=turned(gaussians.harmonics, self.turns),
        )


@dataclass(frozen=True, eq=False)
class Avatar:
    """A person of Gaussians in the body's rest pose, a T-pose, and what carries each of them.

    Means are moved as the body's surface is, by linear blend skinning, expressions and corrections
    for poses included; rotations, and the colours' directions, by the blend of the joints'
    quaternions, which keeps Gaussians the size they are where limbs twist.

    Attributes:
        gaussians: at rest; metres, in the body's rest frame.
        binding: of each of them.
        betas: (B,) the body's shape that they rest on.
        body: the model.
        name: what to call the person.
        antialiased: whether its Gaussians were made for :func:`mocap.avatar.render`'s mode of that
            name; most splats from elsewhere were not.

    Raises:
        AvatarError: there are no Gaussians, or the shape is not this body's.
    """

    gaussians: Gaussians
    binding: Binding
    betas: Float[Tensor, " betas"]
    body: Body
    name: str = ""
    antialiased: bool = False

    def __post_init__(self) -> None:
        if not len(self.gaussians):
            raise AvatarError(f"the avatar {self.name} has no Gaussians")
        if len(self.gaussians) != len(self.binding):
            raise AvatarError(
                f"{len(self.binding)} Gaussians are bound, but there are {len(self.gaussians)}"
            )
        if len(self.betas) > self.body.num_betas:
            raise AvatarError(
                f"the avatar's shape has {len(self.betas)} components, the body "
                f"{self.body.name} {self.body.num_betas}; give --body the one it was made with"
            )

    def __len__(self) -> int:
        return len(self.gaussians)

    def __getitem__(self, chosen: Tensor | slice) -> "Avatar":
        """Some of the Gaussians."""
        parts = (getattr(self.gaussians, item.name)[chosen] for item in fields(Gaussians))
        return replace(self, gaussians=Gaussians(*parts), binding=self.binding[chosen])

    def to(self, where: torch.device | torch.dtype | str) -> "Avatar":
        """The same on another device or in another floating-point type, body and all."""
        if isinstance(where, torch.dtype):
            body = self.body.to(dtype=where)
        else:
            body = self.body.to(device=where)
        return replace(
            self,
            gaussians=self.gaussians.to(where),
            binding=self.binding.to(where),
            betas=self.betas.to(where),
            body=body,
        )

    def thinned(self, count: int) -> "Avatar":
        """About so many of the Gaussians, evenly chosen and as much wider, for small pictures."""
        every = len(self) // max(count, 1)
        if every < 2:
            return self
        some = self[slice(None, None, every)]
        wide = replace(some.gaussians, scales=some.gaussians.scales * every**0.5)
        return replace(some, gaussians=wide)

    def shaped(self, betas: Float[Tensor, " betas"]) -> "Avatar":
        """The same on a body of another shape: what is worn goes with the surface."""
        directions = self.binding.carrier(self.body).directions
        before, after = (directions[..., : len(one)] @ one for one in (self.betas, betas))
        means = self.gaussians.means + after - before
        return replace(self, gaussians=replace(self.gaussians, means=means), betas=betas)

    def posed(self, pose: BodyPose, betas: Float[Tensor, " betas"] | None = None) -> Gaussians:
        """The Gaussians in the world, with gradients to the pose and the shape.

        Args:
            pose: of one frame; its betas are not looked at.
            betas: a shape other than the avatar's own.
        """
        return self.carriage(pose, betas).carry(self.gaussians)

    def carriage(self, pose: BodyPose, betas: Float[Tensor, " betas"] | None = None) -> Carriage:
        """How a pose moves the Gaussians, whatever they look like; see :meth:`posed`."""
        return self.carriages(pose, betas)[0]

    def carriages(
        self, pose: BodyPose, betas: Float[Tensor, " betas"] | None = None
    ) -> list[Carriage]:
        """The same of several frames at once."""
        pose = replace(pose, betas=(self.betas if betas is None else betas)[None])
        found = self._carrier.forward(pose, return_vertices=True)
        assert found.vertices is not None
        linear = (self.binding.weights @ found.rotations.flatten(2)).unflatten(2, (3, 3))
        return [
            Carriage(self.gaussians.means, after, turning, blended(self.binding.weights, rotations))
            for after, turning, rotations in zip(
                found.vertices, linear, found.rotations, strict=True
            )
        ]

    @cached_property
    def _carrier(self) -> Body:
        """A body whose vertices are the Gaussians."""
        carrier = self.binding.carrier(self.body)
        shape = carrier.directions[..., : len(self.betas)] @ self.betas
        return replace(carrier, template=self.gaussians.means - shape)
