"""How good a motion is: by itself, and against truth of several kinds.

``evaluate`` measures a take; ``load_truth`` reads what to measure it against, and
``triangulate_takes`` makes that from our own 2D in several calibrated views.
``compare_with_picture`` holds a take beside its own video; what it measures with (``psnr``,
``ssim``, ``soft_iou``, ``stray_distance``) has gradients, and may be a loss.
"""

from mocap.evaluate.accuracy import JointAccuracy, PersonAccuracy, PoseAccuracy, WorldAccuracy
from mocap.evaluate.avatars import Pictures, RenderedVideo, through_lens
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
from mocap.evaluate.outlines import Agreement, compare_masks
from mocap.evaluate.picture import compare_with_picture
from mocap.evaluate.picture_report import LEAST_IOU, FrameAgreement, PersonAgreement, PictureReport
from mocap.evaluate.quality import PersonQuality
from mocap.evaluate.report import Report, TruthComparison, evaluate, plain
from mocap.evaluate.rigs import RigCamera, read_rig
from mocap.evaluate.truth import Truth, TruthError, TruthPerson
from mocap.evaluate.truth_files import load_truth, write_truth
from mocap.evaluate.views import RigResult, triangulate_takes
from mocap.likeness import psnr, soft_iou, ssim, stray_distance

__all__ = [
    "LEAST_IOU",
    "LIMBS",
    "Agreement",
    "DepthAccuracy",
    "DepthBin",
    "DepthPoses",
    "DepthReport",
    "FeetReport",
    "FrameAgreement",
    "JointAccuracy",
    "PersonAccuracy",
    "PersonAgreement",
    "PersonQuality",
    "PictureReport",
    "Pictures",
    "PoseAccuracy",
    "RenderedVideo",
    "Report",
    "RigCamera",
    "RigResult",
    "Truth",
    "TruthComparison",
    "TruthError",
    "TruthPerson",
    "WorldAccuracy",
    "compare_masks",
    "compare_with_picture",
    "evaluate",
    "evaluate_depth",
    "load_truth",
    "mean",
    "measure_depth",
    "plain",
    "psnr",
    "read_rig",
    "soft_iou",
    "ssim",
    "stray_distance",
    "through_lens",
    "triangulate_takes",
    "write_depth_plot",
    "write_truth",
]
