"""Training the depth refiner: a configuration and pairs in, a model file out.

``train`` does it all; ``TrainConfig`` says how. Pairs are held in memory as tensors (``data``),
varied on the way (``augmentations``), and compared with what the network says (``losses``).
"""

from mocap.training.depth.config import (
    NO_AUGMENTATION,
    SINGLE_FRAME,
    WINDOWS,
    Augmentations,
    LossWeights,
    TrainConfig,
    TrainingError,
    from_json,
)
from mocap.training.depth.extracted import as_extracted
from mocap.training.depth.folder import MODEL, RESUMABLE, finished_epochs
from mocap.training.depth.machine import is_first_process, require_lightning
from mocap.training.depth.measuring import measure_refiner, refined_poses
from mocap.training.depth.noise import FittedNoise
from mocap.training.depth.train import train

__all__ = [
    "MODEL",
    "NO_AUGMENTATION",
    "RESUMABLE",
    "SINGLE_FRAME",
    "WINDOWS",
    "Augmentations",
    "FittedNoise",
    "LossWeights",
    "TrainConfig",
    "TrainingError",
    "as_extracted",
    "finished_epochs",
    "from_json",
    "is_first_process",
    "measure_refiner",
    "refined_poses",
    "require_lightning",
    "train",
]
