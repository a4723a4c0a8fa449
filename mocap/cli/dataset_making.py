"""``mocap dataset convert`` and ``synthesize``: the hours of work that training pairs take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import STOPPED, complain, conclude, configure, note, say, starting
from mocap.cli.folders import writable_folder
from mocap.cli.options import Quiet, Verbose, each_once, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.processes import cores

if TYPE_CHECKING:
    from mocap.datasets.jobs import Outcome

#: How many of many names are told.
_NAMES_TOLD = 8


class Split(StrEnum):
    """What sequences are for."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


_Store = Annotated[
    Path,
    typer.Option(
        "--out",
        metavar="STORE",
        help="The folder for the pairs. One that the same command has begun is gone on with.",
    ),
]
_Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, help="Processes that work at once. As many as there are cores."
    ),
]
_Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Ray cluster: HOST:PORT, ray://HOST:PORT, or auto for the one that this "
        "machine belongs to. Its nodes need this program, and the files under the same paths.",
    ),
]
Splits = Annotated[
    list[Split] | None,
    typer.Option("--split", help="Only sequences that are for this; may be given several times."),
]


def convert(
    annotations: Annotated[
        Path, typer.Argument(metavar="AISTPP_DIR", help="The folder of AIST++'s annotations.")
    ],
    videos: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder of the AIST Dance DB's videos.")
    ],
    out: _Store,
    workers: _Workers = None,
    ray: _Ray = None,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Look at every N-th frame.")] = 4,
    look_once: Annotated[
        bool,
        typer.Option(
            "--look-once",
            metavar="",
            help="Leave out the look at the mirror image, which `mocap extract` averages with the "
            "first: half as many detections.",
        ),
    ] = False,
    split: Splits = None,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Make training pairs of AIST++: its videos as the detector sees them, and its truth.

    May be stopped at any moment; the same command goes on where it stopped. Videos that cannot be
    converted are listed, and stop no other; the exit code is 1 then.
    """
    configure(verbose=verbose, quiet=quiet)
    started = time.monotonic()
    with stoppable(out):
        with starting():
            from mocap.datasets.aistpp import convert as convert_videos

        with writable_folder(out), StageProgress() as progress:
            done = convert_videos(
                annotations,
                videos,
                out,
                workers=_processes(workers, ray),
                ray_address=ray,
                every=every,
                look_once=look_once,
                splits=None if split is None else [one.value for one in split],
                progress=progress,
            )
    for reason, names in sorted(done.skipped.items()):
        note(f"left out {len(names)}, for {reason}: {_listed(names)}")
    _conclude(done.outcome, out, "videos", started)


def synthesize(
    out: _Store,
    motions: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR|FILE...",
            help="Motion: BVH, AMASS .npz, AIST++ .pkl, DeepMimic .txt, Isaac Gym's AMP .npy, "
            "SMPL keypoints .npy or joints of climbing takes .npy, or folders of them, to the "
            "bottom. Keep each performer's files in a folder of their own: of three "
            "or more, some are held out for validation and tests.",
        ),
    ],
    more: Annotated[list[Path] | None, typer.Argument(hidden=True, metavar="DIR|FILE")] = None,
    frames: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="About how many pairs to make: rounded up to batches of about 140.",
        ),
    ] = 100_000,
    workers: _Workers = None,
    ray: _Ray = None,
    seed: Annotated[
        int, typer.Option(metavar="S", min=0, max=2**32 - 1, help="Of all that is left to chance.")
    ] = 0,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Make training pairs of motions: bodies are rendered, and the detector looks at the pictures.

    May be stopped at any moment; the same command goes on where it stopped, also towards more
    frames. Pairs of the same seed are the same.
    """
    configure(verbose=verbose, quiet=quiet)
    started = time.monotonic()
    given = each_once([*motions, *(more or ())])
    with stoppable(out):
        with starting():
            from mocap.datasets.synthetic import synthesize as make

        with writable_folder(out), StageProgress() as progress:
            outcome = make(
                given,
                out,
                frames=frames,
                workers=_processes(workers, ray),
                seed=seed,
                ray_address=ray,
                progress=progress,
            )
    _conclude(outcome, out, "batches", started)


@contextmanager
def stoppable(out: Path) -> Iterator[None]:
    """Ctrl-C ends the program with a line that says what is left of its work."""
    try:
        yield
    except KeyboardInterrupt:
        is_begun = out.is_dir() and (out / "dataset.json").exists()
        what = "nothing was written"
        if is_begun:
            what = f"what was finished is in {out}; the same command goes on from there"
        conclude(f"stopped; {what}")
        raise typer.Exit(STOPPED) from None


def _processes(workers: int | None, ray: str | None) -> int:
    """How many work at once; 0 leaves it to the cluster."""
    if workers is not None:
        return workers
    if ray is not None:
        return 0
    return cores()


def _listed(names: list[str]) -> str:
    told = ", ".join(names[:_NAMES_TOLD])
    return told if len(names) <= _NAMES_TOLD else f"{told} and {len(names) - _NAMES_TOLD} more"


def _conclude(outcome: "Outcome", out: Path, unit: str, started: float) -> None:
    """Say what came of a run; a failure among its items is the command's."""
    seconds = time.monotonic() - started
    parts = [f"{len(outcome.made)} made"]
    if outcome.mended:
        parts.append(f"{len(outcome.mended)} of them in the place of damaged ones")
    if outcome.kept:
        parts.append(f"{outcome.kept} there already")
    pace = f", {outcome.pairs / seconds:.1f} pairs/s" if outcome.pairs else ""
    told = f"{unit}: {', '.join(parts)}; {seconds:.1f} s{pace}"
    say(f"{outcome.pairs} new pairs are in {out} ({told})")
    note(f"  what is in it:    mocap dataset info {out}", "")
    if outcome.failed:
        count = len(outcome.failed)
        complain(
            f"{count} of {count + len(outcome.made) + outcome.kept} {unit} failed: "
            f"{_listed(sorted(outcome.failed))}; {out / 'failed.json'} says why, and the same "
            "command tries them again"
        )
        raise typer.Exit(1)


def add_to(commands: typer.Typer) -> None:
    """Add the commands to those of ``mocap dataset``."""
    commands.command(
        help=flowing(convert.__doc__),
        epilog=examples(
            "mocap dataset convert aistpp --videos aist/videos --out pairs",
            "mocap dataset convert aistpp --videos aist/videos --out pairs --workers 8 --every 16",
            "mocap dataset convert /data/aistpp --videos /data/videos --out pairs --ray head:6379",
        ),
    )(convert)
    commands.command(
        help=flowing(synthesize.__doc__),
        epilog=examples(
            "mocap dataset synthesize --motions walk.bvh dance/ --out pairs --frames 20000",
            "mocap dataset synthesize --motions amass/ --out more --seed 2 --workers 8",
        ),
    )(synthesize)
