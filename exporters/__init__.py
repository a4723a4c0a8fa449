"""Exporters: one module per file format, both directions where a format is read too."""

from mocap.exporters.bvh import read_bvh, write_bvh
from mocap.exporters.bvh_reader import ADULT_LEG
from mocap.exporters.exporting import FORMATS, MESHES, SURFACES, ExportConfig, export_take
from mocap.exporters.joint_names import TABLES, JointTable, plain, table_for
from mocap.exporters.motion import SkeletalMotion
from mocap.exporters.performer import Performer
from mocap.exporters.presets import PRESETS, Preset
from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.rig import Rig
from mocap.exporters.skin import Skin
from mocap.exporters.upright import upright_axes

__all__ = [
    "ADULT_LEG",
    "FORMATS",
    "MESHES",
    "PRESETS",
    "SURFACES",
    "TABLES",
    "ExportConfig",
    "JointTable",
    "Performer",
    "Preset",
    "Rig",
    "SkeletalMotion",
    "Skin",
    "export_take",
    "plain",
    "read_bvh",
    "read_rig",
    "table_for",
    "upright_axes",
    "write_bvh",
]
