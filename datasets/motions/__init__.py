"""Motion corpora: files of many programs to clips of one form, and to motion of our body."""

from mocap.datasets.motions.asf import read_amc_clip
from mocap.datasets.motions.between import between
from mocap.datasets.motions.bvh import read_bvh_clip
from mocap.datasets.motions.clip import MotionClip
from mocap.datasets.motions.corpora import CMU_ACKNOWLEDGEMENT, Source, sources
from mocap.datasets.motions.deepmimic import read_deepmimic, read_deepmimic_clip
from mocap.datasets.motions.expmap import read_expmap_clip
from mocap.datasets.motions.human import human_of_clip
from mocap.datasets.motions.keypoints import read_keypoints_clip
from mocap.datasets.motions.poselib import read_poselib, read_poselib_clip
from mocap.datasets.motions.positions import read_climbing_clip
from mocap.datasets.motions.reading import MOTION_FILES, motion_sources, read_motion
from mocap.datasets.motions.retarget import BodyClip, to_bodies, to_body
from mocap.datasets.motions.smpl import read_aistpp_clip, read_amass_clip

__all__ = [
    "CMU_ACKNOWLEDGEMENT",
    "MOTION_FILES",
    "BodyClip",
    "MotionClip",
    "Source",
    "between",
    "human_of_clip",
    "motion_sources",
    "read_aistpp_clip",
    "read_amass_clip",
    "read_amc_clip",
    "read_bvh_clip",
    "read_climbing_clip",
    "read_deepmimic",
    "read_deepmimic_clip",
    "read_expmap_clip",
    "read_keypoints_clip",
    "read_motion",
    "read_poselib",
    "read_poselib_clip",
    "sources",
    "to_bodies",
    "to_body",
]
