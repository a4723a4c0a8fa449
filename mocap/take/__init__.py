"""The take: the one record of a performance, between stages, programs and people."""

from mocap.take.clock import frame_rate
from mocap.take.content import (
    IMPORTED,
    BodyMotion,
    CameraRecord,
    Contacts,
    Hands2D,
    Hands3D,
    Keypoints2D,
    Keypoints3D,
    Person,
    Refined3D,
    Scene,
    StageRecord,
    VideoRecord,
    World,
)
from mocap.take.file import FORMAT, VERSION, Take
from mocap.take.masks import Mask, Masks, mask_of, run_lengths

__all__ = [
    "FORMAT",
    "IMPORTED",
    "VERSION",
    "BodyMotion",
    "CameraRecord",
    "Contacts",
    "Hands2D",
    "Hands3D",
    "Keypoints2D",
    "Keypoints3D",
    "Mask",
    "Masks",
    "Person",
    "Refined3D",
    "Scene",
    "StageRecord",
    "Take",
    "VideoRecord",
    "World",
    "frame_rate",
    "mask_of",
    "run_lengths",
]
