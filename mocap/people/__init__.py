"""Per-frame detections to identities over time."""

from mocap.people.amends import Amends, amends_told, put_right
from mocap.people.depths import DepthConfig, undo_depth_flips
from mocap.people.glitches import GlitchConfig, doubt_glitches
from mocap.people.identities import Dropped, IdentityConfig, settle
from mocap.people.records import person_record
from mocap.people.reflection import MirrorConfig
from mocap.people.sides import SideConfig, undo_swaps
from mocap.people.tracker import Tracker, TrackerConfig
from mocap.people.tracks import Sighting, Tracklet

__all__ = [
    "Amends",
    "DepthConfig",
    "Dropped",
    "GlitchConfig",
    "IdentityConfig",
    "MirrorConfig",
    "SideConfig",
    "Sighting",
    "Tracker",
    "TrackerConfig",
    "Tracklet",
    "amends_told",
    "doubt_glitches",
    "person_record",
    "put_right",
    "settle",
    "undo_depth_flips",
    "undo_swaps",
]
