"""The sum of everything the refiner is trained for."""

from torch import Tensor

from mocap.depth import Refinement
from mocap.training.depth import losses
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import LossWeights

_LIKELIHOODS = {"laplace": losses.laplace_loss, "gaussian": losses.gaussian_loss}


def objective(said: Refinement, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """The losses by name, unweighted, and as ``"loss"`` their weighted sum.

    Args:
        said: what the network makes of the batch.
        batch: with the truth.
        weights: losses that weigh nothing are left out.

    Raises:
        ValueError: all weigh nothing, which no :class:`TrainConfig` allows.
    """
    xyz, sigma, camera = said.xyz.float(), said.sigma.float(), said.camera_relative.float()
    joints = losses.joint_weights(weights.face, xyz)
    likelihood = _LIKELIHOODS[weights.likelihood_kind]
    terms = {
        "position": lambda: losses.position_loss(xyz, batch.truth, joints),
        "depth": lambda: losses.depth_loss(xyz, batch.truth, joints),
        "likelihood": lambda: likelihood(xyz, batch.truth, sigma, joints),
        "bones": lambda: losses.bone_loss(xyz, batch.truth),
        "symmetry": lambda: losses.symmetry_loss(xyz, batch.truth),
        "camera": lambda: losses.direction_loss(camera, batch.camera),
        "distance": lambda: losses.distance_loss(camera, batch.camera),
        "velocity": lambda: losses.velocity_loss(xyz, batch.truth, batch.time, joints),
    }
    if batch.frames == 1:
        del terms["velocity"]
    found = {name: term() for name, term in terms.items() if getattr(weights, name)}
    if not found:
        raise ValueError("every loss weighs nothing")
    total = sum(getattr(weights, name) * value for name, value in found.items())
    assert isinstance(total, Tensor)
    return {"loss": total, **found}
