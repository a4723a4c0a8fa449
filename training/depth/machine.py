"""What of the machine a run uses: packages, device, precision, and which of its processes it is."""

import os
from dataclasses import replace
from importlib.util import find_spec

import torch

from mocap.training.depth.config import TrainConfig, TrainingError


def require_lightning() -> None:
    """Refuse to go on without what training needs.

    Raises:
        TrainingError: Lightning is not installed.
    """
    if find_spec("lightning") is None:
        raise TrainingError(
            "training needs the package lightning, which is not installed; "
            "pip install 'mocap-toolkit[train]'"
        )


def rank() -> int:
    """The number of this process among those of the run; Lightning starts one a device."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def is_first_process() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0


def _cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def settle(config: TrainConfig) -> TrainConfig:
    """Put this machine's device and precision in the place of ``"auto"``.

    Raises:
        TrainingError: what is asked for is not there.
    """
    device = config.device
    there = torch.cuda.device_count()
    if device == "auto":
        device = "cuda" if there else "cpu"
    if device == "cuda" and there < config.devices:
        raise TrainingError(
            f"{config.devices} CUDA devices are asked for, and PyTorch sees {there}; "
            "choose others with --device and --devices"
        )
    cores = _cores()
    if device == "cpu" and cores < config.devices:
        raise TrainingError(
            f"{config.devices} devices are asked for, and there are {cores} processor cores; "
            "take fewer with --devices (1 uses all of them)"
        )
    precision = config.precision
    if precision == "auto":
        mixed = "bf16-mixed" if device == "cuda" and torch.cuda.is_bf16_supported() else "16-mixed"
        precision = mixed if device == "cuda" else "32-true"
    if device == "cpu" and precision == "16-mixed":
        raise TrainingError("16-mixed needs a GPU; on CPUs take --precision bf16-mixed or 32-true")
    return replace(config, device=device, precision=precision)
