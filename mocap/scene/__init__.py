"""What the pictures show beside people: straight edges, and from them which way is up.

``SegmentCollector`` finds edges while frames pass by; ``camera_gravity`` weighs them
against how people stand and how cameras are held.
"""

from mocap.scene.gravity import Gravity, camera_gravity, find_gravity
from mocap.scene.segments import SegmentCollector
from mocap.scene.verticals import vertical_log_likelihood

__all__ = [
    "Gravity",
    "SegmentCollector",
    "camera_gravity",
    "find_gravity",
    "vertical_log_likelihood",
]
