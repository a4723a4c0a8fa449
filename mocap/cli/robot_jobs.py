"""One clip to one robot's files: what `mocap retarget` does, in this process or in several."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from mocap.body import load_body
from mocap.cli.extraction import TAKE
from mocap.cli.extraction import Job as Extraction
from mocap.cli.extraction import run as extract
from mocap.cli.folders import writable_folder
from mocap.cli.motion_files import at_rate, is_take, only_source
from mocap.datasets.motions import human_of_clip
from mocap.datasets.robots import FORMATS, write_trajectory
from mocap.errors import MocapError
from mocap.files import read_json
from mocap.pipeline import ExtractConfig
from mocap.processes import Death, in_processes
from mocap.progress import Progress, silent
from mocap.retarget import (
    Correspondence,
    HumanMotion,
    RetargetConfig,
    Robot,
    RobotReport,
    Trajectory,
    calmed,
    correspondence_of,
    film,
    human_of_person,
    prepared,
    read_correspondence,
    read_robot,
    retarget,
    robot_report,
    write_correspondence,
    write_page,
)
from mocap.take import Take
from mocap.video import VideoWriter

#: How names of videos and takes end.
VIDEOS = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".mts", ".wmv", ".3gp"}
)
#: What a folder of results has beside them, for people to correct.
CORRESPONDENCE = "correspondence.json"
#: Pixels of a film.
_SIZE = (640, 480)


@dataclass(frozen=True)
class Job:
    """One clip to be put on a robot.

    Attributes:
        source: a video, a take, or a file of motion.
        out: the folder for what comes of it.
        robot: name or file of the model.
        correspondence: file that says what of the robot is what of a person; worked out if None.
        people: ids of a take's; everybody if empty.
        config: rate and effort.
        formats: of :data:`mocap.datasets.robots.FORMATS`, to write as well.
        film: whether to film the robots.
        source_fps: frames a second of a motion file, in place of what it tells.
        acceleration: greatest of joints that the correspondence says nothing of; None for any.
        name: what to call whoever moves in a motion file; the file's name if empty.
    """

    source: Path
    out: Path
    robot: str
    correspondence: Path | None = None
    people: tuple[str, ...] = ()
    config: RetargetConfig = field(default_factory=RetargetConfig)
    formats: tuple[str, ...] = ()
    film: bool = False
    source_fps: float | None = None
    name: str = ""
    acceleration: float | None = None


@dataclass
class Outcome:
    """What came of a job: reports by person, files, and what users should know; or why nothing."""

    job: Job
    reports: list[tuple[str, RobotReport]] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fault: str = ""


def run(job: Job, progress: Progress = silent) -> Outcome:
    """Put everybody of a clip on the robot, and write what there is to say.

    Raises:
        MocapError: whatever stops it.
    """
    job = _with_what_is_there(job)
    robot, found = described(job)
    outcome = Outcome(job, notes=[f"{robot.name}: {told}" for told in (*robot.notes, *found.notes)])
    motions = []
    for told in _motions(outcome, progress):
        _require_free(job, told.name)
        with _faults_of(job.source, told.name):
            motions.append(prepared(told, job.config))
        if job.config.fps is None and motions[-1].fps > told.fps:
            outcome.notes.append(
                f"{told.name}: {told.fps:g} frames a second are filled in to {motions[-1].fps:g}"
            )
    files = outcome.files
    with writable_folder(job.out):
        if job.correspondence is None:
            files.append(write_correspondence(job.out / CORRESPONDENCE, found))
        trajectories = retarget(motions, robot, found, job.config, progress=progress)
        for motion, trajectory in zip(motions, trajectories, strict=True):
            files.append(trajectory.save(job.out / f"{motion.name}.npz"))
            report = robot_report(trajectory, motion, robot, found)
            outcome.reports.append((motion.name, report))
            files.append(report.write(job.out / f"{motion.name}-report.json"))
            files.append(write_page(report, trajectory, robot, _page(job, motion)))
            _write_others(outcome, robot, trajectory)
        # Films take longest: whoever stops them has everything else.
        if job.film:
            reports = [report for _, report in outcome.reports]
            for motion, trajectory, report in zip(motions, trajectories, reports, strict=True):
                shown = _film(robot, trajectory, motion, job.out / f"{motion.name}.mp4", progress)
                files.append(shown)
                write_page(report, trajectory, robot, _page(job, motion), film=shown.name)
    return outcome


def _page(job: Job, motion: HumanMotion) -> Path:
    return job.out / f"{motion.name}-report.html"


def _with_what_is_there(job: Job) -> Job:
    """With the correspondence of an earlier run into the same folder: it may have been corrected.

    Raises:
        MocapError: it is another robot's, whose results would be lost.
    """
    path = job.out / CORRESPONDENCE
    if job.correspondence is not None or not path.is_file():
        return job
    robot, content = _robot(job.robot), read_json(path)
    told = content.get("robot") if isinstance(content, dict) else None
    if told != robot.name:
        raise MocapError(
            f"{job.out}: holds what was made for {told or 'another robot'}, not for {robot.name}; "
            "choose another --out"
        )
    return replace(job, correspondence=path)


def described(job: Job) -> tuple[Robot, Correspondence]:
    """The robot of a job, and what of it is what of a person.

    Raises:
        MocapError: there is no such robot, or it is no humanoid, or the correspondence is damaged.
    """
    robot = _robot(job.robot)
    given = job.correspondence
    found = _correspondence(robot) if given is None else read_correspondence(given, robot)
    return robot, found if job.acceleration is None else calmed(found, robot, job.acceleration)


#: Several clips of one process go to the same robot, which takes longer to read than to move.
_robot = lru_cache(maxsize=1)(read_robot)
_correspondence = lru_cache(maxsize=1)(correspondence_of)


def _require_free(job: Job, person: str) -> None:
    """Refuse to write over what is read."""
    for ending in (".npz", ".mp4", "-report.json", "-report.html", *_endings(job)):
        path = job.out / f"{person}{ending}"
        if path.exists() and path.samefile(job.source):
            raise MocapError(f"{path}: is what is to be put on the robot; choose another --out")


def _endings(job: Job) -> list[str]:
    """What names of files for other projects end in, after the person's."""
    return [f"-{name}{FORMATS[name].suffix}" for name in job.formats]


