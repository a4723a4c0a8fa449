"""Avatars of 3D Gaussians: made from a clip, moved by any motion, as pictures and as meshes."""

from mocap.avatar.acting import Act, act, act_of, together
from mocap.avatar.adopting import adopt
from mocap.avatar.avatar import Avatar
from mocap.avatar.binding import Binding, bind
from mocap.avatar.correcting import Correction, corrected
from mocap.avatar.creation import Created, CreationConfig, create_avatars
from mocap.avatar.file import binding_file, bound_from, read_avatar, write_avatar
from mocap.avatar.filming import Background, film, film_over, seen_in
from mocap.avatar.gaussians import Gaussians
from mocap.avatar.harmonics import colours_from, constant_harmonics
from mocap.avatar.likeness import Likeness, likeness
from mocap.avatar.mesh_files import write_mesh
from mocap.avatar.mesh_quality import MeshQuality, compare_meshes
from mocap.avatar.mesh_sequence import write_mesh_sequence
from mocap.avatar.meshing import Mesh, mesh_of
from mocap.avatar.picture_energy import RefineConfig
from mocap.avatar.ply import read_splat, write_splat
from mocap.avatar.projection import View
from mocap.avatar.proportions import Proportions, proportions
from mocap.avatar.refining import Refined, refine
from mocap.avatar.rendering import Rendering, render
from mocap.avatar.sources import Source, load_avatar
from mocap.avatar.stage_set import orbit, studio
from mocap.avatar.surface import surface_avatar

__all__ = [
    "Act",
    "Avatar",
    "Background",
    "Binding",
    "Correction",
    "Created",
    "CreationConfig",
    "Gaussians",
    "Likeness",
    "Mesh",
    "MeshQuality",
    "Proportions",
    "RefineConfig",
    "Refined",
    "Rendering",
    "Source",
    "View",
    "act",
    "act_of",
    "adopt",
    "bind",
    "binding_file",
    "bound_from",
    "colours_from",
    "compare_meshes",
    "constant_harmonics",
    "corrected",
    "create_avatars",
    "film",
    "film_over",
    "likeness",
    "load_avatar",
    "mesh_of",
    "orbit",
    "proportions",
    "read_avatar",
    "read_splat",
    "refine",
    "render",
    "seen_in",
    "studio",
    "surface_avatar",
    "together",
    "write_avatar",
    "write_mesh",
    "write_mesh_sequence",
    "write_splat",
]
