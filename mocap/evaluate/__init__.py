"""How good a motion is: by itself, and against truth of several kinds.

``evaluate`` measures a take; ``load_truth`` reads what to measure it against, and
``triangulate_takes`` makes that from our own 2D in several calibrated views.
"""

from mocap.evaluate.accuracy import JointAccuracy, PersonAccuracy, PoseAccuracy, WorldAccuracy
from mocap.evaluate.averages import mean
from mocap.evaluate.depth import (
    DepthAccuracy,
    DepthBin,
    DepthPoses,
    DepthReport,
    evaluate_depth,
    measure_depth,
)
from mocap.evaluate.depth_plot import write_depth_plot
from mocap.evaluate.feet import FeetReport
from mocap.evaluate.joints import LIMBS
from mocap.evaluate.quality import PersonQuality
from mocap.evaluate.report import Report, TruthComparison, evaluate, plain
from mocap.evaluate.rigs import RigCamera, read_rig
from mocap.evaluate.truth import Truth, TruthError, TruthPerson
from mocap.evaluate.truth_files import load_truth, write_truth
from mocap.evaluate.views import RigResult, triangulate_takes

__all__ = [
    "LIMBS",
    "DepthAccuracy",
    "DepthBin",
    "DepthPoses",
    "DepthReport",
    "FeetReport",
    "JointAccuracy",
    "PersonAccuracy",
    "PersonQuality",
    "PoseAccuracy",
    "Report",
    "RigCamera",
    "RigResult",
    "Truth",
    "TruthComparison",
    "TruthError",
    "TruthPerson",
    "WorldAccuracy",
    "evaluate",
    "evaluate_depth",
    "load_truth",
    "mean",
    "measure_depth",
    "plain",
    "read_rig",
    "triangulate_takes",
    "write_depth_plot",
    "write_truth",
]
