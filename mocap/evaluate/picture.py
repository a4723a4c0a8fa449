"""A take against its own video: do the bodies lie where the picture shows people?

No truth is needed. What the take claims is each fitted body's silhouette, the parts hidden by
others left out; what the picture shows is a mask in whose making the bodies had no part. A body
is bare and people are dressed: besides the plain overlap there is that of the body made wider by
whatever one thickness, the same in all frames, suits a person best.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mocap.errors import MaskError
from mocap.evaluate.avatars import Pictures, Resemblance, compare_pictures
from mocap.evaluate.outlines import compare_masks
from mocap.evaluate.picture_report import CLOTHES, LEAST_IOU, Judged, PictureReport, summary
from mocap.masks import FrameMasks, Segmenter, SilhouetteDrawer, Silhouettes, require_video
from mocap.progress import Progress, silent
from mocap.take import Mask, Take
from mocap.video import Frame, open_video, read_ahead

if TYPE_CHECKING:
    from mocap.body import Body

#: The stage, for progress.
STAGE = "comparing"


def compare_with_picture(
    take: Take,
    video: str | Path,
    body: Body,
    masks: Segmenter,
    *,
    pictures: Pictures | None = None,
    shown: Collection[str] | None = None,
    person: str | None = None,
    every: int = 1,
    least: float = LEAST_IOU,
    progress: Progress = silent,
) -> PictureReport:
    """Compare what a take claims with what its video shows.

    Args:
        take: with fitted people.
        video: the file or folder of images that it was made from.
        body: the model they were fitted with.
        masks: what tells people from the background; the fitted bodies must have no part in it
            (:class:`mocap.masks.PictureSegmenter`, :class:`mocap.masks.StoredMasks`).
        pictures: of avatars, in the video's own pixels.
        shown: whose avatars they show; nobody else is compared with them. Everybody's if None.
        person: only this one; whoever else is there still hides what is behind.
        every: look at every so many frames.
        least: mean IoU, clothes allowed for, of a body that lies on its person.
        progress: called as ``progress("comparing", frames done, frames)``.

    Raises:
        MaskError: the masks are made with the bodies, the video is not the take's, nobody was
            fitted, or nobody can be made out in any frame.
        VideoError: the video, or one of avatars, cannot be read.
        ValueError: the pictures are of another size.
    """
    if "body" in masks.inputs:
        raise MaskError(f"masks by {masks.name} lie where the bodies do; they can judge nothing")
    require_video(take, video)
    drawer = SilhouetteDrawer(take, body)
    judged: dict[str, list[Judged]] = {
        name: []
        for name, one in take.people.items()
        if one.body is not None and person in (None, name)
    }
    for frame, told in _frames(take, video, masks, every, progress):
        silhouettes = drawer.draw(frame.index)
        avatars = None if pictures is None else pictures(frame.index)
        for name, found in _judge(take, frame, told, silhouettes, avatars, shown):
            if name in judged:
                judged[name].append(found)
    if not any(judged.values()):
        raise MaskError(
            f"{video}: nobody could be made out where people were detected; is it the right take "
            "(`mocap info`), and are the people large enough to see?"
        )
    people = (
        summary(take, take.people[name], found, every, least) for name, found in judged.items()
    )
    return PictureReport(str(video), masks.name, tuple(people))


def _frames(
    take: Take, video: str | Path, masks: Segmenter, every: int, progress: Progress
) -> Iterator[tuple[Frame, FrameMasks]]:
    """Frames that are looked at, and their masks."""
    total = len(take.video.timestamps)
    waiting: deque[Frame] = deque()

    def looked_at(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if frame.index % every == 0:
                waiting.append(frame)
                yield frame
            progress(STAGE, frame.index + 1, max(total, frame.index + 1))

    progress(STAGE, 0, total)
    with open_video(video, fps=take.video.fps) as source, closing(read_ahead(source)) as frames:
        # A segmenter may want many frames before it tells of the first.
        for told in masks.segment(take, looked_at(frames)):
            yield waiting.popleft(), told


def _judge(
    take: Take,
    frame: Frame,
    told: FrameMasks,
    silhouettes: Silhouettes,
    avatars: tuple[Tensor, Tensor] | None,
    shown: Collection[str] | None,
) -> Iterator[tuple[str, Judged]]:
    """Everybody who has a body and a mask in a frame."""
    size = frame.image.shape[:2]
    unclear = np.zeros(size, bool) if told.unclear is None else told.unclear
    masked = np.logical_or.reduce([np.zeros(size, bool), *told.people.values()])
    truth = None
    if avatars is not None:
        avatars = _checked(*avatars, size)
        truth = torch.as_tensor(np.where(masked[..., None], frame.image, 0)).to(avatars[0]) / 255
    for name, seen in told.people.items():
        if name not in silhouettes.seen or not (seen.any() or _detected(take, name, frame.index)):
            continue
        scale = silhouettes.scale[name]
        margins = [thick * scale if np.isfinite(scale) else 0.0 for thick in CLOTHES]
        agreement = compare_masks(silhouettes.seen[name], seen, unclear, margins)
        if agreement is None:
            continue
        alike: Resemblance | None = None
        if avatars is not None and truth is not None and (shown is None or name in shown):
            others = unclear | (masked & ~seen)
            alike = compare_pictures(*avatars, truth, seen, others)
        yield name, Judged(frame.index, agreement, alike, _extent(seen))


def _detected(take: Take, name: str, frame: int) -> bool:
    """Whether somebody was detected in a frame: then, that nothing of them is seen says much."""
    person = take.people[name]
    return bool(person.observed[frame - int(person.frames[0])])


def _checked(colour: Tensor, alpha: Tensor, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    if colour.shape != (*size, 3) or alpha.shape != size:
        raise ValueError(
            f"avatars of {(*colour.shape,)} and {(*alpha.shape,)} pixels; the video has {size}"
        )
    return colour.detach().cpu(), alpha.detach().cpu()


def _extent(mask: Mask) -> int:
    """The longer side of a mask, pixels."""
    sides = [np.flatnonzero(mask.any(axis)) for axis in (0, 1)]
    return max((int(side[-1] - side[0] + 1) for side in sides if len(side)), default=0)
