"""Pictures of avatars to be held beside the clip's: rendered on demand, or a video of them.

Whoever renders is called with a video frame's number and gives what
:func:`mocap.avatar.render` does in front of black: ``colour`` (H, W, 3), 0 to 1, and ``alpha``
(H, W), how much of each pixel is covered; all people in one picture, in the clip's own pixels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from mocap.errors import VideoError
from mocap.likeness import WINDOW, psnr, region_about, soft_iou, ssim
from mocap.take import Mask, Take
from mocap.video import Frame, open_video

Pictures = Callable[[int], tuple[Tensor, Tensor]]

#: What differs from the background by less than this, of 1, is background: codecs are not exact.
_ALIKE = 0.06


@dataclass(frozen=True)
class Resemblance:
    """One person's avatar in one frame.

    Attributes:
        psnr_db: peak signal-to-noise ratio about the person.
        ssim: structural similarity there.
        avatar_iou: of what the avatar covers with the mask: of somebody all in black, whom the
            other figures cannot tell from nobody, too.
    """

    psnr_db: float
    ssim: float
    avatar_iou: float


def compare_pictures(
    colour: Float[Tensor, "height width 3"],
    alpha: Float[Tensor, "height width"],
    truth: Float[Tensor, "height width 3"],
    seen: Mask,
    unclear: Mask,
) -> Resemblance | None:
    """Compare a picture of avatars with the clip's, about one person.

    Both are in front of black: of the clip's, what the masks leave. An avatar that is not there
    is as wrong as one that is where nobody is. :func:`.region_about` says where they are compared.

    Args:
        colour: of the avatars, in front of black.
        alpha: what they cover.
        truth: the clip's, black where no mask is.
        seen: the person's mask.
        unclear: pixels that do not count, such as other people's.

    Returns:
        None where nothing of that region counts.
    """
    region = region_about(seen, unclear)
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    # With what SSIM's window reaches, for speed.
    part = (
        slice(max(0, rows[0] - WINDOW), rows[-1] + 1 + WINDOW),
        slice(max(0, columns[0] - WINDOW), columns[-1] + 1 + WINDOW),
    )
    weight = torch.as_tensor(region[part])
    ours, theirs = colour[part].clamp(0, 1), truth[part]
    own = torch.as_tensor(seen[part])
    return Resemblance(
        float(psnr(ours, theirs, weight)),
        float(ssim(ours, theirs, weight)),
        float(soft_iou(alpha[part], own, weight)),
    )


def through_lens(pictures: Pictures, take: Take) -> Pictures:
    """Pictures of a pinhole camera as the take's lens bends them, with their gradients.

    :func:`mocap.avatar.render` knows no lenses: it is given the take's camera without its
    distortion, and what it renders is given to this. A lens that bends nothing leaves them alone.
    One that shows more than a pinhole wants larger pictures, with the clip's in their middle:
    :meth:`mocap.geometry.Camera.border` says by how much.
    """
    if not take.camera.bends:
        return pictures
    width, height = take.video.width, take.video.height
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    # As for who renders, the first pixel's middle is at (0.5, 0.5).
    pixels = np.stack([columns, rows], -1).reshape(1, -1, 2) + 0.5

    def bent(frame: int) -> tuple[Tensor, Tensor]:
        colour, alpha = pictures(frame)
        straight = take.camera.undistort(pixels, np.array([frame])).reshape(height, width, 2)
        shown = np.array([colour.shape[1], colour.shape[0]])
        border = (shown - [width, height]) / 2
        # What no ray reaches is looked up outside the picture, where nothing is.
        places = 2 * np.nan_to_num(straight + border, nan=-2.0 * width) / shown - 1
        layers = torch.cat([colour, alpha[..., None]], -1).movedim(-1, 0)[None]
        grid = torch.as_tensor(places).to(layers)[None]
        found = grid_sample(layers, grid, align_corners=False)[0].movedim(0, -1)
        return found[..., :3], found[..., 3]

    return bent


class RenderedVideo:
    """A video of avatars on a plain background, as long and as large as the clip.

    Its background is the colour that its first picture's border has on the median. Frames are
    asked for in the order of time.

    Args:
        path: the video.
        take: of the clip.

    Raises:
        VideoError: it cannot be read, or is of another size.
    """

    def __init__(self, path: Path, take: Take) -> None:
        self._path, self._take = path, take
        with open_video(path) as video:
            size = video.info.width, video.info.height
        if size != (take.video.width, take.video.height):
            raise VideoError(
                f"{path}: has pictures of {size[0]}×{size[1]} pixels, but the clip's are of "
                f"{take.video.width}×{take.video.height}; render it as large as the clip"
            )
        self._frames: Iterator[Frame] = self._read()
        self._background: np.ndarray | None = None

    def __call__(self, frame: int) -> tuple[Tensor, Tensor]:
        """The avatars in a frame, and which pixels they cover.

        Raises:
            VideoError: the video ends before it.
        """
        found = next((one for one in self._frames if one.index == frame), None)
        if found is None:
            raise VideoError(
                f"{self._path}: has no frame {frame}, but the clip's "
                f"{len(self._take.video.timestamps)} are to be compared; render all of them"
            )
        picture = found.image.astype(np.float32) / 255
        if self._background is None:
            border = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
            self._background = np.median(np.concatenate(border), axis=0)
        covered = np.abs(picture - self._background).max(-1) > _ALIKE
        colour = np.where(covered[..., None], picture, 0)
        return torch.as_tensor(colour), torch.as_tensor(covered.astype(np.float32))

    def _read(self) -> Iterator[Frame]:
        with open_video(self._path) as video:
            yield from video
