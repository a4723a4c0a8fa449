"""Avatars of 3D Gaussians: their files, and pictures of them, with gradients, on CPU or GPU."""

from mocap.avatar.avatar import Avatar
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import colours_from, constant_harmonics
from mocap.avatar.ply import read_splat, write_splat
from mocap.avatar.projection import View
from mocap.avatar.rendering import Rendering, render
from mocap.avatar.surface import surface_avatar

__all__ = [
    "Avatar",
    "Gaussians",
    "Rendering",
    "View",
    "colours_from",
    "constant_harmonics",
    "read_splat",
    "render",
    "surface_avatar",
    "write_splat",
]
