"""Which of SAM 2's models a checkpoint is of, by the shapes of what is in it."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch

from mocap.errors import MaskError

#: Names of sizes, by the width of the image encoder's first layer and how many blocks it has.
_SIZES = {(96, 12): "t", (96, 16): "s", (112, 24): "b+", (144, 48): "l"}
_FIRST = "image_encoder.trunk.patch_embed.proj.weight"
_BLOCK = "image_encoder.trunk.blocks."
#: What version 2.1 has and version 2 has not.
_NEW = "no_obj_embed_spatial"


def configuration_of(checkpoint: Path) -> str:
    """The name under which the package ``sam2`` has the model's configuration.

    Raises:
        MaskError: the file is not there, or no checkpoint of SAM 2.
    """
    if not checkpoint.is_file():
        raise MaskError(f"{checkpoint}: no such checkpoint; give SAM 2's .pt file by --checkpoint")
    try:
        held = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as fault:
        raise MaskError(f"{checkpoint}: is no checkpoint of PyTorch's, or is damaged") from fault
    weights = held.get("model") if isinstance(held, dict) else None
    size = _size(weights) if isinstance(weights, Mapping) else None
    if size is None or not isinstance(weights, Mapping):
        raise MaskError(
            f"{checkpoint}: is no checkpoint of SAM 2; give one such as sam2.1_hiera_tiny.pt"
        )
    version = "2.1" if _NEW in weights else "2"
    return f"configs/sam{version}/sam{version}_hiera_{size}.yaml"


def _size(weights: Mapping[str, torch.Tensor]) -> str | None:
    if not isinstance(weights.get(_FIRST), torch.Tensor):
        return None
    blocks = {key.removeprefix(_BLOCK).split(".")[0] for key in weights if key.startswith(_BLOCK)}
    return _SIZES.get((len(weights[_FIRST]), len(blocks)))
