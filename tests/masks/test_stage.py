"""From a segmenter to masks in the take: of the right frames, whole, and of that video only."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from takes import make_take

from mocap.errors import MaskError
from mocap.masks import FrameMasks, require_video, with_masks
from mocap.take import Take
from mocap.video import Frame, VideoWriter, hash_source


class BrightParts:
    """Whatever is bright is the first person, in frames of even number."""

    name = "bright parts"

    def __init__(self) -> None:
        self.parameters = {"least": 128}
        self.inputs: dict[str, str] = {}

    def segment(self, take: Take, frames: Iterable[Frame]) -> Iterator[FrameMasks]:
        name = next(iter(take.people))
        for frame in frames:
            bright = frame.image.max(2) >= 128
            yield FrameMasks(frame.index, {} if frame.index % 2 else {name: bright})

    def close(self) -> None:
        pass


@pytest.fixture
def filmed(tmp_path) -> Take:
    """A bright square that moves to the right, and somebody who is there from frame 2 on."""
    path = tmp_path / "square.mp4"
    with VideoWriter(path, 160, 96, 10.0, crf=1) as writer:
        for index in range(8):
            image = np.zeros((96, 160, 3), np.uint8)
            image[20:60, 10 * index : 10 * index + 30] = 255
            writer.write(image)
    take = make_take(people=2, frames=6, fps=10.0, first_frame=2)
    video = replace(
        take.video, path=str(path), sha256=hash_source(path), width=160, height=96, fps=10.0
    )
    return replace(take, video=video)


def test_masks_are_of_their_frames(filmed):
    done = []
    masked = with_masks(
        filmed, filmed.video.path, BrightParts(), progress=lambda *told: done.append(told)
    )
    person = masked.people["person-1"]
    assert person.masks.known.tolist() == [True, False, True, False, True, False]
    for row, frame in ((0, 2), (2, 4), (4, 6)):
        middle = np.argwhere(person.masks.at(row)).mean(0)
        assert middle == pytest.approx([39.5, 10 * frame + 14.5], abs=0.5)
    assert masked.people["person-2"].masks is None
    assert done[0] == ("masks", 0, 8)
    assert done[-1] == ("masks", 8, 8)
    (stage,) = masked.provenance
    assert (stage.name, stage.parameters) == ("masks", {"least": 128})
    assert person.masks.source == "bright parts"


def test_masks_made_again_replace_the_first(filmed):
    masked = with_masks(filmed, filmed.video.path, BrightParts())
    again = with_masks(masked, filmed.video.path, BrightParts())
    assert [stage.name for stage in again.provenance] == ["masks"]


def test_nobody_made_out_is_said(filmed):
    unseen = replace(filmed, people={"person-2": filmed.people["person-2"]})

    class Blind(BrightParts):
        def segment(self, take, frames):
            return (FrameMasks(frame.index, {}) for frame in frames)

    with pytest.raises(MaskError, match="nobody could be told"):
        with_masks(unseen, filmed.video.path, Blind())


def test_a_video_that_is_gone_or_another_is_refused(filmed, tmp_path):
    moved = tmp_path / "elsewhere.mp4"
    shutil.copy(filmed.video.path, moved)
    require_video(filmed, moved)
    with moved.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(MaskError, match=r"elsewhere.mp4: is not the video .* --video"):
        with_masks(filmed, moved, BrightParts())
    moved.unlink()
    with pytest.raises(MaskError, match=r"elsewhere.mp4: is not there any more; .* --video"):
        with_masks(filmed, moved, BrightParts())
    camera = replace(filmed, video=replace(filmed.video, path="camera:0", sha256=""))
    with pytest.raises(MaskError, match="camera:0, whose pictures are gone"):
        with_masks(camera, "camera:0", BrightParts())
