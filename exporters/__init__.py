"""Exporters: one module per file format, both directions where a format is read too."""

from mocap.exporters.bvh import read_bvh, write_bvh
from mocap.exporters.motion import SkeletalMotion

__all__ = ["SkeletalMotion", "read_bvh", "write_bvh"]
