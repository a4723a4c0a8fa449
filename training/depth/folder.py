"""The folder of a training run: what is in it, and whose it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from mocap.errors import MocapError
from mocap.files import read_json, write_whole
from mocap.folder_lock import LOCK, only_writer
from mocap.training.depth.config import TrainConfig, TrainingError, differences, from_json, unnamed

#: The best model, the checkpoint that a stopped run goes on from, and the recipe.
MODEL, RESUMABLE, CONFIG = "model.safetensors", "last.ckpt", "config.json"
#: TensorBoard's logs.
LOGS = "tensorboard"
#: The figures of every epoch.
METRICS = "metrics.csv"

# What reading a file that is no checkpoint, or half of one, ends in.
_DAMAGE = (
    *(OSError, RuntimeError, EOFError, UnpicklingError, ValueError),
    *(KeyError, IndexError, TypeError, AttributeError),
)


def refuse_strangers(folder: Path) -> None:
    """See that a folder is empty or holds a run, or what one left that was killed early.

    Raises:
        TrainingError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"{folder}: is a file; choose a folder with --out")
    if not folder.exists() or (folder / RESUMABLE).exists() or (folder / MODEL).exists():
        return
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    ours = {CONFIG, LOGS, METRICS} if _is_ours(folder / CONFIG) else set()
    if strange := names - ours:
        raise TrainingError(
            f"{folder}: holds files that are no run ({min(strange)}); choose another folder "
            "with --out"
        )


def _is_ours(path: Path) -> bool:
    try:
        content = read_json(path)
    except MocapError:
        return False
    return isinstance(content, dict) and content.keys() == {"config", "data_sha256"}


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make a run's folder, and keep other runs out of it; what is left empty is as it was before.

    Raises:
        TrainingError: another process trains into it, or it cannot be made or written.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"{folder}: cannot be made ({error.strerror}); choose another folder with --out"
        ) from error
    with only_writer(folder, error=TrainingError):
        try:
            yield
        finally:
            if {path.name for path in folder.iterdir()} == {LOCK}:
                with suppress(OSError):
                    (folder / LOCK).unlink()
                    if made:
                        folder.rmdir()


@contextmanager
def nothing_half_begun(folder: Path) -> Iterator[None]:
    """Leave nothing in a folder if the block ends early and there is no epoch to go on from.

    :func:`refuse_another` must have allowed it before: it refuses folders that hold a model and
    nothing to go on from, so that a model without is of this run.

    Args:
        folder: of the run.
    """
    begun = (folder / RESUMABLE).exists()
    try:
        yield
    except BaseException:
        if not begun and not (folder / RESUMABLE).exists():
            _remove(folder)
        raise


def _remove(folder: Path) -> None:
    """Remove the files of a run, and nothing else."""
    logs = folder / LOGS
    files = [folder / name for name in (MODEL, CONFIG, METRICS)]
    files += [*logs.glob("events.out.tfevents.*"), logs / "hparams.yaml"]
    for path in files:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    # Whatever else is in it stays.
    with suppress(OSError):
        logs.rmdir()


def refuse_another(
    folder: Path, config: TrainConfig, *, resume: bool, data_sha256: str | None = None
) -> None:
    """See that a folder holds no run but the one that is to go on.

    Args:
        folder: of the run.
        config: of the run.
        resume: whether it goes on with what is there.
        data_sha256: of what it learns from; None before that is known.

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
        if data_sha256 is not None and earlier[1] != data_sha256:
            other.append("the data are not the same")
        if other:
            raise TrainingError(
                f"{folder}: is another run ({'; '.join(other)}); go on with it as it was begun, "
                "or choose another folder with --out"
            )


def begin(folder: Path, config: TrainConfig, data_sha256: str) -> None:
    """Write down what goes on in a folder, which :func:`refuse_another` must have allowed.

    Args:
        folder: of the run.
        config: of the run.
        data_sha256: of what it learns from.

    Raises:
        TrainingError: it cannot be written.
    """
    content = {"config": config.as_json(), "data_sha256": data_sha256}
    write_whole(folder / CONFIG, json.dumps(content, indent=2) + "\n", error=TrainingError)


def state_of(folder: Path) -> tuple[TrainConfig, str] | None:
    """The configuration of the run in a folder and its data's hash; None if there is none.

    Raises:
        TrainingError: what is there is damaged, or of an older version, whose networks were others.
    """
    path = folder / CONFIG
    if not (folder / RESUMABLE).exists() and not (folder / MODEL).exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        config, data_sha256 = from_json(content["config"]), str(content["data_sha256"])
    except (OSError, ValueError, KeyError, TypeError, TrainingError) as error:
        raise TrainingError(
            f"{path}: does not tell what the run beside it is ({error}); "
            "choose another folder with --out"
        ) from error
    # Recipes may leave out what is as usual; what was usual then need not be now.
    if unsaid := unnamed(content["config"]):
        raise TrainingError(
            f"{path}: was begun by another version of this program (it does not say {unsaid[0]}); "
            "train into another folder with --out"
        )
    return config, data_sha256


def finished_epochs(folder: Path) -> int:
    """After how many epochs the run in a folder goes on; 0 if it has to begin anew."""
    return len(finished_rows(folder))


def finished_rows(folder: Path) -> list[dict[str, float]]:
    """The figures of the epochs after which the run in a folder goes on.

    Raises:
        TrainingError: its checkpoint is damaged.
    """
    path = folder / RESUMABLE
    if not path.exists():
        return []
    try:
        return list(_read(path)["callbacks"]["History"]["rows"])
    except (KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is no checkpoint of a run; {_after_damage(path)}") from error


def _read(path: Path) -> dict[str, Any]:
    """A checkpoint that a run goes on from.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise TrainingError(f"{path}: cannot be read ({error.strerror})") from error
    except _DAMAGE as error:
        # PyTorch's own words advise to read it unsafely.
        raise TrainingError(
            f"{path}: is damaged, cut short, or no checkpoint of a run, and cannot be gone on "
            f"from; {_after_damage(path)}"
        ) from error


def _after_damage(path: Path) -> str:
    model = path.with_name(MODEL)
    kept = f"{MODEL} beside it is as it was; " if model.exists() else ""
    return f"{kept}begin anew in another folder with --out"
