"""``mocap retarget``: people's motion as trajectories of humanoid robots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from mocap.cli.console import conclude, configure, note, say, show, starting, waiting
from mocap.cli.options import Quiet, RobotFormat, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.cli.robot import tell_rate
from mocap.errors import MocapError

#: How names of videos end.
_VIDEOS = {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".wmv", ".3gp"}

if TYPE_CHECKING:
    from mocap.progress import Progress
    from mocap.retarget import HumanMotion, Robot, RobotReport, Trajectory


def retarget(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="VIDEO|TAKE|MOTION",
            help="A video, which is extracted into DIR first, as `mocap extract` does; a take.h5; "
            "or a motion file: BVH, AMASS .npz, AIST++ .pkl.",
        ),
    ],
    robot: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="An MJCF or URDF of any humanoid, or a name: g1, talos, icub (they come with "
            "example-robot-data); h1, t1, atlas, valkyrie, ... (downloaded by robot_descriptions).",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Where the files go: a trajectory (.npz) and a report (.html, .json) a person, "
            "and correspondence.json.",
        ),
    ],
    correspondence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A correspondence.json of an earlier run, corrected by you: which body of the "
            "robot is which part of a person, tolerances, speed limits. Worked out from the "
            "model if not given.",
        ),
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Only this person, such as person-2; may be repeated."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=5,
            max=500,
            help="Frames per second of the trajectory (5 to 500). The motion's own if not given.",
        ),
    ] = None,
    formats: Annotated[
        list[RobotFormat] | None,
        typer.Option(
            "--format",
            metavar="NAME",
            case_sensitive=False,
            help="Write it for other projects too: gmr, unitree, soma, beyondmimic, mjlab, "
            "holosoma or mujoco, as DIR/person-1-gmr.pkl; may be repeated. `mocap robot convert` "
            "does it later, and tells more.",
        ),
    ] = None,
    video: Annotated[
        bool,
        typer.Option("--video", metavar="", help="Film the robot beside the person's skeleton."),
    ] = False,
    no_collisions: Annotated[
        bool,
        typer.Option(
            "--no-collisions", metavar="", help="Let the robot pass through itself: quicker."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Put motion on a humanoid robot: joint limits and speeds kept, resting feet in place.

    Of a video, what `mocap extract` makes goes to DIR as well, and is kept for the next time.
    Several people become several robots in one world. Each trajectory comes with a report that
    says how far it is off and what it violates; the last column says whether it passes.
    """
    configure(quiet=quiet)
    with starting():
        from mocap.cli.folders import writable_folder
        from mocap.retarget import (
            RetargetConfig,
            SolverConfig,
            correspondence_of,
            prepared,
            read_correspondence,
            read_robot,
            robot_report,
            write_correspondence,
            write_page,
        )
        from mocap.retarget import retarget as put_on

    with waiting("reading the robot"):
        model = read_robot(robot)
        if correspondence is None:
            found = correspondence_of(model)
        else:
            found = read_correspondence(correspondence, model)
    for told in model.notes:
        note(f"{model.name}: {told}")
    if source.suffix.lower() in _VIDEOS:
        source = _extracted(source, out)
    with waiting("reading the motion"):
        motions = _motions(source, person)
    config = RetargetConfig(fps=fps, solver=SolverConfig(collisions=not no_collisions))
    motions = [prepared(motion, config) for motion in motions]
    files, rows = [], []
    with writable_folder(out), StageProgress() as progress:
        if correspondence is None:
            files.append(write_correspondence(out / "correspondence.json", found))
        trajectories = put_on(motions, model, found, config, progress=progress)
        for motion, trajectory in zip(motions, trajectories, strict=True):
            files.append(trajectory.save(out / f"{motion.name}.npz"))
            report = robot_report(trajectory, motion, model, found)
            files.append(report.write(out / f"{motion.name}-report.json"))
            rows.append((motion.name, report))
            film = out / f"{motion.name}.mp4"
            if video:
                files.append(_film(model, trajectory, motion, film, progress))
            shown = film.name if video else None
            page = out / f"{motion.name}-report.html"
            files.append(write_page(report, trajectory, model, page, film=shown))
        for motion, trajectory in zip(motions, trajectories, strict=True):
            files += _others(model, trajectory, out / motion.name, formats or [], fps)
    say("")
    show(_table(rows))
    for name, report in rows:
        for failure in report.failures:
            note(f"{name}: {failure}")
    say("")
    for path in files:
        say(str(path))


