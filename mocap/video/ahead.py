"""Reading ahead: frames are decoded in a thread of their own while others work on them."""

from collections.abc import Generator, Iterable
from contextlib import closing
from queue import Empty, Full, Queue
from threading import Event, Thread

from mocap.video.source import Frame

_END = object()


def read_ahead(frames: Iterable[Frame], depth: int = 3) -> Generator[Frame]:
    """The same frames in the same order, up to ``depth`` of them decoded before they are asked for.

    An error of the source is raised where the frame it hit would have come. Closing the iterator,
    or leaving it to be collected, ends the thread.
    """
    queue: Queue[object] = Queue(depth)
    stopped = Event()

    def offer(item: object) -> bool:
        while not stopped.is_set():
            try:
                queue.put(item, timeout=0.1)
            except Full:
                continue
            return True
        return False

    def decode() -> None:
        try:
            with closing(iter(frames)) as source:  # type: ignore[type-var]
                for frame in source:
                    if not offer(frame):
                        return
        except BaseException as error:  # noqa: BLE001 - handed to the reader, not swallowed
            offer(error)
        else:
            offer(_END)

    thread = Thread(target=decode, name="decode", daemon=True)
    thread.start()
    try:
        while (item := queue.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            assert isinstance(item, Frame)
            yield item
    finally:
        stopped.set()
        thread.join()
        while True:
            try:
                queue.get_nowait()
            except Empty:
                break
