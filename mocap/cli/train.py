"""``mocap train``: making the learned parts anew."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mocap.cli.console import STOPPED, conclude, configure, note, say, starting
from mocap.cli.folders import writable_folder
from mocap.cli.options import Device, Quiet, Verbose, each_once, examples, flowing, one_of
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.training.depth import TrainConfig

_commands = typer.Typer(help="Train the learned parts on data of your own.", no_args_is_help=True)


def _above_0(rate: float | None) -> float | None:
    if rate is not None and not 0 < rate < math.inf:
        raise typer.BadParameter(f"{rate:g} is no learning rate: it must be above 0")
    return rate


def depth(
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="STORE|NPZ",
            callback=each_once,
            help="Training pairs: the folder that `mocap dataset` made, one of its items, or an "
            ".npz. May be given several times.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the model, checkpoints and logs go.")
    ],
    epochs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Passes over the pairs. \\[default: 40]")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Frames that are looked at together; 1 for one at a time. \\[default: 24]",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", metavar="", help="Go on with the run in DIR.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**32 - 1, help="Of everything drawn by lot. \\[default: 0]"
        ),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Poses in a step. \\[default: 1024]")
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            metavar="RATE", callback=_above_0, help="Highest learning rate. \\[default: 0.002]"
        ),
    ] = None,
    device: Device = "auto",
    devices: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of them share the work.")
    ] = 1,
    precision: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=one_of("auto", "32-true", "bf16-mixed", "16-mixed"),
            help="32-true, bf16-mixed or 16-mixed; auto is mixed on a GPU.",
        ),
    ] = "auto",
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='JSON of anything else, laid out as "config" in the config.json of a run: '
            "network, augmentations, losses and more.",
        ),
    ] = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Train the depth refiner.

    After every epoch DIR holds all that is needed to go on, and the best model so far, by the
    pairs that validate; a refiner that can be told the camera's elevation is told it to 3° there.
    Ctrl-C stops; the same command with --resume goes on as if nothing had been.
    """
    configure(verbose=verbose, quiet=quiet)
    with starting():
        from mocap.training.depth import finished_epochs, is_first_process, require_lightning, train

        require_lightning()
        given = {"epochs": epochs, "seed": seed, "batch": batch, "lr": lr}
        config = configuration(recipe, given, frames)
        config = replace(
            config,
            data=tuple(str(path) for path in data),
            out=str(out),
            device=device,
            devices=devices,
            precision=precision,
        )
    first = is_first_process()
    # Other processes of the same run must not say everything again.
    configure(verbose=verbose, quiet=quiet or not first)
    try:
        with writable_folder(out), StageProgress() as progress:
            done = finished_epochs(out) if resume else 0
            if resume and not done:
                note(f"{out}: holds no run to go on with; it begins anew")
            teller = _Teller(progress, config.epochs)
            model = train(config, progress, report=teller, resume=resume)
    except KeyboardInterrupt:
        if first:
            conclude(_stopped(out, config.epochs))
        raise typer.Exit(STOPPED) from None
    if first:
        if done >= config.epochs:
            note(f"nothing was left to do after epoch {done}; train on with more --epochs")
        say(str(model))
        note(f"figures and plots are in {out}; measure with: mocap evaluate depth {model} --data …")


_commands.command(
    "depth",
    help=flowing(depth.__doc__),
    epilog=examples(
        "mocap train depth --data pairs/ --out run",
        "mocap train depth --data pairs/ --out run --resume",
        "mocap train depth --data a.npz --data b.npz --out run --epochs 80 --frames 48",
    ),
)(depth)


@_commands.callback()
def _group() -> None:
    """Train the learned parts on data of your own."""


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(_commands, name="train")


def configuration(
    recipe: Path | None, given: Mapping[str, Any], frames: int | None
) -> "TrainConfig":
    """The recipe, and on top of it what options say; it names no data and no folder yet.

    Args:
        recipe: a file of JSON; None for the usual one.
        given: what was said by options; None was not.
        frames: of the network, if that was said.

    Raises:
        MocapError: the recipe cannot be read, or holds what is unknown.
    """
    from mocap.training.depth import SINGLE_FRAME, TrainConfig, TrainingError, from_json

    content: dict[str, Any] = {}
    if recipe is not None:
        try:
            content = json.loads(recipe.read_text(encoding="utf-8"))
            content = content.get("config", content)
            for part in ("network", "augmentations", "losses"):
                if not isinstance(content.get(part, {}), dict):
                    raise ValueError(f"its {part} is {content[part]!r}")
        except (OSError, ValueError, AttributeError) as error:
            raise MocapError(
                f"{recipe}: is no recipe ({error}); it is JSON like a run's config.json"
            ) from error
    for name in ("data", "out", "device", "devices", "precision"):
        content.pop(name, None)
    content |= {name: value for name, value in given.items() if value is not None}
    if frames is not None:
        usual = asdict(SINGLE_FRAME) if frames == 1 else {}
        content["network"] = {**usual, **content.get("network", {}), "frames": frames}
    try:
        return from_json(content) if content else TrainConfig(data=("",), out="")
    except TrainingError as error:
        if recipe is None:
            raise
        raise MocapError(f"{recipe}: {error}") from error


class _Teller:
    """Shows losses beside the progress bar, and a line for each epoch above it."""

    def __init__(self, progress: StageProgress, epochs: int) -> None:
        self._progress, self._epochs = progress, epochs
        self._last = ""

    def __call__(self, figures: Mapping[str, float]) -> None:
        epoch, loss = int(figures["epoch"]), figures["loss"]
        if "val_mpjpe_mm" not in figures:
            self._progress.tell("training", f"loss {loss:.4f}{self._last}")
            return
        self._last = f", {figures['val_mpjpe_mm']:.1f} mm"
        note(
            f"epoch {epoch}/{self._epochs}: loss {loss:.4f}, "
            f"MPJPE {figures['val_mpjpe_mm']:.1f} mm (raw {figures['raw_mpjpe_mm']:.1f}), "
            f"depth {figures['val_depth_mm']:.1f} mm (raw {figures['raw_depth_mm']:.1f}), "
            f"camera {figures['val_camera_median_degrees']:.1f}°"
        )


def _stopped(out: Path, epochs: int) -> str:
    from mocap.training.depth import finished_epochs

    done = finished_epochs(out)
    if not done:
        return "stopped within the first epoch; nothing was kept"
    if done >= epochs:
        return f"all {epochs} epochs are done; the same command with --resume draws their plots"
    return f"stopped after epoch {done} of {epochs}; the same command with --resume goes on from it"
