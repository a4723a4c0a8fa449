"""Skeletons in files: the pickles of research code, and JSON that says the same."""

from mocap.datasets.skeleton_files.content import JOINT_KEYS, describing, joints_of
from mocap.datasets.skeleton_files.files import read_skeleton, write_skeleton

__all__ = ["JOINT_KEYS", "describing", "joints_of", "read_skeleton", "write_skeleton"]
