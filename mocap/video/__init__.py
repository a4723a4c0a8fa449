"""Video in and out: frames with true times from files, image folders and cameras.

``open_video`` reads, ``VideoWriter`` writes, ``hash_source`` identifies.
"""

from mocap.video.ahead import read_ahead
from mocap.video.digest import hash_source
from mocap.video.opening import open_video
from mocap.video.source import Frame, VideoInfo, VideoSource
from mocap.video.writer import VideoWriter, require_film_name, require_writable_name

__all__ = [
    "Frame",
    "VideoInfo",
    "VideoSource",
    "VideoWriter",
    "hash_source",
    "open_video",
    "read_ahead",
    "require_film_name",
    "require_writable_name",
]