def run_all(jobs: Sequence[Job], workers: int) -> Generator[Outcome, None, None]:
    """Run jobs in several processes; what stops one is its outcome's fault and stops no other.

    Yields:
        Outcomes, in the order in which they are done.
    """
    with closing(in_processes(_attempt, jobs, min(workers, len(jobs)))) as team:
        for done in team:
            yield Outcome(done.item, fault=done.reason) if isinstance(done, Death) else done


def _attempt(job: Job) -> Outcome:
    try:
        return run(job)
    except (MocapError, OSError) as error:
        return Outcome(job, fault=str(error))


def _motions(outcome: Outcome, progress: Progress) -> list[HumanMotion]:
    """The motion of everybody wanted."""
    job = outcome.job
    source = job.source
    if source.suffix.lower() in VIDEOS:
        extract(Extraction(source, job.out, ExtractConfig()), progress)
        source = job.out / TAKE
    if is_take(source):
        take = Take.load(source)
        names = job.people or [name for name, one in take.people.items() if one.body is not None]
        if not names:
            raise MocapError(f"{source}: holds no fitted motion; `mocap fit {source}` fits it")
        with _faults_of(source):
            return [human_of_person(take, name) for name in names]
    if job.people:
        raise MocapError(f"{source}: a motion file has one person only; leave --person out")
    body = load_body()
    found = only_source(source, body)
    name = job.name or source.stem
    with _faults_of(source, source.stem):
        clip = found.read()
    clip, notes = at_rate(clip, source, job.source_fps, "--source-fps")
    outcome.notes.extend(notes)
    if job.config.fps is not None:
        # Every so many frames are enough, where a lower rate is wanted.
        clip = clip.resampled(clip.fps / max(1, int(clip.fps / job.config.fps)))
    frames = len(clip)
    with _faults_of(source, name, clip.name):
        return [
            human_of_clip(
                clip, body, name, on_frames=lambda done: progress("following", done, frames)
            )
        ]


@contextmanager
def _faults_of(source: Path, *names: str) -> Iterator[None]:
    """Within the block, errors tell the file, and not what the motion in it is called.

    Args:
        source: the file.
        names: what its motion is called; empty where errors tell which of the file's motions.
    """
    try:
        yield
    except MocapError as error:
        text = str(error)
        called = next((name for name in names if text.startswith(f"{name}: ")), None)
        if str(source) in text or (names and called is None):
            raise
        raise MocapError(f"{source}: {text.removeprefix(f'{called}: ')}") from error


def _write_others(outcome: Outcome, robot: Robot, trajectory: Trajectory) -> None:
    """The same motion for other projects."""
    job = outcome.job
    for name, ending in zip(job.formats, _endings(job), strict=True):
        path = job.out / f"{trajectory.person}{ending}"
        written = write_trajectory(path, trajectory, FORMATS[name], robot)
        outcome.files.append(path)
        if written.fps != trajectory.fps:
            how = f"`mocap robot convert --fps {trajectory.fps:g}`"
            outcome.notes.append(resampling(name, trajectory.fps, written.fps, how))


def resampling(form: str, was: float, now: float, remedy: str) -> str:
    """What to say where a format has made motion change its rate."""
    return (
        f"{form}: resampled from {was:g} to {now:g} frames a second, as its readers take for "
        f"granted; {remedy} keeps them as they are"
    )


def _film(
    robot: Robot, trajectory: Trajectory, motion: HumanMotion, path: Path, progress: Progress
) -> Path:
    with VideoWriter(path, *_SIZE, trajectory.fps) as writer:
        for done, picture in enumerate(film(robot, trajectory, motion, size=_SIZE), 1):
            writer.write(picture)
            progress("film", done, len(trajectory))
    return path
