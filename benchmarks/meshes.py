"""How near meshes of Gaussians are to the body that the Gaussians lie on, by number of cameras.

    python benchmarks/meshes.py [--cameras 4 8 16 24 32 64] [--gaussians 50000]
        [--resolution 0.005] [--threads 2] [--out FOLDER]

Two surface avatars of different shape, one standing, one crouching with its hands before it,
against their bodies in the same pose. ``closed`` is whether every edge belongs to two triangles.
Distances are in millimetres: of the mesh from the body, of the body from the mesh (the mouth and
the eyeballs, which no camera sees, included), and by how much the mesh lies outside. ``--out``
keeps the meshes of the most cameras, to be looked at.
"""

import argparse
import time
from pathlib import Path

import torch
import trimesh

from mocap.avatar import compare_meshes, mesh_of, surface_avatar, write_mesh
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


def posed(body: Body, name: str) -> BodyPose:
    """One of the two, one frame."""
    shape, turns = BODIES[name]
    betas, angles = torch.zeros(1, body.num_betas), torch.zeros(1, 21, 3)
    betas[0, : len(shape)] = torch.tensor(shape)
    for joint, turn in turns.items():
        angles[0, joint] = torch.tensor(turn)
    return BodyPose(betas=betas, body_pose=angles.reshape(1, 63))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, nargs="+", default=[4, 8, 16, 24, 32, 64])
    parser.add_argument("--gaussians", type=int, default=50_000)
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
        pose = posed(body, name)
        vertices = body.forward(pose, return_vertices=True).vertices
        assert vertices is not None
        assert pose.betas is not None
        truth = trimesh.Trimesh(vertices[0].double().numpy(), body.faces.numpy(), process=False)
        cloud = surface_avatar(body, pose.betas[0], given.gaussians).posed(pose)
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
