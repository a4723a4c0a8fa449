"""Body models: shape and pose in, joints, surface and landmarks out.

``load_body()`` gives the open body shipped with the package; with a path, any SMPL-X-format file.
"""

from mocap.body.landmarks import LandmarkAttachments
from mocap.body.loading import load_body
from mocap.body.model import Body
from mocap.body.pose import BodyPose, PosedBody

__all__ = ["Body", "BodyPose", "LandmarkAttachments", "PosedBody", "load_body"]
