"""``mocap evaluate depth``: how good the depth refiner is, by where the camera stands."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import configure, note, say, show, starting, warn
from mocap.cli.evaluate import figure, plain_table, share, write_json
from mocap.cli.folders import writable_folder
from mocap.cli.options import Device, Quiet, Verbose, each_once, examples, flowing, one_of
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError

if TYPE_CHECKING:
    from rich.table import Table

    from mocap.datasets.pairs import Pairs
    from mocap.depth import DepthRefiner
    from mocap.evaluate import DepthAccuracy, DepthBin, DepthReport

#: Titles and figures of the table of everything.
_ROWS: tuple[tuple[str, str, str], ...] = (
    ("MPJPE (mm)", "mpjpe_mm", "number"),
    ("PA-MPJPE (mm)", "pa_mpjpe_mm", "number"),
    ("along the viewing axis (mm)", "depth_mm", "number"),
    ("across it (mm)", "image_plane_mm", "number"),
    ("arms the wrong way in depth", "wrong_arms", "share"),
    ("thighs the wrong way", "wrong_thighs", "share"),
    ("shanks the wrong way", "wrong_shanks", "share"),
    ("bone length variation", "bone_variation", "share"),
    ("direction to the camera, median (°)", "camera_median_degrees", "number"),
    ("direction to the camera, 90 % (°)", "camera_p90_degrees", "number"),
    ("azimuth, median (°)", "azimuth_median_degrees", "number"),
    ("elevation, median (°)", "elevation_median_degrees", "number"),
    ("errors within sigma (67 % are meant)", "within_one_sigma", "share"),
    ("errors within two sigma (97 %)", "within_two_sigma", "share"),
)
_PLOTS = (".png", ".svg", ".pdf")
#: The figures of a bin.
_OF_BINS = (
    ("MPJPE", "mpjpe_mm", "number"),
    ("PA", "pa_mpjpe_mm", "number"),
    ("depth", "depth_mm", "number"),
    ("camera °", "camera_median_degrees", "number"),
)


def evaluate_depth(
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="STORE|NPZ",
            callback=each_once,
            help="Pairs to measure on: a store's folder, one of its items, or an .npz. May be "
            "given several times.",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="A model.safetensors that `mocap train depth` made, or its folder; the one that "
            "comes along if not given.",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            callback=one_of("train", "val", "test", "all"),
            help="Which pairs: train, val, test, or all.",
        ),
    ] = "test",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Also write everything measured as JSON."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw errors around the person, as .png, .svg or .pdf."),
    ] = None,
    tell_elevation: Annotated[
        float | None,
        typer.Option(
            metavar="DEG",
            min=0,
            max=45,
            help="Tell the refiner how high the cameras stand, with errors of so many degrees, as "
            "`mocap extract` does with what it finds in the picture (a few degrees). Not told if "
            "not given.",
        ),
    ] = None,
    as_extracted: Annotated[
        bool,
        typer.Option(
            "--as-extracted",
            metavar="",
            help="Put what was detected right first, and average it with what was detected in the "
            "mirror image, as `mocap extract` does.",
        ),
    ] = False,
    device: Device = "auto",
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Measure the depth refiner on pairs whose truth is known, raw and refined.

    Overall, by azimuth and by elevation of the camera about the person: 12 limb joints, from the
    middle of the hips. Sequences are refined in windows, and every pose in the mirror too, as by
    `mocap extract`; what else that does is left to --tell-elevation and --as-extracted.
    """
    configure(verbose=verbose, quiet=quiet)
    read = {path.resolve() for path in (*data, *([] if model is None else [model]))}
    written = {"--json": json_file, "--plot": plot}
    wanted = {option: path for option, path in written.items() if path is not None}
    for option, path in wanted.items():
        if path.resolve() in read:
            raise typer.BadParameter("would be written over what is read", param_hint=option)
    if plot is not None and plot.suffix.lower() not in _PLOTS:
        raise typer.BadParameter(f"must end in {', '.join(_PLOTS)}", param_hint="--plot")
    with ExitStack() as stack:
        for option, path in wanted.items():
            stack.enter_context(_writable(path, option))
        _measure(data, model, split, json_file, plot, device, tell_elevation, as_extracted)


@contextmanager
def _writable(path: Path, option: str) -> Iterator[None]:
    """A file's folder, made if need be, as long as the work takes; before it begins."""
    if path.is_dir():
        raise MocapError(f"{path}: is a folder; choose a file with {option}")
    with ExitStack() as stack:
        try:
            stack.enter_context(writable_folder(path.parent))
        except MocapError as error:
            raise MocapError(
                f"{path}: its folder cannot be made or written; choose another with {option}"
            ) from error
        yield


