"""Small real video files made for the tests."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def quadrants(width: int = 64, height: int = 48) -> np.ndarray:
    """Red, green above blue, white: tells every rotation and mirroring from every other."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = GREEN
    image[height // 2 :, : width // 2] = BLUE
    image[height // 2 :, width // 2 :] = WHITE
    return image


def grey_levels(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Pictures that tell their own number: frame i is grey 8·i + 4 (modulo 256)."""
    return [np.full((height, width, 3), (8 * i + 4) % 256, np.uint8) for i in range(count)]


def level(image: np.ndarray) -> int:
    """The number of a picture of ``grey_levels``."""
    return round((float(image.mean()) - 4) / 8)


def corners(image: np.ndarray) -> list[str]:
    """Colours of the four quadrants, row by row."""
    height, width = image.shape[:2]
    names = {RED: "R", GREEN: "G", BLUE: "B", WHITE: "W"}
    found = []
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            colour = tuple(255 if value > 127 else 0 for value in image[y, x])
            found.append(names.get(colour, "?"))
    return found


def write_clip(
    path: Path,
    images: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    fps: int | Fraction = 25,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: float | None = None,
    mirror: bool = False,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    gop: int = 12,
    b_frames: int = 0,
) -> Path:
    """Encode ``images`` with PyAV, at ``ticks`` of ``time_base`` or evenly at ``fps``."""
    height, width = images[0].shape[:2]
    base = time_base or 1 / Fraction(fps)
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(
            codec, rate=Fraction(fps), options=options, width=width, height=height, time_base=base
        )
        stream.codec_context.pix_fmt = pix_fmt
        if pix_fmt in ("gray", "yuvj420p"):
            stream.codec_context.color_range = 2
        stream.codec_context.gop_size = gop
        stream.codec_context.max_b_frames = b_frames
        if rotation is not None:
            stream.set_display_rotation(rotation, mirror)
        for index, image in enumerate(images):
            picture = av.VideoFrame.from_ndarray(image).reformat(format=pix_fmt)
            picture.time_base = base
            picture.pts = index if ticks is None else ticks[index]
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def noise(count: int, width: int = 160, height: int = 120) -> list[np.ndarray]:
    """Pictures that do not compress, so that a file's bytes are spread over its frames."""
    generator = np.random.default_rng(0)
    shape = (height, width, 3)
    return [generator.integers(0, 256, shape, dtype=np.uint8) for _ in range(count)]
