"""``mocap robot``: robots' motion in the files of other projects."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mocap.cli.console import configure, note, say, starting, waiting
from mocap.cli.options import Quiet, RobotFormat, examples, flowing
from mocap.errors import MocapError

if TYPE_CHECKING:
    from mocap.retarget import Robot, Trajectory

_commands = typer.Typer(
    help="Motion of robots: between the formats of other projects, and in MuJoCo's viewer.",
    no_args_is_help=True,
)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A robot's motion, recognised by what is in it: a trajectory of `mocap retarget`, or "
        "a file of GMR, BeyondMimic, mjlab, holosoma, soma-retargeter or Unitree.",
    ),
]
RobotName = Annotated[
    str | None,
    typer.Option(
        "--robot",
        metavar="NAME|FILE",
        help="Whose motion it is: an MJCF or URDF, or a name such as g1. Needed where a file does "
        "not name the joints (gmr, beyondmimic, mjlab, unitree) and where bodies are written "
        "(beyondmimic, mjlab, mujoco); it also checks that the motion fits.",
    ),
]
FileFps = Annotated[
    float | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1000,
        help="Frames per second of FILE, where it does not tell: unitree counts as 30, soma as "
        "120.",
    ),
]


def convert(
    file: File,
    to: Annotated[
        RobotFormat,
        typer.Option(
            metavar="NAME",
            case_sensitive=False,
            help="gmr (General Motion Retargeting's .pkl), unitree (a .csv as in LAFAN1 for "
            "Unitree's robots, without names), soma (soma-retargeter's and BONES-SEED's .csv), "
            "beyondmimic (whole_body_tracking's .npz, in Isaac Lab's order), mjlab (the same in "
            "MuJoCo's order), holosoma (.npz of qpos), mujoco (.npz of time, qpos and qvel) or "
            "mocap (our own).",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to write.")],
    robot: RobotName = None,
    fps: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=5,
            max=500,
            help="Frames per second to write (5 to 500). If not given, what the format's readers "
            "take for granted: unitree 30, soma 120, beyondmimic and mjlab 50; the others tell "
            "the rate and keep the motion's own.",
        ),
    ] = None,
    file_fps: FileFps = None,
    quiet: Quiet = False,
) -> None:
    """Convert a robot's motion between formats: any to any, exactly, where the rate stays.

    Contacts, and whom the robot follows, are told by our own files only. What reads beyondmimic and
    mjlab goes by number: give --robot the model you will train with. Nothing in a pickle is ever
    run.
    """
    configure(quiet=quiet)
    with starting():
        from mocap.cli.robot_jobs import resampling
        from mocap.datasets.robots import FORMATS, write_trajectory

    form = FORMATS[to.value]
    if out.suffix.lower() != form.suffix:
        raise typer.BadParameter(f"{to.value} files end in {form.suffix}", param_hint="--out")
    if out.exists() and file.exists() and out.samefile(file):
        raise MocapError(f"{out}: is the file to convert; give another name by --out")
    model, trajectory = _read(file, robot, file_fps)
    with waiting("writing"):
        written = write_trajectory(out, trajectory, form, model, fps=fps)
    if fps is None and written.fps != trajectory.fps:
        note(resampling(to.value, trajectory.fps, written.fps, f"--fps {trajectory.fps:g}"))
    note(f"{len(written)} frames, {written.fps:g} a second, {len(written.joint_names)} joints")
    say(str(out))


def play(
    file: File,
    robot: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE", help="Whose motion it is: an MJCF or URDF, or a name such as g1."
        ),
    ],
    speed: Annotated[
        float,
        typer.Option(metavar="X", min=0.01, max=100, help="How many times as fast."),
    ] = 1.0,
    file_fps: FileFps = None,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=0, help="Close the window after so many seconds."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Play a robot's motion in MuJoCo's viewer, over and over, until its window is closed."""
    configure(quiet=quiet)
    with starting():
        from mocap.retarget import play as show_robot
    model, trajectory = _read(file, robot, file_fps)
    if model is not None:
        show_robot(model, trajectory, speed=speed, seconds=seconds)


def _read(file: Path, robot: str | None, fps: float | None) -> "tuple[Robot | None, Trajectory]":
    from mocap.datasets.robots import read_trajectory
    from mocap.retarget import read_robot

    with waiting("reading"):
        model = None if robot is None else read_robot(robot)
        return model, read_trajectory(file, model, fps=fps)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    _commands.command(
        help=flowing(convert.__doc__),
        epilog=examples(
            "mocap robot convert g1/person-1.npz --to beyondmimic --robot g1 --out walk.npz",
            "mocap robot convert g1/person-1.npz --to unitree --out walk.csv",
            "mocap robot convert dance1_subject2.csv --to gmr --robot g1 --out dance.pkl",
            "mocap robot convert walk.pkl --to mjlab --robot unitree_g1/g1.xml --out walk.npz",
        ),
    )(convert)
    _commands.command(
        help=flowing(play.__doc__),
        epilog=examples(
            "mocap robot play g1/person-1.npz --robot g1",
            "mocap robot play dance1_subject2.csv --robot g1 --speed 0.5",
        ),
    )(play)
    app.add_typer(_commands, name="robot")
