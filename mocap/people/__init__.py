"""Per-frame detections to identities over time."""

from mocap.people.identities import Dropped, IdentityConfig, settle
from mocap.people.records import person_record
from mocap.people.tracker import Tracker, TrackerConfig
from mocap.people.tracks import Sighting, Tracklet

__all__ = [
    "Dropped",
    "IdentityConfig",
    "Sighting",
    "Tracker",
    "TrackerConfig",
    "Tracklet",
    "person_record",
    "settle",
]
