"""What ``mocap avatar`` works with: masks where there are none, avatars and motions from files."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mocap.avatar import (
    Act,
    Avatar,
    act,
    act_of,
    binding_file,
    load_avatar,
    seen_in,
)
from mocap.body import Body, load_body
from mocap.cli.console import note
from mocap.cli.folders import writable_folder
from mocap.cli.motion_files import at_rate, is_take, only_source
from mocap.datasets.motions import to_body
from mocap.errors import MocapError
from mocap.evaluate import Pictures
from mocap.masks import LightSegmenter, require_video, with_masks
from mocap.progress import Progress
from mocap.take import Take

#: Of frames' lowest joints, per cent that are under the floor; metres from there to a foot's ball.
_FLOOR, _SOLE = 5.0, 0.02


def body_on(file: Path | None, device: str) -> Body:
    """The body model where Gaussians are to be rendered: what is bound to it is there too.

    Args:
        file: of the model; the open body if None.
        device: auto, cpu or cuda.

    Raises:
        BodyError: the file cannot be read.
        MocapError: there is no such device.
    """
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise MocapError("--device cuda: PyTorch sees no NVIDIA GPU here; take --device cpu")
    return load_body(file).to(device="cuda" if there and device != "cpu" else "cpu")


def masked(path: Path, video: Path | None, body: Body, progress: Progress) -> tuple[Take, Path]:
    """A take with masks, made and kept if it had none, and where its clip is.

    Raises:
        MaskError: the clip is not there or another, or nobody can be masked.
        MocapError: the take cannot be read or written.
    """
    take = Take.load(path)
    if all(person.body is None for person in take.people.values()):
        raise MocapError(f"{path}: nobody in it has a motion yet; `mocap fit` makes it")
    clip = video or Path(take.video.path)
    require_video(take, clip)
    if not any(person.masks is not None for person in take.people.values()):
        from mocap.assets import fetch

        note(f"{path} has no masks yet; they are made and kept in it")
        bundle = fetch("pose_landmarker", progress=progress)
        here = body.to(device="cpu")
        with closing(LightSegmenter(bundle, here)) as segmenter, writable_folder(path.parent):
            take = with_masks(take, clip, segmenter, progress=progress)
            take.save(path)
    return take, clip


def avatar_of(path: Path, body: Body) -> Avatar:
    """An avatar from a file; says so where it has to be bound to the body first, and how it lies.

    Raises:
        AvatarError: it is none.
    """
    if path.suffix.lower() == ".ply" and path.is_file() and not binding_file(path).exists():
        note(
            f"{path} has no binding beside it: the body is laid into it, which takes a while "
            "(`mocap avatar bind` keeps it)"
        )
    return load_avatar(path, body, lambda words: note(f"{path}: {words}"))


def pictures_of(folder: Path, take: Take, body: Body) -> tuple[Pictures, list[str]]:
    """What a take's camera sees of its people's avatars, frame by frame, in front of black.

    Args:
        folder: of the avatars, or a single one.
        take: in which people of the avatars' names move.
        body: the model that they are bound to.

    Returns:
        That, and whose avatars there are.
    """
    avatars = [avatar_of(path, body) for path in splats([folder])]
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

    return at, [avatar.name for avatar in avatars]


def splats(paths: Sequence[Path]) -> list[Path]:
    """The files of avatars that are given, or in folders that are.

    Raises:
        MocapError: one is not there, or holds none.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MocapError(f"{path}: no such file or folder")
        inside = sorted(path.glob("*.ply")) if path.is_dir() else [path]
        if not inside:
            raise MocapError(f"{path}: holds no avatar (.ply); `mocap avatar create` makes them")
        found += inside
    return found


@dataclass(frozen=True)
class Performance:
    """Who moves how, and when.

    Attributes:
        acts: of each avatar.
        times: of the frames, seconds.
        fps: frames a second.
        take: that it is of; None of a motion file.
    """

    acts: list[Act]
    times: Float[np.ndarray, " frames"]
    fps: float
    take: Take | None = None


def performance(
    avatars: Sequence[Avatar],
    path: Path,
    body: Body,
    progress: Progress,
    *,
    person: str | None = None,
    fps: float | None = None,
) -> Performance:
    """Avatars in the motion of a take's people, or of a motion file.

    Args:
        avatars: of whomever; of a take's people, they move as these, by name or in order. The one
            motion of a file is performed by all, side by side.
        path: of the take or the motion.
        body: the model.
        progress: told of frames that the body has followed.
        person: whose motion of a take it shall be, of a single avatar.
        fps: of a motion file, in place of what it tells.

    Raises:
        MocapError: it cannot be read, or nobody moves in it, or not who was asked for.
    """
    if is_take(path):
        if fps is not None:
            raise MocapError(f"{path}: a take has a rate of its own; --fps is for a motion file")
        take = Take.load(path)
        acts = _acts_of_take(avatars, take, path, person)
        return Performance(acts, take.video.timestamps, take.video.fps, take)
    if person is not None:
        raise MocapError(f"{path}: is the motion of one person; --person is for a take")
    return _acts_of_file(avatars, path, body, progress, fps)


def _acts_of_take(
    avatars: Sequence[Avatar], take: Take, path: Path, person: str | None
) -> list[Act]:
    """Who of a take moves which avatar."""
    moving = {name: one for name, one in take.people.items() if one.body is not None}
    if not moving:
        raise MocapError(f"{path}: nobody in it has a motion; `mocap fit` makes it")
    if person is not None:
        if person not in moving:
            raise MocapError(f"{path}: has no motion of {person!r}, only of {', '.join(moving)}")
        if len(avatars) > 1:
            raise MocapError(f"--person is for one avatar, and there are {len(avatars)}")
        return [act_of(avatars[0], moving[person])]
    named = [one for one in avatars if one.name in moving]
    if len(named) == len({one.name for one in named}) == len(avatars):
        return [act_of(one, moving[one.name]) for one in avatars]
    if len(avatars) > len(moving):
        raise MocapError(f"{len(avatars)} avatars, but {path} has {len(moving)} people")
    pairs = list(zip(avatars, moving.values(), strict=False))
    for avatar, one in pairs:
        note(f"{avatar.name} moves as {one.label}")
    return [act_of(avatar, one) for avatar, one in pairs]


def _acts_of_file(
    avatars: Sequence[Avatar], path: Path, body: Body, progress: Progress, fps: float | None
) -> Performance:
    """One person's motion, which all avatars perform side by side."""
    body = body.to(device="cpu")
    clip, notes = at_rate(only_source(path, body).read(), path, fps, "--fps")
    for told in notes:
        note(told)
    exact = body.to(dtype=torch.float64)
    moved = to_body(clip, exact, on_frames=lambda done: progress("following", done, len(clip)))
    pose = moved.body_pose()
    with torch.no_grad():
        joints = exact.forward(pose).joints.numpy()
    # Where they begin is the middle; floors of files are not always at zero, and a frame may sink.
    floor = np.percentile(joints[..., 1].min(1), _FLOOR) - _SOLE
    joints = joints - [joints[0, 0, 0], floor, joints[0, 0, 2]]
    frames = np.arange(len(joints))
    acts = []
    for index, avatar in enumerate(avatars):
        aside = np.array([1.2 * (index - 0.5 * (len(avatars) - 1)), 0.0, 0.0])
        acts.append(act(avatar, pose, joints + aside, frames))
    return Performance(acts, frames / moved.fps, moved.fps)
