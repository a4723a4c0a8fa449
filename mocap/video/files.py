"""A video file, decoded frame by frame, past any damage."""

import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from jaxtyping import UInt8

from mocap.errors import VideoError
from mocap.video import lens, rotation
from mocap.video.clock import FrameClock
from mocap.video.container import Declared, open_stream, read_declared
from mocap.video.source import Frame, VideoInfo, VideoSource

_LOG = logging.getLogger(__name__)

_UNSPECIFIED_COLORSPACE = 2
# A demuxer that fails this often in a row without one packet will not recover.
_DEMUX_ATTEMPTS = 20
# Declared durations are rounded, and a last frame's own duration is often left out.
_DURATION_SLACK_FRAMES = 2.5


@dataclass
class _Damage:
    """What went wrong while decoding."""

    packets: int = 0
    frames: int = 0


class FileSource(VideoSource):
    """Frames of a video file as a player shows them: upright, square pixels, true times.

    A damaged file gives the frames that can be had and a logged warning.

    Args:
        path: The file.
        threads: Decoder threads.

    Raises:
        VideoError: If no frame can be decoded.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        with open_stream(path, threads) as (container, stream):
            first = next(_decode(container, stream, _Damage()), None)
            if first is None:
                raise VideoError(
                    f"{path}: not one frame can be decoded; copy or record the file again"
                )
            self._orientation = rotation.of_frame(first)
            self._stored_size = _square_size(first, stream)
        # Opened anew because the first decoder's threads have read ahead.
        with open_stream(path, threads) as (container, stream):
            self._declared = read_declared(container, stream)
            self._metadata = {**container.metadata, **stream.metadata}
        super().__init__(self._describe())

    def _describe(self) -> VideoInfo:
        declared = self._declared
        count = declared.frames
        if count is None and declared.duration is not None:
            count = max(1, round(declared.duration * declared.fps))
        width, height = self._orientation.size(*self._stored_size)
        fps = float(declared.fps)
        turned = self._orientation.rotation
        angle = lens.from_video(self._path, self._metadata, width, height)
        return VideoInfo(
            str(self._path), width, height, fps, count, declared.duration, turned, angle
        )

    def _frames(self) -> Generator[Frame, None, None]:
        clock = FrameClock(1 / self._declared.fps)
        converter = VideoReformatter()
        damage = _Damage()
        count, time = 0, 0.0
        with open_stream(self._path, self._threads) as (container, stream):
            uses_dts = container.format.name == "avi"
            for picture in _decode(container, stream, damage):
                try:
                    image = _to_rgb(picture, self._stored_size, converter)
                except av.FFmpegError:
                    damage.packets += 1
                    continue
                time = clock.time(_stamp(picture, stream, uses_dts))
                yield Frame(count, time, self._orientation.apply(image))
                count += 1
        _report(self._path, self._declared, damage, count, time)


def _decode(
    container: InputContainer, stream: VideoStream, damage: _Damage
) -> Iterator[av.VideoFrame]:
    """Every frame that can be decoded, in order of presentation; notes what cannot."""
    failures = 0
    while failures < _DEMUX_ATTEMPTS:
        try:
            for packet in container.demux(stream):
                failures = 0
                yield from _decode_packet(stream, packet, damage)
            return
        except av.FFmpegError:
            damage.packets += 1
            failures += 1
    yield from _decode_packet(stream, None, damage)


def _decode_packet(
    stream: VideoStream, packet: Packet | None, damage: _Damage
) -> Iterator[av.VideoFrame]:
    damage.packets += packet is not None and packet.is_corrupt
    try:
        pictures = stream.decode(packet)
    except av.FFmpegError:
        damage.packets += 1
        return
    for picture in pictures:
        damage.frames += picture.is_corrupt
        yield picture


def _stamp(picture: av.VideoFrame, stream: VideoStream, uses_dts: bool) -> Fraction | None:
    """The frame's timestamp in seconds, ``None`` if it has none.

    AVI stores no presentation times, and those that the demuxer makes up are wrong where
    frames are reordered; its decoding times are right for frames in order of presentation.
    """
    ticks = picture.dts if uses_dts or picture.pts is None else picture.pts
    time_base = picture.time_base or stream.time_base
    return None if ticks is None or time_base is None else ticks * time_base


def _square_size(picture: av.VideoFrame, stream: VideoStream) -> tuple[int, int]:
    """Width and height, before rotation, that make the pixels square without losing any."""
    ratio = stream.sample_aspect_ratio
    # Some encoders write a ratio such as 404:405 where they mean square, damaged headers any.
    if not ratio or 0.99 < ratio < 1.01 or not 0.25 <= ratio <= 4:
        return picture.width, picture.height
    if ratio > 1:
        return round(picture.width * ratio), picture.height
    return picture.width, round(picture.height / ratio)


def _to_rgb(
    picture: av.VideoFrame, size: tuple[int, int], converter: VideoReformatter
) -> UInt8[np.ndarray, "height width 3"]:
    untagged = picture.colorspace == _UNSPECIFIED_COLORSPACE
    is_hd = max(picture.width, picture.height) >= 1280 or min(picture.width, picture.height) > 576
    # Players take untagged high-definition video for BT.709 and the rest for BT.601.
    colorspace = Colorspace.ITU709 if untagged and is_hd else None
    width, height = size
    converted = converter.reformat(
        picture, width, height, "rgb24", src_colorspace=colorspace, threads=1
    )
    return np.asarray(converted.to_ndarray(), dtype=np.uint8)


def _report(path: Path, declared: Declared, damage: _Damage, count: int, last: float) -> None:
    """Warn of frames that the file promised and did not give, and of damaged ones."""
    step = 1 / float(declared.fps)
    end = last + step
    slack = _DURATION_SLACK_FRAMES
    lost = False
    if declared.frames is not None:
        missing = declared.frames - count
        lost = missing > slack or (missing > 0 and damage.packets > 0)
        slack = 0.5
    breaks_off = (
        (lost or declared.frames is None)
        and declared.duration is not None
        and declared.duration_is_of_video
        and declared.duration - end > slack * step
    )
    if breaks_off:
        _LOG.warning(
            "%s: the tail is damaged or missing: %d frames read, %.2f of %.2f s",
            *(path, count, end, declared.duration),
        )
    elif lost or damage.packets or damage.frames:
        _LOG.warning(
            "%s: damaged: %d frames read, of which impaired: %d; packets unreadable: %d",
            *(path, count, damage.frames, damage.packets),
        )
