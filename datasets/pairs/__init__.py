"""Training pairs: the record, the store of many of them, and the plain NPZ form."""

from mocap.datasets.pairs.item import encode_item, read_item, write_item
from mocap.datasets.pairs.manifest import Entry
from mocap.datasets.pairs.npz import read_npz, write_npz
from mocap.datasets.pairs.packing import unpack
from mocap.datasets.pairs.pairing import Sightings, pair_up
from mocap.datasets.pairs.reading import items_of, read_pairs, told_splits
from mocap.datasets.pairs.record import SPLITS, Pairs, PairsError
from mocap.datasets.pairs.store import PairStore
from mocap.datasets.pairs.summary import AZIMUTHS, ELEVATIONS, Summary

__all__ = [
    "AZIMUTHS",
    "ELEVATIONS",
    "SPLITS",
    "Entry",
    "PairStore",
    "Pairs",
    "PairsError",
    "Sightings",
    "Summary",
    "encode_item",
    "items_of",
    "pair_up",
    "read_item",
    "read_npz",
    "read_pairs",
    "told_splits",
    "unpack",
    "write_item",
    "write_npz",
]
