"""Films of avatars, as ``mocap avatar animate`` is asked for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.avatar import Act, Background, View, film, film_over, orbit, studio
from mocap.body import load_body
from mocap.calibration import read_calibration
from mocap.cli.avatar_jobs import TAKES, acts_of_file, acts_of_take, avatar_of, splats
from mocap.cli.folders import writable_folder
from mocap.errors import MocapError
from mocap.geometry import Camera
from mocap.masks import require_video
from mocap.progress import Progress
from mocap.take import Take
from mocap.video import require_writable_name

#: What cameras and backgrounds can be called.
ORBIT, ORIGINAL = "orbit", "original"
STUDIO, CLIP = "studio", "clip"
_COLOURS = {"black": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5)}


@dataclass(frozen=True)
class Shot:
    """A film to be made; see ``mocap avatar animate``.

    Attributes:
        avatars: splats, or folders of them.
        motion: a take or a motion file.
        out: the film.
        camera: orbit, original, or a calibration file.
        person: whose motion of a take.
        size: of the picture: width and height, pixels.
        turns: of an orbiting camera.
        background: studio, clip or a colour; the camera's own if empty.
        fps: of a motion file.
        video: of a take, if it was moved.
        body: file of the model; the open body if None.
    """

    avatars: tuple[Path, ...]
    motion: Path
    out: Path
    camera: str = ORBIT
    person: str | None = None
    size: tuple[int, int] = (960, 720)
    turns: float = 1.0
    background: str = ""
    fps: float | None = None
    video: Path | None = None
    body: Path | None = None


def shoot(shot: Shot, progress: Progress) -> int:
    """Make a film.

    Returns:
        How many frames it has.

    Raises:
        MocapError: with what is wrong, and what to do.
    """
    is_take = shot.motion.suffix.lower() in TAKES
    if shot.camera == ORIGINAL and not is_take:
        raise MocapError(f"{shot.motion}: has no camera; film it with --camera orbit")
    if shot.background == CLIP and shot.camera != ORIGINAL:
        raise MocapError(
            "a clip's pictures are only behind what its own camera sees: give "
            "--camera original, or another --background"
        )
    if shot.person is not None and not is_take:
        raise MocapError(f"{shot.motion}: is the motion of one person; --person is for a take")
    require_writable_name(shot.out)
    behind = _background(shot.background)
    with writable_folder(shot.out.parent):
        return _shot(shot, behind, progress)


def _shot(shot: Shot, behind: Background, progress: Progress) -> int:
    is_take = shot.motion.suffix.lower() in TAKES
    placed = None
    if shot.camera not in (ORBIT, ORIGINAL):
        placed = _placed_camera(shot.camera, shot.size)
    body = load_body(shot.body)
    take = Take.load(shot.motion) if is_take else None
    over = shot.camera == ORIGINAL and shot.background in ("", CLIP)
    if take is not None and over:
        require_video(take, shot.video or Path(take.video.path))
    avatars = [avatar_of(path, body) for path in splats(shot.avatars)]
    if take is None:
        acts, times, fps = acts_of_file(avatars, shot.motion, body, progress, shot.fps)
    else:
        acts = acts_of_take(avatars, take, shot.motion, shot.person)
        times, fps = take.video.timestamps, take.video.fps
    if take is not None and over:
        clip = shot.video or Path(take.video.path)
        film_over(acts, take.camera, clip, fps, shot.out, progress=progress)
        return len(times)
    size = shot.size
    if take is not None and shot.camera == ORIGINAL:
        size = take.video.width, take.video.height
    views = _views(shot, acts, take, placed, len(times), fps, size)
    film(acts, views, size, times, fps, shot.out, background=behind, progress=progress)
    return len(times)


def _views(
    shot: Shot,
    acts: Sequence[Act],
    take: Take | None,
    placed: Camera | None,
    count: int,
    fps: float,
    size: tuple[int, int],
) -> list[View]:
    like = acts[0].avatar.betas
    if shot.camera == ORBIT:
        people = []
        for one in acts:
            places = np.full((count, 3), np.nan)
            places[one.frames] = one.pelvis
            people.append(places)
        return orbit(people, size, shot.turns, fps)
    if shot.camera == ORIGINAL:
        assert take is not None
        return [View.pinhole(take.camera, frame, like) for frame in range(count)]
    assert placed is not None
    return [View.pinhole(placed, 0, like)]


def _placed_camera(named: str, size: tuple[int, int]) -> Camera:
    """A camera from a calibration file, which has to say where it stands."""
    file, _, name = named.rpartition(":") if not Path(named).exists() else (named, "", "")
    if not file or not Path(file).exists():
        raise MocapError(
            f"--camera {named}: is neither orbit nor original, nor a calibration file that is there"
        )
    calibration = read_calibration(file, name or None)
    if calibration.rotation is None or calibration.translation is None:
        raise MocapError(
            f"{file}: does not tell where the camera is in a world with a known way up"
        )
    return calibration.fitted(*size).camera()


def _background(text: str) -> Background:
    """What is behind avatars."""
    if text in ("", STUDIO, CLIP):
        return studio
    if text in _COLOURS:
        return _COLOURS[text]
    digits = text.removeprefix("#")
    try:
        if len(digits) != 6:
            raise ValueError
        red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
        return red, green, blue
    except ValueError:
        raise MocapError(
            f"--background {text}: is none of studio, clip, {', '.join(_COLOURS)}, and no colour "
            "such as #20c040"
        ) from None
