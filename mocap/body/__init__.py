"""Body models: shape and pose in, joints, surface, landmarks and other sets' keypoints out.

``load_body()`` gives the open body shipped with the package; with a path, any SMPL-X-format file.
"""

from mocap.body.keypoints import (
    ALIASES,
    KEYPOINT_SETS,
    KeypointRegressor,
    keypoint_regressor,
    keypoint_set,
    regress,
)
from mocap.body.landmarks import LandmarkAttachments
from mocap.body.loading import load_body
from mocap.body.model import Body
from mocap.body.pose import BodyPose, PosedBody
from mocap.body.surface_keypoints import surface_regressor

__all__ = [
    "ALIASES",
    "KEYPOINT_SETS",
    "Body",
    "BodyPose",
    "KeypointRegressor",
    "LandmarkAttachments",
    "PosedBody",
    "keypoint_regressor",
    "keypoint_set",
    "load_body",
    "regress",
    "surface_regressor",
]
