"""Write H.264 in MP4, whole or not at all."""

import contextlib
import errno
import math
import uuid
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from jaxtyping import UInt8

from mocap.errors import VideoError

_ENCODERS = ("libx264", "libopenh264", "mpeg4")
# Whole ticks for 24, 25, 30, 50, 60, 120 frames per second and their NTSC relatives.
_TICKS = 120_000
# MPEG-4 part 2 counts time in sixteen bits.
_TICKS_MPEG4 = 60_000
_BT601 = 6
_BT709_PRIMARIES = 1
_LIMITED_RANGE = 1
_FULL_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def require_writable_name(path: Path) -> None:
    """Refuse what no video can be written under.

    Raises:
        VideoError: the name has another ending than MP4's, is a folder's, or its folder is not
            there.
    """
    require_film_name(path)
    if not path.parent.is_dir():
        raise VideoError(f"{path}: its folder does not exist; create it first")


def require_film_name(path: Path) -> None:
    """Refuse what no video can be called, wherever it is to be.

    Raises:
        VideoError: the name has another ending than MP4's, or is a folder's.
    """
    if path.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise VideoError(f"{path}: only MP4 can be written; give a name ending in .mp4")
    if path.is_dir():
        raise VideoError(f"{path}: is a folder; give the name of a file")


