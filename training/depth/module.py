"""The refiner as Lightning trains it: steps, validation, learning rates, averaged weights."""

import copy
import math
from collections.abc import Callable
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from mocap.depth import DepthNetwork
from mocap.evaluate import DepthAccuracy, DepthPoses, measure_depth
from mocap.training.depth.augmentations import augmented, told_elevation
from mocap.training.depth.batches import Batch
from mocap.training.depth.config import TrainConfig
from mocap.training.depth.data import Samples
from mocap.training.depth.objective import objective

#: How far off the elevations are that validation tells, radians.
_TOLD_SIGMA = math.radians(3.0)


class DepthModule(lightning.LightningModule):
    """A refiner in training.

    Batches are numbers of windows; the samples themselves wait on the device.

    Args:
        config: of the run.
        train: what is learned from.
        val: what it is watched on.
        steps: of the whole run.
        sequence: of val's windows, which of them are of one motion.
    """

    def __init__(
        self,
        config: TrainConfig,
        train: Samples,
        val: Samples,
        steps: int,
        sequence: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = DepthNetwork(config.network)
        # The running mean of the weights is part of the state that checkpoints keep.
        self.mean = _frozen(self.network) if config.average else None
        self._samples, self._val, self._steps, self._sequence = train, val, steps, sequence
        self._lots = torch.Generator()
        self._sums: dict[str, Tensor] = {}
        self._said: list[tuple[Tensor, ...]] = []
        #: Steps since the epoch began, and what was measured when it last was validated.
        self.taken = 0
        self.accuracy: DepthAccuracy | None = None

    @property
    def best_network(self) -> DepthNetwork:
        """The network that is validated and kept."""
        return self.network if self.mean is None else self.mean

    def losses(self) -> dict[str, float]:
        """Means of the losses since the epoch began."""
        return {name: float(total) / max(self.taken, 1) for name, total in self._sums.items()}

    def on_fit_start(self) -> None:
        """Move the samples to where they are needed."""
        self._samples, self._val = self._samples.to(self.device), self._val.to(self.device)
        self._lots = torch.Generator(self.device)

    def on_train_epoch_start(self) -> None:
        """Draw other lots, that depend on the epoch alone: a resumed run draws the same."""
        seed = (self.config.seed * 1_000_003 + self.current_epoch) * 1_009 + self.global_rank
        self._lots.manual_seed(seed)
        torch.manual_seed(seed)
        self._sums, self.taken = {}, 0

    def training_step(self, chosen: Tensor, _: int) -> Tensor:
        """One step's loss."""
        batch = self._samples.batch(chosen)
        batch = augmented(batch, self.config.augmentations, self._lots)
        said = self.network(*batch.shown)
        found = objective(said, batch, self.config.losses)
        for name, value in found.items():
            self._sums[name] = self._sums.get(name, 0.0) + value.detach()
        self.taken += 1
        return found["loss"]

    def on_train_batch_end(self, *_: Any) -> None:
        """Let the mean follow the weights."""
        if self.mean is not None:
            follow(self.mean, self.network, self.config.average, self.global_step)

    def validation_step(self, chosen: Tensor, _: int) -> None:
        """Refine some windows, and keep what is said of the frames that they are for."""
        batch = self._told(self._val.batch(chosen))
        # In full precision, as refiners work.
        with torch.autocast(self.device.type, enabled=False):
            said = self.best_network(*batch.shown)
        rows, places = torch.arange(len(batch), device=self.device), self._val.places[chosen]
        parts = (said.xyz, said.camera_relative, said.sigma, batch.truth, batch.camera)
        self._said.append(tuple(part[rows, places].float().cpu() for part in parts))

    def _told(self, batch: Batch) -> Batch:
        """A batch that tells elevations as a clip's lines do, with the same errors each time.

        Only where the network learns to be told.
        """
        if not (self.config.network.elevation and self.config.augmentations.tell_elevation):
            return batch
        sigma = torch.full((len(batch),), _TOLD_SIGMA, device=self.device)
        lots = torch.Generator(self.device).manual_seed(int(batch.time.nan_to_num().sum() * 1e3))
        error = sigma * torch.randn(len(batch), generator=lots, device=self.device)
        return told_elevation(batch, torch.ones_like(sigma, dtype=torch.bool), sigma, error)

    def on_validation_epoch_end(self) -> None:
        """Measure what was said."""
        xyz, camera, sigma, truth, place = (
            torch.cat(parts).numpy() for parts in zip(*self._said, strict=True)
        )
        self._said = []
        self.accuracy = measure_depth(
            DepthPoses(truth, place), DepthPoses(xyz, camera, sigma), sequence=self._sequence
        )

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW, and a rate that rises, then falls as a cosine."""
        groups = weight_groups(self.network, self.config.weight_decay)
        # Fused steps unscale gradients themselves, and cannot be clipped before.
        fused = self.config.precision != "16-mixed"
        optimizer = torch.optim.AdamW(groups, lr=self.config.lr, fused=fused)
        rate = schedule(self._steps, self.config.warm_up, self.config.last_lr)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def schedule(steps: int, warm_up: float, last: float) -> Callable[[int], float]:
    """The share of the highest rate at a step: a straight rise, then half a cosine down.

    Args:
        steps: in all.
        warm_up: share of them in which it rises.
        last: the share it ends at.
    """
    rise = max(1, round(warm_up * steps))

    def share(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        done = min(1.0, (step - rise) / max(1, steps - rise))
        return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))

    return share


def weight_groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices, which decay, and the rest, which does not."""
    matrices = [p for p in network.parameters() if p.ndim >= 2]
    rest = [p for p in network.parameters() if p.ndim < 2]
    return [
        {"params": matrices, "weight_decay": decay},
        {"params": rest, "weight_decay": 0.0},
    ]


@torch.no_grad()
def follow(mean: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the running mean of weights on by one step; early on it follows more closely."""
    decay = min(decay, (1 + step) / (10 + step))
    to: list[Tensor] = list(mean.parameters())
    source: list[Tensor] = list(network.parameters())
    torch._foreach_lerp_(to, source, 1 - decay)


def _frozen(network: DepthNetwork) -> DepthNetwork:
    mean = copy.deepcopy(network)
    return mean.requires_grad_(False)
