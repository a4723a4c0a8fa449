"""Calibrated cameras out of the files that calibration programs write.

``read_calibration`` reads one camera of a file; a ``Calibration`` is it, fitted to a picture's size
and turned into a :class:`mocap.geometry.Camera`.
"""

from mocap.calibration.reading import FORMATS, read_calibration
from mocap.calibration.record import Calibration

__all__ = ["FORMATS", "Calibration", "read_calibration"]
