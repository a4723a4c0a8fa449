"""Frames to 2D body and hand keypoints with confidence, and metric 3D; pluggable detectors."""

from mocap.keypoints.crops import Crop
from mocap.keypoints.detector import Detection, PointDetector
from mocap.keypoints.hands import detect_hands
from mocap.keypoints.mediapipe import MediaPipeHands, MediaPipePose
from mocap.keypoints.sweep import SweepConfig, sweep

__all__ = [
    "Crop",
    "Detection",
    "MediaPipeHands",
    "MediaPipePose",
    "PointDetector",
    "SweepConfig",
    "detect_hands",
    "sweep",
]
