"""What a run tells on its way: figures of every epoch, its best model, how far it is."""

import csv
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from torch import Tensor

from mocap.evaluate import DepthAccuracy
from mocap.files import write_whole
from mocap.progress import Progress
from mocap.training.depth.config import TrainingError
from mocap.training.depth.folder import METRICS, MODEL
from mocap.training.depth.module import DepthModule

#: Told the figures of every epoch, and between them the mean losses since it began.
Report = Callable[[Mapping[str, float]], None]
#: The figure by which the best model is chosen.
CHOSEN_BY = "val_mpjpe_mm"
_TELL_EVERY = 20


def untold(figures: Mapping[str, float]) -> None:
    """A report that nobody reads."""


class History(lightning.Callback):
    """Keeps figures as a table, and the best model so far.

    Args:
        folder: where the table goes.
        raw: the detector's own accuracy on the validation pairs.
        keep: writes a module's network, given the figures of the epoch.
        poses: in an epoch.
        progress: told of poses.
        report: told of figures.
    """

    def __init__(
        self,
        folder: Path,
        raw: DepthAccuracy,
        keep: Callable[[DepthModule, Mapping[str, float]], None],
        poses: int,
        progress: Progress,
        report: Report,
    ) -> None:
        self._folder, self._raw, self._keep = folder, raw, keep
        self._poses, self._progress, self._report = poses, progress, report
        self.rows: list[dict[str, float]] = []
        self._best = math.inf
        self._began, self._first, self._total = 0.0, 0, 0

    def state_dict(self) -> dict[str, Any]:
        """The figures so far: a resumed run goes on with them."""
        return {"rows": self.rows, "best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where an earlier run stopped."""
        self.rows = list(state_dict["rows"])
        least = min((row[CHOSEN_BY] for row in self.rows), default=math.inf)
        self._best = float(state_dict.get("best", least))

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """See how much is left to do."""
        assert trainer.max_epochs is not None
        self._first = trainer.current_epoch
        self._total = (trainer.max_epochs - self._first) * self._poses
        self._progress("training", 0, self._total)

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Start the epoch's clock."""
        self._began = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Say how far it is."""
        assert isinstance(module, DepthModule)
        epochs = (
            trainer.current_epoch - self._first + (batch_idx + 1) / trainer.num_training_batches
        )
        # The last step's work is not done before the epoch is validated and written down.
        done = min(round(epochs * self._poses), self._total - 1)
        self._progress("training", done, self._total)
        if batch_idx % _TELL_EVERY == 0:
            self._report({"epoch": trainer.current_epoch + 1, **module.losses()})

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, module: lightning.LightningModule
    ) -> None:
        """Write the epoch's figures down, and the model if it is the best."""
        assert isinstance(module, DepthModule)
        row = self._row(trainer, module)
        if not math.isfinite(row["loss"]):
            raise TrainingError(
                f"{self._folder}: the loss is not finite in epoch {row['epoch']:.0f}; "
                "train with a lower --lr"
            )
        if not math.isfinite(row[CHOSEN_BY]):
            raise TrainingError(
                f"{self._folder}: what validates in epoch {row['epoch']:.0f} is no number; "
                "train with a lower --lr, or with --precision 32-true"
            )
        if not (self._folder / MODEL).exists():
            # Nobody has done better than a best model that somebody has deleted.
            self._best = math.inf
        self.rows.append(row)
        if not trainer.is_global_zero:
            return
        if row[CHOSEN_BY] < self._best:
            self._best = row[CHOSEN_BY]
            self._keep(module, row)
        write_whole(self._folder / METRICS, as_csv(self.rows), error=TrainingError)
        for logger in trainer.loggers:
            logger.log_metrics(row, trainer.global_step)
        self._report(row)

    def on_train_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Say that it is done."""
        self._progress("training", self._total, self._total)

    def _row(self, trainer: lightning.Trainer, module: DepthModule) -> dict[str, float]:
        assert module.accuracy is not None
        return {
            "epoch": trainer.current_epoch + 1,
            "seconds": time.perf_counter() - self._began,
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            **module.losses(),
            **{f"val_{name}": float(value) for name, value in asdict(module.accuracy).items()},
            **{
                f"raw_{name}": float(getattr(self._raw, name))
                for name in ("mpjpe_mm", "pa_mpjpe_mm", "depth_mm", "camera_median_degrees")
            },
        }


def as_csv(rows: Sequence[Mapping[str, float]]) -> str:
    """Rows of figures as a table with a line of titles."""
    text = io.StringIO(newline="")
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = csv.DictWriter(text, names, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: f"{value:.6g}" for name, value in row.items()})
    return text.getvalue()
