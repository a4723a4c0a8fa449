"""One training run, as Lightning does it."""

import logging
import math
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import numpy as np
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from torch import Tensor

from mocap.depth import write_checkpoint
from mocap.evaluate import DepthAccuracy, DepthPoses, measure_depth, plain
from mocap.progress import Progress, silent
from mocap.training.depth.config import TrainConfig, TrainingError
from mocap.training.depth.data import Corpus, InOrder, Shuffled, make_samples
from mocap.training.depth.folder import LOGS, MODEL, RESUMABLE
from mocap.training.depth.history import History, Report, untold
from mocap.training.depth.machine import is_first_process, rank
from mocap.training.depth.module import DepthModule

_LOG = logging.getLogger(__name__)
#: Poses that are refined at once in validation.
_VALIDATED_AT_ONCE = 8192


class Run:
    """A run, ready to go.

    Args:
        config: with device and precision settled.
        corpus: what to learn from.
        progress: told of poses.
        report: told of figures.
    """

    def __init__(
        self, config: TrainConfig, corpus: Corpus, progress: Progress, report: Report | None
    ) -> None:
        self._config, self._corpus, self._folder = config, corpus, Path(config.out)
        frames = config.network.frames
        train, val = (
            make_samples(part, frames, rate=config.network.rate)
            for part in (corpus.train, corpus.val)
        )
        share = min(1.0, config.overlap / frames) if frames > 1 else 1.0
        self._order = Shuffled(
            len(train),
            drawn=max(1, round(share * len(train))),
            batch=max(config.devices, config.batch // frames),
            seed=config.seed,
            epoch=lambda: self._trainer.current_epoch,
            rank=rank(),
            devices=config.devices,
        )
        # Neighbours in time tell little that is new.
        watched = np.arange(0, len(val), max(1, frames // 4))
        self._val_order = InOrder(watched, _VALIDATED_AT_ONCE // frames)
        sequence = None if corpus.val.sequence is None else corpus.val.sequence[watched]
        steps = config.epochs * len(self._order)
        self._module = DepthModule(config, train, val, steps, sequence)
        self._raw = _raw_accuracy(corpus, watched)
        first = is_first_process()
        self._history = History(
            self._folder,
            self._raw,
            self._keep,
            self._order.drawn * frames,
            progress if first else silent,
            report if report and first else untold,
        )
        self._trainer = self._make_trainer()

    @property
    def rows(self) -> list[dict[str, float]]:
        """The figures of all epochs so far."""
        return self._history.rows

    def fit(self, resumed: Path | None) -> None:
        """Train, from a checkpoint on if there is one.

        Raises:
            KeyboardInterrupt: somebody stops it.
        """
        _ignore_profiling()
        try:
            self._trainer.fit(
                self._module, self._order, self._val_order, ckpt_path=resumed, weights_only=True
            )
        except SystemExit as end:
            # Lightning turns Ctrl-C into an exit, and leaves Ctrl-C switched off.
            if not self._trainer.interrupted:
                raise
            signal.signal(signal.SIGINT, signal.default_int_handler)
            raise KeyboardInterrupt from end

    def _make_trainer(self) -> lightning.Trainer:
        config = self._config
        last = ModelCheckpoint(
            self._folder,
            filename=RESUMABLE.removesuffix(".ckpt"),
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        return lightning.Trainer(
            accelerator="gpu" if config.device == "cuda" else "cpu",
            devices=config.devices,
            strategy=_strategy(config),
            precision=config.precision,  # type: ignore[arg-type]
            max_epochs=config.epochs,
            gradient_clip_val=config.clip,
            logger=_loggers(self._folder),
            callbacks=[_FirstStep(config), self._history, last],
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            log_every_n_steps=len(self._order),
            default_root_dir=self._folder,
        )

    def _keep(self, module: DepthModule, figures: Mapping[str, float]) -> None:
        """Write the network, and what it is, where the best one goes."""
        recipe = self._config.as_json()
        del recipe["out"]
        # A model goes to others, whom folders are no business of.
        recipe["data"] = [Path(path).name for path in recipe["data"]]
        about = {
            "training": recipe,
            "pairs": {"train": len(self._corpus.train), "val": len(self._corpus.val)},
            "figures": plain(dict(figures)),
            "raw": plain(asdict(self._raw)),
        }
        write_checkpoint(
            module.best_network,
            self._folder / MODEL,
            recipe=about,
            data_sha256=self._corpus.sha256,
        )


class _FirstStep(lightning.Callback):
    """Refuses to go on when the first loss, before anything is learned, is no number."""

    def __init__(self, config: TrainConfig) -> None:
        self._data = ", ".join(config.data)

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        module: lightning.LightningModule,
        outputs: Tensor | Mapping[str, Any] | None,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look at the first step's loss alone: to ask a GPU takes time."""
        if trainer.global_step > 1:
            return
        assert isinstance(module, DepthModule)
        if not math.isfinite(module.losses()["loss"]):
            raise TrainingError(
                f"{self._data}: the loss is not finite in the first step; look for wrong numbers "
                "in the data with `mocap dataset info`, or train with a lower --lr or another "
                "recipe"
            )


def _ignore_profiling() -> None:
    """Ignore SIGPROF, as MediaPipe has it, whose timers send it all the time.

    Lightning puts every signal back as Python knew it. MediaPipe tells Python nothing, and the
    default that would be put back ends the process.
    """
    profiling = getattr(signal, "SIGPROF", None)
    main = threading.current_thread() is threading.main_thread()
    if profiling is not None and main and signal.getsignal(profiling) == signal.SIG_DFL:
        signal.signal(profiling, signal.SIG_IGN)


def _raw_accuracy(corpus: Corpus, watched: np.ndarray) -> DepthAccuracy:
    val = corpus.val[watched]
    true = DepthPoses(val.ground_truth, val.camera_relative)
    return measure_depth(true, DepthPoses(val.corrupted), sequence=val.sequence)


def _strategy(config: TrainConfig) -> str:
    if config.devices == 1:
        return "auto"
    # Parts of the network that no loss asks for must be looked for, which costs time.
    whole = config.losses.likelihood and config.losses.camera and config.losses.distance
    return "ddp" if whole else "ddp_find_unused_parameters_true"


def _loggers(folder: Path) -> list[Logger]:
    if find_spec("tensorboard") is None and find_spec("tensorboardX") is None:
        _LOG.warning("%s: no TensorBoard logs are written: it is not installed", folder)
        return []
    return [TensorBoardLogger(folder, name=LOGS, version="")]


@contextmanager
def hushed() -> Iterator[None]:
    """Keep Lightning from speaking to whoever called us."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
