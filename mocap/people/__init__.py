"""Per-frame detections to identities over time."""

from mocap.people.identities import Dropped, IdentityConfig, settle
from mocap.people.records import person_record
from mocap.people.sides import SideConfig, undo_swaps
from mocap.people.tracker import Tracker, TrackerConfig
from mocap.people.tracks import Sighting, Tracklet

__all__ = [
    "Dropped",
    "IdentityConfig",
    "SideConfig",
    "Sighting",
    "Tracker",
    "TrackerConfig",
    "Tracklet",
    "person_record",
    "settle",
    "undo_swaps",
]
