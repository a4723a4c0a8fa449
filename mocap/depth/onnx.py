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

#: The last one only of networks that can be told it.
INPUTS = ("xy", "xyz", "confidence", "time", "elevation")
OUTPUTS = ("refined", "sigma", "camera_relative")

# Understood by ONNX Runtime from 1.14 on.
_OPSET = 18


def export_onnx(network: DepthNetwork | DepthRefiner, path: str | Path) -> Path:
    """Write the network, normalisation and all, as ONNX with a free batch size.

    Inputs are :data:`INPUTS`: pixels (batch, frames, 17, 2), metres (batch, frames, 17, 3),
    confidence (batch, frames, 17), seconds (batch, frames), and, of networks that can be told it,
    the camera's elevation and how sure it is, radians (batch, frames, 2), as
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
    given = example(network.config.frames, network.config.elevation)
    inputs = INPUTS[: len(given)]
    try:
        with writing_whole(path) as temporary, warnings.catch_warnings():
            # Of branches on shapes, which stay as they are, and of the exporter's age.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                PlainNetwork(network).eval(),
                given,
                temporary,
                input_names=list(inputs),
                output_names=list(OUTPUTS),
                dynamic_axes={name: {0: "batch"} for name in (*inputs, *OUTPUTS)},
                opset_version=_OPSET,
                dynamo=False,
            )
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be written ({error.strerror or error}); choose another folder"
        ) from error
    return Path(path)
