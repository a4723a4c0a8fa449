"""A live camera as a video."""

import logging
import time
from collections.abc import Generator

import cv2

from mocap.errors import VideoError
from mocap.video.source import Frame, VideoInfo, VideoSource

_LOG = logging.getLogger(__name__)
_NOMINAL_FPS = 30.0


class CameraSource(VideoSource):
    """Frames from a camera, timed by the clock at their arrival, until ``stop`` or ``close``.

    A camera that falls silent ends the iteration with a logged warning.

    Args:
        index: The camera's number, 0 for the first.

    Raises:
        VideoError: If there is no such camera, another program holds it, or it is read twice.
    """

    def __init__(self, index: int) -> None:
        self._name = f"camera:{index}"
        self._used = False
        self._capture = cv2.VideoCapture(index)
        opened, image = self._capture.read() if self._capture.isOpened() else (False, None)
        if not opened or image is None:
            self._capture.release()
            raise VideoError(
                f"{self._name}: no picture from this camera; check that it is connected, that no "
                "other program uses it and that access is allowed, or try another number"
            )
        height, width = image.shape[:2]
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        fps = fps if 1 <= fps <= 1000 else _NOMINAL_FPS
        super().__init__(VideoInfo(self._name, width, height, fps, None, None, 0))

    def _frames(self) -> Generator[Frame, None, None]:
        if self._used:
            raise VideoError(f"{self._name}: can be read only once; open it again")
        self._used = True
        start = last = -1.0
        index = 0
        while not self._stop.is_set():
            received, image = self._capture.read()
            now = time.monotonic()
            if not received or image is None:
                _LOG.warning("%s: stopped after %d frames; check its connection", self._name, index)
                return
            if index == 0:
                start = now
            elif now <= last:
                continue
            last = now
            yield Frame(index, now - start, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            index += 1

    def close(self) -> None:
        """Release the camera; stop a reading thread before calling this from another."""
        super().close()
        self._capture.release()
