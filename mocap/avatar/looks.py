"""Pictures of one person, cut out of a clip, and how the body stood in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mocap.avatar.lens import pinhole_picture
from mocap.avatar.projection import View
from mocap.body import Body, BodyPose
from mocap.errors import AvatarError
from mocap.progress import Progress, silent
from mocap.take import BodyMotion, Person, Take
from mocap.video import open_video

#: Of the person's extent: what is seen around them.
_MARGIN = 0.1
#: A picture is not cut out larger than this, pixels along its longer side.
LARGEST = 640


@dataclass(frozen=True)
class Look:
    """A person in one video frame.

    Attributes:
        row: which of the person's frames.
        image: (H, W, 3) red, green and blue, 0 to 1.
        mask: (H, W) where the person is seen.
        told: (H, W) validity mask: where that is known, not behind or in front of somebody else,
            nor beyond what the lens saw.
        view: of the camera onto this picture, without lens distortion.
        pose: of the body, one frame.
        shrunk: pixels of the picture, along a side, for one of the clip's.
    """

    row: int
    image: Float[Tensor, "height width 3"]
    mask: Bool[Tensor, "height width"]
    told: Bool[Tensor, "height width"]
    view: View
    pose: BodyPose
    shrunk: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.image.shape[1], self.image.shape[0]

    def smaller(self, largest: int) -> "Look":
        """The same in a picture of so many pixels along the longer side at most."""
        factor = largest / max(self.size)
        if factor >= 1:
            return self
        width, height = (max(1, round(side * factor)) for side in self.size)
        image = _resized(self.image.permute(2, 0, 1), width, height).permute(1, 2, 0)
        K = self.view.K.clone()
        K[0] *= width / self.size[0]
        K[1] *= height / self.size[1]
        return replace(
            self,
            image=image.contiguous(),
            mask=_resized(self.mask[None].to(image), width, height)[0] > 0.5,
            # What is partly unknown is unknown.
            told=_resized(self.told[None].to(image), width, height)[0] > 1 - 1e-4,
            view=replace(self.view, K=K),
            shrunk=self.shrunk * factor,
        )


def expect_fitted_with(motion: BodyMotion, body: Body) -> None:
    """Betas of one body mean nothing to another.

    Raises:
        AvatarError: the motion was fitted with another body.
    """
    if motion.model_sha256 != body.sha256:
        raise AvatarError(
            f"the take was fitted with the body {motion.model}, not with {body.name}; name the "
            "file it was fitted with by --body"
        )


def pose_at(motion: BodyMotion, row: int | slice, like: Tensor) -> BodyPose:
    """A motion's pose in one of its frames, or several; without betas."""
    rows = row if isinstance(row, slice) else slice(row, row + 1)
    return replace(BodyPose.of(motion, like, rows), betas=None)


def looks(
    take: Take,
    video: Path,
    rows: Mapping[str, Sequence[int]],
    body: Body,
    *,
    largest: int = LARGEST,
    progress: Progress = silent,
) -> dict[str, list[Look]]:
    """Cut people out of some of a clip's frames, in one pass through it.

    Args:
        take: of that video, with masks.
        video: the file or folder of images.
        rows: which of whose frames; those without a mask, or with it beyond the pinhole's picture,
            are left out.
        body: in whose type and on whose device looks are.
        largest: pixels along the longer side; larger pictures are made smaller.
        progress: called as ``progress("looking", frames done, frames)``.

    Raises:
        AvatarError: a person has no motion or no masks.
        VideoError: the video cannot be read.
    """
    found: dict[str, list[Look]] = {name: [] for name in rows}
    for name, look in each_look(take, video, rows, body, largest=largest, progress=progress):
        found[name].append(look)
    return found


def each_look(
    take: Take,
    video: Path,
    rows: Mapping[str, Sequence[int]],
    body: Body,
    *,
    largest: int = LARGEST,
    progress: Progress = silent,
) -> Iterator[tuple[str, Look]]:
    """Whose it is, and the picture, one after another: see :func:`looks`, which holds them all."""
    wanted: dict[int, list[tuple[str, int]]] = {}
    for name, chosen in rows.items():
        first = int(take.people[name].frames[0])
        for row in chosen:
            wanted.setdefault(first + row, []).append((name, row))
    last = max(wanted, default=-1)
    progress("looking", 0, last + 1)
    with open_video(video, fps=take.video.fps) as source:
        for frame in source:
            for name, row in wanted.get(frame.index, ()):
                look = _look(take, take.people[name], row, frame.image, body, largest)
                if look is not None:
                    yield name, look
            progress("looking", min(frame.index, last) + 1, last + 1)
            if frame.index >= last:
                break


def _look(
    take: Take, person: Person, row: int, image: np.ndarray, body: Body, largest: int
) -> Look | None:
    if person.body is None or person.masks is None:
        raise AvatarError(f"{person.label} has no {'motion' if person.body is None else 'masks'}")
    mask = person.masks.at(row)
    if mask is None or not mask.any():
        return None
    frame = int(person.frames[row])
    others = np.zeros_like(mask)
    for other in take.people.values():
        at = frame - int(other.frames[0])
        if other.id != person.id and other.masks is not None and 0 <= at < len(other.frames):
            seen = other.masks.at(at)
            others |= np.zeros_like(mask) if seen is None else seen
    camera = take.camera
    everything = np.full_like(image, 255)
    planes = [pinhole_picture(plane, camera, frame) for plane in (image, mask, others, everything)]
    if not planes[1].any():
        return None
    low, high = _extent(planes[1] > 0)
    image, mask, others, shown = (plane[low[0] : high[0], low[1] : high[1]] for plane in planes)
    like = body.template
    view = View.pinhole(camera, frame, like)
    K = view.K.clone()
    K[:2, 2] -= torch.tensor([low[1], low[0]]).to(like)
    look = Look(
        row,
        torch.from_numpy(image.astype(np.float32) / 255).to(like),
        torch.from_numpy(mask > 0).to(like.device),
        # What is partly from beyond the picture is not known, either.
        torch.from_numpy((others == 0) & (shown[..., 0] == 255)).to(like.device),
        replace(view, K=K),
        pose_at(person.body, row, like),
        1.0,
    )
    return look.smaller(largest)


def _resized(
    planes: Float[Tensor, "channels height width"], width: int, height: int
) -> Float[Tensor, "channels height width"]:
    """Planes in fewer pixels, each the mean of what it covers."""
    return torch.nn.functional.interpolate(planes[None], (height, width), mode="area")[0]


def _extent(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last (exclusive) row and column about a mask, with a margin."""
    sides = [np.flatnonzero(mask.any(axis)) for axis in (1, 0)]
    low, high = np.array([(side[0], side[-1] + 1) for side in sides]).T
    margin = int(np.ceil(_MARGIN * (high - low).max()))
    return np.maximum(low - margin, 0), np.minimum(high + margin, mask.shape)