def _measure(
    data: Sequence[Path],
    model: Path | None,
    split: str,
    json_file: Path | None,
    plot: Path | None,
    device: str,
    tell_elevation: float | None,
    as_extracted: bool,
) -> None:
    """Measure, say and write."""
    with starting():
        from mocap.training.depth import measure_refiner
    with StageProgress() as progress:
        refiner = _refiner(model, device)
        pairs = _pairs(data, split, progress)
        if as_extracted:
            pairs = _as_extracted(pairs, progress)
        told = None if tell_elevation is None else math.radians(tell_elevation)
        if told is not None and not refiner.network.config.elevation:
            warn("this refiner cannot be told elevations: --tell-elevation changes nothing")
            told = tell_elevation = None
        report = measure_refiner(refiner, pairs, progress, elevation_sigma=told)
    _show(report)
    if not report.overall.enough:
        warn(f"only {report.overall.raw.samples} poses: the figures say little")
    if json_file is not None:
        about = {
            "model": str(model or "shipped"),
            "model_sha256": refiner.sha256,
            "data": [str(path) for path in data],
            "split": split,
            "elevation_told_to_degrees": tell_elevation,
            "as_extracted": as_extracted,
        }
        write_json(json_file, {**about, **report.as_json()})
        note(f"everything is in {json_file}")
    if plot is not None:
        from mocap.evaluate import write_depth_plot

        note(f"the plot is in {write_depth_plot(report, plot)}")


def add_to(app: typer.Typer, name: str) -> None:
    """Add the command to its group."""
    app.command(
        name,
        help=flowing(evaluate_depth.__doc__),
        epilog=examples(
            "mocap evaluate depth --data pairs/",
            "mocap evaluate depth --data pairs/ --tell-elevation 3 --as-extracted",
            "mocap evaluate depth run/model.safetensors --data pairs/ --json figures.json "
            "--plot polar.png",
        ),
    )(evaluate_depth)


def _refiner(model: Path | None, device: str) -> "DepthRefiner":
    from mocap.depth import MIRRORED, DepthRefiner

    return DepthRefiner.load(model, device, mirrored=MIRRORED)


def _pairs(data: Sequence[Path], split: str, progress: StageProgress) -> "Pairs":
    from mocap.datasets.pairs import Pairs, read_pairs, told_splits

    wanted = None if split == "all" else (split,)
    pairs = Pairs.concatenate(read_pairs(path, splits=wanted, progress=progress) for path in data)
    if not len(pairs):
        names = ", ".join(str(path) for path in data)
        raise MocapError(
            f"{names}: no pairs are for this (split {split}), but {told_splits(data)}; choose "
            "others with --split, or all"
        )
    return pairs


def _as_extracted(pairs: "Pairs", progress: StageProgress) -> "Pairs":
    from mocap.training.depth import as_extracted

    found = as_extracted(pairs, progress)
    if not len(found):
        raise MocapError(
            "none of the pairs hold all of the detector's landmarks in sequences, or in the mirror "
            "image as well, which --as-extracted needs"
        )
    return found


def _show(report: "DepthReport") -> None:
    overall = report.overall
    say(f"{overall.raw.samples} poses, 12 limb joints, mean")
    table = plain_table(["", "raw", "refined", "change"])
    for title, name, kind in _ROWS:
        raw, refined = _value(overall.raw, name), _value(overall.refined, name)
        cells = [_text(value, kind) for value in (raw, refined)]
        table.add_row(title, *cells, _change(raw, refined) if name[:6] != "within" else "")
    show(table)
    for title, bins in (
        ("azimuth (0 in front, + their left)", report.azimuths),
        ("elevation", report.elevations),
    ):
        say("")
        show(_bins_table(title, bins))
    _compare(report)


def _bins_table(title: str, bins: Sequence["DepthBin"]) -> "Table":
    names = [f"{name}, {kind}" for name, _, _ in _OF_BINS for kind in ("raw", "refined")]
    table = plain_table([title, "poses", *names])
    for one in bins:
        limits = one.azimuth or one.elevation
        assert limits is not None
        cells = [
            _text(_value(record, name), kind)
            for _, name, kind in _OF_BINS
            for record in (one.raw, one.refined)
        ]
        few = "" if one.enough or not one.raw.samples else " (few)"
        table.add_row(f"{limits[0]}° to {limits[1]}°", f"{one.raw.samples}{few}", *cells)
    return table


def _compare(report: "DepthReport") -> None:
    told: Mapping[str, Sequence[DepthBin]] = {
        "azimuth": report.azimuths,
        "elevation": report.elevations,
        "azimuth and elevation": report.cells,
    }
    say("")
    for name, bins in told.items():
        known = [one for one in bins if one.enough]
        better = sum(one.better for one in known)
        say(f"by {name}: better than raw in {better} of {len(known)} bins with enough poses")


def _value(record: "DepthAccuracy | None", name: str) -> float:
    return float("nan") if record is None else float(getattr(record, name))


def _text(value: float, kind: str) -> str:
    return share(value, 1) if kind == "share" else figure(value)


def _change(raw: float, refined: float) -> str:
    return f"{refined / raw - 1:+.0%}" if raw > 0 and refined == refined else "–"
