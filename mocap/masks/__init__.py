"""Masks: which pixels of the video show whom, from a take and its pictures.

``with_masks`` runs a :class:`Segmenter` over the video: :class:`LightSegmenter`, which needs a
fitted take and no more than detection does, or :class:`Sam2Segmenter`, which needs SAM 2.
:class:`PictureSegmenter` looks at nothing but the picture, for whoever judges the fitted bodies.
"""

from mocap.masks.light import LightSegmenter
from mocap.masks.picture import PictureSegmenter
from mocap.masks.sam2 import Sam2Segmenter
from mocap.masks.segmenter import FrameMasks, Segmenter
from mocap.masks.silhouettes import SilhouetteDrawer, Silhouettes
from mocap.masks.stage import STAGE, require_video, with_masks
from mocap.masks.stored import StoredMasks, independent_masks

__all__ = [
    "STAGE",
    "FrameMasks",
    "LightSegmenter",
    "PictureSegmenter",
    "Sam2Segmenter",
    "Segmenter",
    "SilhouetteDrawer",
    "Silhouettes",
    "StoredMasks",
    "independent_masks",
    "require_video",
    "with_masks",
]
