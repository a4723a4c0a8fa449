"""Training the depth refiner: from pairs to a model file, in one call that can be stopped."""

from pathlib import Path
from typing import TYPE_CHECKING

from mocap.progress import Progress, silent
from mocap.training.depth.config import TrainConfig, TrainingError
from mocap.training.depth.data import Corpus, read_corpus
from mocap.training.depth.folder import (
    MODEL,
    RESUMABLE,
    alone_in,
    begin,
    finished_epochs,
    finished_rows,
    nothing_half_begun,
    refuse_another,
    refuse_strangers,
)
from mocap.training.depth.machine import is_first_process, require_lightning, settle
from mocap.training.depth.sharing import shared, shared_corpus

if TYPE_CHECKING:
    from mocap.training.depth.history import Report


def train(
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    report: "Report | None" = None,
    resume: bool = False,
) -> Path:
    """Train a refiner and keep the best, by MPJPE on the validation pairs.

    In the folder ``config.out`` are then ``model.safetensors``, ``metrics.csv``, pictures of
    both losses and figures, TensorBoard's logs, ``config.json``, and ``last.ckpt``, from which a
    run that was stopped goes on as if it had not been: it is written after every epoch.

    Args:
        config: of the run.
        progress: told of poses.
        report: told the figures of every epoch, and losses in between.
        resume: whether to go on with what is in the folder. There may be more epochs in all than
            the first time, but no other recipe and no other data. Where as many are done as
            ``config`` asks for, or more, the plots are drawn again and nothing else is written.

    Returns:
        The model's file.

    Raises:
        TrainingError: the folder holds another run, or this one cannot be done.
        PairsError: the data are missing or damaged.
        KeyboardInterrupt: as Ctrl-C does; what is finished is kept.
    """
    require_lightning()
    settled = settle(config)
    folder, progress = Path(config.out), progress or silent
    first = is_first_process()
    if first:
        refuse_strangers(folder)
        # To read the pairs takes minutes: whatever can be refused before is.
        refuse_another(folder, config, resume=resume)
        if config.devices > 1:
            progress(f"starting {config.devices} processes", 0, None)
    corpus = None if first else shared_corpus()
    if corpus is None:
        corpus = read_corpus(config.data, config.held_out, progress, extracted=config.extracted)
    if not first:
        _trained(settled, corpus, progress, report, resume)
        return folder / MODEL
    with alone_in(folder):
        refuse_another(folder, config, resume=resume, data_sha256=corpus.sha256)
        rows = finished_rows(folder)
        if len(rows) < config.epochs:
            with nothing_half_begun(folder), shared(corpus, several=config.devices > 1):
                begin(folder, config, corpus.sha256)
                rows = _trained(settled, corpus, progress, report, resume)
        from mocap.training.depth.plots import write_plots

        write_plots(rows, folder)
    if not (folder / MODEL).exists():
        raise TrainingError(
            f"{folder / MODEL}: is gone; train on with --resume and more --epochs, or anew into "
            "another folder"
        )
    return folder / MODEL


def _trained(
    config: TrainConfig,
    corpus: Corpus,
    progress: Progress,
    report: "Report | None",
    resume: bool,
) -> list[dict[str, float]]:
    """Do all epochs that are left; the figures of all."""
    from mocap.training.depth.run import Run, hushed

    folder = Path(config.out)
    with hushed():
        run = Run(config, corpus, progress, report)
        try:
            run.fit(folder / RESUMABLE if resume and (folder / RESUMABLE).exists() else None)
        except KeyboardInterrupt:
            # Stopped when there was nothing left to stop.
            if finished_epochs(folder) < config.epochs:
                raise
    return run.rows
