"""Masks: which pixels of the video show whom, from a take and its pictures.

``with_masks`` runs a :class:`Segmenter` over the video: :class:`LightSegmenter`, which needs a
fitted take and no more than detection does, or :class:`Sam2Segmenter`, which needs SAM 2.
"""

from mocap.masks.light import LightSegmenter
from mocap.masks.sam2 import Sam2Segmenter
from mocap.masks.segmenter import FrameMasks, Segmenter
from mocap.masks.stage import STAGE, require_video, with_masks

__all__ = [
    "STAGE",
    "FrameMasks",
    "LightSegmenter",
    "Sam2Segmenter",
    "Segmenter",
    "require_video",
    "with_masks",
]
