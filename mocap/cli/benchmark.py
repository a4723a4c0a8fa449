"""``mocap benchmark``: every camera of a calibrated clip alone, against all of them together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.benchmark_figures import CameraResult, as_json, show_results
from mocap.cli.console import STOPPED, conclude, configure, note, starting
from mocap.cli.evaluate import write_json
from mocap.cli.options import LookOnce, Quiet, Verbose, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.errors import MocapError, TakeError
from mocap.progress import Progress

if TYPE_CHECKING:
    from mocap.evaluate import RigCamera, Truth
    from mocap.pipeline import ExtractConfig
    from mocap.take import Take

#: Files in the folder of the benchmark, and in those of the cameras.
TRUTH, DETECTED = "truth.json", "detector.h5"
_CALIBRATION = "Calib.qca.txt"
_NOTE = (
    "Triangulated from this toolkit's own 2D keypoints in {cameras}, the cameras' places refined "
    "by bundle adjustment. It shares the 2D bias of the detector that made the takes, and none of "
    "its depth."
)


def benchmark(
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Where takes and the truth are kept.", show_default=True),
    ] = Path("benchmark-output"),
    cameras: Annotated[
        str,
        typer.Option(
            metavar="NAMES", help="Cameras to measure, such as cam01,cam03. All if empty."
        ),
    ] = "",
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare with this truth, not with what the four cameras see together.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the figures as JSON.")
    ] = None,
    look_once: LookOnce = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """Measure accuracy on a real clip of four calibrated cameras (51 MB, fetched once).

    Every camera is extracted alone, knowing nothing of the calibration. The truth is what all
    four see together: our own 2D, triangulated. It takes minutes the first time; takes in DIR
    are used again, and what Ctrl-C stops goes on from there.
    """
    configure(verbose=verbose, quiet=quiet)
    with starting():
        from mocap.assets import fetch
        from mocap.body import load_body
        from mocap.cli.folders import writable_folder
        from mocap.evaluate import evaluate, load_truth, read_rig
    with StageProgress() as progress:
        clip = fetch("four_camera_clip", progress=progress)
    rig = read_rig(clip / _CALIBRATION, sorted(path.stem for path in clip.glob("*.mp4")))
    chosen = _chosen(cameras, rig)
    given = None if truth is None else load_truth(truth)
    try:
        with writable_folder(out):
            takes, alone = _takes(clip, out, chosen if given else list(rig), chosen, look_once)
            found = given or _triangulated(takes, rig, out / TRUTH)
    except KeyboardInterrupt:
        conclude(f"stopped; what was finished is in {out}, and the same command goes on from it")
        raise typer.Exit(STOPPED) from None
    body = load_body()
    results = [
        CameraResult(
            name,
            _fit_milliseconds(takes[name]),
            evaluate(takes[name], found, camera=name, body=body),
            evaluate(alone[name], found, camera=name),
        )
        for name in chosen
    ]
    show_results(results, found)
    if json_file is not None:
        write_json(json_file, as_json(results, found))
        note(f"everything is in {json_file}")


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(benchmark.__doc__),
        epilog=examples(
            "mocap benchmark",
            "mocap benchmark --out bench --cameras cam01,cam03 --json figures.json",
        ),
    )(benchmark)


def _chosen(cameras: str, rig: Mapping[str, "RigCamera"]) -> list[str]:
    names = [name for name in re.split(r"[,\s]+", cameras) if name]
    if cameras.strip() and not names:
        raise MocapError(f"--cameras: {cameras!r} names nobody; the clip has {', '.join(rig)}")
    if unknown := [name for name in names if name not in rig]:
        raise MocapError(
            f"--cameras: there is no {', '.join(unknown)}; the clip has {', '.join(rig)}"
        )
    return list(dict.fromkeys(names)) or list(rig)


def _takes(
    clip: Path, out: Path, names: Sequence[str], measured: Sequence[str], look_once: bool
) -> tuple[dict[str, "Take"], dict[str, "Take"]]:
    """Takes by camera; for those that are measured also what the detector alone sees."""
    from mocap.people import MirrorConfig, TrackerConfig
    from mocap.pipeline import ExtractConfig

    config = ExtractConfig(tracker=TrackerConfig(mirror=MirrorConfig(always=not look_once)))
    takes, alone = {}, {}
    for name in names:
        note(f"{name}:")
        video, folder = clip / f"{name}.mp4", out / name
        with StageProgress() as progress:
            takes[name] = _extracted(video, folder, config, progress)
        if name in measured:
            with StageProgress() as progress:
                alone[name] = _detected(video, folder / DETECTED, config, progress)
    return takes, alone


def _extracted(video: Path, folder: Path, config: "ExtractConfig", progress: Progress) -> "Take":
    """The take that `mocap extract` makes of a video, or has made of it before."""
    from mocap.cli.extraction import TAKE, Job, run
    from mocap.video import hash_source

    earlier = _load(folder / TAKE)
    if earlier is not None and earlier.video.sha256 != hash_source(video):
        raise MocapError(
            f"{folder / TAKE}: is of another video ({earlier.video.path}); "
            "choose another folder with --out"
        )
    # What cannot be read is made again.
    job = Job(source=video, folder=folder, config=config, overlay=False, force=earlier is None)
    return run(job, progress).take


def _detected(video: Path, path: Path, config: "ExtractConfig", progress: Progress) -> "Take":
    """What the detector alone sees at one look, sides as it told them."""
    from mocap.cli.resume import holds_detection
    from mocap.people import MirrorConfig, SideConfig, TrackerConfig
    from mocap.pipeline import detect
    from mocap.video import hash_source

    # So dear that nothing is ever swapped back; fingers serve no figure here.
    never = SideConfig(swapped=1e6)
    once = TrackerConfig(mirror=MirrorConfig(always=False))
    config = replace(config, tracker=once, sides=never, depths=None, glitches=None, hands=False)
    earlier = _load(path)
    if earlier is not None and holds_detection(earlier, hash_source(video), config):
        note(f"the detector alone: {path} is used again")
        return earlier
    note("the detector alone:")
    take = detect(video, config, progress=progress)
    take.save(path)
    return take


def _load(path: Path) -> "Take | None":
    from mocap.take import Take

    if not path.exists():
        return None
    try:
        return Take.load(path)
    except TakeError as error:
        note(f"{error}; it is made again")
        return None


def _triangulated(
    takes: Mapping[str, "Take"], rig: Mapping[str, "RigCamera"], path: Path
) -> "Truth":
    from mocap.evaluate import triangulate_takes, write_truth

    result = triangulate_takes(takes, rig, path=str(path))
    # Who all cameras see is who the clip is of; a passer-by in two of them is no truth.
    seen = {name: len(who) - who.count(None) for name, who in result.who.items()}
    main = max(seen, key=lambda name: seen[name])
    truth = replace(result.truth, people={main: result.truth.people[main]})
    write_truth(truth, path, _NOTE.format(cameras=", ".join(takes)))
    note(
        f"{path}: {seen[main]} views agree on the person, median residual "
        f"{result.residual_px[main]:.1f} px"
    )
    return truth


def _fit_milliseconds(take: "Take") -> float:
    from mocap.cli.resume import stage_of
    from mocap.fitting.fit import STAGE

    stage = stage_of(take, STAGE)
    frames = sum(len(person.frames) for person in take.people.values() if person.body)
    return 1000 * stage.seconds / frames if stage and frames else float("nan")
