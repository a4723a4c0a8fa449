"""The masks of a take's people, made from its video."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mocap.errors import MaskError
from mocap.masks.segmenter import Segmenter
from mocap.progress import Progress, silent
from mocap.take import Masks, StageRecord, Take, run_lengths
from mocap.video import hash_source, open_video, read_ahead

#: The stage; its version changes when its results do.
STAGE, VERSION = "masks", "1"


def require_video(take: Take, video: str | Path) -> None:
    """Refuse a video that the take was not made from.

    Raises:
        MaskError: it is not there, or another; the take was made from a camera, or imported.
    """
    if not take.video.sha256:
        raise MaskError(
            f"the take was made from {take.video.path or 'no video'}, whose pictures are gone; "
            "only takes of a file can have masks"
        )
    if not Path(video).exists():
        raise MaskError(f"{video}: is not there any more; say by --video where the clip is now")
    if hash_source(video) != take.video.sha256:
        raise MaskError(
            f"{video}: is not the video that the take was made from; say by --video where that is"
        )


def with_masks(
    take: Take, video: str | Path, segmenter: Segmenter, *, progress: Progress = silent
) -> Take:
    """A take with its people's masks, in place of those it had.

    Args:
        take: of that video.
        video: the file or folder of images.
        segmenter: what tells people from the background.
        progress: called as ``progress("masks", frames done, frames)``.

    Raises:
        MaskError: the video is not the take's, or nobody can be masked.
        VideoError: the video cannot be read.
    """
    started = time.perf_counter()
    require_video(take, video)
    size = take.video.width, take.video.height
    found: dict[str, list[np.ndarray | None]] = {
        name: [None] * len(person.frames) for name, person in take.people.items()
    }
    total = len(take.video.timestamps)
    progress(STAGE, 0, total)
    with open_video(video, fps=take.video.fps) as source:
        for masks in segmenter.segment(take, read_ahead(source)):
            for name, mask in masks.people.items():
                row = masks.frame - int(take.people[name].frames[0])
                if 0 <= row < len(found[name]):
                    found[name][row] = run_lengths(mask)
            progress(STAGE, masks.frame + 1, max(total, masks.frame + 1))
    if not any(one is not None for lengths in found.values() for one in lengths):
        raise MaskError(f"{video}: nobody could be told from the background in any frame")
    people = {
        name: replace(person, masks=_record(found[name], size, segmenter.name))
        for name, person in take.people.items()
    }
    seconds = round(time.perf_counter() - started, 3)
    parameters, inputs = dict(segmenter.parameters), dict(segmenter.inputs)
    return take.with_stage(StageRecord(STAGE, VERSION, parameters, seconds, inputs), people=people)


def _record(found: list[np.ndarray | None], size: tuple[int, int], source: str) -> Masks | None:
    """The record of somebody's masks; None if no frame's is known."""
    if all(lengths is None for lengths in found):
        return None
    return Masks.of(found, *size, source)
