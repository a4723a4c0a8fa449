"""Avatars of 3D Gaussians: made from a clip, moved by any motion, as pictures and as meshes."""

from mocap.avatar.acting import Act, act, act_of, together
from mocap.avatar.adopting import adopt
from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import bind
from mocap.avatar.correcting import Correction, corrected
from mocap.avatar.creation import Created, CreationConfig, create_avatars
from mocap.avatar.file import binding_file, bound_from, write_avatar
from mocap.avatar.filming import Background, film, film_over, seen_in
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import constant_harmonics
from mocap.avatar.mesh_files import write_mesh
from mocap.avatar.mesh_quality import compare_meshes
from mocap.avatar.mesh_sequence import unfinished_folder, write_mesh_sequence
from mocap.avatar.meshing import mesh_of
from mocap.avatar.picture_energy import RefineConfig
from mocap.avatar.ply import read_splat, write_splat
from mocap.avatar.projection import View
from mocap.avatar.proportions import proportions
from mocap.avatar.refining import refine
from mocap.avatar.rendering import render
from mocap.avatar.sources import Source, load_avatar
from mocap.avatar.stage_set import orbit, studio
from mocap.avatar.surface import surface_avatar

__all__ = [
    "Act",
    "Avatar",
    "Background",
    "Correction",
    "Created",
    "CreationConfig",
    "Gaussians",
    "RefineConfig",
    "Source",
    "View",
    "act",
    "act_of",
    "adopt",
    "bind",
    "binding_file",
    "bound_from",
    "compare_meshes",
    "constant_harmonics",
    "corrected",
    "create_avatars",
    "film",
    "film_over",
    "load_avatar",
    "mesh_of",
    "orbit",
    "proportions",
    "read_splat",
    "refine",
    "render",
    "seen_in",
    "studio",
    "surface_avatar",
    "together",
    "unfinished_folder",
    "write_avatar",
    "write_mesh",
    "write_mesh_sequence",
    "write_splat",
]
