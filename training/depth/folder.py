"""The folder of a training run: what is in it, and whose it is."""

import json
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from mocap.files import write_whole
from mocap.training.depth.config import TrainConfig, TrainingError, differences, from_json

#: The best model, the checkpoint that a stopped run goes on from, and the recipe.
MODEL, RESUMABLE, CONFIG = "model.safetensors", "last.ckpt", "config.json"


def begin(folder: Path, config: TrainConfig, data_sha256: str, resume: bool) -> None:
    """See that a folder may be written, and write down what goes on in it.

    Args:
        folder: of the run.
        config: of the run.
        data_sha256: of what it learns from.
        resume: whether it goes on with what is there.

    Raises:
        TrainingError: the folder holds another run, or something damaged.
    """
    earlier = state_of(folder)
    if earlier is not None and not resume:
        raise TrainingError(
            f"{folder}: already holds a run; go on with it with --resume, or choose another "
            "folder with --out"
        )
    if earlier is not None:
        if not (folder / RESUMABLE).exists():
            raise TrainingError(
                f"{folder}: holds a model and no {RESUMABLE} to go on from; choose another folder "
                "with --out"
            )
        _read(folder / RESUMABLE)
        other = differences(earlier[0], config)
        if earlier[1] != data_sha256:
            other.append("the data are not the same")
        if other:
            raise TrainingError(
                f"{folder}: is another run ({'; '.join(other)}); go on with it as it was begun, "
                "or choose another folder with --out"
            )
    content = {"config": config.as_json(), "data_sha256": data_sha256}
    write_whole(folder / CONFIG, json.dumps(content, indent=2) + "\n", error=TrainingError)


def state_of(folder: Path) -> tuple[TrainConfig, str] | None:
    """The configuration of the run in a folder and its data's hash; None if there is none.

    Raises:
        TrainingError: what is there is damaged.
    """
    path = folder / CONFIG
    if not (folder / RESUMABLE).exists() and not (folder / MODEL).exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return from_json(content["config"]), str(content["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError, TrainingError) as error:
        raise TrainingError(
            f"{path}: does not tell what the run beside it is ({error}); "
            "choose another folder with --out"
        ) from error


def finished_epochs(folder: Path) -> int:
    """After how many epochs the run in a folder goes on; 0 if it has to begin anew."""
    path = folder / RESUMABLE
    return len(_read(path)["callbacks"]["History"]["rows"]) if path.exists() else 0


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint that a run goes on from.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise TrainingError(
            f"{path}: is damaged ({str(error).splitlines()[0]}); remove it to begin anew"
        ) from error
