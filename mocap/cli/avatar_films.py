"""Films of avatars, as ``mocap avatar animate`` is asked for them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mocap.avatar import Background, View, film, film_over, orbit, studio
from mocap.cli.avatar_jobs import Performance, avatar_of, body_on, performance, splats
from mocap.cli.extraction import chosen_camera
from mocap.cli.folders import writable_folder
from mocap.cli.motion_files import is_take
from mocap.errors import CalibrationError, MocapError
from mocap.geometry import Camera
from mocap.masks import require_video
from mocap.progress import Progress

#: A film's size if nothing else is asked for: width and height, pixels.
_SIZE = 960, 720
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
        size: of the picture: width and height, pixels; None for what suits the camera.
        turns: of an orbiting camera; once round if None.
        background: studio, clip or a colour; the camera's own if empty.
        fps: of a motion file.
        video: of a take, if it was moved.
        body: file of the model; the open body if None.
        device: where Gaussians are rendered: auto, cpu or cuda.
    """

    avatars: tuple[Path, ...]
    motion: Path
    out: Path
    camera: str = ORBIT
    person: str | None = None
    size: tuple[int, int] | None = None
    turns: float | None = None
    background: str = ""
    fps: float | None = None
    video: Path | None = None
    body: Path | None = None
    device: str = "cpu"


def shoot(shot: Shot, progress: Progress) -> int:
    """Make a film.

    Returns:
        How many frames it has.

    Raises:
        MocapError: with what is wrong, and what to do.
    """
    if shot.camera == ORIGINAL and not is_take(shot.motion):
        raise MocapError(f"{shot.motion}: has no camera; film it with --camera orbit")
    if shot.background == CLIP and shot.camera != ORIGINAL:
        raise MocapError(
            "a clip's pictures are only behind what its own camera sees: give "
            "--camera original, or another --background"
        )
    behind = _background(shot.background)
    placed, size = None, shot.size or _SIZE
    if shot.camera not in (ORBIT, ORIGINAL):
        placed, size = _placed_camera(shot.camera, shot.size)
    with writable_folder(shot.out.parent):
        return _shot(shot, behind, placed, size, progress)


def _shot(
    shot: Shot,
    behind: Background,
    placed: Camera | None,
    size: tuple[int, int],
    progress: Progress,
) -> int:
    body = body_on(shot.body, shot.device)
    avatars = [avatar_of(path, body) for path in splats(shot.avatars)]
    played = performance(avatars, shot.motion, body, progress, person=shot.person, fps=shot.fps)
    take = played.take
    if take is not None and shot.camera == ORIGINAL:
        size = take.video.width, take.video.height
        if shot.background in ("", CLIP):
            clip = shot.video or Path(take.video.path)
            require_video(take, clip)
            film_over(played.acts, take.camera, clip, played.fps, shot.out, progress=progress)
            return len(played.times)
    views = _views(shot, played, placed, size)
    film(
        *(played.acts, views, size, played.times, played.fps, shot.out),
        background=behind,
        progress=progress,
    )
    return len(played.times)


def _views(
    shot: Shot, played: Performance, placed: Camera | None, size: tuple[int, int]
) -> list[View]:
    like, count = played.acts[0].avatar.betas, len(played.times)
    if shot.camera == ORBIT:
        people = []
        for one in played.acts:
            places = np.full((count, 3), np.nan)
            places[one.frames] = one.pelvis
            people.append(places)
        return orbit(people, size, 1.0 if shot.turns is None else shot.turns, played.fps)
    if shot.camera == ORIGINAL:
        assert played.take is not None
        return [View.pinhole(played.take.camera, frame, like) for frame in range(count)]
    assert placed is not None
    return [View.pinhole(placed, 0, like)]


def _placed_camera(named: str, size: tuple[int, int] | None) -> tuple[Camera, tuple[int, int]]:
    """A camera from a calibration file, which has to say where it stands, and its pictures' size.

    Args:
        named: the file, and a name in it.
        size: that is asked for; None for the file's own, shrunk.
    """
    if not (Path(named).exists() or Path(named.rpartition(":")[0]).is_file()):
        raise MocapError(
            f"--camera {named}: is neither orbit nor original, nor a calibration file that is there"
        )
    calibration = chosen_camera(named, "")
    if calibration.rotation is None or calibration.translation is None:
        raise MocapError(
            f"{named}: does not tell where the camera is in a world whose way up is known; add "
            'up_axis (such as "+Y" or "+Z") to the file, and rotation and translation if it has '
            "none"
        )
    if size is None:
        if calibration.size is None:
            raise MocapError(
                f"{named}: does not tell how large its pictures are; give it by --size"
            )
        size = _shrunk(calibration.size)
    try:
        return calibration.fitted(*size).camera(), size
    except CalibrationError as misfit:
        own = calibration.size or size
        raise MocapError(
            f"--size {_said(size)}: {named} is calibrated for pictures of {_said(own)}; give a "
            f"size of that shape, such as {_said(_shrunk(own))}, or none"
        ) from misfit


def _shrunk(size: tuple[int, int]) -> tuple[int, int]:
    """A size of the same shape, no longer than films usually are; even, as they are written."""
    scale = min(1.0, max(_SIZE) / max(size))
    width, height = (max(2, 2 * round(0.5 * scale * side)) for side in size)
    return (width, height) if scale < 1 else size


def _said(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


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