def _extracted(video: Path, out: Path) -> Path:
    """The take of a video, made in the folder of results, or found there."""
    with starting():
        from mocap.cli.extraction import TAKE, Job, run
        from mocap.pipeline import ExtractConfig
    try:
        with StageProgress() as progress:
            run(Job(video, out, ExtractConfig()), progress)
    except KeyboardInterrupt:
        conclude(f"stopped; what was finished is in {out}, and the same command goes on from it")
        raise
    return out / TAKE


def _motions(source: Path, chosen: list[str] | None) -> list["HumanMotion"]:
    """The motion of everybody wanted."""
    from mocap.retarget import human_of_person

    if source.suffix.lower() in (".h5", ".hdf5"):
        from mocap.take import Take

        take = Take.load(source)
        names = list(dict.fromkeys(chosen or ()))
        names = names or [name for name, one in take.people.items() if one.body is not None]
        if not names:
            raise MocapError(f"{source}: holds no fitted motion; `mocap fit {source}` fits it")
        return [human_of_person(take, name) for name in names]
    if chosen:
        raise typer.BadParameter("a motion file has one person only", param_hint="--person")
    from mocap.body import load_body
    from mocap.datasets.motions import human_of_clip, motion_sources

    body = load_body()
    found = motion_sources(source, body)
    if len(found) != 1:
        raise MocapError(f"{source}: holds {len(found)} motions; give the file of one of them")
    return [human_of_clip(found[0].read(), body, source.stem)]


def _others(
    robot: "Robot",
    trajectory: "Trajectory",
    stem: Path,
    formats: list[RobotFormat],
    fps: float | None,
) -> list[Path]:
    """The same motion for other projects."""
    from mocap.datasets.robots import FORMATS, write_trajectory

    files = []
    for name in dict.fromkeys(formats):
        if name is RobotFormat.MOCAP:
            continue
        form = FORMATS[name.value]
        files.append(stem.with_name(f"{stem.name}-{form.name}{form.suffix}"))
        written = write_trajectory(files[-1], trajectory, form, robot, fps=fps)
        tell_rate(name, trajectory, written, asked=fps is not None)
    return files


def _film(
    robot: "Robot",
    trajectory: "Trajectory",
    motion: "HumanMotion",
    path: Path,
    progress: "Progress",
) -> Path:
    from mocap.retarget import film
    from mocap.video import VideoWriter

    size = (640, 480)
    with VideoWriter(path, *size, trajectory.fps) as writer:
        for done, picture in enumerate(film(robot, trajectory, motion, size=size), 1):
            writer.write(picture)
            progress("film", done, len(trajectory))
    return path


def _table(rows: list[tuple[str, "RobotReport"]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("person")
    for title in (
        "frames",
        "bones off",
        "pelvis off",
        "slide",
        "in floor",
        "in itself",
        "of speed",
    ):
        table.add_column(title, justify="right")
    table.add_column("report")
    for name, report in rows:
        figures = report.figures
        if "tracking" not in figures:
            table.add_row(name, str(figures["frames"]["count"]), *["–"] * 6, "fails")
            continue
        slide, deep = figures["feet"]["slide_max_mm"], figures["ground"]["penetration_max_mm"]
        table.add_row(
            name,
            str(figures["frames"]["count"]),
            f"{figures['tracking']['segments_mean_deg']:.1f}°",
            f"{figures['tracking']['pelvis_mean_mm']:.0f} mm",
            "–" if slide is None else f"{slide:.1f} mm",
            "–" if deep is None else f"{deep:.1f} mm",
            f"{figures['self_collision']['frames']} frames",
            f"{figures['joints']['speed_of_limit']:.0%}",
            "passes" if report.passed else "fails",
        )
    return table


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(retarget.__doc__),
        epilog=examples(
            "mocap retarget clip.mp4 --robot g1 --video --out g1",
            "mocap retarget clip-mocap/take.h5 --robot h1.xml --person person-2 --out h1",
            "mocap retarget dance.bvh --robot g1 --format gmr --format beyondmimic --out g1",
            "mocap retarget dance.bvh --robot talos --correspondence talos/correspondence.json "
            "--fps 50 --out talos",
        ),
    )(retarget)
