"""Motion on a character's own skeleton: reading it as a rig, and retargeting to it."""

from mocap.exporters.rigs.reading import read_rig
from mocap.exporters.rigs.retargeting import retargeted
from mocap.exporters.rigs.rig import Rig

__all__ = ["Rig", "read_rig", "retargeted"]
