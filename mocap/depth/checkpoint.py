"""A trained network as a file: safetensors, with all that says what it is in its metadata.

The file format is Hugging Face's safetensors, which holds arrays and text and runs nothing. Weights
are float16 in the file and float32 in memory. A checksum over metadata and weights tells damage.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mocap.depth.network import DepthNetwork, NetworkConfig
from mocap.errors import CheckpointError
from mocap.files import write_whole

FORMAT = "mocap-depth-refiner"
#: Of the file and of the network's inside: weights of another version mean something else.
VERSION = 3

# The entry of safetensors' metadata that holds all of ours, as JSON.
_TOLD = "about"
# No size in a configuration is larger.
_MOST = 1024
_LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        config: the network's.
        weights: float32, by the network's own names.
        recipe: how it was trained; whatever JSON can hold.
        data_sha256: of what it was trained on.
        licence: of the weights.
        sha256: of the file.
    """

    config: NetworkConfig
    weights: Mapping[str, Tensor]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    data_sha256: str = ""
    licence: str = "Apache-2.0"
    sha256: str = ""

    def network(self) -> DepthNetwork:
        """The network with these weights, ready to refine."""
        # Without memory, and without dice: whatever sizes a file claims cost nothing before they
        # are compared with its weights.
        with torch.device("meta"):
            network = DepthNetwork(self.config)
        weights = {name: weight.clone() for name, weight in self.weights.items()}
        network.load_state_dict(weights, assign=True)
        return network.eval().requires_grad_(False)


def write_checkpoint(
    network: DepthNetwork,
    path: str | Path,
    *,
    recipe: Mapping[str, Any] | None = None,
    data_sha256: str = "",
    licence: str = "Apache-2.0",
) -> Path:
    """Write a trained network, wholly or not at all.

    Args:
        network: any device, any precision.
        path: the file.
        recipe: how it was trained; whatever JSON can hold.
        data_sha256: of what it was trained on.
        licence: of the weights.

    Raises:
        CheckpointError: weights are not finite, or the file cannot be written.
    """
    weights = {name: weight.cpu().half() for name, weight in network.state_dict().items()}
    wrong = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if wrong:
        raise CheckpointError(
            f"{path}: is not written: {wrong[0]} is not finite, or beyond what float16 can hold; "
            "train with a lower --lr"
        )
    told = {
        "format": FORMAT,
        "version": VERSION,
        "config": asdict(network.config),
        "recipe": dict(recipe or {}),
        "data_sha256": data_sha256,
        "licence": licence,
    }
    told["checksum"] = _checksum(told, weights)
    # One entry: several would be written in an order of their own each time.
    metadata = {_TOLD: json.dumps(told, sort_keys=True)}
    return write_whole(path, save(weights, metadata), error=CheckpointError)


def read_checkpoint(path: str | Path) -> Checkpoint:
    """Read a trained network.

    Raises:
        CheckpointError: the file is missing, damaged, something else, or of another version.
    """
    path = Path(path)
    try:
        return _checked(path, *_contents(path))
    except RecursionError as error:
        raise _damaged(path, "its metadata are nested too deeply") from error


def _checked(
    path: Path, told: Mapping[str, Any], stored: Mapping[str, Tensor], sha256: str
) -> Checkpoint:
    """What a file tells and holds, if it is a refiner's and belongs together."""
    if told.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: is a safetensors file, but no depth refiner; `mocap train depth` makes one"
        )
    if told.get("version") != VERSION:
        raise CheckpointError(
            f"{path}: is a depth refiner of version {told.get('version')}; this program reads "
            f"version {VERSION}. Install the mocap-toolkit that made it, or train again with "
            "`mocap train depth`"
        )
    if told.get("checksum") != _checksum(told, stored):
        raise _damaged(path, "its checksum is of something else")
    weights = {name: weight.float() for name, weight in stored.items()}
    try:
        config = _config(told["config"])
        if max(config.layers, config.temporal_layers) > len(weights):
            raise ValueError(f"there are more layers than the {len(weights)} weights")
        parts = (told["recipe"], told["data_sha256"], told["licence"])
        if [type(part) for part in parts] != [dict, str, str]:
            raise ValueError("recipe, data_sha256 and licence are not a table and two texts")
        if not all(weight.isfinite().all() for weight in weights.values()):
            raise ValueError("weights are not finite")
        checkpoint = Checkpoint(config, weights, *parts, sha256)
        checkpoint.network()
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise _damaged(path, f"its parts do not belong together: {reason}") from error
    return checkpoint


def _contents(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], str]:
    """What a safetensors file tells about itself, its tensors, and its hash."""
    try:
        if path.stat().st_size > _LARGEST:
            raise CheckpointError(f"{path}: is no depth refiner: it is far too large")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            told = json.loads((file.metadata() or {}).get(_TOLD, "{}"))
            return told if isinstance(told, dict) else {}, tensors, sha256
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such file; `mocap train depth` makes a depth refiner"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (SafetensorError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{path}: is damaged, cut short, or no depth refiner ({reason}); get it again, or make "
        "one with `mocap train depth`"
    )


def _checksum(told: Mapping[str, Any], weights: Mapping[str, Tensor]) -> str:
    rest = {name: value for name, value in told.items() if name != "checksum"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}\n".encode())
        digest.update(weight.contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _config(told: Mapping[str, Any]) -> NetworkConfig:
    """A network's configuration from JSON, which must name what it has and nothing else."""
    usual = NetworkConfig()
    for item in fields(NetworkConfig):
        if type(told[item.name]) is not type(getattr(usual, item.name)):
            raise ValueError(f"{item.name} is {told[item.name]!r}")
        if isinstance(told[item.name], int) and told[item.name] > _MOST:
            raise ValueError(f"{item.name} is {told[item.name]}, more than {_MOST}")
    if not math.isfinite(told["rate"]):
        raise ValueError(f"rate is {told['rate']}")
    return NetworkConfig(**told)
