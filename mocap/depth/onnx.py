"""The network as ONNX, for other runtimes."""

import copy
import warnings
from importlib.util import find_spec
from pathlib import Path

import torch

from mocap.depth.network import DepthNetwork
from mocap.depth.refiner import DepthRefiner
from mocap.depth.tracing import PlainNetwork, example
from mocap.errors import CheckpointError
from mocap.files import writing_whole

INPUTS = ("xy", "xyz", "confidence", "time")
OUTPUTS = ("refined", "sigma", "camera_relative")

# Understood by ONNX Runtime from 1.14 on.
_OPSET = 18


def export_onnx(network: DepthNetwork | DepthRefiner, path: str | Path) -> Path:
    """Write the network, normalisation and all, as ONNX with a free batch size.

    Inputs are :data:`INPUTS`: pixels (batch, frames, 17, 2), metres (batch, frames, 17, 3),
    confidence (batch, frames, 17), seconds (batch, frames), as
    :meth:`mocap.depth.network.DepthNetwork.forward` takes them, NaN for what is missing included.
    Outputs are :data:`OUTPUTS`. The number of frames is the network's. Of a refiner, its network
    is written: what it does about tracks and mirrors is not.

    Raises:
        CheckpointError: the ``onnx`` package is missing, or the file cannot be written.
    """
    if find_spec("onnx") is None:
        raise CheckpointError(
            f"{path}: ONNX needs the onnx package; pip install 'mocap-toolkit[train]'"
        )
    if isinstance(network, DepthRefiner):
        network = network.network
    if next(network.parameters()).device.type != "cpu":
        network = copy.deepcopy(network).cpu()
    try:
        with writing_whole(path) as temporary, warnings.catch_warnings():
            # Of branches on shapes, which stay as they are, and of the exporter's age.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                PlainNetwork(network).eval(),
                example(network.config.frames),
                temporary,
                input_names=list(INPUTS),
                output_names=list(OUTPUTS),
                dynamic_axes={name: {0: "batch"} for name in (*INPUTS, *OUTPUTS)},
                opset_version=_OPSET,
                dynamo=False,
            )
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error
    return Path(path)
