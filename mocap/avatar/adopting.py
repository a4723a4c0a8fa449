"""Splats of people from elsewhere: the body is put into them, and they are brought to rest.

A splat of a person says nothing of joints, and wears clothes of its own. Some come with skin
weights, which are then kept.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import bind
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import turned
from mocap.avatar.meeting import Stance
from mocap.avatar.rotations import product, quaternions
from mocap.avatar.standing import stance_in
from mocap.avatar.threads import one_thread
from mocap.body import Body
from mocap.errors import AvatarError
from mocap.skeletons import SMPLX_55

#: Told in a few words what was found in a file.
Tell = Callable[[str], None]
#: Gaussians that the body can carry within an ordinary computer's memory.
_MOST = 500_000
#: How far from the origin single precision is about as coarse as a millimetre, and what no part of
#: a person's splat measures, metres; in smaller units, they are hardly met.
_FARTHEST, _WIDEST = 1e4, 1e4
#: Opacity from which on a Gaussian is part of what is seen.
_SOLID = 0.2


def untold(words: str, /) -> None:
    """For whoever does not ask what was found."""


@one_thread()
def adopt(
    gaussians: Gaussians,
    body: Body,
    name: str = "",
    source: str = "the splat",
    *,
    weights: Float[Tensor, "gaussians 55"] | None = None,
    tell: Tell = untold,
) -> Avatar:
    """Bind a person's Gaussians, in T- or A-pose, to the body, and bring them to rest.

    Args:
        gaussians: metres; any way up, facing anywhere; legs together or apart.
        body: the model, in single precision; the avatar is where it is.
        name: of the person.
        source: what to call the splat in messages.
        weights: skin weights of SMPL-X's joints that each came with; those of the body's skin
            beside them if not given.
        tell: told in which pose they are.

    Raises:
        AvatarError: it is no person's, or in no pose that is recognised.
    """
    device = body.template.device
    # What is nearest is looked for on the CPU, at every step.
    gaussians, body = gaussians.to("cpu"), body.to(device="cpu")
    if len(gaussians) > _MOST:
        raise AvatarError(
            f"{source}: has {len(gaussians)} Gaussians; a person is moved with {_MOST} at most: "
            "cut away what is not the person, or thin it in an editor of splats (SuperSplat)"
        )
    _expect_sane(gaussians, source)
    solid = gaussians.means[gaussians.opacities > _SOLID].detach().double().cpu().numpy()
    if len(solid) < 200:
        raise AvatarError(f"{source}: has {len(solid)} Gaussians one can see; a person takes more")
    stance = stance_in(solid, body, source)
    tell(_told(stance, body))
    turn = torch.from_numpy(stance.turn)
    upright = _turned(gaussians, turn)
    with torch.no_grad():
        posed = body.forward(replace(stance.pose, betas=stance.betas[None]), return_vertices=True)
        assert posed.vertices is not None
        binding, _ = bind(upright.means, posed.vertices[0], body)
        if weights is not None:
            binding = replace(binding, weights=weights.to(binding.weights))
        rest = body.rest_vertices(stance.betas[None])[0]
        before = replace(upright, means=binding.between(rest, body.faces))
        carriage = Avatar(before, binding, stance.betas, body, name).carriage(stance.pose)
        away = torch.linalg.solve(carriage.linear, (upright.means - carriage.after)[..., None])
        back = carriage.turns * carriage.turns.new_tensor([1.0, -1, -1, -1])
        resting = replace(
            upright,
            means=before.means + away[..., 0],
            rotations=product(back, upright.rotations),
            harmonics=turned(upright.harmonics, back),
        )
    return Avatar(resting, binding, stance.betas, body, name).to(device)


def _expect_sane(gaussians: Gaussians, source: str) -> None:
    """Single precision can hold a person who is there, and no Gaussian hides everything."""
    away = float(gaussians.means.double().median(0).values.norm())
    if away > _FARTHEST:
        raise AvatarError(
            f"{source}: is {away:.2g} from the origin, where numbers in single precision are too "
            "coarse for a person: move it to the origin in what made it, and export it anew"
        )
    vast = int((gaussians.scales > _WIDEST).any(1).sum())
    if vast:
        raise AvatarError(
            f"{source}: has {vast} of {len(gaussians)} Gaussians wider than {_WIDEST:.0f} m, in "
            "which a person drowns: cut them away in an editor of splats (SuperSplat)"
        )


def _turned(gaussians: Gaussians, turn: Tensor) -> Gaussians:
    like = gaussians.means
    q = quaternions(turn[None]).to(like).expand(len(gaussians), 4)
    return replace(
        gaussians,
        means=like @ turn.to(like).T,
        rotations=product(q, gaussians.rotations),
        harmonics=turned(gaussians.harmonics, q),
    )


def _told(stance: Stance, body: Body) -> str:
    """The pose in words."""
    with torch.no_grad():
        # As of somebody upright, however they lean.
        pose = replace(stance.pose, betas=stance.betas[None], global_orient=None)
        joints = body.forward(pose).joints[0].double().cpu().numpy()

    def dips(limb: str, end: str) -> float:
        """Degrees under the horizontal, of both sides' mean."""
        down = [
            joints[SMPLX_55.index(f"{side}_{limb}")] - joints[SMPLX_55.index(f"{side}_{end}")]
            for side in ("left", "right")
        ]
        return float(np.mean([np.rad2deg(np.arcsin(one[1] / np.linalg.norm(one))) for one in down]))

    arms, legs = dips("shoulder", "elbow"), 2 * (90 - dips("hip", "ankle"))
    return f"arms {round(arms)} degrees below the horizontal, {round(legs)} between the legs"