class VideoWriter:
    """A context manager that writes pictures to an MP4 file ready for streaming.

    The file appears under its name when the block ends without an exception; until then it
    is a hidden temporary file beside it, which is removed if anything goes wrong. Odd sizes
    are padded to even ones by repeating the last row and column.

    Args:
        path: Target, ending in ``.mp4``, ``.m4v`` or ``.mov``; replaced if it exists.
        width: Pixels.
        height: Pixels.
        fps: Frames per second; 29.97 and its like mean the exact 30000/1001.
        crf: Constant rate factor of x264, 0 (lossless) to 51; 18 to 28 are usual.
        preset: x264 preset; slower ones make smaller files.
        threads: Encoder threads.

    Raises:
        VideoError: If the file cannot be written: no such folder, no permission, disk full.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: float | Fraction,
        *,
        crf: int = 23,
        preset: str = "ultrafast",
        threads: int = 2,
    ) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"size must be positive, not {width}×{height}")
        self.path = Path(path)
        self.fps = exact_rate(fps)
        self.frame_count = 0
        self._size = (width, height)
        self._crf, self._preset, self._threads = crf, preset, threads
        name = f".{self.path.name}.{uuid.uuid4().hex[:8]}.part"
        self._temporary = self.path.with_name(name)
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._timed = False
        self._last_tick = -1

    def __enter__(self) -> Self:
        require_writable_name(self.path)
        try:
            self._container = av.open(
                f"file:{self._temporary}", "w", format="mp4", options={"movflags": "+faststart"}
            )
        except av.FFmpegError as error:
            self._abandon()
            raise self._failure(error) from error
        return self

    def write(self, image: UInt8[np.ndarray, "height width 3"], time: float | None = None) -> None:
        """Append an RGB picture.

        Args:
            image: Of the writer's own size.
            time: Seconds, increasing from frame to frame; for all frames or for none. Without
                it frames follow at ``fps``.
        """
        if self._container is None:
            raise RuntimeError("VideoWriter must be used in a with statement")
        width, height = self._size
        if image.shape != (height, width, 3) or image.dtype != np.uint8:
            raise ValueError(
                f"image must be uint8 of shape {(height, width, 3)}, "
                f"not {image.dtype} of shape {image.shape}"
            )
        if self._stream is None:
            self._timed = time is not None
        picture = _to_yuv(image)
        try:
            if self._stream is None:
                self._stream = self._add_stream(self._container, picture)
            picture.time_base = self._stream.codec_context.time_base
            picture.pts = self._tick(time, picture.time_base)
            self._container.mux(self._stream.encode(picture))
        except av.FFmpegError as error:
            raise self._failure(error) from error
        self.frame_count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._abandon()

    def _finish(self) -> None:
        if self._container is None or self._stream is None:
            raise VideoError(f"{self.path}: no frame was written, so there is no video")
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._temporary.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def _abandon(self) -> None:
        """Close and remove what is left of the temporary file; nothing after a clean finish."""
        if self._container is not None:
            with contextlib.suppress(av.FFmpegError):
                self._container.close()
            self._container = None
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def _add_stream(self, container: OutputContainer, picture: av.VideoFrame) -> VideoStream:
        name = _find_encoder(self.path)
        time_base = 1 / self.fps
        if self._timed:
            time_base = Fraction(1, _TICKS_MPEG4 if name == "mpeg4" else _TICKS)
        stream = container.add_stream(
            name,
            rate=self.fps,
            options=_encoder_options(name, self._crf, self._preset),
            width=picture.width,
            height=picture.height,
            time_base=time_base,
        )
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.pix_fmt = picture.format.name
        # Without the tag, high definition would be taken for BT.709.
        context.colorspace = _BT601
        context.color_range = _LIMITED_RANGE
        context.color_primaries = context.color_trc = _BT709_PRIMARIES
        # A keyframe a second keeps scrubbing quick.
        context.gop_size = max(1, round(self.fps))
        context.thread_count = self._threads
        if name != "libx264":
            context.bit_rate = int(picture.width * picture.height * self.fps / 8)
        return stream

    def _tick(self, time: float | None, time_base: Fraction) -> int:
        if (time is not None) != self._timed:
            raise ValueError("give a time with every frame or with none")
        if time is None:
            return self.frame_count
        if not math.isfinite(time) or time < 0:
            raise ValueError(f"time must be a number of seconds from 0, not {time}")
        tick = round(time / time_base)
        if self._last_tick > tick:
            raise ValueError(f"times must increase; {time} s is earlier than the frame before")
        # Two frames closer than a tick must still differ.
        self._last_tick = max(tick, self._last_tick + 1)
        return self._last_tick

    def _failure(self, error: Exception) -> VideoError:
        number = getattr(error, "errno", None)
        if number in _FULL_DISK:
            return VideoError(
                f"{self.path}: the disk is full; free some space or choose another folder"
            )
        reason = getattr(error, "strerror", None) or str(error)
        return VideoError(
            f"{self.path}: cannot be written ({reason}); choose another folder or name"
        )


def exact_rate(fps: float | Fraction) -> Fraction:
    """Frames per second as the fraction that is meant: 29.97 is 30000/1001.

    Raises:
        ValueError: If the rate is not a positive number.
    """
    if not math.isfinite(fps) or fps <= 0:
        raise ValueError(f"fps must be a positive number, not {fps}")
    if isinstance(fps, Fraction):
        return fps.limit_denominator(1001)
    whole = round(fps)
    if whole and abs(fps - whole) < 1e-3:
        return Fraction(whole)
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if ntsc and abs(fps - ntsc) < 5e-3:
        return ntsc
    return Fraction(fps).limit_denominator(1001)


def _to_yuv(image: UInt8[np.ndarray, "height width 3"]) -> av.VideoFrame:
    """The picture as planar 4:2:0, BT.601 limited range, padded to even sizes.

    OpenCV converts five times as fast as swscale, and knows BT.601 only.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        height, width = image.shape[:2]
    planar = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)).reshape(-1)
    picture = av.VideoFrame(width, height, "yuv420p")
    start = 0
    for plane in picture.planes:
        size = plane.width * plane.height
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        rows[: plane.height, : plane.width] = planar[start : start + size].reshape(
            plane.height, plane.width
        )
        start += size
    picture.colorspace = _BT601
    picture.color_range = _LIMITED_RANGE
    return picture


def _find_encoder(path: Path) -> str:
    for name in _ENCODERS:
        with contextlib.suppress(av.codec.codec.UnknownCodecError):
            av.Codec(name, "w")
            return name
    raise VideoError(f"{path}: PyAV here has no video encoder; reinstall it: pip install av")


def _encoder_options(name: str, crf: int, preset: str) -> dict[str, str]:
    return {"crf": str(crf), "preset": preset} if name == "libx264" else {}
