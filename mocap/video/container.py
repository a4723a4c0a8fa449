"""Open a video container and read what it declares about its video stream."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mocap.errors import VideoError
from mocap.video import diagnosis

# Outside this range the declared rate is a clock's tick rather than a frame rate.
_PLAUSIBLE_FPS = (1, 250)
_NOMINAL_FPS = Fraction(30)


@dataclass(frozen=True)
class Declared:
    """What the container says of the stream before anything is decoded.

    Attributes:
        fps: Average frames per second.
        frames: Exact number of frames to be shown, ``None`` if the container does not say.
        duration: Seconds, ``None`` if the container does not say.
        duration_is_of_video: Whether ``duration`` belongs to this stream, not to a longer sound.
    """

    fps: Fraction
    frames: int | None
    duration: float | None
    duration_is_of_video: bool


@contextmanager
def open_stream(path: Path, threads: int) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its best video stream, closed at the end.

    Raises:
        VideoError: If the file cannot be opened or has no video stream that can be decoded.
    """
    if reason := diagnosis.before_opening(path):
        raise VideoError(f"{path}: {reason}")
    try:
        # The explicit protocol keeps a colon in the name from being read as one, and the
        # whitelist keeps a playlist from reaching the network.
        container = av.open(
            f"file:{path}", metadata_errors="replace", options={"protocol_whitelist": "file"}
        )
    except (av.FFmpegError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise VideoError(f"{path}: {diagnosis.after_failure(path, said)}") from error
    try:
        stream = _choose_stream(container, path)
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        yield container, stream
    finally:
        container.close()


def read_declared(container: InputContainer, stream: VideoStream) -> Declared:
    """What the container declares; reads through the packets where the rate is not credible."""
    duration, is_of_video = _declared_duration(container, stream)
    rates = (stream.average_rate, stream.guessed_rate)
    low, high = _PLAUSIBLE_FPS
    fps = next((rate for rate in rates if rate is not None and low <= rate <= high), None)
    if fps is not None:
        return Declared(fps, _declared_frames(container, stream), duration, is_of_video)
    count, seconds = _measure(container, stream)
    fps = Fraction(count - 1) / seconds if count > 1 and seconds > 0 else _NOMINAL_FPS
    return Declared(fps, count or None, float(count / fps), True)


def _choose_stream(container: InputContainer, path: Path) -> VideoStream:
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise VideoError(f"{path}: no video stream (only sound or a still cover); give a video")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and best in streams else streams[0]
    if stream.codec_context is None:
        raise VideoError(
            f"{path}: its video codec is not supported here; convert it to H.264 in MP4"
        )
    return stream


def _declared_frames(container: InputContainer, stream: VideoStream) -> int | None:
    # Other formats count clock ticks, or nothing.
    if not stream.frames or "mov" not in container.format.name:
        return None
    # The index, unlike the sample count, leaves out what an edit list cuts away.
    shown = sum(not entry.is_discard for entry in stream.index_entries)
    return shown or stream.frames


def _declared_duration(container: InputContainer, stream: VideoStream) -> tuple[float | None, bool]:
    if stream.time_base:
        # AVI's header keeps its length in ticks as a number of frames even when cut short.
        ticks = stream.frames if container.format.name == "avi" else 0
        if longest := max(stream.duration or 0, ticks):
            return float(longest * stream.time_base), True
    tag = stream.metadata.get("DURATION", "")
    try:
        hours, minutes, seconds = (float(part) for part in tag.split(":"))
        return hours * 3600 + minutes * 60 + seconds, True
    except ValueError:
        pass
    if not container.duration:
        return None, False
    return container.duration / av.time_base, len(container.streams) == 1


def _measure(container: InputContainer, stream: VideoStream) -> tuple[int, Fraction]:
    """Number of pictures and seconds from the first to the last, without decoding them."""
    stamps: list[int] = []
    count = 0
    try:
        for packet in container.demux(stream):
            count += packet.size > 0
            stamp = packet.dts if packet.pts is None else packet.pts
            if packet.size and stamp is not None:
                stamps.append(stamp)
    except av.FFmpegError:
        pass  # The tail is damaged: what came before it is measure enough.
    if not stamps or stream.time_base is None:
        return count, Fraction(0)
    return count, (max(stamps) - min(stamps)) * stream.time_base
