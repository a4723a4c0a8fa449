"""Takes whose clips and masks are pictures of avatars: all that is to be found out is known."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from takes import embodied, make_take

from avatar.people import painted
from mocap.avatar import Avatar, View, act_of, constant_harmonics, render, surface_avatar, together
from mocap.avatar.lens import lens_picture
from mocap.body import Body
from mocap.take import Masks, Take, VideoRecord, run_lengths
from mocap.video import VideoWriter

SIZE, FPS = (320, 240), 10.0
GREY = (0.35, 0.4, 0.45)


@dataclass(frozen=True)
class Filmed:
    """A take, the clip it is of, and who is in it."""

    take: Take
    video: Path
    avatars: dict[str, Avatar]


def filmed(
    folder: Path,
    body: Body,
    *,
    people: int = 1,
    frames: int = 8,
    lens: tuple[float, ...] | None = None,
) -> Filmed:
    """People who move a little in front of a camera, seen by a lens."""
    take = embodied(make_take(people=people, frames=frames, fps=FPS), body)
    camera = replace(
        take.camera.assumed(*SIZE),
        # Who is alone is seen at the side, where lenses bend what they see.
        t=np.array([[0.4 if people == 2 else -0.9, 1.0, 0.0]]),
        distortion=None if lens is None else np.array(lens),
    )
    avatars, acts = {}, {}
    for name, person in take.people.items():
        plain = surface_avatar(body, torch.from_numpy(person.body.betas).float(), 4000, name=name)
        harmonics = constant_harmonics(painted(plain.gaussians.means))
        avatars[name] = replace(plain, gaussians=replace(plain.gaussians, harmonics=harmonics))
        acts[name] = act_of(avatars[name], person)
    video = folder / "clip.mp4"
    masks: dict[str, list] = {name: [] for name in avatars}
    with VideoWriter(video, *SIZE, FPS, crf=8) as writer:
        for frame in range(frames):
            present = {name: act.at(frame) for name, act in acts.items()}
            view = View.pinhole(camera, frame, next(iter(present.values())).means)
            picture = render(together([*present.values()]), view, SIZE, background=GREY)
            colour = lens_picture(picture.colour.numpy() - GREY, camera, frame) + GREY
            writer.write((colour.clip(0, 1) * 255).round().astype(np.uint8))
            for name, one in present.items():
                alone = render(one, view, SIZE).alpha.numpy()
                masks[name].append(run_lengths(lens_picture(alone, camera, frame) > 0.5))
    seen = {
        name: replace(person, masks=Masks.of(masks[name], *SIZE, "the truth"))
        for name, person in take.people.items()
    }
    record = VideoRecord(str(video), "0" * 64, *SIZE, FPS, np.arange(frames) / FPS)
    return Filmed(replace(take, video=record, camera=camera, people=seen), video, avatars)
