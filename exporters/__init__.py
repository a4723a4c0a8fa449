"""Exporters: one module per file format, both directions where a format is read too."""

from mocap.exporters.bvh import read_bvh, write_bvh
from mocap.exporters.exporting import FORMATS, MESHES, SURFACES, ExportConfig, export_take
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Performer
from mocap.exporters.presets import PRESETS, Preset
from mocap.exporters.skin import Skin

__all__ = [
    "FORMATS",
    "MESHES",
    "PRESETS",
    "SURFACES",
    "ExportConfig",
    "Performer",
    "Preset",
    "SkeletalMotion",
    "Skin",
    "export_take",
    "read_bvh",
    "write_bvh",
]
