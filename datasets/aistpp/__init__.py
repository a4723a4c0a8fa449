"""AIST++: dancers seen by nine cameras, read as it lies on disk and made into training pairs.

``AistPlusPlus`` reads the annotations, ``convert`` runs the project's detector over the videos and
writes a store of pairs, ``write_replica`` makes a small data set in the same form from motions and
a renderer. AIST++'s annotations are CC BY 4.0 (Google LLC); the videos are the AIST Dance Video
Database's (Tsuchida et al., ISMIR 2019), under its own terms.
"""

from mocap.datasets.aistpp.convert import Conversion, convert
from mocap.datasets.aistpp.dataset import AistPlusPlus
from mocap.datasets.aistpp.errors import AistError
from mocap.datasets.aistpp.files import SmplMotion, ViewKeypoints
from mocap.datasets.aistpp.names import BAD_VIEWS, VIEWS, dancer, sequence_name, video_name
from mocap.datasets.aistpp.replica import Replica, write_replica

__all__ = [
    "BAD_VIEWS",
    "VIEWS",
    "AistError",
    "AistPlusPlus",
    "Conversion",
    "Replica",
    "SmplMotion",
    "ViewKeypoints",
    "convert",
    "dancer",
    "sequence_name",
    "video_name",
    "write_replica",
]
