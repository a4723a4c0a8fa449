"""``mocap retarget``: people's motion as trajectories of humanoid robots."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import (
    STOPPED,
    complain,
    conclude,
    configure,
    starting,
    waiting,
    warn,
)
from mocap.cli.folders import choose_folders
from mocap.cli.options import People, Quiet, RobotFormat, each_once, examples, flowing
from mocap.cli.progress import StageProgress
from mocap.cli.robot_reports import tell
from mocap.errors import MocapError
from mocap.processes import cores

if TYPE_CHECKING:
    from mocap.cli.robot_jobs import Job, Outcome

#: The exit code of `--strict` after a report that fails: all was done, but not well.
FAILED = 3


def retarget(
    source: Annotated[
        list[Path],
        typer.Argument(
            metavar="VIDEO|TAKE|MOTION...",
            callback=each_once,
            help="A video, which is extracted into DIR first, as `mocap extract` does; a take.h5; "
            "a motion file: BVH, AMASS .npz, AIST++ .pkl, Isaac Gym's AMP .npy, SMPL keypoints "
            ".npy (with labels of foot contact beside it); or a folder of motion files. Several "
            "are put on the robot side by side, on as many cores as there are.",
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
            "and correspondence.json; of several clips a folder each.",
        ),
    ],
    correspondence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A correspondence.json of an earlier run, corrected by you: which body of the "
            "robot is which part of a person, tolerances, limits of joints. If not given, the one "
            "that is in DIR already, or else worked out from the model.",
        ),
    ] = None,
    person: People = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=5,
            max=500,
            help="Frames per second of the trajectory (5 to 500). The motion's own if not given, "
            "but no fewer than 24.",
        ),
    ] = None,
    acceleration: Annotated[
        float | None,
        typer.Option(
            "--max-acceleration",
            metavar="A",
            min=1,
            help="Greatest acceleration of any joint, rad/s² (m/s² of slides), kept as limits and "
            "speeds are. None if not given: models state none. In correspondence.json, joint by "
            "joint.",
        ),
    ] = None,
    source_fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=5,
            max=500,
            help="How many frames per second a motion file's frames were taken at, where it does "
            "not tell that or tells it wrongly.",
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
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            metavar="",
            help="End with code 3 where a report fails, for scripts; files are written all the "
            "same.",
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Of several clips, how many at once. As many as there are cores if not given.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Put motion on a humanoid robot: joint limits and speeds kept, resting feet in place.

    Of a video, what `mocap extract` makes goes to DIR as well, and is kept for the next time.
    Several people become several robots in one world. Each trajectory comes with a report that
    says how far it is off and what it violates; the last column says whether it passes. What fails
    is written too, and told with figure and limit; with --strict, the code is 3 then.
    """
    configure(quiet=quiet)
    with starting():
        from mocap.cli.motion_files import TAKES
        from mocap.cli.robot_jobs import VIDEOS, Job
        from mocap.retarget import RetargetConfig, SolverConfig
    clips = _clips(source)
    timed = [path for path in clips if path.suffix.lower() in TAKES | VIDEOS]
    if source_fps is not None and timed:
        kind = "take" if timed[0].suffix.lower() in TAKES else "video"
        raise typer.BadParameter(f"a {kind} tells its own times", param_hint="--source-fps")
    folders = choose_folders(list(clips.values()), out)
    jobs = [
        Job(
            clip,
            folder,
            robot,
            correspondence,
            tuple(dict.fromkeys(person or ())),
            RetargetConfig(fps=fps, solver=SolverConfig(collisions=not no_collisions)),
            tuple(one.value for one in dict.fromkeys(formats or ()) if one.value != "mocap"),
            film=video,
            source_fps=source_fps,
            name=name,
            acceleration=acceleration,
        )
        for (clip, name), folder in zip(clips.items(), folders, strict=True)
    ]
    try:
        outcomes = [_alone(jobs[0])] if len(jobs) == 1 else _together(jobs, workers or cores())
    except KeyboardInterrupt:
        conclude(f"stopped; what was finished is in {out}, if anything was")
        raise typer.Exit(STOPPED) from None
    passed = tell(outcomes, complain if strict else warn)
    if any(outcome.fault for outcome in outcomes):
        raise typer.Exit(1)
    if strict and not passed:
        raise typer.Exit(FAILED)


def _clips(sources: Sequence[Path]) -> dict[Path, str]:
    """Files and what to call them: those given, and those of motion in folders."""
    found: dict[Path, str] = {}
    for source in sources:
        if not source.is_dir():
            found[source] = source.resolve().stem
            continue
        from mocap.body import load_body
        from mocap.datasets.motions import motion_sources

        inside = [one.path for one in motion_sources(source, load_body())]
        if not inside:
            raise MocapError(f"{source}: holds no file of motion")
        # A folder of one clip is called as the clip is, and the file as such files are.
        alone = len(inside) == 1
        found |= {path: source.resolve().name if alone else path.stem for path in inside}
    return found


def _alone(job: "Job") -> "Outcome":
    from mocap.cli.robot_jobs import run

    with StageProgress() as progress:
        return run(job, progress)


def _together(jobs: list["Job"], workers: int) -> list["Outcome"]:
    from mocap.cli.robot_jobs import described, run_all
    from mocap.retarget import robot_file

    with waiting("reading the robot"):
        # A name may have to be downloaded, and what is wrong with a robot is said once.
        jobs = [replace(job, robot=str(robot_file(job.robot))) for job in jobs]
        described(jobs[0])
    outcomes: list[Outcome] = []
    with StageProgress() as progress:
        progress("clips", 0, len(jobs))
        for outcome in run_all(jobs, workers):
            if outcome.fault:
                complain(outcome.fault)
            outcomes.append(outcome)
            progress("clips", len(outcomes), len(jobs))
    return sorted(outcomes, key=lambda one: jobs.index(one.job))


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        help=flowing(retarget.__doc__),
        epilog=examples(
            "mocap retarget clip.mp4 --robot g1 --video --out g1",
            "mocap retarget clip-mocap/take.h5 --robot h1.xml --person person-2 --out h1",
            "mocap retarget dances/ --robot t1.xml --out t1",
            "mocap retarget dance.bvh --robot g1 --format gmr --format beyondmimic --out g1",
            "mocap retarget dance.bvh --robot talos --correspondence talos/correspondence.json "
            "--fps 50 --out talos",
        ),
    )(retarget)
