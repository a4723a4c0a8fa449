"""Gaussians on surfaces that are known: a sphere, the open body in two poses."""

import numpy as np
import torch
import trimesh

from mocap.avatar import Gaussians, constant_harmonics
from mocap.body import Body, BodyPose


def sphere(radius: float = 0.2, middle: tuple[float, float, float] = (0.0, 0.0, 0.0)):
    surface = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    surface.apply_translation(middle)
    return surface


def gaussians_on(
    surface: trimesh.Trimesh,
    count: int,
    *,
    width: float = 0.6,
    thickness: float = 0.1,
    seed: int = 0,
) -> Gaussians:
    """Gaussians in the planes of triangles, whose colour tells where they are.

    Width and thickness are standard deviations, in units of how far they are apart.
    """
    points, faces = trimesh.sample.sample_surface(surface, count, seed=seed)
    normals = torch.from_numpy(surface.face_normals[faces])
    apart = float(np.sqrt(surface.area / count))
    # The quaternion that turns z onto the normal; any half turn does for straight down.
    x, y, z = normals.unbind(-1)
    rotations = torch.stack([1 + z, -y, x, torch.zeros_like(z)], -1)
    rotations[z < -1 + 1e-9] = rotations.new_tensor([0.0, 1.0, 0.0, 0.0])
    return Gaussians(
        means=torch.from_numpy(np.asarray(points)),
        scales=apart * normals.new_tensor([width, width, thickness]).repeat(count, 1),
        rotations=rotations,
        opacities=normals.new_full((count,), 0.95),
        harmonics=constant_harmonics(torch.from_numpy(colours_at(np.asarray(points)))),
    ).to(torch.float32)


def colours_at(points: np.ndarray) -> np.ndarray:
    return 0.5 + 0.4 * np.sin(points * [9.0, 11.0, 13.0])


def posed(body: Body, name: str) -> trimesh.Trimesh:
    """The body ``"standing"``, its arms low, or of another shape and ``"crouching"``."""
    angles, betas = torch.zeros(1, 21, 3), torch.zeros(1, body.num_betas)
    if name == "standing":
        angles[0, 15, 2], angles[0, 16, 2] = -0.8, 0.8
    else:
        betas[0, :3] = torch.tensor([1.5, -1.5, 1.0])
        for joint, turn in {
            0: (-1.2, 0.2, 0.3),
            1: (-0.6, -0.3, -0.3),
            2: (0.4, 0.0, 0.0),
            3: (1.6, 0.0, 0.0),
            4: (0.9, 0.0, 0.0),
            15: (0.0, -0.6, -0.7),
            16: (0.0, 0.5, 0.5),
            17: (0.0, -1.3, 0.0),
            18: (0.0, 0.9, 0.0),
        }.items():
            angles[0, joint] = torch.tensor(turn)
    pose = BodyPose(betas=betas, body_pose=angles.reshape(1, 63))
    vertices = body.forward(pose, return_vertices=True).vertices
    assert vertices is not None
    return trimesh.Trimesh(vertices[0].double().numpy(), body.faces.numpy(), process=False)
