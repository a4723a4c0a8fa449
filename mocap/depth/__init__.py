"""From one person's 2D and raw 3D points to better 3D, the view it was seen from, and doubts.

Monocular detectors see well in the picture and badly in depth, and how badly depends on where the
camera stands. A pose in the picture tells the viewpoint; a small transformer reads it, and puts
depths right from the other joints, without any calibration.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mocap.depth.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
    from mocap.depth.features import JOINTS, Normalised, normalise
    from mocap.depth.network import DepthNetwork, NetworkConfig, Refinement
    from mocap.depth.onnx import export_onnx
    from mocap.depth.refiner import DepthRefiner, RefinedPoses
    from mocap.depth.stage import (
        MIRRORED,
        REFINEMENT,
        REFINEMENT_VERSION,
        holds_refinement,
        refine_take,
        shipped_refiner,
        without_refinement,
    )
    from mocap.depth.viewpoint import VIEWPOINT_FEATURES, viewpoint_features
    from mocap.depth.windows import LONGEST_PAUSE, strands

_PLACES = {
    "checkpoint": ("Checkpoint", "read_checkpoint", "write_checkpoint"),
    "features": ("JOINTS", "Normalised", "normalise"),
    "network": ("DepthNetwork", "NetworkConfig", "Refinement"),
    "onnx": ("export_onnx",),
    "refiner": ("DepthRefiner", "RefinedPoses"),
    "stage": (
        "MIRRORED",
        "REFINEMENT",
        "REFINEMENT_VERSION",
        "holds_refinement",
        "refine_take",
        "shipped_refiner",
        "without_refinement",
    ),
    "viewpoint": ("VIEWPOINT_FEATURES", "viewpoint_features"),
    "windows": ("LONGEST_PAUSE", "strands"),
}

__all__ = [
    "JOINTS",
    "LONGEST_PAUSE",
    "MIRRORED",
    "REFINEMENT",
    "REFINEMENT_VERSION",
    "VIEWPOINT_FEATURES",
    "Checkpoint",
    "DepthNetwork",
    "DepthRefiner",
    "NetworkConfig",
    "Normalised",
    "RefinedPoses",
    "Refinement",
    "export_onnx",
    "holds_refinement",
    "normalise",
    "read_checkpoint",
    "refine_take",
    "shipped_refiner",
    "strands",
    "viewpoint_features",
    "without_refinement",
    "write_checkpoint",
]


def __getattr__(name: str) -> Any:
    # PyTorch takes seconds to import: whoever only asks what the stage is called does not pay.
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"mocap.depth.{module}"), name)
    raise AttributeError(f"module 'mocap.depth' has no attribute {name!r}")
