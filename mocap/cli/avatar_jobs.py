"""What ``mocap avatar`` does: masks where there are none, avatars and motions from files, films."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mocap.avatar import (
    Act,
    Avatar,
    Background,
    View,
    act,
    act_of,
    create_avatars,
    film,
    film_over,
    load_avatar,
    orbit,
    seen_in,
    studio,
    write_avatar,
)
from mocap.body import Body, load_body
from mocap.calibration import read_calibration
from mocap.cli.console import note
from mocap.cli.folders import writable_folder
from mocap.datasets.motions import motion_sources, to_body
from mocap.errors import MocapError
from mocap.evaluate import Pictures
from mocap.geometry import Camera
from mocap.masks import LightSegmenter, require_video, with_masks
from mocap.progress import Progress
from mocap.take import Take

#: What cameras and backgrounds can be called.
ORBIT, ORIGINAL = "orbit", "original"
STUDIO, CLIP = "studio", "clip"
_COLOURS = {"black": (0.0, 0.0, 0.0), "white": (1.0, 1.0, 1.0), "grey": (0.5, 0.5, 0.5)}
_TAKES = (".h5", ".hdf5")
#: Poses whose joints are worked out at once.
_CHUNK = 512


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


def masked(path: Path, video: Path | None, body: Body, progress: Progress) -> tuple[Take, Path]:
    """A take with masks, made and kept if it had none, and where its clip is.

    Raises:
        MaskError: the clip is not there or another, or nobody can be masked.
        MocapError: the take cannot be read or written.
    """
    take = Take.load(path)
    clip = video or Path(take.video.path)
    require_video(take, clip)
    if not any(person.masks is not None for person in take.people.values()):
        from mocap.assets import fetch

        note(f"{path} has no masks yet; they are made and kept in it")
        bundle = fetch("pose_landmarker", progress=progress)
        with closing(LightSegmenter(bundle, body)) as segmenter, writable_folder(path.parent):
            take = with_masks(take, clip, segmenter, progress=progress)
            take.save(path)
    return take, clip


def own_avatars(
    take: Take, clip: Path, folder: Path, names: Sequence[str], body: Body, progress: Progress
) -> dict[str, Avatar]:
    """The avatars of a take's people, from a folder; those it lacks are made and kept there.

    Raises:
        MocapError: one cannot be read, made or written.
    """
    able = [name for name, one in take.people.items() if one.body is not None]
    wanted = list(names) or [name for name in able if take.people[name].masks is not None]
    files = {name: folder / f"{name}.ply" for name in wanted}
    found = {name: load_avatar(path, body) for name, path in files.items() if path.exists()}
    missing = [name for name in wanted if name not in found]
    if missing:
        with writable_folder(folder):
            made = create_avatars(take, clip, body, missing, progress=progress)
            for name, one in made.items():
                write_avatar(one.avatar, files[name])
                found[name] = one.avatar
    return {name: found[name] for name in wanted}


def shoot(shot: Shot, progress: Progress) -> int:
    """Make a film.

    Returns:
        How many frames it has.

    Raises:
        MocapError: with what is wrong, and what to do.
    """
    is_take = shot.motion.suffix.lower() in _TAKES
    if shot.camera == ORIGINAL and not is_take:
        raise MocapError(f"{shot.motion}: has no camera; film it with --camera orbit")
    if shot.background == CLIP and shot.camera != ORIGINAL:
        raise MocapError(
            "a clip's pictures are only behind what its own camera sees: give "
            "--camera original, or another --background"
        )
    if not shot.out.parent.is_dir():
        raise MocapError(f"{shot.out}: there is no folder {shot.out.parent}")
    behind = _background(shot.background)
    body = load_body(shot.body)
    take = Take.load(shot.motion) if is_take else None
    over = shot.camera == ORIGINAL and shot.background in ("", CLIP)
    if take is not None and over:
        require_video(take, shot.video or Path(take.video.path))
    avatars = [load_avatar(path, body) for path in _splats(shot.avatars)]
    if take is None:
        acts, times, fps = _of_file(avatars, shot, body, progress)
    else:
        acts = _of_take(avatars, take, shot)
        times, fps = take.video.timestamps, take.video.fps
    if take is not None and over:
        clip = shot.video or Path(take.video.path)
        film_over(acts, take.camera, clip, fps, shot.out, progress=progress)
        return len(times)
    size = shot.size
    if take is not None and shot.camera == ORIGINAL:
        size = take.video.width, take.video.height
    views = _views(shot, acts, take, len(times), fps, size)
    film(acts, views, size, times, fps, shot.out, background=behind, progress=progress)
    return len(times)


def pictures_of(folder: Path, take: Take, body: Body) -> Pictures:
    """What a take's camera sees of its people's avatars, frame by frame, in front of black.

    Args:
        folder: of the avatars, or a single one.
        take: in which people of the avatars' names move.
        body: the model that they are bound to.
    """
    avatars = [load_avatar(path, body) for path in _splats([folder])]
    moving = {name for name, one in take.people.items() if one.body is not None}
    for avatar in avatars:
        if avatar.name not in moving:
            raise MocapError(
                f"{folder}: has an avatar of {avatar.name!r}, who has no motion in the take; its "
                f"people are {', '.join(moving) or 'nobody'}"
            )
    acts = [act_of(avatar, take.people[avatar.name]) for avatar in avatars]
    size = take.video.width, take.video.height

    def at(frame: int) -> tuple[Tensor, Tensor]:
        planes = seen_in(acts, take.camera, size, frame)
        if planes is None:
            planes = np.zeros((size[1], size[0], 4), np.float32)
        return torch.from_numpy(planes[..., :3]), torch.from_numpy(planes[..., 3])

    return at


def _splats(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MocapError(f"{path}: no such file or folder")
        inside = sorted(path.glob("*.ply")) if path.is_dir() else [path]
        if not inside:
            raise MocapError(f"{path}: holds no avatar (.ply); `mocap avatar create` makes them")
        found += inside
    return found


def _of_take(avatars: Sequence[Avatar], take: Take, shot: Shot) -> list[Act]:
    """Who of a take moves which avatar: by name, or in order."""
    moving = {name: one for name, one in take.people.items() if one.body is not None}
    if not moving:
        raise MocapError(f"{shot.motion}: nobody in it has a motion; `mocap fit` makes it")
    if shot.person is not None:
        if shot.person not in moving:
            raise MocapError(
                f"{shot.motion}: has no motion of {shot.person!r}, only of {', '.join(moving)}"
            )
        if len(avatars) > 1:
            raise MocapError(f"--person is for one avatar, and there are {len(avatars)}")
        return [act_of(avatars[0], moving[shot.person])]
    named = [one for one in avatars if one.name in moving]
    if len(named) == len({one.name for one in named}) == len(avatars):
        return [act_of(one, moving[one.name]) for one in avatars]
    if len(avatars) > len(moving):
        raise MocapError(f"{len(avatars)} avatars, but {shot.motion} has {len(moving)} people")
    pairs = list(zip(avatars, moving.values(), strict=False))
    for avatar, person in pairs:
        note(f"{avatar.name} moves as {person.label}")
    return [act_of(avatar, person) for avatar, person in pairs]


def _of_file(
    avatars: Sequence[Avatar], shot: Shot, body: Body, progress: Progress
) -> tuple[list[Act], np.ndarray, float]:
    """One person's motion, of which every avatar performs the same side by side."""
    found = motion_sources(shot.motion, body)
    if len(found) != 1:
        raise MocapError(f"{shot.motion}: holds {len(found)} clips; name one of them")
    clip = found[0].read()
    if shot.fps is not None:
        clip = replace(clip, fps=shot.fps)
    exact = body.to(dtype=torch.float64)
    moved = to_body(clip, exact, on_frames=lambda done: progress("following", done, len(clip)))
    pose = moved.body_pose()
    with torch.no_grad():
        joints = exact.forward(pose).joints.numpy()
    # Where they begin is the middle; floors of files are not always at zero.
    joints = joints - [joints[0, 0, 0], joints[..., 1].min(), joints[0, 0, 2]]
    frames = np.arange(len(joints))
    acts = []
    for index, avatar in enumerate(avatars):
        aside = np.array([1.2 * (index - 0.5 * (len(avatars) - 1)), 0.0, 0.0])
        acts.append(act(avatar, pose, joints + aside, frames))
    return acts, frames / moved.fps, moved.fps


def _views(
    shot: Shot,
    acts: Sequence[Act],
    take: Take | None,
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
    return [View.pinhole(_placed_camera(shot.camera, size), 0, like)]


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
