"""Choose the reader for a path or a camera number."""

import os
from pathlib import Path

from mocap.errors import VideoError
from mocap.video.camera import CameraSource
from mocap.video.files import FileSource
from mocap.video.images import ImageFolderSource
from mocap.video.source import VideoSource

# Beyond four, frame threading holds more pictures in memory and hardly decodes faster.
_MOST_THREADS = 4


def open_video(
    source: str | Path | int, *, fps: float = 30.0, threads: int | None = None
) -> VideoSource:
    """Open a video file, a folder of images or a camera.

    Args:
        source: A path, or a camera's index.
        fps: Frames per second of an image folder, which has no times of its own.
        threads: Decoder threads; by default as many as there are processors, at most four.

    Raises:
        VideoError: If nothing can be read there; the message says why and what to do.
    """
    if isinstance(source, int):
        return CameraSource(source)
    path = Path(source)
    try:
        is_folder = path.is_dir()
        if not is_folder:
            path.stat()
    except FileNotFoundError:
        raise VideoError(f"{path}: no such file or folder; check the path") from None
    except OSError as error:
        raise VideoError(f"{path}: cannot be reached ({error.strerror})") from error
    if is_folder:
        return ImageFolderSource(path, fps)
    return FileSource(path, threads or min(_MOST_THREADS, os.cpu_count() or 1))
