"""Films of avatars: from anywhere in a studio, or in the clip that they were made from."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from mocap.avatar.acting import Act, together
from mocap.avatar.lens import lens_picture
from mocap.avatar.projection import View
from mocap.avatar.rendering import render
from mocap.avatar.stage_set import shadow, studio
from mocap.avatar.threads import one_thread
from mocap.errors import VideoError
from mocap.geometry import Camera
from mocap.progress import Progress, silent
from mocap.video import VideoWriter, open_video, require_writable_name

STAGE = "filming"
#: A background: a colour, or what makes one of a camera's look.
Background = tuple[float, float, float] | Callable[[View, tuple[int, int]], Tensor]


@one_thread()
def film(
    acts: Sequence[Act],
    views: Sequence[View],
    size: tuple[int, int],
    times: Float[np.ndarray, " frames"],
    fps: float,
    path: Path,
    *,
    background: Background = studio,
    progress: Progress = silent,
) -> Path:
    """Film avatars, everybody in one world.

    Args:
        acts: who moves how.
        views: of the camera in every frame.
        size: of the picture: width and height, pixels.
        times: of the frames, seconds.
        fps: what the film is said to have.
        path: the MP4 to write; whole or not at all.
        background: :func:`.studio`, with people's shadows on its floor, or a colour.
        progress: called as ``progress("filming", frames done, frames)``.

    Raises:
        VideoError: it cannot be written.
    """
    require_writable_name(path)
    progress(STAGE, 0, len(times))
    antialiased = _antialiased(acts)
    with VideoWriter(path, *size, fps) as writer:
        for frame, time in enumerate(times):
            people = [one for act in acts if (one := act.at(frame)) is not None]
            view = views[min(frame, len(views) - 1)]
            behind = (
                background(view, size)
                if callable(background)
                else torch.tensor(background).expand(size[1], size[0], 3)
            )
            picture = behind
            if people:
                shadows = [shadow(one) for one in people] if background is studio else []
                scene = together([*people, *shadows])
                seen = view.to(scene.means)
                picture = render(
                    scene, seen, size, background=behind, antialiased=antialiased
                ).colour
            writer.write(_bytes(picture), float(time))
            progress(STAGE, frame + 1, len(times))
    return path


@one_thread()
def film_over(
    acts: Sequence[Act],
    camera: Camera,
    video: Path,
    fps: float,
    path: Path,
    *,
    progress: Progress = silent,
) -> Path:
    """Film avatars with a clip's own camera, in the clip's own pictures.

    Args:
        acts: who moves how, in the clip's frames.
        camera: that took the clip; its lens bends the avatars as it bent what it saw.
        video: the clip.
        fps: of an image folder.
        path: the MP4 to write; whole or not at all.
        progress: called as ``progress("filming", frames done, frames)``.

    Raises:
        VideoError: the clip cannot be read, or the film not be written.
    """
    require_writable_name(path)
    if path.exists() and video.exists() and path.samefile(video):
        raise VideoError(f"{path}: is the clip itself; give the film another name or folder")
    last = max(int(act.frames[-1]) for act in acts)
    with open_video(video, fps=fps) as source:
        info = source.info
        size = info.width, info.height
        with VideoWriter(path, *size, info.fps) as writer:
            for frame in source:
                planes = seen_in(acts, camera, size, frame.index)
                image = frame.image if planes is None else _over(frame.image, planes)
                writer.write(image, frame.time)
                progress(STAGE, frame.index + 1, max(last + 1, frame.index + 1))
    return path


def seen_in(
    acts: Sequence[Act], camera: Camera, size: tuple[int, int], frame: int
) -> Float[np.ndarray, "height width 4"] | None:
    """Avatars as a clip's camera shows them, lens and all, in front of black.

    Args:
        acts: who moves how, in the clip's frames.
        camera: of the clip.
        size: of its pictures: width and height, pixels.
        frame: of the clip.

    Returns:
        Red, green, blue, 0 to 1, and how much of what is behind is hidden; None for nobody.
    """
    people = [one for act in acts if (one := act.at(frame)) is not None]
    if not people:
        return None
    scene = together(people)
    columns, rows = camera.border(*size, frame)
    view = View.pinhole(camera, frame, scene.means).bordered(columns, rows)
    larger = size[0] + 2 * columns, size[1] + 2 * rows
    picture = render(scene, view, larger, antialiased=_antialiased(acts))
    planes = torch.cat([picture.colour, picture.alpha[..., None]], -1).cpu().numpy()
    return lens_picture(planes.astype(np.float32), camera, frame, (columns, rows))


def _antialiased(acts: Sequence[Act]) -> bool:
    """Whether everybody was made for it: a picture is rendered in one mode."""
    return all(act.avatar.antialiased for act in acts)


def _over(
    image: UInt8[np.ndarray, "height width 3"], planes: Float[np.ndarray, "height width 4"]
) -> UInt8[np.ndarray, "height width 3"]:
    """A clip's picture with avatars in it."""
    mixed = planes[..., :3] * 255 + (1 - planes[..., 3:]) * image
    return mixed.clip(0, 255).round().astype(np.uint8)


def _bytes(picture: Float[Tensor, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    return (picture.clamp(0, 1) * 255).round().byte().cpu().numpy()
