"""How near meshes of Gaussians are to the body that the Gaussians lie on, by number of cameras.

    python benchmarks/meshes.py [--cameras 4 8 16 32 64] [--gaussians 50000] [--width 0.6]
        [--thickness 0.1] [--resolution 0.005] [--threads 2] [--out FOLDER]

Two open bodies of different shape, one standing, one crouching with its hands before it. Gaussians
lie in the planes of the surface's triangles, at random places; widths and thicknesses are standard
deviations, in units of how far they are apart. ``closed`` is whether every edge belongs to two
triangles. Distances are in millimetres: of the mesh from the body, of the body from the mesh (the
mouth and the eyeballs, which no camera sees, included), and by how much the mesh lies outside.
``--out`` keeps the meshes of the most cameras, to be looked at.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import trimesh

from mocap.avatar import Gaussians, compare_meshes, constant_harmonics, mesh_of, write_mesh
from mocap.body import Body, BodyPose, load_body

#: Axis-angle of body joints (0 is the left hip), radians.
STANDING = {15: (0.0, 0.0, -0.8), 16: (0.0, 0.0, 0.8)}
CROUCHING = {
    0: (-1.2, 0.2, 0.3),
    1: (-0.6, -0.3, -0.3),
    2: (0.4, 0.0, 0.0),
    3: (1.6, 0.0, 0.0),
    4: (0.9, 0.0, 0.0),
    15: (0.0, -0.6, -0.7),
    16: (0.0, 0.5, 0.5),
    17: (0.0, -1.3, 0.0),
    18: (0.0, 0.9, 0.0),
}
BODIES = {"standing": ((0.0,), STANDING), "crouching": ((1.5, -1.5, 1.0), CROUCHING)}


def vertices_of(body: Body, name: str) -> np.ndarray:
    """Of a posed body, (V, 3) metres."""
    shape, turns = BODIES[name]
    betas, angles = torch.zeros(1, body.num_betas), torch.zeros(1, 21, 3)
    betas[0, : len(shape)] = torch.tensor(shape)
    for joint, turn in turns.items():
        angles[0, joint] = torch.tensor(turn)
    pose = BodyPose(betas=betas, body_pose=angles.reshape(1, 63))
    vertices = body.forward(pose, return_vertices=True).vertices
    assert vertices is not None
    return vertices[0].double().numpy()


def surface_gaussians(
    body: Body, vertices: np.ndarray, count: int, width: float, thickness: float
) -> Gaussians:
    """Nearly opaque Gaussians in the planes of a posed body's triangles."""
    surface = trimesh.Trimesh(vertices, body.faces.numpy(), process=False)
    points, faces = trimesh.sample.sample_surface(surface, count, seed=0)
    apart = float(np.sqrt(surface.area / count))
    # The quaternion that turns z onto the surface's normal.
    x, y, z = torch.from_numpy(surface.face_normals[faces]).float().unbind(-1)
    places = torch.from_numpy(np.asarray(points)).float()
    return Gaussians(
        means=places,
        scales=apart * torch.tensor([width, width, thickness]).repeat(count, 1),
        rotations=torch.stack([1 + z, -y, x, torch.zeros_like(z)], -1) + 1e-6,
        opacities=torch.full((count,), 0.95),
        harmonics=constant_harmonics(0.5 + 0.4 * (12 * places).sin()),
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, nargs="+", default=[4, 8, 16, 32, 64])
    parser.add_argument("--gaussians", type=int, default=50_000)
    parser.add_argument("--width", type=float, default=0.6)
    parser.add_argument("--thickness", type=float, default=0.1)
    parser.add_argument("--resolution", type=float, default=0.005)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    body = load_body()
    print(
        "body       cameras  closed  V-IoU   Chamfer  mesh-body  body-mesh  outside  normals",
        end="",
    )
    print("  triangles  seconds (processor)")
    for name in BODIES:
        vertices = vertices_of(body, name)
        truth = trimesh.Trimesh(vertices, body.faces.numpy(), process=False)
        cloud = surface_gaussians(body, vertices, given.gaussians, given.width, given.thickness)
        for cameras in given.cameras:
            wall, processor = time.perf_counter(), time.process_time()
            mesh = mesh_of(cloud, cameras=cameras, resolution=given.resolution)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            surface = mesh.surface
            quality = compare_meshes(surface, truth)
            lengths = (quality.chamfer, quality.accuracy, quality.completeness, quality.outward)
            chamfer, there, back, outward = (1e3 * length for length in lengths)
            print(
                f"{name:10} {cameras:7}  {'yes' if surface.is_watertight else 'NO':>6}  "
                f"{quality.iou:.4f}  {chamfer:7.2f}  {there:9.2f}  {back:9.2f}  {outward:7.2f}  "
                f"{quality.normal_consistency:7.3f}  {len(mesh.faces):9}  "
                f"{wall:7.1f} ({processor:.1f})",
                flush=True,
            )
        if given.out is not None:
            print(write_mesh(mesh, given.out / f"{name}.ply"))


if __name__ == "__main__":
    main()
