"""2D and 3D keypoints of everyone to SMPL-X motion in one gravity-aligned metric world."""

from mocap.fitting.config import FitConfig
from mocap.fitting.fit import fit
from mocap.fitting.terms import Weights

__all__ = ["FitConfig", "Weights", "fit"]
